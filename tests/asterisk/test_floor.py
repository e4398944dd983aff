"""The main job on real servers: lists are dialed, people are handed over, outcomes are true."""

from __future__ import annotations

import asyncio

import pytest

from dialer.calls import Conversing, Ringing
from dialer.desk import DeskError
from tests.fixtures_floor import FloorApp, number


async def test_an_answered_person_is_handed_to_the_operator_in_milliseconds(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1")
    phone = number("0103")
    await floor_app.campaign(phone, recording=True)

    talking = await floor_app.stage(phone, Conversing)
    assert isinstance(talking, Conversing)
    assert talking.operator == "t1"
    assert talking.answer_to_operator_s < 0.5

    row = await floor_app.outcome(phone)
    assert row["outcome"] == "answered"
    assert row["ended_by"] == "person"
    assert row["operator"] == "t1"
    assert 2.5 < (row["ended_at"] - row["bridged_at"]).total_seconds() < 5
    await floor_app.state("t1", "wrap_up")
    await floor_app.app.desk.dispose("t1", "agreed", "we meet on Friday")
    await floor_app.state("t1", "ready")
    assert await floor_app.truth() == []


OUTCOMES = {
    "2001": ("no_answer", "ring_timeout"),
    "2101": ("busy", "network"),
    "2201": ("invalid", "network"),
    "2301": ("rejected", "network"),
    "2401": ("congestion", "network"),
    "2501": ("no_answer", "network"),
    "4101": ("busy", "network"),
    "5101": ("answered", "person"),
    "7001": ("failed", "ring_timeout"),
    "8103": ("answered", "person"),
}


async def test_every_end_of_a_call_becomes_its_outcome(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1", "t2", "t3", "t4", "t5")
    phones = {number(tail): expected for tail, expected in OUTCOMES.items()}
    await floor_app.campaign(*phones, ring_timeout_s=5.0, wrap_up_limit_s=1.0)
    for phone, (outcome, ended_by) in phones.items():
        row = await floor_app.outcome(phone, 30)
        assert (row["outcome"], row["ended_by"]) == (outcome, ended_by), phone[-4:]
    assert await floor_app.truth() == []


async def test_the_desk_hangs_up_the_person_and_keeps_the_operators_phone(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1")
    phone = number("1101")
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Conversing)
    leg = floor_app.seat("t1").channel

    floor_app.app.desk.hang_up("t1")

    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["ended_by"]) == ("answered", "operator")
    seat = await floor_app.state("t1", "wrap_up")
    assert seat.channel == leg
    floor_app.app.desk.ready("t1")
    await floor_app.state("t1", "ready")


async def test_nothing_is_dialed_without_an_operator(floor_app: FloorApp) -> None:
    phone = number("0101")
    campaign = await floor_app.campaign(phone)
    await asyncio.sleep(2)
    assert await floor_app.attempts() == []
    decisions = await floor_app.decisions(campaign)
    assert decisions[-1]["limited_by"] == "operators"
    assert "no operator signed in" in decisions[-1]["reason"]


async def test_a_pause_and_a_sign_out_wait_for_the_end_of_the_conversation(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1", "t2")
    phones = [number("0103"), number("0103")]
    await floor_app.campaign(*phones, wrap_up_limit_s=1.0)
    for login in ("t1", "t2"):
        await floor_app.state(login, "talking")
    assert floor_app.app.desk.pause("t1", "lunch").after_call == "pause:lunch"
    floor_app.app.desk.sign_out("t2")
    seat = await floor_app.state("t1", "paused")
    assert seat.state.why == "lunch"
    await floor_app.until(lambda: "t2" not in floor_app.app.board.seats, "t2 signed out")
    for phone in phones:
        assert (await floor_app.outcome(phone))["ended_by"] == "person"


async def test_the_wrap_up_has_a_limit(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    phone = number("0101")
    await floor_app.campaign(phone, wrap_up_limit_s=1.5)
    began = (await floor_app.state("t1", "wrap_up")).state.since
    ready = (await floor_app.state("t1", "ready")).state
    assert 1.4 <= ready.since - began < 4
    assert (await floor_app.outcome(phone))["disposition_id"] is None


async def test_a_paused_campaign_stops_dialing_and_gives_its_leads_back(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1")
    phones = [number("2001") for _ in range(6)]
    campaign = await floor_app.campaign(*phones)
    await floor_app.stage(phones[0], Ringing)
    await floor_app.set_campaign(campaign, "paused")
    await asyncio.sleep(1.5)
    claimed = await floor_app.pool.fetchval(
        "select count(*) from ready where campaign_id = $1 and claimed_fence is not null", campaign
    )
    assert claimed == 0
    await floor_app.outcome(phones[0])
    assert len(await floor_app.attempts()) == 1


async def test_requests_at_the_wrong_moment_are_refused_with_a_sentence(
    floor_app: FloorApp,
) -> None:
    desk = floor_app.app.desk
    with pytest.raises(DeskError, match="no operator nobody"):
        await desk.sign_in("nobody")
    with pytest.raises(DeskError, match="t1 is not signed in"):
        desk.ready("t1")
    await floor_app.sign_in("t1")
    with pytest.raises(DeskError, match="already signed in"):
        await desk.sign_in("t1")
    with pytest.raises(DeskError, match="in no conversation"):
        desk.hang_up("t1")
    with pytest.raises(DeskError, match="no conversation to dispose of"):
        await desk.dispose("t1", "agreed")
    with pytest.raises(DeskError, match="give a reason"):
        desk.pause("t1", "  ")
