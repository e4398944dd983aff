"""COPY into PostgreSQL when the connection is lost meanwhile."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from dialer.database.pool import connect, copy_in


async def test_a_copy_ends_with_its_connection(database: str) -> None:
    """Given a server that is too slow to read, when its connection is cut, then the copy fails at
    once: asyncpg waits for room to write, which a lost connection never has."""
    writer, other = await connect(database), await asyncpg.connect(database)
    try:
        await other.execute(
            "create table slow (line text);"
            "create function dawdle() returns trigger language plpgsql as "
            "$$ begin perform pg_sleep(60); return new; end $$;"
            "create trigger slow before insert on slow for each row execute function dawdle()"
        )
        pid = writer.get_server_pid()
        lines = b"a line\n" * 4_000_000
        copying = asyncio.create_task(copy_in(writer, "slow", lines, timeout_s=90))
        asked = "select wait_event = 'PgSleep' from pg_stat_activity where pid = $1"
        async with asyncio.timeout(20):
            while not await other.fetchval(asked, pid):
                await asyncio.sleep(0.05)
        assert not copying.done()
        await other.execute("select pg_terminate_backend($1)", pid)
        async with asyncio.timeout(20):
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await copying
    finally:
        writer.terminate()
        await other.close()


async def test_a_copy_says_how_many_rows_and_what_is_wrong(database: str) -> None:
    writer = await connect(database)
    try:
        await writer.execute("create table pair (n integer, word text)")
        await copy_in(writer, "pair", b"1\tone\n2\ttwo\n", timeout_s=10)
        await copy_in(writer, "pair", b"three\n", columns=("word",), timeout_s=10)
        assert await writer.fetchval("select count(*) from pair") == 3
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await copy_in(writer, "pair", b"x\tone\n", timeout_s=10)
        assert await writer.fetchval("select count(*) from pair") == 3
    finally:
        await writer.close()
