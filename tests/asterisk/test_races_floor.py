"""Races of a whole floor: two takers, operators who leave while calls ring, the drain."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from campaigns.legal.service import LegalService
from dialer.asterisk.ami import OriginateRequest
from dialer.calls import Attempt, Conversing, Ringing
from dialer.demo.carrier import Manners
from dialer.operators import Ready, Seat
from tests.asterisk.race_tools import (
    LIMIT_S,
    HeldAnswers,
    hears_message,
    in_turn,
    nobody_is_named,
    person_hangs_up,
    phones_as_before,
)
from tests.fixtures_floor import (
    FLOOR_PROFILE,
    FloorApp,
    Telephony,
    number,
    running_app,
    settings_for,
)


async def talk_with(floor: FloorApp, login: str) -> str:
    """A conversation of the only operator; the person's number."""
    phone = number("1001")
    await floor.campaign(phone)
    talking = await floor.stage(phone, Conversing)
    assert isinstance(talking, Conversing)
    assert talking.operator == login
    return phone


def forget_conversation(floor: FloorApp, login: str) -> None:
    """The controller's memory goes wrong: it takes a talking operator for a free one."""
    seat = floor.seat(login)
    seat.become(Ready(time.time()))
    floor.app.controller.wake()


def assert_cancelled(row: Any, lead: Any) -> None:
    """We cancelled the ringing: the lead pays nothing and is dialed again soon."""
    assert row["outcome"] in ("no_answer", "failed")  # failed: it had not begun to ring
    assert (row["ended_by"], row["answered_at"]) == ("dialer", None)
    assert (lead["status"], lead["approaches"], lead["failures"]) == ("retry", 0, 0)
    assert lead["next_at"] - row["ended_at"] < timedelta(minutes=2)


# --- two takers --------------------------------------------------------------------------------


async def test_a_second_taker_leaves_the_first_conversation_alone(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    first = await talk_with(floor_app, "t1")
    forget_conversation(floor_app, "t1")
    second = number("1101")
    await floor_app.campaign(second)

    channel = await hears_message(floor_app, second)

    assert isinstance(floor_app.live(first), Conversing)
    await person_hangs_up(floor_app, channel)
    row = await floor_app.outcome(second)
    assert (row["outcome"], row["bridged_at"], row["operator"]) == ("abandoned", None, None)
    await floor_app.app.controller.hang_up_all(5)
    assert (await floor_app.outcome(first))["operator"] == "t1"
    await floor_app.state("t1", "ready")
    assert await floor_app.truth() == []


async def test_a_second_taker_gets_another_operator(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    first = await talk_with(floor_app, "t1")
    forget_conversation(floor_app, "t1")
    await floor_app.sign_in("t2")
    second = number("1001")
    await floor_app.campaign(second)

    talking = await floor_app.stage(second, Conversing)

    assert isinstance(talking, Conversing)
    assert talking.operator == "t2"
    assert talking.answer_to_operator_s < LIMIT_S
    assert isinstance(floor_app.live(first), Conversing)
    await floor_app.app.controller.hang_up_all(5)
    assert (await floor_app.outcome(first))["operator"] == "t1"
    assert (await floor_app.outcome(second))["operator"] == "t2"
    assert await floor_app.truth() == []


# --- operators leave while calls ring ----------------------------------------------------------


async def test_calls_of_operators_who_leave_are_cancelled(floor_app: FloorApp) -> None:
    await in_turn(floor_app, "t1", "t2", "t3")
    phones = [number("2001") for _ in range(3)]
    never_dialed = number("0101")
    campaign = await floor_app.campaign(*phones, never_dialed)
    for phone in phones:
        await floor_app.stage(phone, Ringing)
    carrier = floor_app.telephony.carrier
    async with phones_as_before(floor_app.telephony, "t3"):
        await carrier.set_manners("t3", Manners.NEVER)
        floor_app.app.desk.sign_out("t1")
        floor_app.app.desk.pause("t2", "lunch")
        await carrier.hang_up_phone("t3")
        for phone in phones:
            row = await floor_app.outcome(phone, 5)
            assert_cancelled(row, await floor_app.lead(phone))
        await asyncio.sleep(1.5)
        assert await floor_app.attempts(never_dialed) == []
        assert floor_app.seat("t3").state.kind == "connecting"
        decision = floor_app.app.board.campaigns[campaign].decision
        assert (decision.calls, decision.limited_by) == (0, "operators")
    assert await floor_app.truth() == []


async def test_a_call_that_lost_its_operator_goes_to_one_who_waits(floor_app: FloorApp) -> None:
    await in_turn(floor_app, "t1", "t2", "t3")
    phones = [number("1201"), number("1201")]
    await floor_app.campaign(*phones)
    for phone in phones:
        await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t1", "lunch")
    assert floor_app.seat("t3").state.kind == "dialing"
    floor_app.app.desk.sign_out("t3")
    row = await floor_app.outcome(phones[0], 5)
    assert_cancelled(row, await floor_app.lead(phones[0]))

    await floor_app.stage(phones[1], Conversing)

    floor_app.app.desk.hang_up("t2")
    row = await floor_app.outcome(phones[1])
    assert (row["outcome"], row["operator"]) == ("answered", "t2")
    assert await floor_app.truth() == []


@pytest.mark.parametrize("mode", ["progressive", "predictive"])
async def test_what_lost_its_operator_rings_on_as_long_as_the_law_says(
    floor_app: FloorApp, mode: str
) -> None:
    """Who picks up meanwhile hears the message; who does not has heard the whole minimum ring."""
    law = {**FLOOR_PROFILE, "minimum_ring_s": 4}
    await LegalService(floor_app.pool, floor_app.app.board.floor_id).define(law, "tester")
    await in_turn(floor_app, "t1", "t2")
    rings, picks_up = number("2001"), number("6003")
    id = await floor_app.campaign(rings, picks_up, mode=mode)
    for phone in (rings, picks_up):
        await floor_app.stage(phone, Ringing)
    assert floor_app.app.board.campaigns[id].minimum_ring_s == 4
    for login in ("t1", "t2"):
        floor_app.app.desk.pause(login, "lunch")
    await hears_message(floor_app, picks_up)

    row = await floor_app.outcome(rings, 10)

    assert_cancelled(row, await floor_app.lead(rings))
    assert 4 <= (row["ended_at"] - row["rang_at"]).total_seconds() < 8
    assert (await floor_app.outcome(picks_up))["outcome"] == "abandoned"
    assert await floor_app.truth() == []


async def test_a_call_whose_operator_serves_somebody_else_is_cancelled(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_is_named(monkeypatch)
    await in_turn(floor_app, "t1", "t2")
    too_late, rings = number("1201"), number("2001")
    promises = floor_app.app.controller.promises
    keep = promises._keep

    def kept(attempt: Attempt, *, staffed: bool) -> bool:
        return attempt.lead.phone == too_late or keep(attempt, staffed=staffed)

    monkeypatch.setattr(promises, "_keep", kept)
    await floor_app.campaign(too_late, rings)
    for phone in (too_late, rings):
        await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t1", "lunch")

    talking = await floor_app.stage(too_late, Conversing)

    assert isinstance(talking, Conversing)
    assert talking.operator == "t2"
    assert_cancelled(await floor_app.outcome(rings, 5), await floor_app.lead(rings))
    floor_app.app.desk.hang_up("t2")
    assert (await floor_app.outcome(too_late))["operator"] == "t2"
    assert await floor_app.truth() == []


async def test_operators_who_leave_before_the_call_has_a_channel(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel comes between the Originate and the first event of its channel."""
    logins = ("t1", "t2", "t3", "t4", "t5", "t6")
    await floor_app.sign_in(*logins)
    ami, desk = floor_app.app.ami, floor_app.app.desk
    originate, delays_s = ami.originate, iter((None, 0.0, 0.001, 0.002, 0.004, 0.008))

    async def leave_meanwhile(request: OriginateRequest, timeout_s: float | None = None) -> None:
        attempt = floor_app.app.board.attempts[UUID(request.channel_id)]
        login, delay_s = attempt.dial_operator or "", next(delays_s)
        if delay_s is None:
            desk.pause(login, "lunch")
        await originate(request, timeout_s)
        if delay_s is not None:
            asyncio.get_running_loop().call_later(delay_s, desk.pause, login, "lunch")

    monkeypatch.setattr(ami, "originate", leave_meanwhile)
    phones = [number("2001") for _ in logins]
    await floor_app.campaign(*phones)

    for phone in phones:
        assert_cancelled(await floor_app.outcome(phone, 5), await floor_app.lead(phone))
    assert await floor_app.truth() == []


async def test_a_pause_asked_for_while_reserved_holds_when_the_phone_is_lost(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldAnswers(monkeypatch, floor_app, asks=2)
    await floor_app.sign_in("t1", "t2")
    phones = [number("1001"), number("1001")]
    await floor_app.campaign(*phones)
    for login in ("t1", "t2"):
        await floor_app.state(login, "reserved")
    assert floor_app.app.desk.pause("t1", "lunch").after_call == "pause:lunch"
    floor_app.app.desk.sign_out("t2")
    for login in ("t1", "t2"):
        await floor_app.telephony.carrier.hang_up_phone(login)

    await floor_app.state("t1", "paused")
    await floor_app.until(lambda: "t2" not in floor_app.app.board.seats, "t2 signed out")
    held.go()
    for phone in phones:
        await person_hangs_up(floor_app, await hears_message(floor_app, phone))
        assert (await floor_app.outcome(phone))["outcome"] == "abandoned"
    assert await floor_app.truth() == []


async def test_who_signs_in_again_at_once_has_one_phone_call(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone's call begins after its shift has ended."""
    await floor_app.hire("t1")
    desk, originate = floor_app.app.desk, floor_app.app.ami.originate

    async def slow(request: OriginateRequest, timeout_s: float | None = None) -> None:
        await asyncio.sleep(0.1)
        await originate(request, timeout_s)

    monkeypatch.setattr(floor_app.app.ami, "originate", slow)
    for pause_s in (0.0, 0.01, 0.05):
        await desk.sign_in("t1")
        await asyncio.sleep(pause_s)
        desk.sign_out("t1")
    await desk.sign_in("t1")
    seat = await floor_app.state("t1", "ready")
    await asyncio.sleep(0.5)

    async def legs() -> list[str]:
        items = await floor_app.app.ami.list_action("CoreShowChannels")
        return [i["Uniqueid"] for i in items if i["Uniqueid"].startswith("op-")]

    async with asyncio.timeout(5):
        while await legs() != [seat.leg_id]:
            await asyncio.sleep(0.05)


# --- phones that are not there -----------------------------------------------------------------


def called_often(seat: Seat) -> bool:
    return seat.legs >= 3


async def test_a_phone_that_is_not_there_is_called_until_it_is(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(telephony, database, tmp_path, operator_ring_s=0.5)
    logins = ("t1", "t2", "t3")
    carrier = telephony.carrier
    async with phones_as_before(telephony, *logins), running_app(telephony, settings) as floor:
        await carrier.set_manners("t1", Manners.BUSY)
        await carrier.set_manners("t2", Manners.NEVER)
        await carrier.server.cli("pjsip send unregister phone-t3")
        await floor.hire(*logins)
        for login in logins:
            await floor.app.desk.sign_in(login)
        began = time.monotonic()
        for login in logins:
            seat = floor.seat(login)
            await floor.until(partial(called_often, seat), f"{login} called three times")
            assert seat.state.kind == "connecting"
            # Pauses of 0.5, 1, 2 s and more: without them it were hundreds of calls.
            assert seat.legs <= 2 + (time.monotonic() - began) / 0.5
        for login in logins[:2]:
            await carrier.set_manners(login, Manners.ANSWER)
        await carrier.server.cli("pjsip send register phone-t3")
        for login in logins:
            await floor.state(login, "ready")


# --- the desk in the middle of things ----------------------------------------------------------


async def test_a_disposition_during_the_conversation_stands(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    phone = number("0102")
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Conversing)
    view = await floor_app.app.desk.dispose("t1", "agreed", "said at once")
    assert view.state == "talking"
    await floor_app.state("t1", "wrap_up")
    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["note"]) == ("answered", "said at once")
    assert row["disposition_id"] is not None
    floor_app.app.desk.ready("t1")
    await floor_app.state("t1", "ready")


async def test_the_drain_lets_calls_finish_and_cuts_what_does_not(floor_app: FloorApp) -> None:
    await in_turn(floor_app, "t1", "t2", "t3")
    ringing, talking, endless = number("0201"), number("0004"), number("1001")
    never_dialed = number("0101")
    await floor_app.campaign(ringing, talking, endless, never_dialed, recording=True)
    await floor_app.stage(talking, Conversing)
    await floor_app.stage(ringing, Ringing)
    floor_app.app.stopping.set()

    for phone, by in ((ringing, "person"), (talking, "person"), (endless, "dialer")):
        row = await floor_app.outcome(phone)
        assert (row["outcome"], row["ended_by"]) == ("answered", by)
        assert row["bridged_at"] is not None
    assert await floor_app.attempts(never_dialed) == []
    await floor_app.until(lambda: not floor_app.app.board.seats, "all signed out")
    assert await floor_app.truth() == []
