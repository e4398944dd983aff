"""Races between an answered person and the operators, on real servers."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from dialer.calls import Answered, Conversing, Ringing
from dialer.demo.carrier import Manners
from dialer.desk import DeskError
from tests.asterisk.race_tools import (
    LIMIT_S,
    HeldAnswers,
    cancels_come_too_late,
    carrier_channel,
    hears_message,
    in_turn,
    left_waiting,
    person_hangs_up,
    phone_up,
    phones_as_before,
)
from tests.fixtures_floor import FloorApp, number


def waited_s(row: object) -> float:
    """From the answer to the end of a call."""
    return float((row["ended_at"] - row["answered_at"]).total_seconds())  # type: ignore[index]


# --- a person waits for an operator ------------------------------------------------------------


async def test_a_person_who_hangs_up_while_waiting_is_answered_and_not_abandoned(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor_app.sign_in("t1")
    phone = number("1101")
    await floor_app.campaign(phone, waiting_sound="music")
    told: list[str] = []
    floor_app.app.agi.note = lambda kind, fields: told.append(str(fields.get("line", "")))
    await floor_app.stage(phone, Ringing)
    channel = await carrier_channel(floor_app, phone)
    await left_waiting(monkeypatch, floor_app, phone)
    await floor_app.until(
        lambda: any(line.startswith("EXEC StartMusicOnHold") for line in told),
        "the campaign's own sound, not the floor's",
    )
    assert floor_app.app.agi.sessions == 1

    await person_hangs_up(floor_app, channel)

    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["ended_by"]) == ("answered", "person")
    assert (row["bridged_at"], row["operator"]) == (None, None)
    assert waited_s(row) < LIMIT_S
    await floor_app.until(lambda: floor_app.app.agi.sessions == 0, "the session ended", 1)
    lead = await floor_app.lead(phone)
    assert (lead["status"], lead["approaches"]) == ("retry", 1)
    assert floor_app.seat("t1").state.kind == "paused"
    assert await floor_app.truth() == []


async def test_the_second_of_two_answers_for_one_operator_waits_and_hears_the_message(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancels_come_too_late(monkeypatch, floor_app)
    await in_turn(floor_app, "t1", "t2")
    phones = [number("1101"), number("1201")]
    await floor_app.campaign(*phones)
    for phone in phones:
        await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t2", "away")

    channel = await hears_message(floor_app, phones[1])
    await person_hangs_up(floor_app, channel)

    row = await floor_app.outcome(phones[1])
    assert (row["outcome"], row["bridged_at"]) == ("abandoned", None)
    assert LIMIT_S < waited_s(row) < LIMIT_S + 5
    assert (await floor_app.lead(phones[1]))["approaches"] == 1
    assert isinstance(floor_app.live(phones[0]), Conversing)
    floor_app.app.desk.hang_up("t1")
    assert (await floor_app.outcome(phones[0]))["outcome"] == "answered"
    assert await floor_app.truth() == []


async def test_the_second_of_two_answers_gets_the_operator_who_is_free_in_time(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancels_come_too_late(monkeypatch, floor_app)
    await in_turn(floor_app, "t1", "t2")
    phones = [number("1101"), number("0201")]  # the second answers a second later
    await floor_app.campaign(*phones)
    for phone in phones:
        await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t2", "away")
    await floor_app.stage(phones[0], Conversing)
    await floor_app.stage(phones[1], Answered)
    floor_app.app.desk.hang_up("t1")
    await floor_app.state("t1", "wrap_up")
    floor_app.app.desk.ready("t1")

    row = await floor_app.outcome(phones[1])

    assert (row["outcome"], row["operator"]) == ("answered", "t1")
    assert (row["bridged_at"] - row["answered_at"]).total_seconds() < LIMIT_S + 0.1
    assert await floor_app.truth() == []


# --- an operator leaves ------------------------------------------------------------------------


async def test_an_operator_who_hangs_up_while_reserved_is_replaced(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldAnswers(monkeypatch, floor_app)
    await in_turn(floor_app, "t1", "t2")
    phone = number("1101")
    await floor_app.campaign(phone)
    await floor_app.state("t1", "reserved")
    await floor_app.telephony.carrier.hang_up_phone("t1")
    await floor_app.state("t1", "connecting", "ready")
    held.go()

    talking = await floor_app.stage(phone, Conversing)

    assert isinstance(talking, Conversing)
    assert talking.operator == "t2"
    assert talking.answer_to_operator_s < LIMIT_S
    await floor_app.state("t1", "ready")
    floor_app.app.desk.hang_up("t2")
    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["operator"], row["dial_operator"]) == ("answered", "t2", "t1")
    assert await floor_app.truth() == []


async def test_without_a_replacement_the_person_hears_the_message(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldAnswers(monkeypatch, floor_app)
    await floor_app.sign_in("t1")
    phone = number("1101")
    async with phones_as_before(floor_app.telephony, "t1"):
        await floor_app.telephony.carrier.set_manners("t1", Manners.NEVER)
        await floor_app.campaign(phone)
        await floor_app.state("t1", "reserved")
        await floor_app.telephony.carrier.hang_up_phone("t1")
        await floor_app.state("t1", "connecting")
        held.go()
        await person_hangs_up(floor_app, await hears_message(floor_app, phone))

    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["bridged_at"], row["operator"]) == ("abandoned", None, None)
    assert floor_app.seat("t1").state.kind == "connecting"
    assert await floor_app.truth() == []


async def test_both_hang_up_while_the_operator_is_reserved(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldAnswers(monkeypatch, floor_app, asks=3)
    logins = ("t1", "t2", "t3")
    await floor_app.sign_in(*logins)
    phones = [number("1101") for _ in logins]
    await floor_app.campaign(*phones)
    for login in logins:
        await floor_app.state(login, "reserved")
    channels = [await carrier_channel(floor_app, phone) for phone in phones]
    await asyncio.gather(
        *(person_hangs_up(floor_app, channel) for channel in channels),
        *(floor_app.telephony.carrier.hang_up_phone(login) for login in logins),
    )
    held.go()

    for phone in phones:
        row = await floor_app.outcome(phone)
        assert (row["outcome"], row["bridged_at"]) == ("answered", None)
        assert (row["ended_by"], row["operator"]) == ("person", None)
        assert (await floor_app.lead(phone))["approaches"] == 1
    for login in logins:
        await floor_app.state(login, "ready")
    assert await floor_app.truth() == []


async def test_both_hang_up_in_a_conversation(floor_app: FloorApp) -> None:
    logins = ("t1", "t2", "t3", "t4")
    await floor_app.sign_in(*logins)
    phones = [number("1101") for _ in logins]
    await floor_app.campaign(*phones)
    for login in logins:
        await floor_app.state(login, "talking")
    channels = [await carrier_channel(floor_app, phone) for phone in phones]

    await asyncio.gather(
        *(person_hangs_up(floor_app, channel) for channel in channels),
        *(floor_app.telephony.carrier.hang_up_phone(login) for login in logins[:2]),
    )

    for phone in phones:
        row = await floor_app.outcome(phone)
        assert row["outcome"] == "answered"
        assert row["ended_by"] in ("person", "operator")
        assert (await floor_app.lead(phone))["status"] == "done"
    for login in logins:
        await floor_app.state(login, "wrap_up")
        await phone_up(floor_app, login)
        await floor_app.app.desk.dispose(login, "agreed")
        await floor_app.state(login, "ready")
    assert await floor_app.truth() == []


async def test_the_desk_and_the_person_hang_up_at_once(floor_app: FloorApp) -> None:
    logins = ("t1", "t2", "t3")
    await floor_app.sign_in(*logins)
    phones = [number("1101") for _ in logins]
    await floor_app.campaign(*phones)
    for login in logins:
        await floor_app.state(login, "talking")
    channels = [await carrier_channel(floor_app, phone) for phone in phones]
    talks = {login: floor_app.seat(login).channel for login in logins}
    hang_ups = [asyncio.create_task(person_hangs_up(floor_app, c)) for c in channels]
    for login, pause_s in zip(logins, (0.0, 0.02, 0.04), strict=True):
        await asyncio.sleep(pause_s)
        with contextlib.suppress(DeskError):
            floor_app.app.desk.hang_up(login)
    await asyncio.gather(*hang_ups)

    for phone in phones:
        row = await floor_app.outcome(phone)
        assert row["outcome"] == "answered"
        assert row["ended_by"] in ("person", "operator")
    for login in logins:
        seat = await floor_app.state(login, "wrap_up")
        assert seat.channel == talks[login]
    assert await floor_app.truth() == []


async def test_a_phone_that_vanishes_ends_the_conversation(floor_app: FloorApp) -> None:
    logins = ("t1", "t2", "t3")
    await in_turn(floor_app, *logins)
    phones = {number("1101"): by for by in ("phone_lost", "operator", "operator")}
    await floor_app.campaign(*phones, wrap_up_limit_s=120.0)
    for phone in phones:
        await floor_app.stage(phone, Conversing)
    legs = {login: floor_app.seat(login).leg_id for login in logins}
    floor_app.app.features.returning.limit_s = 0  # nobody waits for a lost phone
    vanished_at = time.time()
    await floor_app.telephony.carrier.mute_phone("t1")
    for login in logins[1:]:
        await floor_app.telephony.carrier.hang_up_phone(login)

    for phone, by in phones.items():
        row = await floor_app.outcome(phone, 22)
        assert (row["outcome"], row["ended_by"]) == ("answered", by)
        assert row["ended_at"].timestamp() - vanished_at < 20
    for login in logins:
        await floor_app.state(login, "wrap_up")
        await phone_up(floor_app, login)
        assert floor_app.seat(login).leg_id != legs[login]
    assert await floor_app.truth() == []
