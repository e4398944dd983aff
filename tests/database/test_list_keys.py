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


async def test_each_phone_of_many_needs_its_contact(pool: Pool, contacts: list[int]) -> None:
    """Contacts one after another are looked at in one go, others each by itself."""
    near = [row[0] for row in await pool.fetch(MAKE, 20, "a")]
    [far] = [row[0] for row in await pool.fetch(FAR, near[-1] + 10_000)]
    [gone] = await pool.fetch("delete from contact where id = $1 returning id", near[7])
    there = [one for one in near if one != gone[0]]
    for owners in (near, [there[0], far + 1], [*there, contacts[1]]):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await pool.execute(PHONES, owners)
    await pool.execute(PHONES, there)
    await pool.execute("delete from contact_phone where position = 5")
    await pool.execute(PHONES, [there[0], far])
    assert await pool.fetchval("select count(*) from contact_phone where position = 5") == 2


MAKE = """
insert into contact (list_id) select list.id from list, generate_series(1, $1) where name = $2
returning id
"""
FAR = """
insert into contact (id, list_id) overriding system value
select $1, list.id from list where name = 'a' returning id
"""
PHONES = """
insert into contact_phone (contact_id, list_id, position, e164)
select owner, list.id, 5, '+7903' || lpad(owner::text, 7, '0')
from list, unnest($1::bigint[]) owner where name = 'a'
"""


async def test_phones_go_with_their_contact_and_their_list(pool: Pool, contacts: list[int]) -> None:
    await pool.execute("delete from contact where id = $1", contacts[0])
    assert [row[0] for row in await pool.fetch("select contact_id from contact_phone")] == [
        contacts[1]
    ]
    await pool.execute("delete from list where name = 'b'")
    assert not await pool.fetchval("select count(*) from contact_phone")
