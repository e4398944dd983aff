"""`prozvon list health`: how good a list is and how long it lasts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from campaigns.list_health.model import Health, Shares
from campaigns.list_health.service import ListHealthService
from dialer.commands.common import Json, Reply, run, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings


def health(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The list.")],
    as_json: Json = False,
) -> Reply:
    """How good a list is: dead numbers, not reached, days of work left, best hours to call."""
    found = run(_health(use_settings(context), name))
    return Reply(found, _healthy(found))


async def _health(settings: Settings, name: str) -> Health:
    async with open_floor(settings) as floor:
        return await ListHealthService(floor.pool, floor.floor_id).health(name)


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WARNINGS = {
    "dead_numbers": "Many numbers of this list do not exist: ask its source, or check a sample.",
    "closed_at_first_touch": "Many leads were closed after one approach without being reached.",
}


def _healthy(health: Health) -> list[Any]:
    leads, shares = health.leads, health.shares
    rows = [
        ("contacts", leads.contacts),
        ("not in a campaign", leads.without_lead),
        ("leads open", leads.open),
        ("leads closed", leads.closed),
        ("attempts", shares.attempts),
        ("answered, %", _percent(shares.answered)),
        ("no answer, %", _percent(shares.no_answer)),
        ("busy, %", _percent(shares.busy)),
        ("invalid, %", _percent(shares.invalid)),
        ("not reached of those dialed, %", _percent(health.not_reached_share)),
        ("closed after the first touch, %", _percent(health.first_touch_share)),
        ("leads closed per working day", health.closed_per_day),
        ("working days left", health.days_left),
    ]
    days = [
        (str(day.day), day.shares.attempts, *map(_percent, _of_day(day.shares)))
        for day in health.days[-14:]
    ]
    columns = ("day", "attempts", "answered, %", "no answer, %", "busy, %", "invalid, %")
    hours = [
        (WEEKDAYS[one.weekday], f"{one.hour:02}", _percent(one.share), one.dials)
        for one in health.best_hours
    ]
    parts: list[Any] = [table(("", "value"), rows, health.name)]
    parts += [table(columns, days)] if days else []
    hour_columns = ("weekday", "hour, local", "answers to expect, %", "dials")
    parts += [table(hour_columns, hours, "Best hours")] if hours else []
    return parts + [WARNINGS[warning] for warning in health.warnings]


def _of_day(shares: Shares) -> tuple[float | None, ...]:
    return (shares.answered, shares.no_answer, shares.busy, shares.invalid)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
