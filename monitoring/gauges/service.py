"""Reads the gauges that only the database knows, now and then, on a connection of their own.

A slow answer delays these gauges and nothing else: dialing has its own connections.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.database.pool import Connection, connect
from dialer.database.queries import Queries
from monitoring import metrics
from monitoring.repeated import repeat

SQL = Queries.load("monitoring.gauges")
EVERY_S = 15.0
FIRST_S = 2.0
REST = 19
STATEMENT_TIMEOUT_S = 20.0
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Work:
    """Leads of one running campaign: how many are left, and for how many seconds of dialing.

    `seconds` is None while it has closed no lead in the last day: there is no pace to go by.
    `day_s`: the hours of the last day in which it dialed, in seconds.
    """

    campaign: str
    leads: int
    seconds: float | None
    day_s: float


def work_left(campaign: str, leads: int, closed: int, hours: int) -> Work:
    """`closed`: leads finished in the last day, in `hours` different hours of dialing."""
    pace = closed / (hours * HOUR_S) if hours else 0.0
    return Work(campaign, leads, leads / pace if pace else None, hours * HOUR_S)


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

    async def refresh(self) -> None:
        """Reads everything once. Raises DatabaseError and what PostgreSQL raises."""
        connection = await connect(
            self._dsn, statement_timeout_s=STATEMENT_TIMEOUT_S, application_name="prozvon gauges"
        )
        try:
            await self._read(connection)
        finally:
            await connection.close(timeout=5)

    async def _read(self, connection: Connection) -> None:
        rows = await connection.fetch(SQL.leads_left, self._floor_id)
        metrics.work_now(
            (left.campaign, left.leads, left.seconds, left.day_s)
            for left in (
                work_left(row["name"], row["leads_left"], row["closed"], row["hours"])
                for row in rows
            )
        )
        lists = await connection.fetch(SQL.list_outcomes, self._floor_id)
        metrics.lists_now((row["name"], row["outcome"], row["attempts"]) for row in lists)
