"""Lists: import from files, and what there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import structlog

from campaigns.lists.columns import Field
from campaigns.lists.errors import ListError, ListFileError
from campaigns.lists.intake import Intake, Reading, RejectsFile, look, unreadable
from campaigns.lists.merge import Merge
from campaigns.lists.model import (
    ImportResult,
    ListSummary,
    Look,
    Order,
    SavedMapping,
    check_order,
)
from campaigns.lists.numbering import zone_sets
from campaigns.lists.reader import Reader, Task, is_worth
from campaigns.lists.turns import short_turns
from campaigns.lists.wishes import Owners, owners_of
from dialer.database.pool import Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    from campaigns.lists.merge import Session

log = structlog.get_logger(__name__)

QUERY_TIMEOUT_S = 30.0
# Read while PostgreSQL stores the ones before.
BATCHES_AHEAD = 4

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
        order: Order | None = None,
        source: str | None = None,
    ) -> ImportResult:
        """Import a file into the list `name` (default: the file's name without suffix).

        `order`, if given, goes before `name`, `default_region` and `dry_run`. The rest is as
        `import_stream` says; `rejects_path` defaults to `FILE.rejects.csv` beside the file,
        `source` (what people see of where the list came from) to the file's name.
        """
        if order is None:
            order = Order(path.stem if name is None else name, default_region, dry_run=dry_run)
        rejects_path = rejects_path or path.with_name(f"{path.stem}.rejects.csv")
        check_order(order)
        _check_place(rejects_path, path)
        source = path.name if source is None else source
        with _named(source):
            stream = await _in_thread(lambda: _open(path))
        with stream:
            return await self.import_stream(
                stream,
                floor=floor,
                source=source,
                order=order,
                rejects_path=rejects_path,
                progress=progress,
            )

    async def import_stream(
        self,
        stream: BinaryIO,
        *,
        floor: str,
        source: str,
        order: Order,
        rejects_path: Path | None = None,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import a seekable file: CSV, XLSX, XLS or ODS, told apart by content.

        All accepted rows or none: an error, a crash or a cancel leaves nothing behind. Phones that
        the list has already are left alone, so the same file twice changes nothing. A dry run does
        all but store. Without `rejects_path` only the first rejects are kept, in the result.
        Raises ListFileError for a file that cannot be imported, ListError for a wrong argument.
        """
        check_order(order)
        mapping = await self._mapping(floor, order)
        owners = await self._owners(floor)
        rejects = RejectsFile(rejects_path, order.language)
        try:
            with _named(source):
                async with _reading(stream, rejects, order, mapping, owners) as reading:
                    job = _Import(self._queries, reading, rejects, progress, order)
                    async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
                        result = await job.run(connection, floor, source)
        except BaseException:
            rejects.retract()  # of an import whose last word to the database was lost
            raise
        finally:
            rejects.discard()
        if order.save_mapping is not None:
            await self.save_mapping(floor, order.save_mapping, mapping)
        log.info(
            "list_imported",
            list_id=result.list_id,
            rows=result.rows,
            accepted=result.accepted,
            rejected=result.rejected,
            duplicates=result.duplicates,
            dry_run=order.dry_run,
        )
        return result

    async def _owners(self, floor: str) -> dict[str, int]:
        """Who may own leads."""
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            floor_id = await _floor_id(connection, self._queries, floor)
            query = self._queries.operators
            rows = await connection.fetch(query, floor_id, timeout=QUERY_TIMEOUT_S)
        return owners_of([tuple(row) for row in rows])

    @staticmethod
    async def look(path: Path, sheet: str | None = None) -> Look:
        """The beginning of a file, to say which column holds what. Raises ListFileError."""
        with _named(path.name):
            stream = await _in_thread(lambda: _open(path))
            with stream:
                return await _in_thread(lambda: look(stream, sheet))

    async def save_mapping(self, floor: str, name: str, mapping: Mapping[str, Field]) -> None:
        """Keep which column holds what, under a name; one of that name is replaced."""
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            floor_id = await _floor_id(connection, self._queries, floor)
            await connection.execute(self._queries.save_mapping, floor_id, name, dict(mapping))

    async def mappings(self, floor: str) -> list[SavedMapping]:
        """The saved mappings of a floor, by name."""
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            floor_id = await _floor_id(connection, self._queries, floor)
            rows = await connection.fetch(self._queries.mappings, floor_id)
        return [SavedMapping(**row) for row in rows]

    async def _mapping(self, floor: str, order: Order) -> dict[str, Field]:
        """The saved mapping with what the order says on top of it. Raises ListError."""
        if order.saved_mapping is None:
            return dict(order.mapping)
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            floor_id = await _floor_id(connection, self._queries, floor)
            saved = await connection.fetchval(
                self._queries.find_mapping, floor_id, order.saved_mapping
            )
        if saved is None:
            raise ListError("unknown_mapping", name=order.saved_mapping)
        return {**saved, **order.mapping}

    async def lists(self, floor: str) -> list[ListSummary]:
        """The lists of a floor, newest first. Raises ListError for an unknown floor."""
        async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
            await _floor_id(connection, self._queries, floor)
            records = await connection.fetch(self._queries.lists, floor, timeout=QUERY_TIMEOUT_S)
        return [ListSummary(**record) for record in records]


class _Import:
    """One import: read, stage and merge part by part, commit."""

    def __init__(
        self,
        queries: Queries,
        reading: Reading,
        rejects: RejectsFile,
        progress: Progress | None,
        order: Order,
    ) -> None:
        self._queries = queries
        self._reading = reading
        self._rejects = rejects
        self._progress = progress
        self._order = order
        self._rejects_file: Path | None = None

    async def run(self, connection: Session, floor: str, source: str) -> ImportResult:
        floor_id = await _floor_id(connection, self._queries, floor)
        merge = Merge(
            connection,
            self._queries,
            self._order,
            floor_id=floor_id,
            source=source,
            campaign_id=await self._campaign_id(connection, floor_id),
            zone_ids=await zone_ids(connection, self._queries),
        )
        try:
            async with connection.transaction():
                with short_turns():
                    await self._take(merge)
                self._rejects_file = await _in_thread(self._rejects.publish)
                if self._order.dry_run or not (merge.phones or merge.updated or merge.consents):
                    raise _Undo
            list_id = merge.list_id
        except _Undo:
            # Asked after the work: another import may have made the list meanwhile.
            list_id = await connection.fetchval(
                self._queries.find_list, floor_id, self._order.name, timeout=QUERY_TIMEOUT_S
            )
        return self._result(merge, list_id)

    async def _campaign_id(self, connection: Session, floor_id: int) -> int | None:
        name = self._order.campaign
        if name is None:
            return None
        campaign_id: int | None = await connection.fetchval(
            self._queries.find_campaign, floor_id, name, timeout=QUERY_TIMEOUT_S
        )
        if campaign_id is None:
            raise ListError("unknown_campaign", name=name)
        return campaign_id

    async def _take(self, merge: Merge) -> None:
        reading = self._reading
        await merge.prepare()
        try:
            async with aclosing(_ahead(reading.next_batch, BATCHES_AHEAD)) as batches:
                async for batch in batches:
                    await merge.add(batch)
                    if self._progress is not None:
                        self._progress(reading.bytes_done, reading.bytes_total, reading.rows)
            await merge.finish()
        finally:
            await merge.stop()

    def _result(self, merge: Merge, list_id: int | None) -> ImportResult:
        reading = self._reading
        return ImportResult(
            rows=reading.rows,
            accepted=merge.accepted,
            rejected=reading.rejected,
            duplicates=reading.good - merge.accepted,
            phones=merge.phones,
            rejects=self._rejects.first,
            list_id=list_id,
            rejects_file=self._rejects_file,
            dry_run=self._order.dry_run,
            updated=merge.updated,
            duplicates_by_place=merge.duplicates,
            consents=merge.consents,
            leads=merge.leads,
            header_line=reading.header_line,
        )


def _check_place(rejects_path: Path, path: Path) -> None:
    if rejects_path.resolve() == path.resolve():
        raise ListError("rejects_overwrite")


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Errors of the file name it."""
    try:
        yield
    except ListFileError as error:
        raise error.of(file) from error


@asynccontextmanager
async def _reading(
    stream: BinaryIO,
    rejects: RejectsFile,
    order: Order,
    mapping: Mapping[str, Field],
    owners: Owners,
) -> AsyncIterator[Reading]:
    """Of a large file in a process of its own, else in a thread here."""
    if not is_worth(stream):
        yield await _in_thread(
            lambda: Intake(stream, order.region, rejects, mapping, order.sheet, owners)
        )
        return
    task = Task(order.region, mapping, order.sheet, rejects.path, order.language, owners)
    reader = Reader(stream, task, rejects)
    try:
        yield await _in_thread(reader.start)
    finally:
        await _in_thread(reader.close)


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
        raise ListError("unknown_floor", name=floor)
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


async def _ahead(following: Callable[[], T | None], most: int) -> AsyncGenerator[T, None]:
    """What `following` gives until None; up to `most` are made while others are used."""
    room = asyncio.Semaphore(most)
    made: asyncio.Queue[T | None] = asyncio.Queue()

    async def fill() -> None:
        try:
            one: T | None = None
            while await room.acquire() and (one := await _in_thread(following)) is not None:
                made.put_nowait(one)
        finally:
            made.put_nowait(None)

    task = asyncio.create_task(fill())
    try:
        while (one := await made.get()) is not None:
            yield one
            room.release()
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: who uses this is told of another error already


async def _in_thread(work: Callable[[], T]) -> T:
    """Run blocking work; a cancel waits for its end, because it uses files we are to close."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
