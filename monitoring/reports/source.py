"""Where reports get their numbers: roll-ups where they have them, else the rows, in one snapshot.

Both are made by the same functions of the database (see its migrations), so the sums are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from dialer.database.queries import Queries
from monitoring.reports.catalog import By, Filters, Request
from monitoring.reports.errors import unknown
from monitoring.reports.period import GREENWICH, Period
from monitoring.rollups.histogram import counts, quantile
from monitoring.rollups.service import BEGINNING, read_rolled
from monitoring.rollups.service import SQL as ROLLED
from monitoring.rollups.spans import (
    HOURS,
    QUARTERS,
    Cut,
    Grid,
    Span,
    Spans,
    days_of,
    hours_inside,
    in_step,
    split,
    split_by_hours,
)

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    from dialer.database.pool import Connection

    Session = Connection | PoolConnectionProxy[asyncpg.Record]

SQL = Queries.load("monitoring.reports")
PEOPLE_CUTS = ("operator", "team")
PAIR: Literal["operator and list"] = "operator and list"
Way = By | Literal["operator and list"] | None

Facts = dict[str, Any]
Found = dict[str | None, Facts]
TOTAL = "\0total"
"""The key of all together: no name has that character. None: what belongs to no row."""
END = datetime(9000, 1, 1, tzinfo=UTC)
TIME_GRAINS = {"floor_quarter": "quarter", "person_day": "day"}
HISTOGRAMS = ("intervals", "own_intervals", "given_up_rings", "waits")


@dataclass(frozen=True, slots=True)
class Person:
    """An operator, present or former (a login may have belonged to several people)."""

    id: int
    login: str
    name: str
    team: str
    present: bool


@dataclass(frozen=True, slots=True)
class Names:
    """What there is on the floor, by id."""

    floor: str
    people: Mapping[int, Person]
    campaigns: Mapping[int, str]
    lists: Mapping[int, str]

    @property
    def teams(self) -> list[str]:
        return sorted({person.team for person in self.people.values() if person.team})


@dataclass(frozen=True, slots=True)
class Scope:
    """Ids of what a report is about; None: all."""

    operators: list[int] | None = None
    campaigns: list[int] | None = None
    lists: list[int] | None = None


class Source:
    """Numbers of one floor out of one session, which the caller holds in a transaction."""

    def __init__(
        self,
        connection: Session,
        floor_id: int,
        names: Names,
        rolled: tuple[Span | None, Spans, str],
    ) -> None:
        self.connection, self.floor_id, self.names = connection, floor_id, names
        self._rolled, self._changes, self.zone = rolled

    @classmethod
    async def open(cls, connection: Session, floor_id: int) -> Source:
        rows = await connection.fetch(SQL.names, floor_id)
        of: dict[str, dict[int, Any]] = {"floor": {}, "operator": {}, "campaign": {}, "list": {}}
        for row in rows:
            of[row["kind"]][row["id"]] = row
        people = {
            id: Person(id, row["name"], row["full_name"], row["team"], row["present"])
            for id, row in of["operator"].items()
        }
        named = {kind: {id: row["name"] for id, row in of[kind].items()} for kind in of}
        names = Names(named["floor"][floor_id], people, named["campaign"], named["list"])
        return cls(connection, floor_id, names, await read_rolled(connection, floor_id))

    def scope(self, filters: Filters) -> Scope:
        """Raises ReportError `unknown_operator`, `unknown_team` ..."""
        names = self.names
        people = list(names.people.values())
        operators = None
        if filters.teams:
            _known("team", filters.teams, names.teams)
            operators = [one.id for one in people if one.team in filters.teams]
        if filters.operators:
            _known("operator", filters.operators, {one.login for one in people})
            own = [one.id for one in people if one.login in filters.operators]
            operators = own if operators is None else [id for id in own if id in operators]
        campaigns = _ids("campaign", filters.campaigns, names.campaigns)
        return Scope(operators, campaigns, _ids("list", filters.lists, names.lists))

    # --- what is counted

    async def calls(self, request: Request, scope: Scope, *, seconds: bool = False) -> Found:
        """Dials, outcomes, conversations; `seconds`: medians of intervals and rings too."""
        own = request.by in PEOPLE_CUTS
        wanted = ["own_intervals" if own else "intervals", "given_up_rings"] if seconds else []
        found = await self._calls(request.by, request.period, scope, wanted)
        for facts in found.values():
            hers = facts.get("own_intervals" if own else "intervals")
            facts["interval_median_s"], facts["interval_p90_s"] = hers or (None, None)
            facts["given_up_ring_s"] = (facts.get("given_up_rings") or (None,))[0]
        return found

    async def worked(self, period: Period, scope: Scope) -> Found:
        """Calls by operator and list, "7 3"; `hasty` dials, `leads` first touched in the period
        and of these those closed at the `first_touch`."""
        found = await self._calls(PAIR, period, scope, ["given_up_rings"])
        kept, rest = self._split(period, days_of(ZoneInfo(self.zone)))
        asked = (scope.campaigns, scope.lists)
        rows = await self.connection.fetch(
            SQL.hasty, self.floor_id, *_ends(kept), *_ends(rest), *asked
        )
        until = await self.connection.fetchval(ROLLED.leads_rolled, self.floor_id)
        whole = Span(period.since, period.until)
        days, ends = split(whole, whole, (), days_of(ZoneInfo(self.zone)))
        rows += await self.connection.fetch(
            SQL.touches,
            *(self.floor_id, until, period.since, period.until),
            *([moment.astimezone(ZoneInfo(self.zone)).date() for moment in side]
              for side in _ends(days)),
            *(*_ends(ends), *asked),
        )  # fmt: skip
        for row in rows:
            facts = found.setdefault(f"{row['operator_id']} {row['list_id']}", {})
            facts |= dict(row)
        return found

    async def said(self, request: Request, scope: Scope) -> list[asyncpg.Record]:
        """Attempts by key and disposition."""
        return await self._rows("said", request.by, request.period, scope)

    async def time(self, request: Request, scope: Scope) -> Found:
        """Seconds in each state, `<state>_s`, and waits of predictive campaigns."""
        rows = await self._rows("time", request.by, request.period, scope)
        found: Found = {_key(row): _read(dict(row)) for row in rows}
        for facts in found.values():
            facts["wait_median_s"], facts["wait_p90_s"] = facts.get("waits") or (None, None)
        return found

    async def hours(self, period: Period, scope: Scope) -> list[asyncpg.Record]:
        """Dials and answers by weekday and hour of the called people's own time."""
        kept, rest = self._split(period, days_of(ZoneInfo(self.zone)))
        return await self.connection.fetch(
            SQL.hours,
            *(self.floor_id, *_ends(kept), *_ends(rest), scope.campaigns, scope.lists),
        )

    async def leads(self, scope: Scope, since: date) -> list[asyncpg.Record]:
        """Counts of leads by campaign, list and the day they were closed on; days before `since`
        as that one."""
        until = await self.connection.fetchval(ROLLED.leads_rolled, self.floor_id)
        return await self.connection.fetch(
            SQL.leads, self.floor_id, until, scope.campaigns, scope.lists, since
        )

    def places(self, by: Way, period: Period) -> tuple[list[Any], ...]:
        """Where calls by campaign and list stand: grains, beginnings and ends of spans of
        roll-ups; beginnings and ends of spans of rows."""
        kept, rest = self._places(by, period, people=False, merged=False)
        return [grain for grain, _ in kept], *_ends(tuple(span for _, span in kept)), *_ends(rest)

    async def list_days(self, scope: Scope, last: int) -> list[asyncpg.Record]:
        """Outcomes by list and day, of each list's `last` days with dials; before them in one."""
        ever = Period(BEGINNING, END, ZoneInfo(self.zone))
        places = self.places("list", ever)
        return await self.connection.fetch(
            SQL.list_days, self.floor_id, *places, self.zone, scope.lists, last
        )

    async def _calls(self, by: Way, period: Period, scope: Scope, wanted: list[str]) -> Found:
        found: Found = {}
        for row in await self._rows("cells", by, period, scope, wanted):
            found[_key(row)] = _read(dict(row))
        if _by_people(by, scope):
            for row in await self._shared(by, period, scope):
                facts = found.setdefault(_key(row), {})
                for name in ("conversations", "talk_s", "short"):
                    facts[name] = (facts.get(name) or 0) + row[name]
        return found

    async def _rows(
        self, query: str, by: Way, period: Period, scope: Scope, *more: object
    ) -> list[asyncpg.Record]:
        people, merged = _by_people(by, scope), _merged(by, scope)
        kept, rest = self._places(by, period, people=people, merged=merged)
        grains, narrowed = [grain for grain, _ in kept], [scope.operators]
        if query == "time":  # which is kept once, as it belongs to no campaign and no list
            grains = [TIME_GRAINS.get(grain, grain) for grain in grains]
        else:
            narrowed += [scope.campaigns, scope.lists]
        return await self.connection.fetch(
            SQL[query],
            *(self.floor_id, grains, people),
            *(*_ends(tuple(span for _, span in kept)), *_ends(rest)),
            *(by, period.zone.key, *narrowed, *more),
        )

    async def _shared(self, by: Way, period: Period, scope: Scope) -> list[asyncpg.Record]:
        return await self.connection.fetch(
            SQL.shared_talks,
            *(self.floor_id, period.since, period.until, by, period.zone.key),
            *(scope.operators, scope.campaigns, scope.lists),
        )

    def _places(
        self, by: Way, period: Period, *, people: bool, merged: bool
    ) -> tuple[list[tuple[str, Span]], Spans]:
        """Roll-ups to read, by grain, the fewest rows that serve; and what is left to the rows.
        `merged`: those without campaigns and lists serve."""
        days: Spans = ()
        rest: Spans = (Span(period.since, period.until),)
        if self._days_serve(by, period):
            days, rest = self._split(period, days_of(ZoneInfo(self.zone)))
        if people:
            kept = [("person_day" if merged else "day", span) for span in days]
        else:
            kept = [("whole_day", span) for span in days]
        for grain, cut, grid in self._shorter(by, period, people=people, merged=merged):
            pieces = [cut(span, self._rolled, self._changes, grid) for span in rest]
            kept += [(grain, span) for found, _ in pieces for span in found]
            rest = tuple(span for _, left in pieces for span in left)
        return kept, rest

    def _shorter(
        self, by: Way, period: Period, *, people: bool, merged: bool
    ) -> list[tuple[str, Cut, Grid]]:
        """Roll-ups shorter than a day that serve, the longest first: the grain, and what cuts a
        span by which grid into what they have and the rest."""
        zone = ZoneInfo(self.zone)
        if people:
            together = self._in_step(by, period, zone)
            cut = split_by_hours if together else hours_inside(days_of(period.zone))
            serve = merged and (together or by == "day")
            return [("person_hour", cut, days_of(zone))] if serve else []
        if merged:
            return [("floor_quarter", split, QUARTERS)]
        hours: list[tuple[str, Cut, Grid]] = [("hour", split, HOURS)]
        serve = self._in_step(by, period, GREENWICH)
        return [*(hours if serve else ()), ("quarter", split, QUARTERS)]

    def _days_serve(self, by: Way, period: Period) -> bool:
        """Whether whole days of the floor lie in one row each."""
        return by != "hour" and (by != "day" or period.zone.key == self.zone)

    def _in_step(self, by: Way, period: Period, zone: ZoneInfo) -> bool:
        """Whether an hour of `zone` lies in one row."""
        return by not in ("hour", "day") or in_step(period.since, period.until, period.zone, zone)

    def _split(self, period: Period, grid: Any) -> tuple[Spans, Spans]:
        return split(Span(period.since, period.until), self._rolled, self._changes, grid)


def _by_people(by: Way, scope: Scope) -> bool:
    return by in (*PEOPLE_CUTS, PAIR) or scope.operators is not None


def _merged(by: Way, scope: Scope) -> bool:
    return by not in ("campaign", "list", PAIR) and not (scope.campaigns or scope.lists)


def _key(row: Any) -> str | None:
    return TOTAL if row["total"] else row["key"]


def _read(facts: Facts) -> Facts:
    """Histograms become (median, p90) in seconds; of how many, `<name>_count`."""
    for name in HISTOGRAMS:
        if facts.get(name):
            buckets = counts(facts[name])
            facts[f"{name}_count"] = sum(buckets)
            facts[name] = (quantile(buckets, 0.5), quantile(buckets, 0.9))
    return facts


def _ends(spans: Spans) -> tuple[list[datetime], list[datetime]]:
    return [span.since for span in spans], [span.until for span in spans]


def _known(kind: str, asked: Iterable[str], known: Iterable[str]) -> None:
    names = set(known)
    for name in asked:
        if name not in names:
            raise unknown(kind, name, names)


def _ids(kind: str, asked: tuple[str, ...], known: Mapping[int, str]) -> list[int] | None:
    _known(kind, asked, known.values())
    return [id for id, name in known.items() if name in asked] if asked else None
