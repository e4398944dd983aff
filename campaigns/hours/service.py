"""Calendars of a floor: the shipped ones with what was imported over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from campaigns.hours import calendar
from campaigns.hours.calendar import Calendar, CalendarError
from campaigns.hours.shipped import shipped
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.hours")
QUERY_TIMEOUT_S = 30.0


def documents(imports: Iterable[Any]) -> dict[str, Mapping[str, Any]]:
    """Every calendar's document: each import replaces the years that it has."""
    found = dict(shipped())
    for row in imports:
        found[row["name"]] = calendar.merged(found.get(row["name"], {}), row["document"])
    return found


def calendars(imports: Iterable[Any]) -> dict[str, Calendar]:
    return {name: calendar.read(document, name) for name, document in documents(imports).items()}


class CalendarService:
    """Use cases of calendars of one floor. Wrong requests raise CalendarError."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def calendars(self) -> dict[str, Calendar]:
        return calendars(await self._pool.fetch(SQL.imports, self._floor_id))

    async def calendar(self, name: str) -> Calendar:
        """Raises CalendarError `unknown_calendar`."""
        found = await self.calendars()
        if name not in found:
            names = ", ".join(sorted(found))
            raise CalendarError(
                "unknown_calendar",
                f"there is no calendar {name!r}; choose one of: {names}",
                f"нет календаря {name!r}; есть: {names}",
                status=404,
            )
        return found[name]

    async def load(self, document: Mapping[str, Any], source: str, actor: str) -> Calendar:
        """Takes a calendar, or years of a known one; effective for the next dial.

        Raises CalendarError `bad_calendar`.
        """
        calendar.read(document, source)
        name = document["name"]
        plain = {key: value for key, value in document.items() if key != "version"}
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await connection.execute(SQL.add, self._floor_id, name, plain, actor)
            years = {"years": sorted(str(year) for year in document["years"])}
            await connection.execute(SQL.note, actor, "calendar_loaded", f"calendar {name}", years)
        return await self.calendar(name)
