"""The embedded PostgreSQL: crash, restart, adoption, stale files."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from dialer.database.embedded import EmbeddedPostgres
from dialer.database.pool import DatabaseError, connect

PROJECT = Path(__file__).parents[2]


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test alone. Under var/: the system user could not pass into tmp_path."""
    data = PROJECT / "var" / f"test-embedded-{os.getpid()}"
    server = EmbeddedPostgres(data, durable=False)
    yield server
    await server.stop()
    shutil.rmtree(data, ignore_errors=True)
    for beside in data.parent.glob(f".{data.name}*"):
        beside.unlink()


async def crash(server: EmbeddedPostgres) -> None:
    """SIGKILL the postmaster and wait until it is no server any more."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while server.pid is not None:
            await asyncio.sleep(0.005)


async def fetch(dsn: str, sql: str) -> object:
    connection = await connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_killed_server_comes_back_with_its_data(server: EmbeddedPostgres) -> None:
    server = EmbeddedPostgres(server.data_dir, durable=True)
    dsn = await server.start()
    await fetch(dsn, "create table kept as select 7 as x")
    busy = await connect(dsn)
    sleeping = asyncio.create_task(busy.execute("select pg_sleep(60)"))
    await asyncio.sleep(0.1)

    await crash(server)
    assert await server.ensure_running() is True
    assert await fetch(dsn, "select x from kept") == 7
    assert await server.ensure_running() is False
    with pytest.raises(asyncpg.PostgresConnectionError):
        await sleeping


async def test_a_running_server_is_adopted(server: EmbeddedPostgres) -> None:
    await server.start()
    second = EmbeddedPostgres(server.data_dir)
    assert await second.ensure_running() is False
    assert second.pid == server.pid


async def test_many_starters_at_once_leave_one_server(server: EmbeddedPostgres) -> None:
    servers = [EmbeddedPostgres(server.data_dir) for _ in range(4)]
    started = await asyncio.gather(*(one.ensure_running() for one in servers))
    assert sorted(started) == [False, False, False, True]


async def test_stale_lock_files_with_a_live_number_do_no_harm(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    await crash(server)
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    pid_file = server.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")

    assert server.pid is None
    assert await server.ensure_running() is True
    assert await fetch(dsn, "select 1") == 1
    stranger.kill()
    await stranger.wait()


STARTER = """
import asyncio, os, signal, sys
from pathlib import Path
from dialer.database.embedded import EmbeddedPostgres
asyncio.run(EmbeddedPostgres(Path(sys.argv[1])).start())
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_it_outlives_the_program_that_started_it(server: EmbeddedPostgres) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, str(server.data_dir), cwd=PROJECT
    )
    assert await asyncio.wait_for(starter.wait(), 60) == -signal.SIGKILL
    assert server.pid is not None
    assert await server.ensure_running() is False


async def test_stopping_ends_it_and_twice_is_harmless(server: EmbeddedPostgres) -> None:
    await server.start()
    await server.stop()
    assert server.pid is None
    with pytest.raises(DatabaseError, match="Cannot connect"):
        await connect(server.dsn())
    await server.stop()


async def test_its_folder_is_closed_to_others(server: EmbeddedPostgres) -> None:
    await server.start()
    assert server.data_dir.stat().st_mode & 0o077 == 0


async def test_a_start_killed_halfway_is_no_obstacle(server: EmbeddedPostgres) -> None:
    half = server.data_dir.with_name(f".{server.data_dir.name}.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert await fetch(await server.start(), "select 1") == 1


async def test_data_of_another_version_is_named(server: EmbeddedPostgres) -> None:
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseError, match="made by PostgreSQL 16"):
        await server.start()


async def test_letter_case_and_order_know_cyrillic(database: str) -> None:
    assert await fetch(database, "select lower('ИВАНОВ Ё')") == "иванов ё"
    assert await fetch(database, "select 'Пётр' ~* 'ПЁТР'") is True


async def test_a_database_name_is_checked(database_server: EmbeddedPostgres) -> None:
    for name in ("", "a b", 'x"; drop database prozvon', "--help", "Б"):
        with pytest.raises(DatabaseError, match="is no name"):
            await database_server.create_database(name)


async def test_a_deep_folder_still_gets_a_socket(server: EmbeddedPostgres) -> None:
    deep = EmbeddedPostgres(server.data_dir / ("x" * 100))
    assert deep.socket_dir != deep.data_dir
    try:
        assert await fetch(await deep.start(), "select 1") == 1
        assert deep.socket_dir.stat().st_mode & 0o077 == 0
    finally:
        await deep.stop()
        shutil.rmtree(deep.socket_dir)
