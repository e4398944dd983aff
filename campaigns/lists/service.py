"""Lists: import from files, and what there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import structlog

from campaigns.lists.intake import Batch, Intake, RejectsFile, unreadable
from campaigns.lists.model import ImportResult, ListError, ListFileError, ListSummary
from campaigns.lists.numbering import zone_sets
from campaigns.lists.phones import is_region
from dialer.database.pool import Connection, Pool
from dialer.database.queries import Queries

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    # Generic in the stubs alone, as dialer.database.pool has it.
    Session = Connection | PoolConnectionProxy[asyncpg.Record]

# For one statement over all rows of a file of some millions, or for a second import of the list
# that waits for the first one.
STATEMENT_TIMEOUT_S = 900.0
QUERY_TIMEOUT_S = 30.0
NAME_CHARS = 200

_ROW_COLUMNS = ("line", "name", "company", "time_zone", "region", "attributes")
_PHONE_COLUMNS = ("line", "position", "e164", "zones")

# bytes done, bytes in all, rows read
Progress = Callable[[int, int, int], None]
T = TypeVar("T")


class _Undo(Exception):
    """Not an error: rolls the transaction back."""


class ListService:
    """Use cases of lists."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._queries = Queries.load("campaigns.lists")

    async def import_file(
        self,
        path: Path,
        *,
        floor: str,
        name: str | None = None,
        default_region: str = "RU",
        dry_run: bool = False,
        rejects_path: Path | None = None,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import a CSV file into the list `name` (default: the file's name without suffix).

        All accepted rows or none: an error, a crash or a cancel leaves nothing behind. Phones that
        the list has already are left alone, so the same file twice changes nothing. `dry_run` does
        all but store. `rejects_path` defaults to `FILE.rejects.csv` beside the file.
        Raises ListFileError for a file that cannot be imported, ListError for a wrong argument.
        """
        name = path.stem if name is None else name
        rejects_path = rejects_path or path.with_name(f"{path.stem}.rejects.csv")
        _check_arguments(path, name, default_region, rejects_path)
        async with _opened(path, default_region, rejects_path) as (intake, rejects):
            job = _Import(self._queries, intake, rejects, progress, dry_run)
            async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
                result = await job.run(connection, floor, name, path.name)
        log.info(
            "list_imported",
            list_id=result.list_id,
            rows=result.rows,
            accepted=result.accepted,
            rejected=result.rejected,
            duplicates=result.duplicates,
            dry_run=dry_run,
        )
        return result

    async def lists(self, floor: str) -> list[ListSummary]:
        """The lists of a floor, newest first. Raises ListError for an unknown floor."""
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            await _floor_id(connection, self._queries, floor)
            records = await connection.fetch(self._queries.lists, floor, timeout=QUERY_TIMEOUT_S)
        return [ListSummary(**record) for record in records]


class _Import:
    """One import: stage by COPY, merge, commit."""

    def __init__(
        self,
        queries: Queries,
        intake: Intake,
        rejects: RejectsFile,
        progress: Progress | None,
        dry_run: bool,
    ) -> None:
        self._queries = queries
        self._intake = intake
        self._rejects = rejects
        self._progress = progress
        self._dry_run = dry_run
        self._list_id: int | None = None
        self._accepted = 0
        self._phones = 0
        self._rejects_file: Path | None = None
        self._zone_ids: list[int] = []

    async def run(self, connection: Session, floor: str, name: str, source: str) -> ImportResult:
        floor_id = await _floor_id(connection, self._queries, floor)
        self._zone_ids = await zone_ids(connection, self._queries)
        try:
            async with connection.transaction():
                await self._stage(connection)
                list_id = await self._merge(connection, floor_id, name, source)
                self._rejects_file = await _in_thread(self._rejects.publish)
                if self._dry_run or not self._accepted:
                    raise _Undo
            self._list_id = list_id
        except _Undo:
            # Asked after the work: another import may have made the list meanwhile.
            self._list_id = await connection.fetchval(
                self._queries.find_list, floor_id, name, timeout=QUERY_TIMEOUT_S
            )
        return self._result()

    async def _stage(self, connection: Session) -> None:
        queries = self._queries
        milliseconds = f"{STATEMENT_TIMEOUT_S * 1000:.0f}"
        await connection.execute(queries.allow_long_work, milliseconds, timeout=QUERY_TIMEOUT_S)
        for table in (queries.stage_rows, queries.stage_phones, queries.stage_new):
            await connection.execute(table, timeout=QUERY_TIMEOUT_S)
        while (batch := await _in_thread(self._intake.next_batch)) is not None:
            await self._copy(connection, batch)
            if self._progress is not None:
                intake = self._intake
                self._progress(intake.bytes_done, intake.bytes_total, intake.rows)
        for analyze in (queries.analyze_rows, queries.analyze_phones):
            await connection.execute(analyze, timeout=STATEMENT_TIMEOUT_S)

    async def _copy(self, connection: Session, batch: Batch) -> None:
        await connection.copy_records_to_table(
            "list_import_row",
            records=batch.rows,
            columns=_ROW_COLUMNS,
            timeout=STATEMENT_TIMEOUT_S,
        )
        await connection.copy_records_to_table(
            "list_import_phone",
            records=batch.phones,
            columns=_PHONE_COLUMNS,
            timeout=STATEMENT_TIMEOUT_S,
        )

    async def _merge(self, connection: Session, floor_id: int, name: str, source: str) -> int:
        queries, timeout_s = self._queries, STATEMENT_TIMEOUT_S
        list_id: int = await connection.fetchval(
            queries.make_list, floor_id, name, source, timeout=timeout_s
        )
        await connection.execute(queries.choose_new, list_id, timeout=timeout_s)
        counts = await connection.fetchrow(queries.count_new, timeout=timeout_s)
        assert counts is not None  # an aggregate always has one row
        self._accepted, self._phones = counts["contacts"], counts["phones"]
        await connection.execute(queries.add_contacts, list_id, timeout=timeout_s)
        await connection.execute(queries.add_phones, list_id, self._zone_ids, timeout=timeout_s)
        return list_id

    def _result(self) -> ImportResult:
        intake = self._intake
        return ImportResult(
            rows=intake.rows,
            accepted=self._accepted,
            rejected=intake.rejected,
            duplicates=intake.good - self._accepted,
            phones=self._phones,
            rejects=self._rejects.first,
            list_id=self._list_id,
            rejects_file=self._rejects_file,
            dry_run=self._dry_run,
        )


def _check_arguments(path: Path, name: str, region: str, rejects_path: Path) -> None:
    if not name.strip() or len(name) > NAME_CHARS or not name.isprintable():
        raise ListError(f"a list's name is one line of 1 to {NAME_CHARS} characters; give another")
    if not is_region(region):
        raise ListError(f"{region!r} is no region; use two capital letters of ISO 3166, as RU")
    if rejects_path.resolve() == path.resolve():
        raise ListError("the rejects file would overwrite the list's file; choose another place")


@asynccontextmanager
async def _opened(
    path: Path, region: str, rejects_path: Path
) -> AsyncIterator[tuple[Intake, RejectsFile]]:
    """Open file and rejects file; errors name the file, and the rejects file is not left half."""
    rejects = RejectsFile(rejects_path)
    try:
        with await _in_thread(lambda: _open(path)) as stream:
            yield await _in_thread(lambda: Intake(stream, region, rejects)), rejects
    except ListFileError as error:
        raise ListFileError(
            error.sentence, file=path.name, line=error.line, column=error.column
        ) from error
    finally:
        rejects.discard()


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(error) from error


async def _floor_id(connection: Session, queries: Queries, floor: str) -> int:
    floor_id: int | None = await connection.fetchval(
        queries.find_floor, floor, timeout=QUERY_TIMEOUT_S
    )
    if floor_id is None:
        raise ListError(f"there is no floor named {floor!r}; create it, or check the name")
    return floor_id


async def zone_ids(connection: Session, queries: Queries) -> list[int]:
    """Ids of all `zone_sets()`, in their order; what is missing is made, once a database."""
    wanted = zone_sets()
    known = await _zone_ids(connection, queries)
    if missing := [zones for zones in wanted if zones not in known]:
        texts = [",".join(zones) for zones in missing]
        await connection.execute(queries.add_zone_sets, texts, timeout=QUERY_TIMEOUT_S)
        known = await _zone_ids(connection, queries)
    return [known[zones] for zones in wanted]


async def _zone_ids(connection: Session, queries: Queries) -> dict[tuple[str, ...], int]:
    rows = await connection.fetch(queries.zone_sets, timeout=QUERY_TIMEOUT_S)
    return {tuple(row["zones"]): row["id"] for row in rows}


async def _in_thread(work: Callable[[], T]) -> T:
    """Run blocking work; a cancel waits for its end, because it uses files we are to close."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
