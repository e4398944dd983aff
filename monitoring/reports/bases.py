"""PURE. Reports about lists: when their people answer, how good they are, how long they last."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.list_health.model import Cell, Health, best_hours
from campaigns.refusals import Sentence
from monitoring.reports.forms_bases import HOURS, LISTS
from monitoring.reports.sheet import Chart, Row, Table

Made = tuple[tuple[Table, ...], tuple[Chart, ...], tuple[Sentence, ...]]

FEW_DAYS = 3.0
"""Fewer days of work left are worth a warning: a new base takes that long to get."""


def best_hours_of(cells: Sequence[Cell]) -> Made:
    """One row an hour of the week that was dialed, Monday first, and the map of them."""
    learned = best_hours(cells)
    rows = tuple(
        Row((*_place(cell), cell.dials, cell.answers, _share(cell.answers, cell.dials),
             round(learned.share(*_place(cell)), 6)))
        for cell in sorted(cells, key=_place)
    )  # fmt: skip
    totals = None
    if rows:
        answers = sum(cell.answers for cell in cells)
        overall = _share(answers, learned.dials)
        totals = Row((None, None, learned.dials, answers, overall, None))
    heat = Chart("heat", HOURS.title, "heat", HOURS.key, "hour", ("answer_share",), "weekday")
    return (Table(HOURS, rows, totals),), (heat,), ()


def lists_of(healths: Sequence[Health]) -> Made:
    """One row a list, by name, and what a manager should look at."""
    ordered = sorted(healths, key=lambda health: health.name)
    rows = tuple(Row(_standing(health)) for health in ordered)
    title = Sentence("Still to dial and closed", "Ещё набирать и закрыты")
    chart = Chart("leads", title, "stack", LISTS.key, "list", ("open", "closed"))
    return (Table(LISTS, rows),), (chart,), tuple(w for h in ordered for w in _warnings(h))


def _standing(health: Health) -> tuple[str | int | float | None, ...]:
    leads, shares = health.leads, health.shares
    floats = (
        health.closed_per_day,
        health.days_left,
        shares.answered,
        shares.invalid,
        health.not_reached_share,
        health.first_touch_share,
    )
    per_day, left, *parts = (None if one is None else round(one, 6) for one in floats)
    still = leads.open + leads.without_lead
    return (
        *(health.name, leads.contacts, still, leads.closed, per_day, left, shares.attempts),
        *parts,
    )


def _warnings(health: Health) -> list[Sentence]:
    found = [WARNINGS[id] for id in health.warnings]
    if health.days_left is not None and 0 < health.days_left < FEW_DAYS:
        left = f"{health.days_left:.1f}"
        found.append(Sentence(f"work for {left} days is left", f"работы осталось на {left} дн."))
    return [Sentence(f"{health.name}: {one.en}", f"{health.name}: {one.ru}") for one in found]


WARNINGS = {
    "dead_numbers": Sentence(
        "many numbers do not exist: ask its source, or check a sample",
        "много несуществующих номеров: спросите источник базы или проверьте выборку",
    ),
    "closed_at_first_touch": Sentence(
        "many leads were closed after the first touch without being reached",
        "много лидов закрыто после первого касания без дозвона",
    ),
}


def _place(cell: Cell) -> tuple[int, int]:
    return cell.weekday, cell.hour


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
