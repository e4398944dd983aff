"""`prozvon why`: why a campaign dials as it does, or does not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from campaigns.pacing.model import LIMITED_BY, Limits, Why
from campaigns.pacing.service import PacingService
from dialer.commands.common import Json, Reply, run, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings

HOUR_S = 3600.0


def why(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many decisions to show.")] = 10,
    as_json: Json = False,
) -> Reply:
    """Why a campaign dials as it does: its last decisions, its limits, its ledger."""
    found = run(_found(use_settings(context), campaign, last))
    data = {
        "pacing": found,
        "ledger": {"rate": found.ledger.rate, "left": found.ledger.left},
    }
    return Reply(data, pacing_part(found))


async def _found(settings: Settings, campaign: str, last: int) -> Why:
    async with open_floor(settings) as floor:
        return await PacingService(floor.pool, floor.floor_id).why(campaign, last)


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
