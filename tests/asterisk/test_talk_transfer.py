"""Transfers, consultation and three-way on real servers; what everybody hears is measured."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from campaigns.hours.calendar import WEEKDAYS
from dialer.config import TransferSettings
from dialer.refusal import Refusal
from dialer.talk.checks import Target
from tests.asterisk.race_tools import carrier_channel
from tests.asterisk.talk_tools import (
    FIRST,
    PERSON,
    SECOND,
    THIRD,
    Call,
    Ear,
    all_hear,
    hang_up,
    talking,
)
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for


@pytest.fixture
async def floor(telephony: Telephony, database: str, tmp_path: Path) -> AsyncIterator[FloorApp]:
    """A floor that may hand calls to mobile numbers of Russia."""
    transfers = TransferSettings(numbers=("+79*",))
    settings = settings_for(telephony, database, tmp_path, transfers=transfers)
    async with running_app(telephony, settings) as floor:
        yield floor


async def third_ear(floor: FloorApp, phone: str, folder: Path) -> Ear:
    return await Ear(floor, await carrier_channel(floor, phone), folder).says(THIRD)


async def until_third_up(floor: FloorApp, login: str) -> None:
    talks = floor.app.talk
    assert talks is not None

    def up() -> bool:
        party = next((t.party for t in talks.floor.talks.values()), None)
        return party is not None and party.up

    await floor.until(up, f"who {login} called is there")


async def test_blind_to_an_operator(floor: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor, tmp_path, "t2")
    second = await call.other("t2", SECOND)
    await call.talks.transfer("t1", Target(operator="t2"))
    await all_hear((call.person, [SECOND]), (second, [PERSON]), (call.first, []))
    await floor.state("t1", "wrap_up")
    await floor.state("t2", "talking")
    with pytest.raises(Refusal) as refused:
        await call.talks.transfer("t2", Target(operator="t1"))
    assert refused.value.id == "operator_busy"
    row = await call.end()
    assert (row["outcome"], row["operator"]) == ("answered", "t2")
    assert await call.parts() == [("t1", "answer", "transfer"), ("t2", "transfer", "person")]


async def test_blind_to_a_group_waits_for_one_of_it(floor: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor, tmp_path, "t2", "t3")
    await floor.pool.execute("update operator set stage = 'sale' where login = 't3'")
    floor.app.desk.pause("t3", "away")
    await call.talks.transfer("t1", Target(stage="sale"))
    await call.person.hears("music")
    assert floor.seat("t2").state.kind == "ready"
    floor.app.desk.ready("t3")
    third = await call.other("t3", SECOND)
    await all_hear((call.person, [SECOND]), (third, [PERSON]))
    assert (await call.end())["operator"] == "t3"


async def test_blind_to_a_number(floor: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor, tmp_path)
    colleague = number("1101")
    await call.talks.transfer("t1", Target(number=colleague))
    await floor.state("t1", "wrap_up")
    await until_third_up(floor, "t1")
    third = await third_ear(floor, colleague, tmp_path)
    await all_hear((call.person, [THIRD]), (third, [PERSON]), (call.first, []))
    assert floor.app.board.trunks["carrier"].used == 2
    await hang_up(third)
    row = await floor.outcome(call.phone)
    assert (row["outcome"], row["operator"]) == ("answered", "t1")
    await floor.until(lambda: floor.app.board.trunks["carrier"].used == 0, "lines are free")
    await floor.app.journal.flushed(5)
    legs = await floor.pool.fetch(
        "select * from call where attempt_id = $1 and direction = 'out'", call.attempt.id
    )
    assert len(legs) == 2
    assert all(leg["ended_at"] for leg in legs)


async def test_a_number_that_does_not_answer_brings_the_person_back(
    floor: FloorApp, tmp_path: Path
) -> None:
    call = await talking(floor, tmp_path)
    await call.talks.transfer("t1", Target(number=number("2100")))
    await call.person.hears("music")
    await floor.state("t1", "wrap_up")
    floor.app.desk.ready("t1")
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    await call.end()
    parts = await call.parts()
    assert parts == [("t1", "answer", "transfer"), ("t1", "return", "person")]


async def test_consult_toggle_three_way_and_leave(floor: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor, tmp_path, "t2")
    second = await call.other("t2", SECOND)
    await call.talks.consult("t1", Target(operator="t2"))
    await all_hear((call.person, ["music"]), (call.first, [SECOND]), (second, [FIRST]))
    assert {floor.seat(x).state.kind for x in ("t1", "t2")} == {"consult"}
    await call.talks.toggle("t1")
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]), (second, []))
    await call.talks.toggle("t1")
    await all_hear((call.person, ["music"]), (call.first, [SECOND]), (second, [FIRST]))
    await call.talks.three_way("t1")
    await all_hear(
        (call.person, [FIRST, SECOND]), (call.first, [PERSON, SECOND]), (second, [PERSON, FIRST])
    )
    await call.talks.complete("t1")
    await all_hear((call.person, [SECOND]), (second, [PERSON]), (call.first, []))
    await floor.state("t1", "wrap_up")
    assert (await call.end())["operator"] == "t2"
    await floor.state("t2", "wrap_up")
    assert ("t1", "answer", "transfer") in await call.parts()


async def test_consult_a_number_and_cancel_or_complete(floor: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor, tmp_path)
    colleague = number("1101")
    await call.talks.consult("t1", Target(number=colleague))
    await call.person.hears("music")
    await until_third_up(floor, "t1")
    third = await third_ear(floor, colleague, tmp_path)
    await all_hear((call.first, [THIRD]), (third, [FIRST]), (call.person, ["music"]))
    await call.talks.cancel("t1")
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    await floor.until(lambda: floor.app.board.trunks["carrier"].used == 1, "the extra line is free")

    colleague = number("1101")
    await call.talks.consult("t1", Target(number=colleague))
    await until_third_up(floor, "t1")
    third = await third_ear(floor, colleague, tmp_path)
    await call.talks.three_way("t1")
    await all_hear(
        (call.person, [FIRST, THIRD]), (call.first, [PERSON, THIRD]), (third, [PERSON, FIRST])
    )
    await call.talks.complete("t1")
    await all_hear((call.person, [THIRD]), (third, [PERSON]), (call.first, []))
    await floor.state("t1", "wrap_up")
    assert (await call.end())["ended_by"] == "person"
    assert await call.parts() == [("t1", "answer", "transfer")]
    await floor.until(lambda: floor.app.board.trunks["carrier"].used == 0, "lines are free")


async def refused_for_clients(floor: FloorApp, call: Call) -> None:
    """Consent and hours hold for a number of our own lists, and not for a colleague's."""
    client = number("1101")
    await floor.campaign(client, status="paused")
    closed: dict[str, list[str]] = {day: [] for day in (*WEEKDAYS, "holiday")}
    for settings, expected in (
        ("consent_needed = true", "no_consent"),
        (f"consent_needed = false, hours = '{json.dumps(closed)}'", "outside_hours"),
    ):
        await floor.pool.execute(
            f"update campaign set {settings} where id = $1", call.attempt.campaign_id
        )
        with pytest.raises(Refusal) as refused:
            await call.talks.transfer("t1", Target(number=client))
        assert refused.value.id == expected
    await floor.pool.execute(
        "update campaign set hours = '{}' where id = $1", call.attempt.campaign_id
    )


async def test_bad_targets_change_nothing(floor: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor, tmp_path)
    asked_not = number("1101")
    await floor.pool.execute(
        "insert into do_not_call (floor_id, e164, source) values ($1, $2, 'operator')",
        floor.app.board.floor_id,
        asked_not,
    )
    for target, expected in (
        (Target(number="+7495"), "bad_number"),
        (Target(number="${SHELL(id)}"), "bad_number"),
        (Target(number="+74951234567"), "number_not_allowed"),
        (Target(number=asked_not), "do_not_call"),
        (Target(operator="nobody"), "not_signed_in"),
        (Target(operator="t1"), "bad_target"),
        (Target(skill="no-such"), "nobody_in_group"),
        (Target(), "bad_target"),
        (Target(operator="t2", number="+79991112233"), "bad_target"),
    ):
        for act in (call.talks.transfer, call.talks.consult):
            with pytest.raises(Refusal) as refused:
                await act("t1", target)
            assert refused.value.id == expected
    await refused_for_clients(floor, call)
    for action in (call.talks.resume, call.talks.toggle, call.talks.three_way, call.talks.complete):
        with pytest.raises(Refusal) as refused:
            await action("t1")
        assert refused.value.id == "wrong_state"
    assert floor.seat("t1").state.kind == "talking"
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    await call.end()
