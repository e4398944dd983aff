"""Writes that must not be lost and that no decision waits for: in order, again until they succeed.

Rows of states, calls, attempts and decisions, of which there are fifteen a call, are gathered for a
moment and written together in one transaction; everything else is an entry of its own, and written
without delay.

While PostgreSQL is away entries stay in memory and dialing stops (nothing can be committed), so the
journal is bounded by the calls that were live. Each entry is idempotent: after a crash recovery
derives the same facts from Asterisk.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    Connection = PoolConnectionProxy[asyncpg.Record]
    Write = Callable[[Connection], Awaitable[object]]

CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk full, out of memory
    asyncpg.ReadOnlySQLTransactionError,  # the old primary after a switch-over
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
)
"""What passes when PostgreSQL is back; anything else is a bug and stops the process."""


GATHER_S = 0.2
"""How long rows wait for company, unless an entry comes or somebody waits for them."""
MOST_ROWS = 500
"""In one transaction."""


@dataclass(frozen=True, slots=True)
class Entry:
    what: str
    write: Write
    queued_at: float


@dataclass(frozen=True, slots=True)
class Row:
    """One execution of an idempotent statement, or one row of a statement that takes many:
    `together`, then its parameters are arrays, and the keys of those in one execution differ.

    Rows of smaller `order` are written before those of larger; of the same, as they came. With a
    `key` only those of the same key: rows of different keys must not depend on each other. Entries
    come after the rows that are there: a row must not depend on an entry.
    """

    order: int
    sql: str
    values: tuple[Any, ...]
    key: Hashable = None
    together: bool = False

    async def __call__(self, connection: Connection) -> None:
        await _write(connection, [self])


@dataclass(frozen=True, slots=True)
class Waiting:
    row: Row
    queued_at: float


def in_turn(rows: Iterable[Row]) -> list[Row]:
    """PURE. In an order that rows allow, with equal statements beside each other."""
    seen: Counter[tuple[int, Hashable]] = Counter()
    ranked: list[tuple[tuple[int, int, str], Row]] = []
    for row in rows:
        rank = (row.order, 0, "")
        if row.key is not None:
            rank = (row.order, seen[row.order, row.key], row.sql)
            seen[row.order, row.key] += 1
        ranked.append((rank, row))
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]


def executions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """PURE. Rows in turn, those together that one execution (or `executemany`) writes."""
    for _, same in groupby(rows, key=lambda row: row.sql):
        batch: list[Row] = []
        keys: set[Hashable] = set()
        for row in same:
            if row.together and row.key in keys:
                yield batch
                batch, keys = [], set()
            batch.append(row)
            keys.add(row.key)
        yield batch


async def _write(connection: Connection, rows: list[Row]) -> None:
    if rows[0].together:
        columns = zip(*(row.values for row in rows), strict=True)
        await connection.execute(rows[0].sql, *columns)
    elif len(rows) == 1:
        await connection.execute(rows[0].sql, *rows[0].values)
    else:
        await connection.executemany(rows[0].sql, [row.values for row in rows])


async def _nothing_to_check(_: Connection) -> None: ...


class Journal:
    """An ordered queue of writes and the task that empties it."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        retry_s: float = 0.2,
        longest_retry_s: float = 2.0,
        write_limit_s: float = 10.0,
    ) -> None:
        """`write_limit_s`: a write that takes longer is done again on another connection."""
        self._pool = pool
        self._write_limit_s = write_limit_s
        self._entries: deque[Entry] = deque()
        self._rows: deque[Waiting] = deque()
        self._filled = asyncio.Event()
        self._hurry = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._retry_s, self._longest_retry_s = retry_s, longest_retry_s
        self.check: Write = _nothing_to_check
        """Asked after an outage, before anything is written: may raise to stop the process."""
        self.failing_since: float | None = None
        self.last_error = ""

    def __len__(self) -> int:
        return len(self._entries) + len(self._rows)

    @property
    def oldest_s(self) -> float:
        """How long the oldest write has been waiting."""
        first = [queue[0].queued_at for queue in (self._entries, self._rows) if queue]
        return time.monotonic() - min(first) if first else 0.0

    @property
    def healthy(self) -> bool:
        return self.failing_since is None

    def write(self, what: str, write: Write) -> None:
        """Queues `write`, to be done at once; `what` names it in logs."""
        self._entries.append(Entry(what, write, time.monotonic()))
        self._empty.clear()
        self._filled.set()
        self._hurry.set()

    def row(self, row: Row) -> None:
        """Queues `row`, to be written with others of the moment."""
        self._rows.append(Waiting(row, time.monotonic()))
        self._empty.clear()
        self._filled.set()

    async def flushed(self, timeout_s: float) -> bool:
        """Waits until everything queued is written; False when that takes too long."""
        if self._empty.is_set():
            return True
        self._hurry.set()
        try:
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Writes for ever; a write that PostgreSQL refuses for good raises."""
        while True:
            await self._filled.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), GATHER_S)
            self._hurry.clear()
            try:
                async with self._pool.acquire(timeout=5) as connection:
                    await self._drain(connection)
            except CONNECTION_ERRORS as error:
                await self._wait_out(error)

    async def _drain(self, connection: Connection) -> None:
        if self.failing_since is not None:
            await self.check(connection)
        while self._rows or self._entries:
            # Those that wait now were queued after rows that are among the next to be written, and
            # so may follow them; later ones may have rows of their own before them.
            ready = len(self._entries) if len(self._rows) <= MOST_ROWS else 0
            if self._rows:
                await asyncio.wait_for(self._write_rows(connection), self._write_limit_s)
                self._recovered()
            for _ in range(min(ready, len(self._entries))):
                await asyncio.wait_for(self._entries[0].write(connection), self._write_limit_s)
                self._entries.popleft()
                self._recovered()
        self._filled.clear()
        self._empty.set()

    async def _write_rows(self, connection: Connection) -> None:
        """One transaction, one round trip for each statement that is among the rows."""
        rows = in_turn(waiting.row for waiting in islice(self._rows, MOST_ROWS))
        if len(rows) == 1:
            await rows[0](connection)
        else:
            async with connection.transaction():
                for batch in executions(rows):
                    await _write(connection, batch)
        for _ in rows:
            self._rows.popleft()

    def _recovered(self) -> None:
        if self.failing_since is not None:
            log.info("journal_recovered", waiting=len(self))
            self.failing_since = None

    async def _wait_out(self, error: BaseException) -> None:
        now = asyncio.get_running_loop().time()
        if self.failing_since is None:
            self.failing_since = now
            log.error(
                "journal_waits",
                error=repr(error),
                waiting=len(self),
                advice="PostgreSQL is away; outcomes are kept in memory until it is back",
            )
        self.last_error = repr(error)
        elapsed = now - self.failing_since
        await asyncio.sleep(min(self._retry_s + elapsed / 4, self._longest_retry_s))
