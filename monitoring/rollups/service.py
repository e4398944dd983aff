"""Fills the roll-ups of one floor and keeps them true, on a connection of its own.

What was placed more than an hour and a half ago and is over is rolled up. What changes later leaves
a mark (triggers do that), and its cells are made anew; until then reports read the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from dialer.database.pool import Connection, connect
from dialer.database.queries import Queries
from monitoring.repeated import repeat
from monitoring.rollups.leads import count_leads
from monitoring.rollups.spans import HOURS, QUARTERS, Grid, Span, Spans, changed, days_of, overlap

log = structlog.get_logger(__name__)
SQL = Queries.load("monitoring.rollups")

OPEN = timedelta(minutes=90)
"""Changes of the last hour leave no mark; half an hour more is for transactions under way."""
EVERY_S, FIRST_S = 60.0, 20.0
REST = 4
"""After a step nothing is done so many times as long as it took: dialing needs the machine."""
LIMIT_S = 600.0
AT_ONCE = timedelta(days=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
WHATS = ("cells", "said", "time")
WHOLE_DAYS = ("hours", "hasty")
"""Kept by days of the floor alone."""
DAY_GRAINS = ("day", "person_hour")
"""Made a day of the floor at a time, by operators; an hour of theirs is only kept with its day."""
GRAINS = ("quarter", "hour", "whole_day", *DAY_GRAINS, "floor_quarter", "person_day")
"""Those of the whole floor's quarters and of persons' days and hours are without campaigns and
lists, which operators' time never has: of the former two no cells of it are kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """`until`: all before is rolled up (None: there is no history); `cells`: spans of cells made;
    `behind`: there was more to do than one step does."""

    until: datetime | None
    cells: int
    behind: bool


class Rollups:
    """Use cases of one floor. Safe to repeat and to run twice at once: a step is a transaction."""

    def __init__(self, dsn: str, floor_id: int) -> None:
        self._dsn, self._floor_id = dsn, floor_id

    async def watch(self) -> None:
        """For ever; reports read the rows while this cannot be done."""

        async def step() -> bool:
            return (await self.once()).behind

        await repeat(step, "reports_not_rolled_up", first_s=FIRST_S, every_s=EVERY_S, rest=REST)

    async def once(self, now: datetime | None = None) -> Step:
        """One step. Raises DatabaseError and what PostgreSQL raises."""
        connection = await self._connect()
        try:
            return await self._step(connection, now or datetime.now(UTC))
        finally:
            await connection.close(timeout=5)

    async def fill(self, now: datetime | None = None, *, anew: bool = False) -> Step:
        """All there is to do; `anew`: from the beginning. Raises as `once`."""
        connection = await self._connect()
        try:
            if anew:
                await connection.execute(SQL.forget_rolled, self._floor_id)
            while (step := await self._step(connection, now or datetime.now(UTC))).behind:
                log.debug("reports_rolled_up", until=step.until)
            return step
        finally:
            await connection.close(timeout=5)

    async def _connect(self) -> Connection:
        return await connect(
            self._dsn, statement_timeout_s=LIMIT_S, application_name="prozvon roll-ups"
        )

    async def _step(self, connection: Connection, now: datetime) -> Step:
        """Marks are read before the rows: a change that comes between is seen, and its mark stays
        for the next step."""
        floor_id = self._floor_id
        async with connection.transaction():
            await connection.execute(SQL.lock, floor_id)
            await connection.execute(SQL.limits)
            marks = await connection.fetch(SQL.marks, floor_id)
            row = await connection.fetchrow(SQL.rolled, floor_id)
            assert row is not None
            zone = row["time_zone"]
            days = days_of(ZoneInfo(zone))
            done = Span(row["since"], row["until"]) if row["zone"] == zone else None
            done = done or await self._beginning(connection, days, now)
            if done is None:
                return Step(None, 0, False)
            limit = QUARTERS.floor(await connection.fetchval(SQL.settled, floor_id, now - OPEN))
            until = max(done.until, min(limit, done.until + AT_ONCE))
            touched = [Span(mark["since"], mark["until"]) for mark in marks]
            made, ends = 0, (days.floor(done.until), until)
            if touched or not await connection.fetchval(SQL.nothing, floor_id, *ends):
                made = await self._fill(connection, done, until, touched, days, zone)
            await connection.execute(SQL.keep_rolled, floor_id, done.since, until, zone)
            await connection.execute(SQL.forget_marks, [mark["id"] for mark in marks])
            more = await count_leads(connection, floor_id, now - OPEN)
        return Step(until, made, until < limit or more)

    async def _beginning(self, connection: Connection, days: Grid, now: datetime) -> Span | None:
        """Nothing is rolled up, or by another zone's days: all cells go."""
        await connection.execute(SQL.forget_rolled, self._floor_id)
        begin = await connection.fetchval(SQL.earliest, self._floor_id)
        ends = ([BEGINNING], [now + AT_ONCE])
        for grain in GRAINS:
            for what in WHATS:
                await connection.execute(SQL[f"forget_{what}"], self._floor_id, grain, *ends)
        for what in WHOLE_DAYS:
            await connection.execute(SQL[f"forget_{what}"], self._floor_id, *ends)
        return None if begin is None else Span(days.floor(begin), days.floor(begin))

    async def _fill(
        self,
        connection: Connection,
        done: Span,
        until: datetime,
        touched: Sequence[Span],
        days: Grid,
        zone: str,
    ) -> int:
        """Number of spans of quarters and days that were made."""
        quarters = _to_fill(done, until, touched, QUARTERS)
        await self._fill_quarters(connection, quarters)
        spans = _to_fill(done, until, touched, HOURS)
        await self._fill_sums(connection, "hour", spans, HOURS)
        made_days = _to_fill(done, until, touched, days)
        await self._fill_days(connection, made_days, days, zone)
        return len(quarters) + len(made_days)

    async def _fill_quarters(self, connection: Connection, spans: Spans) -> None:
        for what in WHATS if spans else ():
            ends = _ends(spans)
            await connection.execute(SQL[f"forget_{what}"], self._floor_id, "quarter", *ends)
            await connection.execute(SQL[f"fill_{what}"], self._floor_id, *ends)
        await self._merge(connection, "floor_quarter", "quarter", spans)

    async def _fill_days(self, connection: Connection, spans: Spans, days: Grid, zone: str) -> None:
        for day in (day for span in spans for day in _cells(span, days)):
            ends = _ends((day,))
            for what in WHATS:
                for grain in DAY_GRAINS:
                    await connection.execute(SQL[f"forget_{what}"], self._floor_id, grain, *ends)
                await connection.execute(SQL[f"fill_day_{what}"], self._floor_id, *ends, zone)
            await self._merge(connection, "person_day", "day", (day,))
            await self._fill_sums(connection, "whole_day", (day,), days)
            for what in WHOLE_DAYS:
                await connection.execute(SQL[f"forget_{what}"], self._floor_id, *ends)
                await connection.execute(SQL[f"fill_{what}"], self._floor_id, *ends)

    async def _merge(self, connection: Connection, grain: str, of: str, spans: Spans) -> None:
        """All campaigns and lists together."""
        for what in ("cells", "said") if spans else ():
            ends = _ends(spans)
            await connection.execute(SQL[f"forget_{what}"], self._floor_id, grain, *ends)
            await connection.execute(SQL[f"fill_merged_{what}"], self._floor_id, grain, of, *ends)

    async def _fill_sums(
        self, connection: Connection, grain: str, spans: Spans, grid: Grid
    ) -> None:
        """Spans go whole: each cell by itself would be compared with all that is kept."""
        cells = [cell for span in spans for cell in _cells(span, grid)]
        for what in WHATS if spans else ():
            which = (self._floor_id, grain)
            await connection.execute(SQL[f"forget_{what}"], *which, *_ends(spans))
            await connection.execute(SQL[f"fill_sums_{what}"], *which, *_ends(cells))


async def read_rolled(connection: Any, floor_id: int) -> tuple[Span | None, Spans, str]:
    """In this snapshot: what is rolled up, what of it has changed since, and the floor's zone."""
    row = await connection.fetchrow(SQL.rolled, floor_id)
    zone: str = row["time_zone"]
    if row["zone"] != zone:
        return None, (), zone
    marks = await connection.fetch(SQL.marks, floor_id)
    changes = tuple(Span(mark["since"], mark["until"]) for mark in marks)
    return Span(row["since"], row["until"]), changes, zone


def _to_fill(done: Span, until: datetime, touched: Sequence[Span], grid: Grid) -> Spans:
    """Cells inside what is done that marks touch, and those up to `until`."""
    had = Span(grid.floor(done.since), grid.floor(done.until))
    new = Span(had.until, grid.floor(until))
    return (*overlap(changed(grid, touched), had), *overlap((new,), new))


def _ends(spans: Sequence[Span]) -> tuple[list[datetime], list[datetime]]:
    return [span.since for span in spans], [span.until for span in spans]


def _cells(span: Span, grid: Grid) -> Iterator[Span]:
    at = span.since
    while at < span.until:
        yield Span(at, grid.after(at))
        at = grid.after(at)
