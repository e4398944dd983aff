"""Races with the telephone network and with the link to the node, on real servers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.asterisk.ami import AmiState, OriginateRequest
from dialer.calls import Answered, Conversing, Ringing
from dialer.lines import FIRST_PAUSE_S, TRIP_AFTER
from dialer.originate import person_request
from tests.asterisk.race_tools import (
    LIMIT_S,
    HeldAnswers,
    carrier_ami,
    hears_message,
    in_turn,
    left_waiting,
)
from tests.faults.proxy import FaultProxy
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for

# --- ringing -----------------------------------------------------------------------------------


async def test_an_answer_at_the_ring_timeout_has_one_outcome(floor_app: FloorApp) -> None:
    """Both clocks run from the first ringing; the person picks up after 6 s."""
    offsets_ms = (-30, -15, -5, 0, 5, 10, 20, 40)
    logins = tuple(f"t{i}" for i in range(1, len(offsets_ms) + 1))
    await floor_app.sign_in(*logins)
    phones = [number("6006") for _ in offsets_ms]
    for phone, offset_ms in zip(phones, offsets_ms, strict=True):
        await floor_app.campaign(phone, ring_timeout_s=6 + offset_ms / 1000)
    await asyncio.sleep(6)
    await floor_app.until(
        lambda: all(isinstance(a, Conversing) for a in floor_app.app.board.attempts.values()),
        "every call was answered or ended",
    )
    await floor_app.app.controller.hang_up_all(5)

    for phone in phones:
        row = await floor_app.outcome(phone)
        assert len(await floor_app.attempts(phone)) == 1
        call = await floor_app.carrier_call(phone)
        if row["answered_at"] is None:
            assert (row["outcome"], row["ended_by"]) == ("no_answer", "ring_timeout")
        elif row["bridged_at"] is None:
            assert (row["outcome"], row["ended_by"]) == ("abandoned", "ring_timeout")
        else:
            assert row["outcome"] == "answered"
        if call.answered_at is not None and row["answered_at"] is None:
            # The answer and our cancel met on the wire: no node can know of it.
            assert call.ended_at is not None
            assert call.ended_at - call.answered_at < 0.1
    for login in logins:
        assert floor_app.seat(login).state.kind in ("ready", "wrap_up")


async def test_who_picks_up_while_we_cancel_is_abandoned(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    HeldAnswers(monkeypatch, floor_app)
    await floor_app.sign_in("t1")
    phone = number("1101")
    hangup = floor_app.app.ami.hangup

    async def too_late(channel: str, cause: int | None = None) -> bool:
        await floor_app.stage(phone, Answered)
        return await hangup(channel, cause)

    monkeypatch.setattr(floor_app.app.ami, "hangup", too_late)
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t1", "away")

    row = await floor_app.outcome(phone)

    assert (row["outcome"], row["ended_by"], row["bridged_at"]) == ("abandoned", "dialer", None)
    lead = await floor_app.lead(phone)
    assert (lead["status"], lead["approaches"]) == ("retry", 1)
    assert lead["next_at"] - row["ended_at"] == timedelta(days=3)
    assert await floor_app.truth() == []


# --- a trunk that does not work ----------------------------------------------------------------


@pytest.mark.parametrize("refused_by", ["endpoint", "manager"])
async def test_a_refused_originate_trips_the_breaker_and_costs_nothing(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch, refused_by: str
) -> None:
    """The endpoint is not on the node; or the node does not even take the action."""
    if refused_by == "manager":
        monkeypatch.setattr(
            "dialer.controller.person_request", lambda *a: replace(person_request(*a), channel="-")
        )
    await floor_app.sign_in("t1", "t2")
    phones = [number("0101") for _ in range(TRIP_AFTER + 4)]
    campaign = await floor_app.campaign(*phones, trunk="gone")
    breaker = floor_app.app.board.trunks["gone"].breaker
    await floor_app.until(lambda: breaker.open, "the breaker opens")
    await asyncio.sleep(2)

    rows = await floor_app.attempts()

    assert TRIP_AFTER <= len(rows) <= TRIP_AFTER + 1  # one may have been on its way
    for row in rows:
        assert (row["outcome"], row["ended_by"]) == ("failed", "network")
        lead = await floor_app.lead(row["phone"])
        assert (lead["status"], lead["approaches"], lead["failures"]) == ("retry", 0, 1)
    decision = (await floor_app.decisions(campaign))[-1]
    assert (decision["placed"], decision["limited_by"]) == (0, "trunk")
    assert "trunk gone does not ring" in decision["reason"]
    for login in ("t1", "t2"):
        assert floor_app.seat(login).state.kind == "ready"
    assert await asyncio.to_thread(floor_app.calls) == []


async def test_a_silent_trunk_is_probed_and_a_sign_of_life_closes_the_breaker(
    floor_app: FloorApp,
) -> None:
    logins = tuple(f"t{i}" for i in range(1, TRIP_AFTER + 1))
    await floor_app.sign_in(*logins)
    silent = [number("7001") for _ in range(TRIP_AFTER)]
    await floor_app.campaign(*silent, ring_timeout_s=5.0, post_dial_delay_s=1.0)
    for phone in silent:
        row = await floor_app.outcome(phone)
        assert (row["outcome"], row["ended_by"]) == ("failed", "ring_timeout")
        lead = await floor_app.lead(phone)
        assert (lead["status"], lead["approaches"], lead["failures"]) == ("retry", 0, 1)
    breaker = floor_app.app.board.trunks["carrier"].breaker
    assert breaker.open
    good = [number("0101"), number("0101"), number("0101")]
    await floor_app.campaign(*good)

    probe, *rest = [await floor_app.outcome(phone) for phone in good]

    assert not breaker.open
    silence_ended_at = max([(await floor_app.outcome(phone))["ended_at"] for phone in silent])
    assert (probe["placed_at"] - silence_ended_at).total_seconds() > FIRST_PAUSE_S - 0.2
    for row in rest:
        assert row["placed_at"] >= probe["rang_at"]
        assert row["outcome"] == "answered"
    assert await floor_app.truth() == []


# --- the link to the node ----------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "ring_s", "down_s"), [("cut", 9.0, 5.0), ("stall", 14.0, 1.0)])
async def test_calls_go_on_while_the_link_to_the_node_is_gone(
    telephony: Telephony, database: str, tmp_path: Path, fault: str, ring_s: float, down_s: float
) -> None:
    proxy = await FaultProxy.start("127.0.0.1", telephony.conf.ami_port)
    settings = settings_for(telephony, database, tmp_path, ami_port=proxy.port)
    try:
        async with running_app(telephony, settings) as floor:
            await in_turn(floor, "t1", "t2", "t3", "t4")
            talks, ends, answers, rings = (
                number("1001"),
                number("0003"),
                number("1401"),
                number("2001"),
            )
            await floor.campaign(talks, ends, answers, rings, ring_timeout_s=ring_s)
            talking = await floor.stage(talks, Conversing)
            await floor.stage(ends, Conversing)
            await floor.stage(answers, Ringing)
            await floor.stage(rings, Ringing)
            later = number("0001")
            down = await lose_link(floor, proxy, fault)
            campaign = await floor.campaign(later)
            await asyncio.sleep(max(0.0, down + down_s - time.monotonic()))
            assert await floor.attempts(later) == []
            held = floor.app.board.campaigns[campaign].decision
            assert (held.calls, held.limited_by in ("node", "recovery")) == (0, True)
            back_at = time.time()
            proxy.accept()
            proxy.resume()

            ended = await floor.outcome(ends)
            truth = await floor.carrier_call(ends)
            assert (ended["outcome"], ended["ended_by"]) == ("answered", "person")
            assert truth.ended_at is not None
            assert abs(ended["ended_at"].timestamp() - truth.ended_at) < 0.5
            assert ended["ended_at"].timestamp() < back_at
            assert floor.seat(ended["operator"]).state.kind in ("wrap_up", "ready", "dialing")

            answered = await floor.stage(answers, Conversing)
            assert isinstance(answered, Conversing)
            assert answered.answer_to_operator_s < LIMIT_S
            assert answered.bridged_at < back_at
            assert (await floor.state(answered.operator, "talking")).seq == 4  # no detour
            still = floor.live(talks)
            assert isinstance(still, Conversing)
            assert still.bridged_at == talking.bridged_at  # type: ignore[attr-defined]
            floor.app.desk.hang_up(still.operator)
            floor.app.desk.hang_up(answered.operator)
            assert (await floor.outcome(talks))["ended_by"] == "operator"

            rang_out = await floor.outcome(rings)
            assert (rang_out["outcome"], rang_out["ended_by"]) == ("no_answer", "ring_timeout")
            free_everybody(floor)
            dialed = await floor.outcome(later)
            assert dialed["outcome"] == "answered"
            assert dialed["placed_at"].timestamp() > back_at
            for phone in (talks, ends, answers, rings, later):
                assert len(await floor.attempts(phone)) == 1
            assert await floor.truth() == []
    finally:
        await proxy.close()


async def lose_link(floor: FloorApp, proxy: FaultProxy, fault: str) -> float:
    """Breaks the link; monotonic time at which the controller knew."""
    if fault == "stall":
        proxy.stall()
    else:
        proxy.refuse()
        proxy.cut()
    await floor.until(lambda: floor.app.ami.state is not AmiState.READY, "the link is gone")
    return time.monotonic()


def free_everybody(floor: FloorApp) -> None:
    for login, seat in floor.app.board.seats.items():
        if seat.state.kind == "wrap_up":
            floor.app.desk.ready(login)


async def test_a_hang_up_asked_for_without_a_link_happens_when_it_is_back(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    proxy = await FaultProxy.start("127.0.0.1", telephony.conf.ami_port)
    settings = settings_for(telephony, database, tmp_path, ami_port=proxy.port)
    try:
        async with running_app(telephony, settings) as floor:
            await in_turn(floor, "t1", "t2")
            talks, rings = number("1001"), number("2001")
            await floor.campaign(talks, rings, ring_timeout_s=30.0)
            await floor.stage(talks, Conversing)
            await floor.stage(rings, Ringing)
            await lose_link(floor, proxy, "cut")
            floor.app.desk.hang_up("t1")
            floor.app.desk.pause("t2", "lunch")
            await asyncio.sleep(0.5)
            assert len(floor.app.board.attempts) == 2
            proxy.accept()
            row = await floor.outcome(talks, 10)
            assert (row["outcome"], row["ended_by"]) == ("answered", "operator")
            row = await floor.outcome(rings, 10)
            assert (row["outcome"], row["ended_by"]) == ("no_answer", "dialer")
            assert await floor.truth() == []
    finally:
        await proxy.close()


async def test_a_duplicate_channel_id_never_closes_a_live_call(floor_app: FloorApp) -> None:
    await in_turn(floor_app, "t1", "t2")
    talks, rings, elsewhere = number("1001"), number("1501"), number("1001")
    await floor_app.campaign(talks, rings)
    talking = await floor_app.stage(talks, Conversing)
    ringing = await floor_app.stage(rings, Ringing)
    for live in (talking, ringing):
        for action_id in (str(live.id), f"again {live.id}"):
            await floor_app.app.ami.originate(
                OriginateRequest(
                    action_id=action_id,
                    channel=f"PJSIP/{elsewhere}@trunk-carrier",
                    channel_id=str(live.id),
                    context="prozvon-answered",
                    exten="s",
                    priority=1,
                    timeout_ms=5000,
                    caller_id=None,
                    variables={},
                )
            )
    await asyncio.sleep(1)
    assert floor_app.live(talks) == talking
    await floor_app.stage(rings, Conversing)
    for login in ("t1", "t2"):
        floor_app.app.desk.hang_up(login)
    for phone in (talks, rings):
        row = await floor_app.outcome(phone)
        assert (row["outcome"], row["ended_by"]) == ("answered", "operator")
        assert len(await floor_app.attempts(phone)) == 1
    assert elsewhere not in {call.number for call in await asyncio.to_thread(floor_app.calls)}
    assert await floor_app.truth() == []


# --- nobody was there in time ------------------------------------------------------------------

A_LAW_SILENCE = frozenset(b"\xd5\x55")


async def test_an_abandoned_person_hears_the_whole_message_and_then_the_call_ends(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    carrier = floor_app.telephony.carrier.server
    await carrier.cli("module load app_mixmonitor.so")
    await floor_app.sign_in("t1")
    phone = number("1101")
    await floor_app.campaign(phone)
    await left_waiting(monkeypatch, floor_app, phone)
    channel = await hears_message(floor_app, phone)
    heard = tmp_path / "heard.alaw"
    await carrier.cli(f"mixmonitor start {channel} {tmp_path}/both.alaw,r({heard})")

    row = await floor_app.outcome(phone, 25)

    assert (row["outcome"], row["ended_by"]) == ("abandoned", "dialer")
    spoken = heard.read_bytes()
    voice_s = sum(byte not in A_LAW_SILENCE for byte in spoken) / 8000
    assert voice_s > 3
    call = await floor_app.carrier_call(phone)
    assert call.ended_at is not None
    assert call.answered_at is not None
    assert call.ended_at - call.answered_at > LIMIT_S + voice_s
    assert (await floor_app.lead(phone))["approaches"] == 1
    assert await floor_app.truth() == []


async def test_a_key_in_the_message_stops_every_later_call(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor_app.telephony.carrier.server.cli("module load app_senddtmf.so")
    await floor_app.sign_in("t1")
    phone = number("1101")
    await floor_app.campaign(phone)
    await left_waiting(monkeypatch, floor_app, phone)
    waiting = await floor_app.campaign(phone)  # nobody dials a person who is in a call
    channel = await hears_message(floor_app, phone)
    async with carrier_ami(floor_app.telephony) as carrier:
        await carrier.action("PlayDTMF", {"Channel": channel, "Digit": "9", "Duration": "200"})

    row = await floor_app.outcome(phone)

    assert row["outcome"] == "abandoned"
    forbidden = await floor_app.pool.fetchrow("select * from do_not_call where e164 = $1", phone)
    assert forbidden is not None
    assert (forbidden["source"], forbidden["attempt_id"]) == ("key_press", row["id"])
    floor_app.app.desk.ready("t1")
    later = await floor_app.campaign(phone)
    for campaign in (waiting, later):
        async with asyncio.timeout(10):
            while await lead_status(floor_app, campaign) != ("done", "do_not_call"):
                await asyncio.sleep(0.1)
    assert len(await floor_app.attempts(phone)) == 1
    assert await floor_app.truth() == []


async def lead_status(floor: FloorApp, campaign: int) -> tuple[str, str]:
    row = await floor.pool.fetchrow("select * from lead where campaign_id = $1", campaign)
    assert row is not None
    return row["status"], row["last_outcome"]
