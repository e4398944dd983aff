"""Reads the gauges that only the database knows, now and then, on a connection of their own.

A slow answer delays these gauges and nothing else: dialing has its own connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.database.pool import connect
from dialer.database.queries import Queries
from monitoring import metrics
from monitoring.repeated import repeat
from monitoring.reports.period import GREENWICH, Period, midnight
from monitoring.reports.source import Source
from monitoring.rollups.service import SQL as ROLLED

SQL = Queries.load("monitoring.gauges")
EVERY_S = 15.0
FIRST_S = 2.0
REST = 19
STATEMENT_TIMEOUT_S = 20.0
HOUR_S = 3600.0
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Work:
    """Leads of one running campaign: how many are left, and for how many seconds of dialing.

    `seconds` is None while it has closed no lead yesterday and today: there is no pace to go by.
    `day_s`: the hours of the last day in which it dialed, in seconds.
    """

    campaign: str
    leads: int
    seconds: float | None
    day_s: float


def work_left(campaign: str, leads: int, closed: int, hours: int, day_hours: int) -> Work:
    """`closed`: leads finished yesterday and today, in `hours` different hours of dialing;
    `day_hours`: those of the last 24."""
    pace = closed / (hours * HOUR_S) if hours else 0.0
    return Work(campaign, leads, leads / pace if pace else None, day_hours * HOUR_S)


class Gauges:
    """Keeps the database's gauges of one floor fresh."""

    def __init__(self, dsn: str, floor_id: int) -> None:
        self._dsn, self._floor_id = dsn, floor_id

    async def watch(self) -> None:
        """For ever, at most a twentieth of the time; the gauges stay while they cannot be read."""

        async def step() -> bool:
            await self.refresh()
            return False

        await repeat(step, "gauges_not_read", first_s=FIRST_S, every_s=EVERY_S, rest=REST)

    async def refresh(self, now: datetime | None = None) -> None:
        """Reads everything once, from roll-ups what they have. Raises DatabaseError and what
        PostgreSQL raises."""
        connection = await connect(
            self._dsn, statement_timeout_s=STATEMENT_TIMEOUT_S, application_name="prozvon gauges"
        )
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute(ROLLED.limits)
                source = await Source.open(connection, self._floor_id)
                await self._read(source, now or datetime.now(UTC))
        finally:
            await connection.close(timeout=5)

    async def _read(self, source: Source, now: datetime) -> None:
        work = await self._work(source, now)
        metrics.work_now((left.campaign, left.leads, left.seconds, left.day_s) for left in work)
        day = Period(now - DAY, now, GREENWICH)
        lists = await source.connection.fetch(
            SQL.list_outcomes, self._floor_id, *source.places("list", day)
        )
        metrics.lists_now((row["name"], row["outcome"], row["attempts"]) for row in lists)

    async def _work(self, source: Source, now: datetime) -> list[Work]:
        connection, floor_id, zone = source.connection, self._floor_id, ZoneInfo(source.zone)
        yesterday = now.astimezone(zone).date() - DAY
        period = Period(midnight(yesterday, zone), now, GREENWICH)  # by hours that are rolled up
        rows = await connection.fetch(
            SQL.hours, floor_id, *source.places("hour", period), now - DAY
        )
        hours = {row["campaign_id"]: (row["hours"], row["day_hours"]) for row in rows}
        counted = await connection.fetchval(SQL.leads_counted, floor_id)
        rows = await connection.fetch(SQL.closed, floor_id, counted, yesterday, zone.key)
        closed = {row["campaign_id"]: row["closed"] for row in rows}
        rows = await connection.fetch(SQL.leads_left, floor_id)
        return [
            work_left(name, leads, closed.get(id, 0), *hours.get(id, (0, 0)))
            for id, name, leads in rows
        ]
