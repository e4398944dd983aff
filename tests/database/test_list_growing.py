"""A list that grows: campaigns that have it get leads of what came, each number once."""

from __future__ import annotations

import asyncio
import io

import pytest

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.lists.model import ImportResult, Order
from campaigns.lists.service import ListService
from dialer.database.pool import Pool
from tests.database.staff import TestFloor

BRIEF = {"brief.client": "own", "brief.payment": "in_house"}


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    return await TestFloor.make(pool)


async def load(floor: TestFloor, name: str, *phones: str, dry_run: bool = False) -> ImportResult:
    text = "Телефон\n" + "".join(f"{phone}\n" for phone in phones)
    order = Order(name, actor="olga", dry_run=dry_run)
    return await ListService(floor.pool).import_stream(
        io.BytesIO(text.encode()), floor="main", source=f"{name}.csv", order=order
    )


async def campaign(floor: TestFloor, name: str, *lists: str) -> None:
    new = NewCampaign(name, lists, "carrier", BRIEF)
    await CampaignService(floor.pool, floor.id, "main").create(new, "olga")


async def leads(floor: TestFloor, name: str) -> list[str]:
    """The last digits of the first phones of a campaign's leads, in their order."""
    rows = await floor.pool.fetch(
        "select right(e164, 2) from lead join campaign on campaign.id = campaign_id "
        "join contact_phone using (contact_id) where position = 0 and campaign.name = $1 "
        "order by lead.id", name,
    )  # fmt: skip
    return [row[0] for row in rows]


async def test_what_comes_later_is_dialed_too(floor: TestFloor) -> None:
    await load(floor, "base", "89031234501", "89031234502")
    await load(floor, "other", "89031234503")
    await campaign(floor, "spring", "base", "other")
    await campaign(floor, "summer", "base")
    await campaign(floor, "gone", "base")
    await floor.pool.execute("update campaign set status = 'archived' where name = 'gone'")

    more = ("89031234502", "89031234503", "89031234504, 89031234501", "89031234501")
    assert (await load(floor, "base", *more, dry_run=True)).leads == 3
    assert await leads(floor, "spring") == ["01", "02", "03"]
    result = await load(floor, "base", *more)
    assert (result.accepted, result.duplicates, result.leads) == (2, 2, 3)
    assert await leads(floor, "spring") == ["01", "02", "03", "04"], "03 is of the other list"
    assert await leads(floor, "summer") == ["01", "02", "03", "04"]
    assert await leads(floor, "gone") == ["01", "02"]
    assert (await load(floor, "base", *more)).leads == 0
    assert (await load(floor, "new", "89031234509")).leads == 0


async def test_a_campaign_made_meanwhile_misses_none(floor: TestFloor) -> None:
    """Whichever of the two is first at the list, the other one sees what it did."""
    await load(floor, "base", "89031234501")
    for number in range(6):
        phones = [f"8903{2000000 + 300 * number + one}" for one in range(300)]
        await asyncio.gather(load(floor, "base", *phones), campaign(floor, f"c{number}", "base"))
    counts = await floor.pool.fetch("select count(*) from lead group by campaign_id")
    assert [row[0] for row in counts] == [1 + 6 * 300] * 6
