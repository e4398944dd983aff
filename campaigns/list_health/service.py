"""How lists stand, and when their people answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from campaigns.list_health.model import (
    BestHours,
    Cell,
    Day,
    Health,
    Leads,
    best_hours,
    health_of,
    shares_of,
)
from campaigns.lists.errors import ListError
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.list_health")
QUERY_TIMEOUT_S = 30.0
# All attempts of a list of some millions.
REPORT_TIMEOUT_S = 120.0
PACE_DAYS = 7
LEARN_DAYS = 90
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class ListHealthService:
    """Use cases of one floor."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def health(self, name: str, since: datetime | None = None) -> Health:
        """How the list named `name` stands; attempts since `since` (default: all).

        Raises ListError for an unknown list.
        """
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            found = await connection.fetchrow(SQL.find_list, self._floor_id, name)
            if found is None:
                raise ListError("unknown_list", name=name)
            health = await read_health(connection, found["id"], name, found["time_zone"], since)
        best = await self.best_hours(list_id=found["id"])
        return replace(health, best_hours=tuple(best.best()))

    async def best_hours(
        self,
        *,
        list_id: int | None = None,
        campaign_id: int | None = None,
        days: int = LEARN_DAYS,
        towards: BestHours | None = None,
    ) -> BestHours:
        """Share of answers to expect by hour of the week, learned from the last `days` days.

        Of one list, one campaign, or (None) the whole floor; `towards`: what few dials are pulled
        to.
        """
        since = datetime.now(UTC) - timedelta(days=days)
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            rows = await connection.fetch(
                SQL.answers_by_hour,
                self._floor_id,
                since,
                list_id,
                campaign_id,
                timeout=REPORT_TIMEOUT_S,
            )
        return best_hours((Cell(**row) for row in rows), towards)


async def read_health(
    connection: Any, list_id: int, name: str, zone: str, since: datetime | None = None
) -> Health:
    """How one list stands, without its best hours; days are those of `zone`."""
    rows = await connection.fetch(
        SQL.outcomes_by_day, list_id, zone, since or BEGINNING, timeout=REPORT_TIMEOUT_S
    )
    leads = Leads(**await connection.fetchrow(SQL.leads, list_id, timeout=REPORT_TIMEOUT_S))
    pace = await connection.fetchrow(SQL.pace, list_id, zone, PACE_DAYS, timeout=REPORT_TIMEOUT_S)
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for row in rows:
        by_day[row["day"]][row["outcome"]] += row["count"]
    return health_of(
        name,
        sum(by_day.values(), Counter()),
        leads,
        closed=pace["closed"],
        active_days=pace["days"],
        days=(Day(day, shares_of(by_day[day])) for day in sorted(by_day)),
    )
