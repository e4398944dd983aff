"""Why a campaign dials so, what it may take, and plans from what was measured, in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from campaigns.campaign.service import CampaignService
from campaigns.pacing.http import Parts, routes
from campaigns.pacing.jobs import Simulations
from campaigns.pacing.measured import MeasuredPlans
from campaigns.pacing.model import Limits, PacingError
from campaigns.pacing.service import PacingService
from campaigns.refusals import Sentence, joined
from campaigns.rules.service import RulesService
from dialer.database.pool import Pool
from dialer.health import Health
from dialer.http.server import HttpServer
from dialer.ids import new_id
from dialer.pacing import Decision
from dialer.whatif import trial
from tests.database.store_floor import NOW, Floor, moment, running_floor

TOKEN = "a-token-of-a-test"


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    return await running_floor(pool)


@pytest.fixture(name="service")
def service_fixture(floor: Floor) -> PacingService:
    return PacingService(floor.pool, floor.rows.id)


async def log(floor: Floor, at: float, decision: Decision) -> None:
    await floor.write(floor.store.log_decision(floor.campaign_id, at, decision))


async def add_attempts(floor: Floor, begin: float, count: int = 120) -> None:
    """One dial every 10 s: every third answered in 8 s, talked 30 s, wrapped up 5 s; the others
    failed after 20 s; the last answered one was abandoned. One operator works all the time."""
    operator_id, shift_id = await floor.sign_in("anna", begin)
    lead = (await floor.add_leads(1))[0]
    columns = (
        "id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone, placed_at, answered_at, "
        "bridged_at, ended_at, operator_id, shift_id, outcome, ended_by"
    )
    states = []
    for k in range(count):
        at, answered = begin + 10.0 * k, k % 3 == 0
        left = answered and k + 3 >= count
        talked = answered and not left
        attempt_id = new_id(at)
        await floor.pool.execute(
            f"insert into attempt ({columns}) "
            "values ($1, $2, $3, $4, $5, $6, '+79990000001', $7, $8, $9, $10, $11, $12, $13, $14)",
            attempt_id, floor.rows.id, floor.campaign_id, lead, floor.rows.node_id,
            floor.rows.trunk_id, moment(at), moment(at + 8) if answered else None,
            moment(at + 8) if talked else None,
            moment(at + 38) if talked else moment(at + 11) if left else moment(at + 20),
            operator_id if talked else None, shift_id if talked else None,
            "abandoned" if left else "answered" if answered else "no_answer", "person",
        )  # fmt: skip
        if talked:
            states.append((attempt_id, at + 38))
    for place, (attempt_id, at) in enumerate(states, 1):
        await floor.pool.execute(
            "insert into shift_state (shift_id, seq, state, attempt_id, started_at, ended_at) "
            "values ($1, $2, 'wrap_up', $3, $4, $5)",
            shift_id, place, attempt_id, moment(at), moment(at + 5),
        )  # fmt: skip
    end = moment(begin + 10.0 * count + 60)
    await floor.pool.execute(
        "update shift_state set ended_at = $1, state = 'ready' where seq = 0", end
    )
    await floor.pool.execute("update shift set ended_at = $1", end)


async def test_why_shows_decisions_limits_and_ledger(floor: Floor, service: PacingService) -> None:
    await add_attempts(floor, NOW - 2000)
    for k in range(4):
        limit = "budget" if k else "lines"
        await log(floor, NOW - 10 + k, Decision(k, limit, Sentence("a reason", "причина"), k + 2))
    why = await service.why("c", last=2)
    assert [(d.placed, d.asked, d.limited_by) for d in why.decisions] == [
        (3, 5, "budget"), (2, 4, "budget"),
    ]  # fmt: skip
    assert why.limited_by == {"budget": 3, "lines": 1}
    assert (why.ledger.answered, why.ledger.abandoned) == (40, 1)
    assert why.ledger.rate == 0.025
    assert why.ledger.left == pytest.approx(0.03 * 40 - 1)
    with pytest.raises(PacingError, match="no campaign 'other'"):
        await service.why("other")


async def test_what_the_profile_forbids_is_told_in_russian_too(
    floor: Floor, service: PacingService
) -> None:
    """All that stands against the campaign, in `why` and in the status."""
    await floor.pool.execute("update campaign set legal_profile = 'ru_advertising'")
    rules = RulesService(floor.pool, floor.rows.id)
    [found] = await rules.campaigns(datetime.now(UTC), floor.campaign_id)
    wrong = [each.sentence for each in found.contradictions]
    assert len(wrong) > 1
    await log(floor, NOW, Decision(0, "rules", joined(wrong)))
    [decision] = (await service.why("c")).decisions
    [state] = await CampaignService(floor.pool, floor.rows.id, "").status("c")
    assert state.last_decision is not None
    expected = "; ".join(sentence.ru for sentence in wrong)
    assert {decision.reason_ru, state.last_decision.reason_ru} == {expected}


async def test_limits_are_set_checked_and_audited(floor: Floor, service: PacingService) -> None:
    changes = {"weight": 3, "skills": ["sales", "english", "sales"], "max_lines": 12}
    limits = await service.set_limits("c", {**changes, "lines_per_operator": 2.5}, "boss")
    assert limits == Limits(3, ("english", "sales"), 12, 2.5, 0.03, 25.0)
    [row] = await floor.store.running_campaigns()
    assert (row["weight"], row["skills"], row["max_lines"]) == (3.0, ["english", "sales"], 12)
    assert (await service.set_limits("c", {"max_lines": None}, "boss")).max_lines is None
    audit = await floor.pool.fetch("select * from audit where subject = 'campaign c' order by id")
    assert [(r["actor"], r["action"]) for r in audit] == [("boss", "campaign_edited")] * 2


async def test_limits_are_versions_like_other_settings(
    floor: Floor, service: PacingService
) -> None:
    campaigns = CampaignService(floor.pool, floor.store.floor_id, "")
    before = (await campaigns.status("c"))[0].version
    await service.set_limits("c", {"weight": 3.0}, "boss")
    await service.set_limits("c", {"weight": 3.0}, "boss")  # as it is: no version
    await service.set_limits("c", {"max_lines": 7}, "anna")
    first, second = [v for v in await campaigns.versions("c") if v.version > before]
    assert (first.version, first.actor, first.changes) == (before + 1, "boss", {"weight": [1, 3]})
    assert (second.actor, second.changes) == ("anna", {"max_lines": [None, 7]})


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({"weight": 0}, "bad_value"),
        ({"weight": float("nan")}, "bad_value"),
        ({"weight": "3"}, "bad_value"),
        ({"max_lines": 1.5}, "bad_value"),
        ({"max_lines": 0}, "bad_value"),
        ({"lines_per_operator": 0.5}, "bad_value"),
        ({"skills": "english"}, "bad_value"),
        ({"skills": [""]}, "bad_value"),
        ({"skills": ["a\nb"]}, "bad_value"),
        ({"colour": "red"}, "bad_value"),
        ({"max_abandon_rate": 0.05}, "legal_abandonment"),
        ({"ring_timeout_s": 5}, "legal_ring"),
    ],
)
async def test_wrong_limits_are_refused(
    floor: Floor, service: PacingService, changes: dict[str, Any], id: str
) -> None:
    # The floor's own profile in tests lets everything through.
    await floor.pool.execute("update campaign set legal_profile = 'us'")
    with pytest.raises(PacingError) as caught:
        await service.set_limits("c", changes, "boss")
    assert caught.value.id == id
    assert caught.value.to("ru") != str(caught.value)


async def test_skills_of_an_operator(floor: Floor, service: PacingService) -> None:
    await floor.rows.add_operator("anna")
    assert await service.set_skills("anna", ["b", "a"], "boss") == ("a", "b")
    row = await floor.store.operator("anna")
    assert row is not None
    assert row["skills"] == ["a", "b"]
    with pytest.raises(PacingError, match="no operator bob"):
        await service.set_skills("bob", [], "boss")


async def test_a_plan_of_what_was_measured(floor: Floor) -> None:
    await add_attempts(floor, NOW - 2000)
    plan = await MeasuredPlans(floor.pool, floor.rows.id).plan("c", 1.0, 20)
    assert plan.scenario.chance[0][1] == pytest.approx(1 / 3, abs=0.01)
    assert plan.scenario.lines == 20
    assert plan.leads == 1
    shift = trial(plan.with_operators(3), 0)
    talk_and_wrap = shift.busy_s / shift.conversations
    assert talk_and_wrap == pytest.approx(35.0, rel=0.05)


async def test_too_little_measured_is_said(floor: Floor) -> None:
    await add_attempts(floor, NOW - 2000, count=30)
    with pytest.raises(PacingError, match="10 answers and 9 conversations"):
        await MeasuredPlans(floor.pool, floor.rows.id).plan("c", 1.0, 20)


async def test_a_past_day_as_it_was_worked(floor: Floor) -> None:
    noon = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=2)
    await add_attempts(floor, noon.timestamp())
    plans = MeasuredPlans(floor.pool, floor.rows.id)
    plan, day = await plans.day("c", noon.date(), "UTC", 20)
    assert (day.operators, day.dials, day.answered, day.abandoned) == (1, 120, 40, 1)
    assert day.conversations == 39
    assert plan.scenario.operators == 1
    assert trial(plan, 0).conversations > 0
    with pytest.raises(PacingError):
        await plans.day("c", noon.date() - timedelta(days=9), "UTC", 20)


@pytest.fixture(name="api")
async def api_fixture(floor: Floor, service: PacingService) -> AsyncIterator[aiohttp.ClientSession]:
    simulations = Simulations()
    measured = MeasuredPlans(floor.pool, floor.rows.id)
    parts = Parts(service, measured, simulations, 20, "UTC")
    server = HttpServer(Health(), TOKEN, tuple, routes(lambda: parts))
    port = await server.start("127.0.0.1", 0)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        yield session
    await server.close()
    await simulations.close()


async def test_the_same_by_http(floor: Floor, api: aiohttp.ClientSession) -> None:
    await floor.rows.add_operator("anna")
    async with api.patch("/api/campaigns/c/pacing", json={"weight": 2.5}) as reply:
        assert reply.status == 200
        assert (await reply.json())["weight"] == 2.5
    async with api.get("/api/campaigns/c/why") as reply:
        assert (await reply.json())["limits"]["weight"] == 2.5
    async with api.put("/api/operators/anna/skills", json={"skills": ["x"]}) as reply:
        assert await reply.json() == ["x"]
    russian = {"Accept-Language": "ru"}
    async with api.get("/api/campaigns/none/why", headers=russian) as reply:
        assert reply.status == 404
        assert "нет кампании" in (await reply.json())["detail"]
    async with api.patch("/api/campaigns/c/pacing", json={"weight": 0}) as reply:
        assert reply.status == 422


async def test_a_simulation_by_http(floor: Floor, api: aiohttp.ClientSession) -> None:
    await add_attempts(floor, NOW - 2000)
    asked = {"operators": [3, 2], "hours": 0.2, "replications": 2, "mode": "predictive"}
    async with api.post("/api/campaigns/c/simulations", json=asked) as reply:
        assert reply.status == 202
        begun = await reply.json()
    assert begun["total"] == 4
    async with asyncio.timeout(60):
        while "outlooks" not in (view := await _view(api, begun["id"])):
            assert "error" not in view
            await asyncio.sleep(0.1)
    assert [o["operators"] for o in view["outlooks"]] == [2, 3]
    assert all(o["conversations_per_operator_hour"]["mean"] > 0 for o in view["outlooks"])


async def _view(api: aiohttp.ClientSession, id: int) -> dict[str, Any]:
    async with api.get(f"/api/simulations/{id}") as reply:
        view: dict[str, Any] = await reply.json()
    return view


@pytest.mark.parametrize(
    ("path", "body", "status", "id"),
    [
        ("campaigns/c/simulations", {"operators": [0]}, 422, "bad_value"),
        ("campaigns/c/simulations", {"hours": "x"}, 422, "bad_value"),
        ("campaigns/c/simulations", {"replay": "soon"}, 422, "bad_value"),
        ("campaigns/c/simulations", {"color": 1}, 422, "bad_value"),
        ("campaigns/c/simulations", {}, 422, "too_little_measured"),
        ("campaigns/other/simulations", {}, 404, "unknown_campaign"),
        ("simulations", {"plan": "name = 1 2"}, 422, "bad_plan"),
    ],
)
async def test_simulations_that_cannot_be(
    api: aiohttp.ClientSession, path: str, body: dict[str, Any], status: int, id: str
) -> None:
    async with api.post(f"/api/{path}", json=body) as reply:
        assert (reply.status, (await reply.json())["title"]) == (status, id)
    async with api.get("/api/simulations/77") as reply:
        assert reply.status == 404
