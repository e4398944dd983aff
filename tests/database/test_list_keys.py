"""Phones stay with contacts of their list, and go with them."""

from __future__ import annotations

import asyncpg
import pytest

from dialer.database.pool import Pool


@pytest.fixture
async def contacts(pool: Pool) -> list[int]:
    """Two contacts, each with a phone in a list of its own."""
    rows = await pool.fetch(
        "with f as (insert into floor (name) values ('main') returning id), "
        "l as (insert into list (floor_id, name) select id, n from f, unnest(array['a', 'b']) n "
        "returning id), "
        "c as (insert into contact (list_id) select id from l returning id, list_id) "
        "select id, list_id from c order by id"
    )
    for row in rows:
        await add(pool, row["id"], row["list_id"], 0)
    return [row["id"] for row in rows]


async def add(pool: Pool, contact: int, of_list: int, position: int) -> None:
    await pool.execute(
        "insert into contact_phone (contact_id, list_id, position, e164) values ($1, $2, $3, $4)",
        *(contact, of_list, position, f"+7903123456{position}"),
    )


async def test_a_phone_needs_a_contact_of_its_list(pool: Pool, contacts: list[int]) -> None:
    lists = [row["id"] for row in await pool.fetch("select id from list order by id")]
    for contact, of_list in ((10**6, lists[0]), (contacts[0], lists[1]), (contacts[0], 10**6)):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await add(pool, contact, of_list, 1)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await pool.execute("insert into contact (list_id) values ($1), (1000000)", lists[0])
    for change in ("update contact_phone set list_id = $1", "update contact set list_id = $1"):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await pool.execute(change, lists[1])


async def test_phones_go_with_their_contact_and_their_list(pool: Pool, contacts: list[int]) -> None:
    await pool.execute("delete from contact where id = $1", contacts[0])
    assert [row[0] for row in await pool.fetch("select contact_id from contact_phone")] == [
        contacts[1]
    ]
    await pool.execute("delete from list where name = 'b'")
    assert not await pool.fetchval("select count(*) from contact_phone")
