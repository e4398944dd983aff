"""PostgreSQL itself understands every named query, also those of rare moments."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg
import pytest

from dialer.database.pool import open_pool
from dialer.database.queries import Queries

PROJECT = Path(__file__).parents[2]
PACKAGES = sorted(
    ".".join(path.parent.relative_to(PROJECT).parts)
    for room in ("dialer", "agi", "campaigns", "monitoring")
    for path in (PROJECT / room).rglob("queries.sql")
)

TEMPORARY = re.compile(r"create temp(?:orary)? table (?:if not exists )?(\w+)", re.IGNORECASE)


@pytest.mark.parametrize("package", PACKAGES)
async def test_it_can_be_prepared(database: str, package: str) -> None:
    broken, queries = {}, Queries.load(package)
    # What a session makes for itself is not there for another.
    temporary = {name for sql in queries.values() for name in TEMPORARY.findall(sql)}
    pool = await open_pool(database, application_name="prozvon test")
    try:
        async with pool.acquire() as connection:
            for name, sql in queries.items():
                try:
                    await connection.prepare(sql)
                except asyncpg.PostgresError as error:
                    if not any(f'"{table}"' in str(error) for table in temporary):
                        broken[name] = str(error)
    finally:
        await pool.close()
    assert broken == {}
