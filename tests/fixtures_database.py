"""Fixtures: one real PostgreSQL for the whole run, a fresh migrated database for each test."""

import asyncio
import fcntl
import hashlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate, read_migrations
from dialer.database.pool import Pool, open_pool
from dialer.locks import file_lock

VAR = Path(__file__).parents[1] / "var"
DATA = VAR / "test-postgres"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def database_server() -> Iterator[EmbeddedPostgres]:
    """The server of this run; runs at the same time share it, and the last one removes it."""
    server = EmbeddedPostgres(DATA, durable=False)
    VAR.mkdir(exist_ok=True)
    with (VAR / ".test-postgres.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        asyncio.run(server.start())
        yield server
        fcntl.flock(users, fcntl.LOCK_UN)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        asyncio.run(server.stop())
        shutil.rmtree(DATA)


@pytest.fixture(scope="session")
def database_template(database_server: EmbeddedPostgres) -> str:
    """The name of a database with all migrations, made once; nobody connects to it again,
    because a database with sessions cannot be cloned."""
    checksums = "".join(migration.checksum for migration in read_migrations())
    name = f"template_{hashlib.sha256(checksums.encode()).hexdigest()[:12]}"
    done = DATA / f"{name}.migrated"
    with file_lock(VAR / ".test-postgres.template", timeout_s=60):
        if not done.exists():
            dsn = asyncio.run(database_server.create_database(name, if_missing=True))
            asyncio.run(migrate(dsn))
            done.touch()
    return name


@pytest.fixture
async def empty_database(database_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The DSN of a database without migrations, removed after the test."""
    name = _unused_name()
    yield await database_server.create_database(name)
    await database_server.drop_database(name)


@pytest.fixture
async def database(database_server: EmbeddedPostgres, database_template: str) -> AsyncIterator[str]:
    """The DSN of a migrated database of this test alone, removed after it."""
    name = _unused_name()
    yield await database_server.create_database(name, template=database_template)
    await database_server.drop_database(name)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A pool on `database`, as the program opens it."""
    pool = await open_pool(database, min_size=1, application_name="prozvon test")
    yield pool
    # A test that failed may hold a connection for ever.
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:
        pool.terminate()


def _unused_name() -> str:
    return f"test_{os.getpid()}_{next(_numbers)}"
