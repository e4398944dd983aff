"""What contradicts a campaign's legal profile is refused when it is written, and at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from campaigns.campaign.model import CampaignError, NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.dnc.service import DncService
from campaigns.legal.service import LegalService
from dialer.database.pool import Pool
from tests.database.staff import TestFloor

NAMED = {"names": ["company", "number"]}
DEBT = {
    "message": NAMED,
    "legal_profile": "ru_debt",
    "caller_id": "+74951234567",
    "recording": True,
    "brief.client": "own",
    "brief.payment": "in_house",
}


@pytest.fixture
async def service(pool: Pool) -> CampaignService:
    floor = await TestFloor.make(pool)
    await floor.add_list("base", 3)
    return CampaignService(pool, floor.id, "main")


async def make(service: CampaignService, **values: Any) -> None:
    await service.create(NewCampaign("spring", ("base",), "carrier", {**DEBT, **values}), "olga")


async def refused(work: Any) -> CampaignError:
    with pytest.raises(CampaignError) as caught:
        await work
    return caught.value


@pytest.mark.parametrize(
    ("id", "values", "told"),
    [
        ("legal_mode", {"legal_profile": "ru_advertising", "mode": "predictive"}, "preview"),
        ("legal_caller_id", {"caller_id": None}, "caller_id"),
        ("legal_recording", {"recording": False}, "recording"),
        ("legal_ring", {"ring_timeout_s": 10.0}, "20 s"),
        ("legal_hours", {"hours": {"sat": [["08:00", "20:00"]]}}, "09:00-20:00"),
        ("legal_limits", {"limits": {"per_week": 3}}, "2 at most"),
    ],
)
async def test_a_contradiction_is_refused_and_says_what_would_be_right(
    service: CampaignService, id: str, values: dict[str, Any], told: str
) -> None:
    problem = await refused(make(service, **values))
    assert (problem.id, problem.status) == (id, 422)
    assert told in str(problem) and "профил" in problem.to("ru")
    assert await service.status() == []


async def test_what_is_stricter_than_the_profile_is_taken(service: CampaignService) -> None:
    hours = {"mon": [["09:00", "21:00"]], "sat": []}
    await make(service, hours=hours, limits={"per_week": 1})
    kept = await service.settings("spring")
    assert (kept["hours"], kept["limits"]) == (hours, {"per_week": 1})
    assert await service.approve("spring", "olga") == "approved"
    assert await service.start("spring", "olga", ["carrier"]) == "running"


async def test_an_edit_is_refused_for_what_it_changes_alone(
    service: CampaignService, pool: Pool
) -> None:
    await make(service)
    assert (await refused(service.edit("spring", {"recording": False}, "olga"))).id == (
        "legal_recording"
    )
    # The profile's demand came after the campaign: other edits go on, and it does not start.
    await pool.execute("update campaign set recording = false")
    await service.edit("spring", {"wrap_up_limit_s": 30.0}, "olga")
    await service.approve("spring", "olga")
    problem = await refused(service.start("spring", "olga", ["carrier"]))
    assert (problem.id, problem.status) == ("legal_recording", 409)
    await service.edit("spring", {"recording": True}, "olga")
    assert await service.start("spring", "olga", ["carrier"]) == "running"


async def test_a_profile_that_changes_is_looked_at_again_at_the_start(
    service: CampaignService, pool: Pool
) -> None:
    await make(service, legal_profile="own")
    await service.approve("spring", "olga")
    legal = LegalService(pool, await pool.fetchval("select id from floor"))
    own = (await legal.profile("own")).model_dump(mode="json")
    await legal.define({**own, "modes": ["manual"]}, "boss")
    assert (await refused(service.start("spring", "olga", ["carrier"]))).id == "legal_mode"


async def test_a_register_is_needed_at_the_start_not_before(
    service: CampaignService, pool: Pool
) -> None:
    await make(service, legal_profile="uk")
    await service.approve("spring", "olga")
    assert (await refused(service.start("spring", "olga", ["carrier"]))).id == "register_stale"
    floor_id = await pool.fetchval("select id from floor")
    await DncService(pool, floor_id).load(["+442079460000"], "olga", register="tps")
    assert await service.start("spring", "olga", ["carrier"]) == "running"


async def test_a_message_is_needed_at_the_start_and_as_long_as_it_runs(
    service: CampaignService, pool: Pool, tmp_path: Path
) -> None:
    await make(service, message=None)
    await service.approve("spring", "olga")
    problem = await refused(service.start("spring", "olga", ["carrier"]))
    assert (problem.id, problem.status) == ("legal_message", 409)
    assert "company, number" in str(problem) and "прослушайте" in problem.to("ru")

    # Written before it is recorded; the start looks for the file, in the language's folder too.
    sound = str(tmp_path / "ours")
    await service.edit("spring", {"message": {"sound": sound, **NAMED}}, "olga")
    assert (await service.versions("spring"))[-1].actor == "olga"
    problem = await refused(service.start("spring", "olga", ["carrier"]))
    assert problem.id == "message_missing" and f"{sound}.wav" in str(problem)
    (tmp_path / "ru").mkdir()
    (tmp_path / "ru/ours.wav").write_bytes(b"")
    assert await service.start("spring", "olga", ["carrier"]) == "running"

    for change in ({"message": None}, {"message": {"names": ["company"]}}):
        assert (await refused(service.edit("spring", change, "igor"))).id == "legal_message"
    gone = {"message": {"sound": str(tmp_path / "gone"), **NAMED}}
    assert (await refused(service.edit("spring", gone, "igor"))).id == "message_missing"
    await service.edit("spring", {"mode": "preview"}, "igor")
    await service.edit("spring", {"message": None}, "igor")
    assert (await refused(service.edit("spring", {"mode": "predictive"}, "igor"))).id == (
        "legal_message"
    )


async def test_a_floor_whose_own_law_demands_names_gets_them(
    service: CampaignService, pool: Pool
) -> None:
    await make(service, legal_profile="own", message=None)
    await service.approve("spring", "olga")
    legal = LegalService(pool, await pool.fetchval("select id from floor"))
    own = (await legal.profile("own")).model_dump(mode="json")
    await legal.define({**own, "message": {"name": True, "number": False}}, "boss")
    problem = await refused(service.start("spring", "olga", ["carrier"]))
    assert problem.id == "legal_message" and 'names = ["company"]' in str(problem)
    await service.edit("spring", {"message": {"names": ["company"]}}, "olga")
    assert await service.start("spring", "olga", ["carrier"]) == "running"
