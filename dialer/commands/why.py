"""`prozvon why`: why a campaign dials as it does, or does not; why a lead is not dialed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from campaigns.campaign.model import STATUS_WORDS, CampaignStatus
from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.pacing.model import Limits, PacingError, Why
from campaigns.pacing.service import PacingService
from campaigns.pacing.words import LIMITED_BY
from campaigns.refusals import Sentence
from campaigns.rules.effective import Effective
from campaigns.rules.model import RULES
from campaigns.rules.service import RulesService
from campaigns.rules.why import CampaignWhy, LeadWhy, Reason, WhyError, WhyService
from dialer.commands.campaign_shown import MODE_WORDS
from dialer.commands.common import Json, Reply, run, say, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings

HOUR_S = 3600.0
LEAD = re.compile(r"\+?[0-9][0-9 ()\-]*\Z")
PHONE_DIGITS = 10

LIMITS_TITLES = (
    Sentence("limited by", "чем ограничен"),
    Sentence("decisions of the last hour", "решений за час"),
    Sentence("that is", "то есть"),
)
DECISION_TITLES = (
    Sentence("at (UTC)", "когда (UTC)"),
    Sentence("asked", "просили"),
    Sentence("placed", "набрано"),
    Sentence("limited by", "чем ограничен"),
    Sentence("why", "почему"),
)
LEADS_TITLES = (
    Sentence("leads by rule", "лиды по правилам"),
    Sentence("leads", "лидов"),
    Sentence("that is", "то есть"),
    Sentence("the first changes at", "первый изменится (UTC)"),
)
RULE_TITLES = (
    Sentence("rule", "правило"),
    Sentence("what counts", "что действует"),
    Sentence("the campaign", "кампания"),
    Sentence("the legal profile", "правовой профиль"),
    Sentence("by", "кто задал"),
)
REASON_TITLES = (
    Sentence("that is", "то есть"),
    Sentence("phone", "телефон"),
    Sentence("until (UTC)", "до (UTC)"),
)


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
        table((f"{found.name}: {_status(found)} ({_mode(found)})", ""), _summary(found)),
        table(_titles(LIMITS_TITLES), _limits_met(found)),
        table(_titles(DECISION_TITLES), _decisions(found)),
    ]


def _status(found: Why) -> str:
    return STATUS_WORDS[CampaignStatus(found.status)].to(speech.language)


def _mode(found: Why) -> str:
    return MODE_WORDS[found.mode].to(speech.language)


def _titles(columns: Sequence[Sentence]) -> list[str]:
    return [column.to(speech.language) for column in columns]


def _summary(found: Why) -> list[tuple[str, str]]:
    ledger, limits = found.ledger, found.limits
    hours = ledger.window_s / HOUR_S
    window = say(f"{hours:.0f} h", f"{hours:.0f} ч")
    if hours >= 72:
        window = say(f"{hours / 24:.0f} days", f"{hours / 24:.0f} дн.")
    rate, cap = f"{100 * ledger.rate:.2f} %", f"{100 * ledger.cap:g} %"
    return [
        (say("legal profile", "правовой профиль"), found.legal_profile),
        (
            say("answered by people", "ответили люди"),
            say(f"{ledger.answered} in {window}", f"{ledger.answered} за {window}"),
        ),
        (
            say("abandoned", "брошено"),
            f"{ledger.abandoned} ({rate}, {say('cap', 'предел')} {cap})",
        ),
        (
            say("may still be abandoned", "можно ещё бросить"),
            f"{ledger.left:.1f} {say('people', 'чел.')}",
        ),
        *_own_limits(limits),
    ]


def _per_cent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _own_limits(limits: Limits) -> list[tuple[str, str]]:
    per_operator = limits.lines_per_operator
    free = say("no limit", "без предела")
    ring = f"{limits.ring_timeout_s:g}"
    return [
        (say("weight", "вес"), f"{limits.weight:g}"),
        (
            say("skills needed", "нужны навыки"),
            ", ".join(limits.skills) or say("none", "никакие"),
        ),
        (
            say("lines at most", "линий не больше"),
            free if limits.max_lines is None else str(limits.max_lines),
        ),
        (
            say("lines per operator", "линий на оператора"),
            free if per_operator is None else f"{per_operator:g}",
        ),
        (
            say("ringing at least until given up", "звонить не меньше"),
            say(f"{ring} s", f"{ring} с"),
        ),
    ]


def _limits_met(found: Why) -> list[tuple[object, ...]]:
    nothing = Sentence("", "")
    return [
        (name, count, LIMITED_BY.get(name, nothing).to(speech.language))
        for name, count in found.limited_by.items()
    ]


def _decisions(found: Why) -> list[tuple[object, ...]]:
    return [
        (d.at, d.asked, d.placed, d.limited_by, Sentence(d.reason, d.reason_ru).to(speech.language))
        for d in found.decisions
    ]


def rules_part(found: CampaignWhy) -> list[Any]:
    """The part about leads, for people."""
    rows = [
        (rule, count, _rule(rule), _when(found.changes_at.get(rule)))
        for rule, count in found.leads.items()
    ]
    parts: list[Any] = [table(_titles(LEADS_TITLES), rows)]
    if found.reasons:
        title = say("no lead is dialed because", "ни один лид не набирается, потому что")
        parts.insert(0, _reasons(title, found.reasons))
    parts.append(effective_table(found.effective))
    if found.warnings:
        told = [(w.ru if speech.language == "ru" else w.en) for w in found.warnings]
        parts += [f"! {sentence}" for sentence in told]
    return parts


NOT_JUDGED = Sentence(
    "whose turn has not come: rules are asked near it", "до них ещё не дошла очередь проверки"
)


def _rule(rule: str) -> str:
    if rule == "dialable":
        return say("nothing keeps them", "ничто не мешает")
    if rule == "not_judged_yet":
        return NOT_JUDGED.to(speech.language)
    return RULES[rule].to(speech.language) if rule in RULES else ""


RULE_WORDS = {
    "campaign": "кампания",
    "profile": "профиль",
    "both": "оба",
    "needed": "нужно",
    "none": "нет",
}


def effective_table(found: Sequence[Effective]) -> Any:
    """Rules in force, and who set each."""
    rows = [
        (e.rule, *(say(cell, RULE_WORDS.get(cell, cell)) for cell in cells))
        for e in found
        for cells in [(e.value, e.campaign, e.profile, e.set_by)]
    ]
    return table(_titles(RULE_TITLES), rows)


def lead_reply(found: Sequence[LeadWhy]) -> Reply:
    """Every lead, with every rule that keeps it."""
    parts: list[Any] = []
    for lead in found:
        title = say(
            f"lead {lead.lead} of {lead.campaign}: {lead.status}",
            f"лид {lead.lead} кампании {lead.campaign}: {lead.status}",
        )
        if lead.dialable:
            free = say(
                "nothing keeps it, it waits for its turn", "ничто не мешает, он ждёт очереди"
            )
            parts.append(f"{title}; {free}")
        else:
            parts.append(_reasons(title, lead.reasons))
    return Reply(list(found), parts)


def _reasons(title: str, reasons: Sequence[Reason]) -> Any:
    rows = [(r.rule, say(r.en, r.ru), r.phone_position, _when(r.changes_at)) for r in reasons]
    return table((title, *_titles(REASON_TITLES)), rows)


def _when(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M}" if at else None
