"""The journal on a real PostgreSQL behind a link that is cut, stalled and refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from dialer.database.pool import Pool, open_pool
from dialer.ids import new_id
from dialer.journal import Journal, Row
from dialer.operators import Connecting, Paused, Ready, Seat, StateChange
from tests.database.store_floor import DONE, NOW, moment, running_floor
from tests.faults.proxy import FaultProxy

if TYPE_CHECKING:
    from dialer.journal import Connection

WAIT_S = 60.0


@dataclass
class Link:
    """A journal whose database is behind a proxy; `numbers` is what it wrote, in order."""

    journal: Journal
    proxy: FaultProxy
    pool: Pool
    direct: Pool

    def row(self, number: int, order: int = 0) -> None:
        sql = "insert into written (number) values ($1) on conflict (number) do nothing"
        self.journal.row(Row(order, sql + " " * order, (number,)))

    def write(self, number: int) -> None:
        async def insert(connection: Connection) -> None:
            await connection.execute(
                "insert into written (number) values ($1) on conflict (number) do nothing", number
            )

        self.journal.write("number", insert)

    async def numbers(self) -> list[int]:
        rows = await self.direct.fetch("select number from written order by position")
        return [row["number"] for row in rows]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                await asyncio.sleep(0.005)


async def proxied(dsn: str) -> tuple[FaultProxy, str]:
    """A proxy before the server of `dsn`, and the DSN through it."""
    parts = urlsplit(dsn)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if folder:
        proxy = await FaultProxy.start(f"{folder}/.s.PGSQL.{parts.port or 5432}")
    else:
        proxy = await FaultProxy.start(parts.hostname or "127.0.0.1", parts.port or 5432)
    user = parts.username or "postgres"
    secret = f":{parts.password}" if parts.password else ""
    return proxy, f"postgresql://{user}{secret}@127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"


@pytest.fixture(name="link")
async def link_fixture(database: str, pool: Pool) -> AsyncIterator[Link]:
    await pool.execute(
        "create table written (position bigint generated always as identity, number int unique)"
    )
    proxy, dsn = await proxied(database)
    through = await open_pool(dsn, min_size=1, max_size=2, application_name="journal")
    journal = Journal(through, retry_s=0.01, longest_retry_s=0.1)
    running = asyncio.create_task(journal.run())
    yield Link(journal, proxy, through, pool)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    through.terminate()
    await proxy.close()


async def test_writes_keep_their_order(link: Link) -> None:
    assert len(link.journal) == 0 and await link.journal.flushed(0)
    for number in range(500):
        link.write(number)
    assert len(link.journal) == 500
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == list(range(500))
    assert len(link.journal) == 0


async def test_rows_are_written_together_in_their_order_and_before_entries(link: Link) -> None:
    for number in range(100):
        link.write(1000 + number)
        link.row(500 + number, order=2)
        link.row(number, order=1)
    assert len(link.journal) == 300
    assert await link.journal.flushed(WAIT_S)
    together = "select count(distinct xmin::text) from written where number < 1000"
    assert await link.direct.fetchval(together) == 1
    assert await link.numbers() == [*range(100), *range(500, 600), *range(1000, 1100)]


async def test_rows_of_one_statement_are_one_execution_each_thing_once(link: Link) -> None:
    """Given rows of a statement that takes many, two of them of the same thing, when they are
    written, then in two executions, the first of the two in the first."""
    sql = (
        "insert into written (number) select number + 1000 * (select count(*) from written) "
        "from unnest($1::integer[]) as number"
    )
    for number in (1, 2, 3):
        link.journal.row(Row(0, sql, (number,), number, together=True))
    link.journal.row(Row(0, sql, (3,), 3, together=True))
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == [1, 2, 3, 3003]


async def test_a_row_that_comes_between_entries_is_written_between_them(link: Link) -> None:
    """Given two entries that wait, when the first is being written and a row and a third entry
    come, then the row is there before the third."""

    async def first(connection: Connection) -> None:
        await connection.execute("insert into written (number) values (1)")
        link.row(3)
        link.write(4)

    link.journal.write("first", first)
    link.write(2)
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == [1, 2, 3, 4]


async def test_rows_outlive_links_that_are_cut(link: Link) -> None:
    rng = Random(8)
    for number in range(600):
        link.row(number)
        if number % 20 == 0:
            await asyncio.sleep(rng.random() * 0.1)
            link.proxy.cut()
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == list(range(600))
    assert link.proxy.connections > 2


async def test_a_row_that_can_never_succeed_stops_the_process(pool: Pool) -> None:
    journal = Journal(pool)
    for sql in ("select 1 / $1::int", "select $1::int"):
        journal.row(Row(0, sql, (0,)))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await asyncio.wait_for(journal.run(), WAIT_S)
    assert len(journal) == 2


async def test_nothing_is_lost_while_links_are_cut(link: Link) -> None:
    rng = Random(7)
    for number in range(600):
        link.write(number)
        if number % 20 == 0:
            await asyncio.sleep(rng.random() * 0.01)
            link.proxy.cut()
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == list(range(600))
    assert link.proxy.connections > 2
    assert link.journal.healthy


async def test_what_is_written_while_the_server_is_away_is_written_when_it_is_back(
    link: Link,
) -> None:
    link.write(0)
    assert await link.journal.flushed(WAIT_S)
    link.proxy.refuse()
    link.proxy.cut()
    for number in range(1, 100):
        link.write(number)
    await link.until(lambda: not link.journal.healthy)
    assert not await link.journal.flushed(0.05)
    assert await link.numbers() == [0]
    assert link.journal.last_error
    link.proxy.accept()
    assert await link.journal.flushed(WAIT_S)
    assert link.journal.healthy
    assert await link.numbers() == list(range(100))


async def test_a_stalled_link_holds_writes_back_and_loses_none(link: Link) -> None:
    link.write(0)
    assert await link.journal.flushed(WAIT_S)
    link.proxy.stall()
    for number in range(1, 50):
        link.write(number)
    assert not await link.journal.flushed(0.3)
    link.proxy.resume()
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == list(range(50))


async def test_a_write_that_was_stalled_and_then_cut_is_written_once(link: Link) -> None:
    """The statement may have been carried out: its answer was lost with the link."""
    link.write(0)
    assert await link.journal.flushed(WAIT_S)
    for number in range(1, 40):
        link.proxy.stall()
        link.write(number)
        await asyncio.sleep(0.002)
        link.proxy.cut()
        link.proxy.resume()
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == list(range(40))


async def test_a_link_that_stays_stalled_is_given_up(link: Link) -> None:
    """Half-open: only our own limit notices, and a new link brings the writes through."""
    link.journal._write_limit_s = 0.3
    link.write(0)
    assert await link.journal.flushed(WAIT_S)
    link.proxy.stall()
    link.write(1)
    await link.until(lambda: not link.journal.healthy)
    assert "Timeout" in link.journal.last_error or "Cancel" in link.journal.last_error
    link.proxy.resume()
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == [0, 1]


async def test_a_server_that_ends_its_sessions_is_waited_for(link: Link) -> None:
    link.write(0)
    assert await link.journal.flushed(WAIT_S)
    await link.direct.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'journal' and datname = current_database()"
    )
    link.write(1)
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == [0, 1]


async def test_a_write_that_can_never_succeed_stops_the_process(database: str, pool: Pool) -> None:
    journal = Journal(pool)
    journal.write("bug", lambda connection: connection.execute("select 1 / 0"))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await asyncio.wait_for(journal.run(), WAIT_S)
    assert len(journal) == 1


async def test_an_entry_is_whole_or_not_at_all(link: Link) -> None:
    """A cut in the middle of a transaction: the entry is done again from its beginning."""
    done: list[int] = []

    async def two_rows(connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute("insert into written (number) values (1)")
            if not done:
                done.append(1)
                link.proxy.cut()
            await connection.execute("insert into written (number) values (2)")

    link.journal.write("two", two_rows)
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == [1, 2]


async def test_a_shift_and_an_attempt_survive_a_bad_link(link: Link) -> None:
    """The store's own writes, again and again cut: each is idempotent, states have no gap."""
    floor = await running_floor(link.direct)
    store, journal = floor.store, link.journal
    attempt = await floor.dialed()
    operator_id, shift_id = await floor.sign_in("anna")

    def log(change: StateChange) -> None:
        journal.row(store.change_state(change))

    seat = Seat(operator_id, "anna", shift_id, NOW, log, Connecting(NOW))
    ended = (
        attempt.ringing(NOW + 1)
        .answered(NOW + 2)
        .bridged(NOW + 3, "anna")
        .lost(NOW + 9, known_dead=False)
    )
    journal.row(store.finish(ended, operator_id, shift_id, DONE))
    for number in range(60):
        at = NOW + number + 1
        seat.become(Ready(at) if number % 2 == 0 else Paused(at, "lunch"))
        if number % 5 == 0:
            await asyncio.sleep(0.003)
            link.proxy.cut()
    journal.row(store.finish(ended, operator_id, shift_id, DONE))
    journal.row(store.close_shift(shift_id, NOW + 100))
    assert await journal.flushed(WAIT_S)

    states = await floor.states(shift_id)
    assert [row[0] for row in states] == list(range(61))
    starts, ends = [row[3] for row in states], [row[4] for row in states]
    assert starts == [moment(NOW + number) for number in range(61)]
    assert ends == [*starts[1:], moment(NOW + 100)]
    row = await floor.attempt_row(attempt)
    assert row is not None and row["outcome"] == "answered"
    assert (await floor.lead(attempt.lead.id))["approaches"] == 1


async def test_what_is_written_during_a_write_comes_after_it(link: Link) -> None:
    async def first(connection: Connection) -> None:
        link.write(2)
        await connection.execute("insert into written (number) values (1)")

    link.journal.write("first", first)
    assert await link.journal.flushed(WAIT_S)
    assert await link.numbers() == [1, 2]


async def test_who_signs_in_again_within_a_moment_has_one_open_shift_at_a_time(link: Link) -> None:
    """All in one batch: a shift is closed before the operator's next one is opened."""
    floor = await running_floor(link.direct)
    operator_id, first = await floor.sign_in("anna")
    shifts = [first, *(new_id(NOW + number) for number in range(1, 4))]
    for number, shift_id in enumerate(shifts[1:], 1):
        link.journal.row(floor.store.close_shift(shifts[number - 1], NOW + number))
        link.journal.row(floor.store.open_shift(shift_id, operator_id, NOW + number))
        change = StateChange(shift_id, "anna", 1, Connecting(NOW), Ready(NOW + number + 0.5))
        link.journal.row(floor.store.change_state(change))
    assert await link.journal.flushed(WAIT_S)
    assert [row["id"] for row in await floor.store.open_shifts()] == shifts[-1:]
    assert len(await floor.states(shifts[1])) == 2
