"""Results of a campaign into CSV or XLSX, logged in the audit."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import xlsxwriter

from campaigns.campaign.model import CampaignError
from campaigns.results.model import Exported, header, row, safe
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.results")
ROWS_AT_ONCE = 1000
QUERY_TIMEOUT_S = 600.0
# A sheet of Excel ends there, its header included.
SHEET_ROWS = 1_048_576


class Writer(Protocol):
    """One row after another into a file."""

    def write(self, cells: list[Any]) -> None: ...


class ResultsService:
    """Results of campaigns of one floor; times in files are those of `zone`."""

    def __init__(self, pool: Pool, floor_id: int, zone: ZoneInfo) -> None:
        self._pool, self._floor_id, self._zone = pool, floor_id, zone

    async def export(
        self,
        name: str,
        file: Path,
        actor: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        conversations_only: bool = False,
        language: str = "ru",
    ) -> Exported:
        """Writes attempts placed from `since` until before `until`; the suffix names the format.

        An error leaves no file. Raises CampaignError `unknown_campaign`, `bad_format`,
        `too_many_rows`; OSError.
        """
        opened = _opened(file)
        rows = conversations = 0
        async with self._pool.acquire(timeout=30) as connection, connection.transaction():
            campaign = await connection.fetchrow(SQL.campaign, self._floor_id, name)
            if campaign is None:
                raise CampaignError(
                    "unknown_campaign",
                    f"there is no campaign {name!r}; see `prozvon campaign status`",
                    f"нет кампании {name!r}; см. `prozvon campaign status`",
                    status=404,
                )
            found = connection.cursor(
                SQL.attempts,
                campaign["id"],
                since,
                until,
                conversations_only,
                prefetch=ROWS_AT_ONCE,
                timeout=QUERY_TIMEOUT_S,
            )
            with opened as writer:
                writer.write(header(campaign["form"]))
                async for attempt in found:
                    rows += 1
                    conversations += attempt["bridged_at"] is not None
                    writer.write(row(dict(attempt), campaign["form"], self._zone, language))
            details = {"rows": rows, "conversations": conversations, "format": file.suffix[1:]}
            await connection.execute(
                SQL.note, actor, "results_exported", f"campaign {name}", details
            )
        return Exported(file, rows, conversations)


def _opened(file: Path) -> contextlib.AbstractContextManager[Writer]:
    match file.suffix.lower():
        case ".csv":
            return _csv(file)
        case ".xlsx":
            return _xlsx(file)
    raise CampaignError(
        "bad_format",
        f"results go into .csv or .xlsx, not into {file.name!r}",
        f"результаты выгружаются в .csv или .xlsx, а не в {file.name!r}",
        status=422,
    )


class _CsvWriter:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, cells: list[Any]) -> None:
        self._writer.writerow([safe(cell) for cell in cells])


class _SheetWriter:
    def __init__(self, sheet: Any) -> None:
        self._sheet, self._row = sheet, 0

    def write(self, cells: list[Any]) -> None:
        if self._row >= SHEET_ROWS:
            raise CampaignError(
                "too_many_rows",
                f"a sheet holds {SHEET_ROWS - 1:,} rows; take a shorter period, or .csv",
                f"на листе помещается {SHEET_ROWS - 1:,} строк; возьмите период короче или .csv",
                status=422,
            )
        for column, cell in enumerate(cells):
            if isinstance(cell, int | float):
                self._sheet.write_number(self._row, column, cell)
            elif cell is not None:  # as text: never a formula, never a link
                self._sheet.write_string(self._row, column, str(cell))
        self._row += 1


@contextlib.contextmanager
def _csv(file: Path) -> Iterator[Writer]:
    # With a byte order mark: Excel takes a file without one for Windows-1251.
    with (
        _whole_or_nothing(file) as part,
        part.open("w", encoding="utf-8-sig", newline="") as handle,
    ):
        yield _CsvWriter(csv.writer(handle, delimiter=";"))


@contextlib.contextmanager
def _xlsx(file: Path) -> Iterator[Writer]:
    with _whole_or_nothing(file) as part:
        book = xlsxwriter.Workbook(part, {"constant_memory": True})
        try:
            yield _SheetWriter(book.add_worksheet())
        finally:
            book.close()


@contextlib.contextmanager
def _whole_or_nothing(file: Path) -> Iterator[Path]:
    """A name to write under; the file gets its own when all is there."""
    part = file.with_name(f".{file.name}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
