"""The report `signals`: operators far off the others on the same list, and lists of dead numbers.

What operators are compared by is in `signals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from campaigns.list_health.model import DEAD_LIST_SHARE
from campaigns.list_health.model import ENOUGH as ENOUGH_ATTEMPTS
from campaigns.refusals import Sentence
from monitoring.reports.bases import WARNINGS, Made
from monitoring.reports.catalog import Request
from monitoring.reports.forms_signals import LISTS, OPERATORS, TITLES
from monitoring.reports.sheet import Chart, Row, Table, Value
from monitoring.reports.signals import MEASURES, Signal, Worked, signals
from monitoring.reports.source import TOTAL, Facts, Found, Names, Scope, Source

NAMED = 10
# Those that say something of a person; and of a number.
TOLD = ("answered", "no_answer", "busy", "rejected", "machine", "abandoned")
TOLD_OF_NUMBERS = (*TOLD, "invalid")
REACHED = ("answered", "abandoned")
COUNTED = ("dials", "hasty", "conversations", "short", "leads", "first_touch")


async def signals_of(source: Source, scope: Scope, request: Request) -> Made:
    """Medians are of everybody on the floor, whoever is asked for."""
    everyone = replace(scope, operators=None)
    found = signals(worked(await source.worked(request.period, everyone)))
    asked = [one for one in found if _asked(one, scope)]
    asked.sort(key=lambda one: _place(one, source.names))
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


def worked(found: Found) -> Iterable[Worked]:
    """What `Source.worked` found, without what belongs to no operator or no list."""
    for key, facts in found.items():
        operator_id, list_id = map(int, key.split()) if key and key != TOTAL else (0, 0)
        if operator_id and list_id:
            yield Worked(operator_id, list_id, **_counts(facts))


def _counts(facts: Facts) -> dict[str, Any]:
    told = sum(facts.get(outcome, 0) for outcome in TOLD)
    return {
        "told": told,
        "not_reached": told - sum(facts.get(outcome, 0) for outcome in REACHED),
        "given_up_rang": facts.get("given_up_rings_count", 0),
        "given_up_ring_s": (facts.get("given_up_rings") or (None,))[0],
        **{name: facts.get(name, 0) for name in COUNTED},
    }


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
    told = sum(facts[outcome] for outcome in TOLD_OF_NUMBERS)
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
