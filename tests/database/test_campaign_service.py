"""Campaigns on a real database: made from lists, started and stopped, looked at."""

import asyncio
import dataclasses
from typing import Any

import pytest

from campaigns.campaign.model import CampaignError, CampaignStatus, NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.database.pool import Pool
from tests.database.staff import ROWS, TestFloor, after


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    return await TestFloor.make(pool)


@pytest.fixture
def service(floor: TestFloor) -> CampaignService:
    return CampaignService(floor.pool, floor.id, "main")


def a_campaign(*lists: str, **values: Any) -> NewCampaign:
    return dataclasses.replace(NewCampaign("spring", lists, "carrier"), **values)


async def refused(id: str, work: Any) -> str:
    """The sentence of a refusal with this id."""
    with pytest.raises(CampaignError) as caught:
        await work
    assert caught.value.id == id
    return str(caught.value)


async def test_a_campaign_gets_a_lead_for_every_contact(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 3)
    await floor.add_list("new", 2, first=3)
    created = await service.create(a_campaign("old", "new", caller_id="+74951234567"), "olga")
    assert created.leads == 5
    (state,) = await service.status("spring")
    assert state.status is CampaignStatus.DRAFT
    assert (state.lists, state.trunk) == (("old", "new"), "carrier")
    assert state.leads == {"new": 5, "claimed": 0, "dialing": 0, "retry": 0, "done": 0}
    assert (state.attempts, state.in_progress, state.last_decision) == (0, 0, None)
    (note,) = await floor.pool.fetch(ROWS.audit)
    assert tuple(note) == (
        "olga",
        "campaign_created",
        "campaign spring",
        {"lists": ["old", "new"], "leads": 5},
    )


async def test_a_number_in_two_lists_is_one_lead(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("march", 4)
    await floor.add_list("april", 4, first=2)
    assert (await service.create(a_campaign("march", "april"), "olga")).leads == 6


async def test_a_refused_campaign_leaves_nothing_behind(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    said = await refused("unknown_list", service.create(a_campaign("old", "odl"), "olga"))
    assert "'odl'" in said and "'old'" not in said
    await refused("unknown_trunk", service.create(a_campaign("old", trunk="none"), "olga"))
    assert await service.status() == []
    assert await floor.pool.fetch(ROWS.audit) == []


async def test_a_name_is_used_once_also_by_two_at_a_time(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 50)
    twice = [service.create(a_campaign("old"), "olga") for _ in range(2)]
    results = await asyncio.gather(*twice, return_exceptions=True)
    errors = [result for result in results if isinstance(result, CampaignError)]
    assert [error.id for error in errors] == ["campaign_exists"]
    (state,) = await service.status()
    assert state.leads["new"] == 50


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "200"),
        ({"lists": ()}, "at least one list"),
        ({"mode": "broadcast"}, "mode"),
        ({"language": "de"}, "language"),
        ({"caller_id": "${SHELL(id)}"}, "caller id"),
        ({"caller_id": "12"}, "caller id"),
        ({"ring_timeout_s": 4}, "ring timeout"),
        ({"ring_timeout_s": float("nan")}, "ring timeout"),
        ({"post_dial_delay_s": 31}, "post-dial delay"),
        ({"wrap_up_limit_s": 0}, "wrap-up limit"),
        ({"max_approaches": 0}, "approaches"),
    ],
)
async def test_wrong_values_are_named(
    service: CampaignService, values: dict[str, Any], said: str
) -> None:
    new = dataclasses.replace(a_campaign("old"), **values)
    assert said in await refused("bad_value", service.create(new, "olga"))


async def test_start_pause_and_stop_go_only_where_they_may(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    await service.create(a_campaign("old"), "olga")
    assert "is draft" in await refused("wrong_state", service.pause("spring", "olga"))
    assert "is draft" in await refused("wrong_state", service.stop("spring", "olga"))
    assert await service.start("spring", "olga", ["carrier"]) is CampaignStatus.RUNNING
    again = service.start("spring", "olga", ["carrier"])
    assert "running already" in await refused("wrong_state", again)
    assert await service.pause("spring", "olga") is CampaignStatus.PAUSED
    assert await service.start("spring", "olga", ["carrier"]) is CampaignStatus.RUNNING
    assert await service.stop("spring", "olga") is CampaignStatus.STOPPED
    assert await service.start("spring", "igor", ["carrier"]) is CampaignStatus.RUNNING
    actions = [(note["actor"], note["action"]) for note in await floor.pool.fetch(ROWS.audit)]
    assert actions[1:] == [
        ("olga", "campaign_running"),
        ("olga", "campaign_paused"),
        ("olga", "campaign_running"),
        ("olga", "campaign_stopped"),
        ("igor", "campaign_running"),
    ]
    for work in (service.start("x", "olga", []), service.stop("x", "olga"), service.status("x")):
        assert "'x'" in await refused("unknown_campaign", work)


async def test_two_who_start_at_once_change_it_once(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    await service.create(a_campaign("old"), "olga")
    starts = [service.start("spring", name, ["carrier"]) for name in ("olga", "igor", "vera")]
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(result is CampaignStatus.RUNNING for result in results) == 1
    assert len(await floor.pool.fetch(ROWS.audit)) == 2


async def test_what_cannot_be_dialed_cannot_start(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("empty", 0)
    await service.create(a_campaign("empty"), "olga")
    assert "no leads" in await refused("no_leads", service.start("spring", "olga", ["carrier"]))
    assert "[[trunks]]" in await refused("no_trunk", service.start("spring", "olga", ["other"]))
    await floor.add_list("old", 2)
    await service.create(a_campaign("old", name="autumn"), "olga")
    await floor.pool.execute(ROWS.finish_leads, "autumn")
    assert "is done" in await refused("no_leads", service.start("autumn", "olga", ["carrier"]))


async def test_status_tells_outcomes_and_the_newest_decision(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 4)
    await service.create(a_campaign("old"), "olga")
    first, second, third, _ = [row["id"] for row in await floor.pool.fetch(ROWS.leads, "spring")]
    await floor.add_attempt(first, after(0), outcome="busy", ended_at=after(3))
    await floor.add_attempt(
        second, after(1), outcome="answered", bridged_at=after(2), ended_at=after(9)
    )
    await floor.add_attempt(third, after(2))
    await floor.pool.execute(ROWS.decision, "spring", after(1), 1, "operators", "1: 1 free")
    await floor.pool.execute(ROWS.decision, "spring", after(2), 0, "operators", "0: none free")
    (state,) = await service.status()
    assert (state.attempts, state.in_progress, state.conversations) == (3, 1, 1)
    assert {name: n for name, n in state.outcomes.items() if n} == {"busy": 1, "answered": 1}
    assert state.last_decision is not None
    assert (state.last_decision.placed, state.last_decision.reason) == (0, "0: none free")


async def test_floors_do_not_see_each_other(pool: Pool, service: CampaignService) -> None:
    other = await TestFloor.make(pool, "other")
    await other.add_list("theirs", 1)
    await refused("unknown_list", service.create(a_campaign("theirs"), "olga"))
    await CampaignService(pool, other.id, "main").create(a_campaign("theirs"), "olga")
    assert await service.status() == []
    await refused("unknown_campaign", service.start("spring", "olga", ["carrier"]))
