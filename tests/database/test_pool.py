"""The pool's session settings and its errors."""

import datetime as dt

import asyncpg
import pytest

from dialer.database.embedded import EmbeddedPostgres
from dialer.database.pool import DatabaseError, Pool, connect, describe, open_pool


async def test_json_comes_back_as_python_objects(pool: Pool) -> None:
    value = {"имя": "Иван", "ключи": [1, 2.5, None, True]}
    assert await pool.fetchval("select $1::jsonb", value) == value
    assert await pool.fetchval("select $1::json", value) == value


async def test_no_json_that_a_browser_cannot_read(pool: Pool) -> None:
    with pytest.raises(asyncpg.DataError):
        await pool.fetchval("select $1::jsonb", float("nan"))


async def test_sessions_are_in_utc_and_named(pool: Pool) -> None:
    assert await pool.fetchval("show timezone") == "UTC"
    assert await pool.fetchval("show application_name") == "prozvon test"
    moment = await pool.fetchval("select now()")
    assert moment.utcoffset() == dt.timedelta(0)


async def test_a_statement_cannot_run_for_ever(database: str) -> None:
    pool = await open_pool(database, min_size=1, statement_timeout_s=0.1, application_name="t")
    async with pool:
        with pytest.raises(asyncpg.QueryCanceledError):
            await pool.execute("select pg_sleep(30)")


async def test_an_absent_server_is_explained_without_the_password() -> None:
    with pytest.raises(DatabaseError, match=r"calls on 127\.0\.0\.1:9.*database URL") as error:
        await open_pool("postgresql://ann:secret@127.0.0.1:9/calls")
    assert "secret" not in str(error.value)


async def test_an_absent_database_is_explained(database_server: EmbeddedPostgres) -> None:
    with pytest.raises(DatabaseError, match=r'"absent" does not exist'):
        await connect(database_server.dsn("absent"))


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("postgresql://u:p@db.example:5433/calls", "calls on db.example:5433"),
        ("postgresql://postgres@/calls?host=%2Frun%2Fpg", "calls on /run/pg"),
        ("postgresql:///", "the default database on local"),
    ],
)
def test_an_address_is_described(dsn: str, place: str) -> None:
    assert describe(dsn) == place
