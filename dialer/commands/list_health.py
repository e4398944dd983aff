"""`prozvon list health`: how good a list is and how long it lasts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from campaigns.list_health.model import Health, Shares
from campaigns.list_health.service import ListHealthService
from campaigns.refusals import Sentence
from dialer.commands.common import Json, Reply, run, say, speech, table, use_settings
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


WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "ru": ("пн", "вт", "ср", "чт", "пт", "сб", "вс"),
}
WARNINGS = {
    "dead_numbers": Sentence(
        "Many numbers of this list do not exist: ask its source, or check a sample.",
        "Многих номеров этой базы не существует: спросите, откуда она, или проверьте выборку.",
    ),
    "closed_at_first_touch": Sentence(
        "Many leads were closed after one approach without being reached.",
        "Многие лиды закрыты после одного подхода, дозвониться до них не успели.",
    ),
}


def _healthy(health: Health) -> list[Any]:
    leads, shares = health.leads, health.shares
    rows = [
        (say("contacts", "контактов"), leads.contacts),
        (say("not in a campaign", "не в кампаниях"), leads.without_lead),
        (say("leads open", "лидов в работе"), leads.open),
        (say("leads closed", "лидов закрыто"), leads.closed),
        (say("attempts", "наборов"), shares.attempts),
        (say("answered, %", "ответили, %"), _percent(shares.answered)),
        (say("no answer, %", "не ответили, %"), _percent(shares.no_answer)),
        (say("busy, %", "занято, %"), _percent(shares.busy)),
        (say("invalid, %", "номера нет, %"), _percent(shares.invalid)),
        (
            say("not reached of those dialed, %", "недозвон из набранных, %"),
            _percent(health.not_reached_share),
        ),
        (
            say("closed after the first touch, %", "закрыто после первого касания, %"),
            _percent(health.first_touch_share),
        ),
        (say("leads closed per working day", "закрывается за рабочий день"), health.closed_per_day),
        (say("working days left", "осталось рабочих дней"), health.days_left),
    ]
    days = [
        (str(day.day), day.shares.attempts, *map(_percent, _of_day(day.shares)))
        for day in health.days[-14:]
    ]
    columns = (say("day", "день"), *(name for name, _ in rows[4:9]))
    hours = [
        (WEEKDAYS[speech.language][one.weekday], f"{one.hour:02}", _percent(one.share), one.dials)
        for one in health.best_hours
    ]
    parts: list[Any] = [table(("", say("value", "значение")), rows, health.name)]
    parts += [table(columns, days)] if days else []
    hour_columns = (
        say("weekday", "день недели"),
        say("hour, local", "час, местный"),
        say("answers to expect, %", "ожидается ответов, %"),
        say("dials", "наборов"),
    )
    best = say("Best hours", "Лучшие часы")
    parts += [table(hour_columns, hours, best)] if hours else []
    return parts + [WARNINGS[warning].to(speech.language) for warning in health.warnings]


def _of_day(shares: Shares) -> tuple[float | None, ...]:
    return (shares.answered, shares.no_answer, shares.busy, shares.invalid)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
