"""What a list says of leads, on a real database: of a campaign to come and of one that has it."""

from __future__ import annotations

import io
from typing import Literal

import pytest

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.leads.service import LeadService, What, Which
from campaigns.lists.model import ImportResult, Order
from campaigns.lists.service import ListService
from dialer.database.pool import Pool
from tests.database.staff import TestFloor

HEADER = "ФИО;Телефон;Приоритет;Ответственный\n"
FILE = (
    HEADER
    + "Первый;89031234501;5;anna\n"
    + "Второй;89031234502;;\n"
    + "Третий;89031234503;очень;никто\n"
    + "Первый снова;89031234501;9;boris\n"
    + "Четвёртый;8903123450 и 89031234504;-3;Анна Ли\n"
)


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    floor = await TestFloor.make(pool)
    await pool.execute(
        "insert into operator (floor_id, login, full_name, phone_ha1) "
        "select $1, login, name, repeat('0', 32) "
        "from unnest(array['anna', 'boris'], array['Анна Ли', 'Борис']) as told (login, name)",
        floor.id,
    )
    return floor


async def load(
    floor: TestFloor,
    text: str,
    on_duplicate: Literal["skip", "update"] = "skip",
    *,
    dry_run: bool = False,
) -> ImportResult:
    return await ListService(floor.pool).import_stream(
        io.BytesIO(text.encode()),
        floor="main",
        source="base.csv",
        order=Order("base", on_duplicate=on_duplicate, actor="olga", dry_run=dry_run),
    )


async def campaign(floor: TestFloor) -> None:
    brief = {"brief.client": "own", "brief.payment": "in_house"}
    new = NewCampaign("spring", ("base",), "carrier", brief)
    await CampaignService(floor.pool, floor.id, "main").create(new, "olga")


async def leads(floor: TestFloor) -> list[tuple[str, int, str | None]]:
    rows = await floor.pool.fetch(
        "select contact.name, lead.priority, login from lead "
        "join contact on contact.id = contact_id left join operator on operator.id = lead.owner_id "
        "order by contact.id"
    )
    return [tuple(row) for row in rows]


LEADS = [
    ("Первый", 5, "anna"),
    ("Второй", 0, None),
    ("Третий", 0, None),
    ("Четвёртый", -3, "anna"),
]


async def test_leads_begin_with_what_the_list_says(floor: TestFloor) -> None:
    result = await load(floor, FILE)
    assert (result.accepted, result.duplicates, result.rejected) == (4, 1, 0)
    assert [(r.line, r.value, r.reason) for r in result.rejects] == [
        (4, "очень", "priority"),
        (4, "никто", "owner"),
        (6, "8903123450", "invalid"),
    ]
    await campaign(floor)
    assert await leads(floor) == LEADS


async def test_an_update_reaches_the_leads_of_a_campaign(floor: TestFloor) -> None:
    await load(floor, FILE)
    await campaign(floor)
    changed = HEADER + "Первый;89031234501;7;\nВторой;89031234502;;boris\nПятый;89031234505;1;\n"
    assert (await load(floor, changed)).updated == 0
    before = [*LEADS, ("Пятый", 1, None)]
    assert await leads(floor) == before, "skip leaves known contacts alone"
    assert (await load(floor, changed, "update", dry_run=True)).updated == 2
    assert await leads(floor) == before
    assert (await load(floor, changed, "update")).updated == 2
    after = [("Первый", 7, "anna"), ("Второй", 0, "boris"), *LEADS[2:], ("Пятый", 1, None)]
    assert await leads(floor) == after
    notes = await floor.pool.fetch(
        "select actor, subject like 'list %', details from audit where action = 'leads_set'"
    )
    assert [tuple(note) for note in notes] == [("olga", True, {"changed": 2})]


async def test_what_was_said_of_leads_since_stays(floor: TestFloor) -> None:
    said = HEADER + "Первый;89031234501;5;anna\n"
    await load(floor, said)
    await campaign(floor)
    service = LeadService(floor.pool, floor.id)
    await service.set(Which("spring", phone="89031234501"), What(owner=""), "olga")
    assert (await load(floor, said, "update")).updated == 0
    assert (await leads(floor))[0] == ("Первый", 5, None)
    await load(floor, HEADER + "Первый;89031234501;6;anna\n", "update")
    assert (await leads(floor))[0] == ("Первый", 6, None), "the owner is not new"


async def test_an_operator_who_left_owns_no_new_leads(floor: TestFloor) -> None:
    await load(floor, FILE)
    await floor.pool.execute("update operator set removed_at = now() where login = 'anna'")
    await campaign(floor)
    assert (await leads(floor))[0] == ("Первый", 5, None)
