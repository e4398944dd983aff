"""The report `signals`: operators far off the others on the same list, and lists of dead numbers.

It reads the rows, so its period is bounded; what operators are compared by is in `signals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from campaigns.list_health.model import DEAD_LIST_SHARE
from campaigns.list_health.model import ENOUGH as ENOUGH_ATTEMPTS
from campaigns.refusals import Sentence
from monitoring.reports.bases import WARNINGS, Made
from monitoring.reports.catalog import Request
from monitoring.reports.errors import ReportError
from monitoring.reports.forms_signals import LISTS, OPERATORS, TITLES
from monitoring.reports.period import Period
from monitoring.reports.sheet import Chart, Row, Table, Value
from monitoring.reports.signals import HASTY_S, MEASURES, Signal, Worked, signals
from monitoring.reports.source import SQL, TOTAL, Facts, Names, Scope, Source

MOST_DAYS = 92
ONE_HOUR = timedelta(hours=1)  # what a change of clocks adds
NAMED = 10
# Those that say something of a number, dead ones too.
TOLD = ("answered", "no_answer", "busy", "invalid", "rejected", "machine", "abandoned")


async def signals_of(source: Source, scope: Scope, request: Request) -> Made:
    """Medians are of everybody on the floor, whoever is asked for. Raises ReportError `too_large`
    for more than MOST_DAYS."""
    period = request.period
    if period.until - period.since > timedelta(days=MOST_DAYS) + ONE_HOUR:
        raise _too_long(period)
    rows = await source.connection.fetch(
        SQL.signals,
        *(source.floor_id, period.since, period.until, scope.campaigns, scope.lists, HASTY_S),
    )
    found = signals(Worked(**row) for row in rows)
    asked = [one for one in found if _asked(one, scope)]
    asked.sort(key=lambda one: _place(one, source.names))
    everyone = replace(scope, operators=None)
    by_list = await source.calls(replace(request, by="list"), everyone)
    touched = {str(one.worked.list_id) for one in asked}
    lists = {
        source.names.lists[int(key)]: facts
        for key, facts in by_list.items()
        if key is not None and key != TOTAL and int(key) in source.names.lists
        and (scope.operators is None or key in touched)
    }  # fmt: skip
    people = Table(OPERATORS, tuple(Row(_cells(one, source.names)) for one in asked))
    numbers = Table(LISTS, tuple(Row(_numbers(name, lists[name])) for name in sorted(lists)))
    title = Sentence("Share of dead numbers", "Доля мёртвых номеров")
    chart = Chart("invalid", title, "bar", LISTS.key, "list", ("invalid_share",))
    warnings = (*_far_off(asked, source.names), *_dead(numbers.rows))
    return (people, numbers), (chart,), warnings


def _asked(one: Signal, scope: Scope) -> bool:
    return scope.operators is None or one.worked.operator_id in scope.operators


def _place(one: Signal, names: Names) -> tuple[str, int, str]:
    person = names.people[one.worked.operator_id]
    return person.login, person.id, names.lists[one.worked.list_id]


def _cells(one: Signal, names: Names) -> tuple[Value, ...]:
    person = names.people[one.worked.operator_id]
    figures: list[Value] = []
    for measure in MEASURES:
        pair = (one.own[measure], one.medians[measure])
        figures += [None if value is None else round(value, 6) for value in pair]
    return (
        *(person.login, person.name, names.lists[one.worked.list_id]),
        *(one.worked.dials, one.worked.conversations),
        *figures,
        *(one.peers, len(one.far), _said(one) if one.far else None),
    )


def _said(one: Signal) -> Sentence:
    titles = [TITLES[measure] for measure in one.far]
    return Sentence(", ".join(t.en for t in titles), ", ".join(t.ru for t in titles))


def _numbers(name: str, facts: Facts) -> tuple[Value, ...]:
    told = sum(facts[outcome] for outcome in TOLD)
    share = facts["invalid"] / told if told else None
    dead = share is not None and told >= ENOUGH_ATTEMPTS and share >= DEAD_LIST_SHARE
    return name, facts["dials"], facts["invalid"], share and round(share, 6), dead


def _far_off(asked: Sequence[Signal], names: Names) -> Iterable[Sentence]:
    """One sentence that names the first of them; the table has them all."""
    marked = [one for one in asked if one.far]
    if not marked:
        return
    who = ", ".join(
        f"{names.people[one.worked.operator_id].login} ({names.lists[one.worked.list_id]})"
        for one in marked[:NAMED]
    ) + (", …" if len(marked) > NAMED else "")
    yield Sentence(
        f"far off the others on the same list, listen to their calls: {who}",
        f"далеко от других на той же базе, послушайте их звонки: {who}",
    )


def _dead(rows: Iterable[Row]) -> Iterable[Sentence]:
    said = WARNINGS["dead_numbers"]
    for row in rows:
        if row.cells[-1]:
            yield Sentence(f"{row.cells[0]}: {said.en}", f"{row.cells[0]}: {said.ru}")


def _too_long(period: Period) -> ReportError:
    first = (period.until - timedelta(days=MOST_DAYS)).astimezone(period.zone)
    text = f"--from {first + ONE_HOUR:%Y-%m-%dT%H:%M}"
    return ReportError(
        "too_large",
        f"this report compares calls one by one: take at most {MOST_DAYS} days, {text} say",
        f"этот отчёт сравнивает звонки по одному: возьмите не больше {MOST_DAYS} дней, "
        f"например {text}",
    )
