"""Taking contacts out, with what came of them. Every export is in the audit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from campaigns.export.model import (
    ATTRIBUTES_LIMIT,
    COLUMNS,
    Exported,
    Filters,
    Format,
    cells_of,
)
from campaigns.export.writers import Writer, open_writer
from campaigns.lists.errors import ListError
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.export")
QUERY_TIMEOUT_S = 30.0
EXPORT_TIMEOUT_S = 900.0
BATCH_ROWS = 2_000


class ExportService:
    """Use cases of one floor."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def export(
        self, path: Path, kind: Format, filters: Filters, *, actor: str, reveal: bool = False
    ) -> Exported:
        """Write what the filters let through to `path`; numbers are masked unless `reveal`.

        The file gets its name when the audit has who took what; after an error there is none.
        Raises ListError for an unknown list or campaign, OSError for a file that cannot be made.
        """
        part = path.with_name(path.name + ".part")
        try:
            async with (
                self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
                connection.transaction(isolation="repeatable_read"),
            ):
                rows = await self._write(connection, part, kind, filters, reveal)
                details = {**filters.said(), "format": kind, "rows": rows, "reveal": reveal}
                subject = filters.list or filters.campaign or "all lists"
                await connection.execute(SQL.note, actor, "list_exported", subject, details)
            await asyncio.to_thread(part.replace, path)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return Exported(path, kind, rows, reveal)

    async def _write(
        self, connection: Any, part: Path, kind: Format, filters: Filters, reveal: bool
    ) -> int:
        await connection.execute(SQL.allow_long_work, f"{EXPORT_TIMEOUT_S * 1000:.0f}")
        await self._check(connection, filters)
        place = (self._floor_id, filters.list, filters.campaign)
        names = await connection.fetch(
            SQL.attribute_names, *place, ATTRIBUTES_LIMIT, timeout=EXPORT_TIMEOUT_S
        )
        attributes = [row["key"] for row in names]
        writer = await asyncio.to_thread(open_writer, part, kind)
        try:
            await asyncio.to_thread(writer.rows, [[*COLUMNS, *attributes]])
            return await self._write_rows(connection, writer, filters, attributes, reveal)
        finally:
            await asyncio.to_thread(writer.close)

    async def _write_rows(
        self,
        connection: Any,
        writer: Writer,
        filters: Filters,
        attributes: list[str],
        reveal: bool,
    ) -> int:
        written = 0
        values = (
            *(self._floor_id, filters.list, filters.campaign, filters.status, filters.outcome),
            *(filters.disposition, filters.since, filters.until),
            dict(filters.attributes) or None,
        )
        cursor = await connection.cursor(SQL.rows, *values, timeout=EXPORT_TIMEOUT_S)
        while rows := await cursor.fetch(BATCH_ROWS, timeout=EXPORT_TIMEOUT_S):
            cells = [cells_of(dict(row), attributes, reveal=reveal) for row in rows]
            await asyncio.to_thread(writer.rows, cells)
            written += len(rows)
        return written

    async def _check(self, connection: Any, filters: Filters) -> None:
        found = await connection.fetchrow(
            SQL.find_names, self._floor_id, filters.list, filters.campaign
        )
        for kind, name in (("list", filters.list), ("campaign", filters.campaign)):
            if name is not None and not found[kind]:
                raise ListError(f"unknown_{kind}", name=name)
