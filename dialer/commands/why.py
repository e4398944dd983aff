"""`prozvon why`: why a campaign dials as it does, or does not; why a lead is not dialed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.pacing.model import LIMITED_BY, Limits, PacingError, Why
from campaigns.pacing.service import PacingService
from campaigns.rules.service import RulesService
from campaigns.rules.why import CampaignWhy, LeadWhy, Reason, WhyError, WhyService
from dialer.commands.common import Json, Reply, run, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings

HOUR_S = 3600.0
LEAD = re.compile(r"\+?[0-9][0-9 ()\-]*\Z")
PHONE_DIGITS = 10


def why(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="A campaign's name, a lead's id, or a phone.")],
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many decisions to show.")] = 10,
    as_json: Json = False,
) -> Reply:
    """Why a campaign dials as it does, or a lead is not dialed: every rule that keeps it, and when
    that changes."""
    return run(_why(use_settings(context), target, last))


async def _why(settings: Settings, target: str, last: int) -> Reply:
    async with open_floor(settings) as floor:
        rules = WhyService(RulesService(floor.pool, floor.floor_id))
        try:
            found = await PacingService(floor.pool, floor.floor_id).why(target, last)
        except PacingError:
            if not LEAD.match(target):
                raise
            return lead_reply(await _leads(rules, settings, target))
        kept = await rules.campaign(target)
    data = {
        "pacing": found,
        "ledger": {"rate": found.ledger.rate, "left": found.ledger.left},
        "rules": kept,
    }
    return Reply(data, [*pacing_part(found), *rules_part(kept)])


async def _leads(rules: WhyService, settings: Settings, target: str) -> list[LeadWhy]:
    if target.isdigit() and len(target) < PHONE_DIGITS:
        return await rules.leads(lead_id=int(target))
    phone = parse_phone(target, settings.floor.phone_region)
    if isinstance(phone, BadPhone):
        raise WhyError(
            "unknown_lead",
            f"no lead and no phone: {phone.sentence.en}",
            f"ни лида, ни телефона: {phone.sentence.ru}",
            status=404,
        )
    return await rules.leads(phone=phone.e164)


def pacing_part(found: Why) -> list[Any]:
    """The part about pacing, for people."""
    return [
        table((f"{found.name}: {found.status} ({found.mode})", ""), _summary(found)),
        table(("limited by", "decisions of the last hour", "that is"), _limits_met(found)),
        table(("at (UTC)", "asked", "placed", "limited by", "why"), _decisions(found)),
    ]


def _summary(found: Why) -> list[tuple[str, str]]:
    ledger, limits = found.ledger, found.limits
    window = (
        f"{ledger.window_s / HOUR_S:.0f} h"
        if ledger.window_s < 72 * HOUR_S
        else f"{ledger.window_s / (24 * HOUR_S):.0f} days"
    )
    return [
        ("legal profile", found.legal_profile),
        ("answered by people", f"{ledger.answered} in {window}"),
        (
            "abandoned",
            f"{ledger.abandoned} ({100 * ledger.rate:.2f} %, cap {100 * ledger.cap:g} %)",
        ),
        ("may still be abandoned", f"{ledger.left:.1f} people"),
        *_own_limits(limits),
    ]


def _per_cent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _own_limits(limits: Limits) -> list[tuple[str, str]]:
    per_operator = limits.lines_per_operator
    return [
        ("weight", f"{limits.weight:g}"),
        ("skills needed", ", ".join(limits.skills) or "none"),
        ("lines at most", "no limit" if limits.max_lines is None else str(limits.max_lines)),
        ("lines per operator", "no limit" if per_operator is None else f"{per_operator:g}"),
        ("ringing at least until given up", f"{limits.ring_timeout_s:g} s"),
    ]


def _limits_met(found: Why) -> list[tuple[object, ...]]:
    return [(name, count, LIMITED_BY.get(name, "")) for name, count in found.limited_by.items()]


def _decisions(found: Why) -> list[tuple[object, ...]]:
    return [(d.at, d.asked, d.placed, d.limited_by, d.reason) for d in found.decisions]


def rules_part(found: CampaignWhy) -> list[Any]:
    """The part about leads, for people."""
    rows = [(rule, count, _when(found.changes_at.get(rule))) for rule, count in found.leads.items()]
    parts: list[Any] = [table(("leads by rule", "leads", "the first changes at"), rows)]
    if found.reasons:
        parts.insert(0, _reasons("no lead is dialed because", found.reasons))
    rules = [(e.rule, e.value, e.campaign, e.profile, e.set_by) for e in found.effective]
    parts.append(table(("rule", "what counts", "the campaign", "the legal profile", "by"), rules))
    if found.warnings:
        told = [(w.ru if speech.language == "ru" else w.en) for w in found.warnings]
        parts += [f"! {sentence}" for sentence in told]
    return parts


def lead_reply(found: Sequence[LeadWhy]) -> Reply:
    """Every lead, with every rule that keeps it."""
    parts: list[Any] = []
    for lead in found:
        title = f"lead {lead.lead} of {lead.campaign}: {lead.status}"
        if lead.dialable:
            parts.append(f"{title}; nothing keeps it, it waits for its turn")
        else:
            parts.append(_reasons(title, lead.reasons))
    return Reply(list(found), parts)


def _reasons(title: str, reasons: Sequence[Reason]) -> Any:
    rows = [(r.rule, r.en, r.ru, r.phone_position, _when(r.changes_at)) for r in reasons]
    return table((title, "that is", "то есть", "phone", "until (UTC)"), rows)


def _when(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M}" if at else None
