"""The connection pool, with the same session settings everywhere."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    # Generic in the stubs alone: subscribing them at run time is an error.
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

CONNECT_TIMEOUT_S = 10.0
# The server ends a slow statement first; the client's own limit is for a server that is gone.
CLIENT_GRACE_S = 5.0

T = TypeVar("T")


class DatabaseError(RuntimeError):
    """The database cannot be used; the message says what to do."""


async def open_pool(
    dsn: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    statement_timeout_s: float = 30,
    application_name: str = "prozvon",
) -> Pool:
    """Open a pool: sessions in UTC, json and jsonb as Python objects, a limit on every statement.

    A statement that takes longer raises asyncpg.QueryCanceledError. Raises DatabaseError when
    the first connections cannot be made.
    """
    pool = asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=statement_timeout_s + CLIENT_GRACE_S,
        init=_prepare,
        reset=_nothing_to_reset,
        server_settings=_session_settings(statement_timeout_s, application_name),
    )
    return await _explained(dsn, pool)


async def connect(
    dsn: str, *, statement_timeout_s: float = 30, application_name: str = "prozvon"
) -> Connection:
    """One connection with the settings of `open_pool`. Raises DatabaseError."""
    opening = asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=statement_timeout_s + CLIENT_GRACE_S,
        server_settings=_session_settings(statement_timeout_s, application_name),
    )
    connection = await _explained(dsn, opening)
    await _prepare(connection)
    return connection


def describe(dsn: str) -> str:
    """Where `dsn` points to, for messages and logs: no user, no password."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["local"])[0]
    return f"{parts.path.lstrip('/') or 'the default database'} on {host}"


def _session_settings(statement_timeout_s: float, application_name: str) -> dict[str, str]:
    return {
        "application_name": application_name,
        "timezone": "UTC",
        "statement_timeout": f"{statement_timeout_s * 1000:.0f}",
        # A transaction left open by a bug would hold its locks and stop vacuum for ever.
        "idle_in_transaction_session_timeout": "60000",
        # Our statements take milliseconds; compiling one to machine code takes longer.
        "jit": "off",
    }


async def _prepare(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_encode_json, decoder=json.loads
        )


async def _nothing_to_reset(_: Any) -> None:
    """asyncpg 0.32 would ask the server to reset the session at every release.

    That is one more round trip for each borrowed connection, and nothing of ours outlives its
    transaction: settings and locks are `local`. A transaction left open is rolled back before this.
    """


def _encode_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


async def _explained(dsn: str, opening: Awaitable[T]) -> T:
    try:
        return await opening
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseError(
            f"Cannot connect to the database {_safely_described(dsn)}: "
            f"{error or type(error).__name__}. Check the database URL in the settings, and that "
            "PostgreSQL is running and lets this user in."
        ) from error


def _safely_described(dsn: str) -> str:
    try:
        return describe(dsn)
    except ValueError:
        return "(the URL itself is malformed)"


async def copy_in(
    connection: Connection | PoolConnectionProxy[asyncpg.Record],
    table: str,
    lines: bytes,
    *,
    columns: Sequence[str] | None = None,
    timeout_s: float,
) -> None:
    """COPY of `lines` in PostgreSQL's text format. Raises what PostgreSQL raises, and
    ConnectionDoesNotExistError when the connection is lost.

    asyncpg 0.32 alone waits for ever where the connection is lost while the server does not read
    (`copy_in` in its protocol.pyx waits for room to write, without a limit).
    """
    lost = asyncio.get_running_loop().create_future()

    def end(_: object) -> None:
        if not lost.done():
            lost.set_result(None)

    connection.add_termination_listener(end)
    copying = asyncio.ensure_future(
        connection.copy_to_table(
            table, columns=columns, source=io.BytesIO(lines), timeout=timeout_s
        )
    )
    try:
        await asyncio.wait((copying, lost), return_when=asyncio.FIRST_COMPLETED)
        if not copying.done():
            raise asyncpg.ConnectionDoesNotExistError("the connection was lost during a COPY")
        copying.result()
    finally:
        if not copying.done():
            copying.cancel()
            await asyncio.wait((copying,))
        with contextlib.suppress(asyncpg.InterfaceError):  # a lost one has none
            connection.remove_termination_listener(end)
