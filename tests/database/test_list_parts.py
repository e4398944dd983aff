"""A file is merged by parts; nothing may show where one part ends and the next begins."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import pytest

from campaigns.lists import intake
from campaigns.lists.errors import ListFileError
from campaigns.lists.model import Duplicates, ImportResult, OnDuplicate, Order
from campaigns.lists.service import ListService
from dialer.database.pool import Pool

# One or two phones a row.
Rows = Sequence[Sequence[str]]
NUMBERS = [f"+7903000{number:04}" for number in range(60)]


@pytest.fixture
async def service(pool: Pool) -> ListService:
    await pool.execute("insert into floor (name) values ('main')")
    return ListService(pool)


async def load(service: ListService, rows: Rows, order: Order) -> ImportResult:
    lines = "".join(f"row {number};{';'.join(row)}\n" for number, row in enumerate(rows))
    stream = io.BytesIO(f"name;phone;phone 2\n{lines}".encode())
    return await service.import_stream(stream, floor="main", source="text.csv", order=order)


async def held(pool: Pool) -> list[tuple[str, list[str]]]:
    """Name and phones of the contacts of list `new`, in the order of their ids."""
    rows = await pool.fetch(
        "select contact.name, (select array_agg(e164 order by position) from contact_phone p "
        "where p.contact_id = contact.id and p.list_id = contact.list_id) as phones, "
        "(select array_agg(position order by position) from contact_phone p "
        "where p.contact_id = contact.id) as places "
        "from contact join list on list.id = list_id and list.name = 'new' "
        "where contact.name <> '' order by contact.id"
    )
    assert all(row["places"] == list(range(len(row["phones"]))) for row in rows)
    return [(row["name"], row["phones"]) for row in rows]


def expected(
    rows: Rows, own: set[str], elsewhere: set[str], on_duplicate: OnDuplicate
) -> tuple[list[tuple[str, list[str]]], Duplicates]:
    """What becomes of the rows, one after the other."""
    taken: set[str] = set(own) if on_duplicate == "add" else own | elsewhere
    contacts, in_file, in_list, other = [], 0, 0, 0
    for number, row in enumerate(rows):
        phones = [phone for phone in dict.fromkeys(row) if phone not in taken]
        taken.update(phones)
        if phones:
            contacts.append((f"row {number}", phones))
        elif own.intersection(row):
            in_list += 1
        elif elsewhere.intersection(row):
            other += 1
        else:
            in_file += 1
    return contacts, Duplicates(in_file, in_list, other)


@pytest.mark.parametrize("on_duplicate", ["skip", "add"])
@pytest.mark.parametrize("part", [1, 7, 1000])
async def test_where_a_part_ends_changes_nothing(
    service: ListService,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    part: int,
    on_duplicate: OnDuplicate,
) -> None:
    monkeypatch.setattr(intake, "BATCH_ROWS", part)
    chance = random.Random(part)
    rows = [chance.choices(NUMBERS, k=chance.choice((1, 2))) for _ in range(50)]
    own, elsewhere = NUMBERS[:8], NUMBERS[5:15]
    await load(service, [[phone] for phone in elsewhere], Order("old"))
    await load(service, [[phone] for phone in own], Order("new"))
    await pool.execute("update contact set name = ''")
    order = Order("new", days=30, on_duplicate=on_duplicate)
    contacts, duplicates = expected(rows, set(own), set(elsewhere), on_duplicate)
    result = await load(service, rows, order)
    assert await held(pool) == contacts
    assert result.duplicates_by_place == duplicates
    assert (result.rows, result.accepted) == (50, len(contacts))
    assert result.phones == sum(len(phones) for _, phones in contacts)
    again = await load(service, rows, order)
    assert (again.accepted, again.phones) == (0, 0)
    assert await held(pool) == contacts


async def test_an_error_after_merged_parts_leaves_nothing(
    service: ListService, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH_ROWS", 2)
    stream = io.BytesIO("".join(["phone\n", *(f"{n}\n" for n in NUMBERS), '"8903\n8903']).encode())
    with pytest.raises(ListFileError, match="quote"):
        await service.import_stream(stream, floor="main", source="a.csv", order=Order("new"))
    for table in ("list", "contact", "contact_phone"):
        assert not await pool.fetchval(f"select count(*) from {table}")
