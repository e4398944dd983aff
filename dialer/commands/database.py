"""The database for one command: the one of the settings, or the embedded server, borrowed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from dialer.config import Settings
from dialer.database.embedded import DATABASE, EmbeddedPostgres
from dialer.database.migrate import migrate
from dialer.database.pool import DatabaseError, Pool, connect, open_pool
from dialer.database.queries import Queries
from dialer.store import SQL as FLOOR_SQL

SQL = Queries.load("dialer.commands")
CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Floor:
    """The settings' floor in the database, migrated, with the rows that `serve` makes too."""

    settings: Settings
    pool: Pool
    floor_id: int


@contextlib.asynccontextmanager
async def borrowed_database(settings: Settings) -> AsyncIterator[str]:
    """The DSN. An embedded server that did not run is stopped afterwards, unless in use by then.

    Raises DatabaseError.
    """
    url = settings.database.url
    if url is not None:
        yield url.get_secret_value()
        return
    server = embedded_server(settings)
    started = await server.ensure_running()
    try:
        yield await server.create_database(DATABASE, if_missing=True)
    finally:
        if started and not await _in_use(server.dsn()):
            await server.stop()


def embedded_server(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of these settings, running or not."""
    return EmbeddedPostgres(settings.data_dir / "postgres")


async def _in_use(dsn: str) -> bool:
    """Whether `serve` or another command has adopted the server meanwhile."""
    try:
        connection = await connect(dsn, statement_timeout_s=5)
    except DatabaseError:
        return False
    try:
        others: int = await connection.fetchval(SQL.other_sessions)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    finally:
        await connection.close(timeout=CLOSE_TIMEOUT_S)
    return others > 0


@contextlib.asynccontextmanager
async def open_floor(settings: Settings) -> AsyncIterator[Floor]:
    """Database and floor for one command. Raises DatabaseError."""
    async with borrowed_database(settings) as dsn:
        await migrate(dsn)
        pool = await open_pool(dsn, min_size=1, max_size=2, application_name="prozvon command")
        try:
            yield Floor(settings, pool, await ensure_floor(pool, settings))
        finally:
            pool.terminate()


async def ensure_floor(pool: Pool, settings: Settings) -> int:
    """The floor's id; rows of floor, node and trunks are made where `serve` never ran."""
    floor = settings.floor
    floor_id: int = await pool.fetchval(FLOOR_SQL["ensure_floor"], floor.name, floor.time_zone)
    node_id = await pool.fetchval(FLOOR_SQL["ensure_node"], settings.asterisk.node)
    for trunk in settings.trunks:
        await pool.fetchval(
            FLOOR_SQL["ensure_trunk"], node_id, trunk.name, trunk.lines, trunk.calls_per_second
        )
    return floor_id
