"""`*` codes of plain phones, and what becomes of the person when something dies."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dialer.config import TransferSettings
from dialer.talk.checks import Target
from monitoring import metrics
from tests.asterisk.race_tools import carrier_ami
from tests.asterisk.talk_tools import FIRST, PERSON, SECOND, Call, all_hear, talking
from tests.fixtures_floor import FloorApp, Telephony, running_app, settings_for


async def press(call: Call, keys: str) -> None:
    """Keys on t1's phone."""
    async with carrier_ami(call.floor.telephony) as ami:
        for key in keys:
            await ami.action("PlayDTMF", {"Channel": call.first.channel, "Digit": key})
            await asyncio.sleep(0.3)  # a key is a tone of 0.1 s and a pause, as by hand


async def test_codes_do_what_the_api_does_and_are_refused_in_the_wrong_state(
    floor_app: FloorApp, tmp_path: Path
) -> None:
    call = await talking(floor_app, tmp_path, "t2")
    await press(call, "*1")
    await floor_app.state("t1", "hold")
    await call.person.hears("music")
    await press(call, "*1")
    await floor_app.state("t1", "talking")
    refused = metrics.value("prozvon_codes_refused_total", reason="wrong_state")
    await press(call, "*5")
    await floor_app.until(
        lambda: metrics.value("prozvon_codes_refused_total", reason="wrong_state") == refused + 1,
        "the refusal is counted",
    )
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    number = await floor_app.pool.fetchval("select id from operator where login = 't2'")
    await press(call, f"*2{number}#")
    await floor_app.state("t2", "talking")
    assert (await call.end())["operator"] == "t2"


async def test_a_phone_that_dies_during_hold_leaves_the_person_to_a_colleague(
    floor_app: FloorApp, tmp_path: Path
) -> None:
    call = await talking(floor_app, tmp_path)
    await call.talks.hold("t1")
    await call.person.hears("music")
    await floor_app.telephony.carrier.server.cli(f"channel request hangup {call.first.channel}")
    await floor_app.state("t1", "wrap_up")
    await call.person.hears("music")
    await floor_app.hire("t2")
    await floor_app.app.desk.sign_in("t2")
    await floor_app.state("t2", "talking")
    second = await call.other("t2", SECOND)
    await all_hear((call.person, [SECOND]), (second, [PERSON]))
    assert (await call.end())["operator"] == "t2"
    assert await call.parts() == [("t1", "answer", "phone_lost"), ("t2", "return", "person")]


async def test_hold_and_consultation_outlive_the_manager_link_and_the_controllers_memory(
    floor_app: FloorApp, tmp_path: Path
) -> None:
    call = await talking(floor_app, tmp_path, "t2")
    second = await call.other("t2", SECOND)
    await call.talks.consult("t1", Target(operator="t2"))
    await all_hear((call.person, ["music"]), (call.first, [SECOND]))
    talk = floor_app.app.talk
    assert talk is not None
    for again in range(2):
        if again:
            talk.floor.talks.clear()  # as after a restart: only the node knows
        floor_app.app.controller.on_unsure()
        await floor_app.until(lambda: floor_app.app.board.recovered, "asked the node")
        assert call.talks.view("t1").talk == "consulting"
        assert {floor_app.seat(x).state.kind for x in ("t1", "t2")} == {"consult"}
    await call.talks.complete("t1")
    await all_hear((call.person, [SECOND]), (second, [PERSON]))
    await call.end()


async def test_a_parked_person_comes_back_by_itself(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(
        telephony, database, tmp_path, transfers=TransferSettings(park_limit_s=2)
    )
    async with running_app(telephony, settings) as floor:
        call = await talking(floor, tmp_path)
        await call.talks.park("t1")
        floor.app.desk.ready("t1")
        await floor.state("t1", "talking")
        await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
        await call.end()
        assert await call.parts() == [("t1", "answer", "park"), ("t1", "return", "person")]
