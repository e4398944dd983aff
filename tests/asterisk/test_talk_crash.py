"""Something dies in the middle of hold, consult and three-way: nobody in silence, states right."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from dialer.asterisk.ami import AmiState
from dialer.config import TransferSettings
from dialer.database.pool import open_pool
from dialer.talk.checks import Target
from dialer.talk.service import Talks
from tests.asterisk.race_tools import carrier_channel
from tests.asterisk.talk_tools import Ear, all_hear, hang_up, phone_ear
from tests.asterisk.test_crash import Process, serving
from tests.faults.proxy import FaultProxy
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for

PERSON, MINE, OTHER = 440, 1000, 700
LOGINS = ("t1", "t2", "t3", "t4")
TRANSFERS = TransferSettings(numbers=("+79*",), hold_limit_s=60.0, park_limit_s=5.0)


@dataclass
class Line:
    """One operator's conversation: who hears what."""

    login: str
    phone: str
    person: Ear
    operator: Ear


async def three_lines(floor: FloorApp, folder: Path) -> list[Line]:
    """t1, t2 and t3 talk with a person each; t4 is signed in after the last dial."""
    phones = [number("1101") for _ in range(3)]
    campaign = await floor.campaign(*phones)
    for phone in phones:
        await until_bridged(floor, phone)
    await floor.set_campaign(campaign, "paused")
    talked = {r["phone"]: r["operator"] for r in await floor.attempts()}
    lines = []
    for phone in sorted(phones, key=lambda p: talked[p]):
        login = talked[phone]
        person = await Ear(floor, await carrier_channel(floor, phone), folder).says(PERSON)
        operator = await phone_ear(floor, login, folder, MINE)
        lines.append(Line(login, phone, person, operator))
    return lines


async def until_bridged(floor: FloorApp, phone: str) -> None:
    async with asyncio.timeout(20):
        while not any(r["bridged_at"] for r in await floor.attempts(phone)):
            await asyncio.sleep(0.05)


async def third_of(floor: FloorApp, phone: str, folder: Path) -> Ear:
    return await Ear(floor, await carrier_channel(floor, phone), folder).says(OTHER)


async def as_before(lines: list[Line], asked: Ear, third: Ear) -> None:
    """t1's person on hold, t2 asks t4, t3 speaks with person and number: what everybody hears."""
    held, consulting, three = lines
    await all_hear(
        (held.person, ["music"]),
        (held.operator, []),
        (consulting.person, ["music"]),
        (consulting.operator, [OTHER]),
        (asked, [MINE]),
        (three.person, [MINE, OTHER]),
        (third, [PERSON, MINE]),
    )


def names(talks: Talks) -> dict[str, tuple[str, str]]:
    return {x: (talks.view(x).state, talks.view(x).talk) for x in LOGINS}


THREE_TALKS = {
    "t1": ("hold", "held"),
    "t2": ("consult", "consulting"),
    "t3": ("talking", "three_way"),
    "t4": ("consult", "consulting"),
}


async def finish(floor: FloorApp, lines: list[Line]) -> None:
    """Every call goes on as if nothing had been, and each has its outcome."""
    held, consulting, three = lines
    assert floor.app.talk is not None
    talks = floor.app.talk.talks
    await talks.resume("t1")
    await talks.cancel("t2")
    await talks.complete("t3")
    await all_hear(
        (held.operator, [PERSON]),
        (consulting.person, [MINE]),
        (consulting.operator, [PERSON]),
        (three.person, [OTHER]),
    )
    await floor.state("t3", "wrap_up")
    await floor.state("t4", "ready")
    for line in lines:
        await hang_up(line.person)
    for line in lines:
        row = await floor.outcome(line.phone)
        assert (row["outcome"], row["ended_by"], row["operator"]) == (
            "answered", "person", line.login,
        )  # fmt: skip
    await floor.until(lambda: floor.app.board.trunks["carrier"].used == 0, "lines are free")


async def test_a_killed_controller_leaves_nobody_in_silence_and_comes_back_to_the_talks(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(telephony, database, tmp_path, transfers=TRANSFERS)
    async with running_app(telephony, settings, check=False) as first:
        await first.hire(*LOGINS, "t5")
    pool = await open_pool(database, min_size=1, application_name="prozvon test")
    floor = FloorApp(first.app, telephony, pool, time.time())
    async with serving(settings, tmp_path) as process:
        lines, asked, third, parked = await talks_of_a_process(process, floor, tmp_path)
        await as_before(lines, asked, third)
        assert (await process.ask("POST", "operators/t1/mute"))["muted"]
        process.kill()
    # Nobody steers now: what was begun goes on, and the parked person's limit is the dialplan's.
    await as_before(lines, asked, third)
    await parked.hears("music")

    async with running_app(telephony, settings) as again:
        again.began_at = floor.began_at
        assert again.app.talk is not None
        talks = again.app.talk.talks
        assert names(talks) == THREE_TALKS
        await again.until(lambda: talks.view("t1").muted, "the mute is known again")
        assert again.app.board.trunks["carrier"].used == 5
        await as_before(lines, asked, third)
        await talks.mute("t1", on=False)
        for line in lines:
            line.person.floor = line.operator.floor = again
        await hang_up(parked)
        await finish(again, lines)
    await pool.close()


async def talks_of_a_process(
    process: Process, floor: FloorApp, folder: Path
) -> tuple[list[Line], Ear, Ear, Ear]:
    """Hold, consult, three-way and park, asked for by HTTP."""
    for login in LOGINS[:3]:
        await process.ask("POST", f"operators/{login}/sign-in")
    lines = await three_lines(floor, folder)
    await process.ask("POST", "operators/t4/sign-in")
    await until_state(process, "t4", "ready")
    asked = await phone_ear(floor, "t4", folder, OTHER)
    phone = number("1101")
    await process.ask("POST", "operators/t1/hold")
    await process.ask("POST", "operators/t2/consult", {"operator": "t4"})
    await process.ask("POST", "operators/t3/consult", {"number": phone})
    async with asyncio.timeout(15):
        while await three_way_refused(process):
            await asyncio.sleep(0.1)
    third = await third_of(floor, phone, folder)
    return lines, asked, third, await parked_person(process, floor, folder)


async def three_way_refused(process: Process) -> bool:
    try:
        await process.ask("POST", "operators/t3/three-way")
    except AssertionError:
        return True
    return False


async def until_state(process: Process, login: str, state: str) -> None:
    async with asyncio.timeout(15):
        while (await process.states()).get(login) != state:
            await asyncio.sleep(0.1)


async def parked_person(process: Process, floor: FloorApp, folder: Path) -> Ear:
    """t5 parks somebody."""
    phone = number("1101")
    await process.ask("POST", "operators/t5/sign-in")
    campaign = await floor.campaign(phone)
    await until_bridged(floor, phone)
    await floor.set_campaign(campaign, "paused")
    await process.ask("POST", "operators/t5/park")
    return Ear(floor, await carrier_channel(floor, phone), folder)


async def talks_on(floor: FloorApp, folder: Path) -> tuple[list[Line], Ear, Ear]:
    await floor.sign_in(*LOGINS[:3])
    lines = await three_lines(floor, folder)
    await floor.sign_in("t4")
    asked = await phone_ear(floor, "t4", folder, OTHER)
    assert floor.app.talk is not None
    talks, phone = floor.app.talk.talks, number("1101")
    await talks.hold("t1")
    await talks.consult("t2", Target(operator="t4"))
    await talks.consult("t3", Target(number=phone))
    await floor.until(lambda: third_up(floor, "t3"), "the number answers")
    await talks.three_way("t3")
    return lines, asked, await third_of(floor, phone, folder)


def third_up(floor: FloorApp, login: str) -> bool:
    assert floor.app.talk is not None
    found = [t for t in floor.app.talk.floor.talks.values() if t.operator == login]
    return bool(found and found[0].party and found[0].party.up)


async def test_a_cut_manager_link_changes_no_talk(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """What happens while nobody listens is understood afterwards: here, the number hangs up."""
    proxy = await FaultProxy.start("127.0.0.1", telephony.conf.ami_port)
    settings = settings_for(telephony, database, tmp_path, transfers=TRANSFERS, ami_port=proxy.port)
    try:
        async with running_app(telephony, settings) as floor:
            lines, asked, third = await talks_on(floor, tmp_path)
            await as_before(lines, asked, third)
            proxy.refuse()
            proxy.cut()
            await floor.until(lambda: not floor.app.board.recovered, "the loss is noticed")
            await as_before(lines, asked, third)
            await hang_up(third)
            proxy.accept()
            await floor.until(lambda: floor.app.board.recovered, "the link is back", 30)
            assert floor.app.talk is not None
            talks = floor.app.talk.talks
            await floor.until(lambda: talks.view("t3").talk == "plain", "two are left", 15)
            assert {x: names(talks)[x] for x in ("t1", "t2", "t4")} == {
                x: THREE_TALKS[x] for x in ("t1", "t2", "t4")
            }
            await all_hear((lines[2].person, [MINE]), (lines[2].operator, [PERSON]))
            await floor.until(
                lambda: floor.app.board.trunks["carrier"].used == 3, "the number's line is free"
            )
            for line in lines:
                await hang_up(line.person)
            for line in lines:
                assert (await floor.outcome(line.phone))["outcome"] == "answered"
            await floor.state("t4", "ready")
    finally:
        await proxy.close()


async def test_a_killed_asterisk_ends_every_talk_with_its_outcome(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(telephony, database, tmp_path, transfers=TRANSFERS)
    async with running_app(telephony, settings) as floor:
        lines, _, _ = await talks_on(floor, tmp_path)
        await telephony.pbx.kill()
        await floor.until(lambda: floor.app.ami.state is not AmiState.READY, "the loss is noticed")
        await telephony.pbx.start()
        for line in lines:
            row = await floor.outcome(line.phone, 30)
            found = (row["outcome"], row["ended_by"], row["operator"])
            assert found == ("answered", "node", line.login)
        for login in LOGINS[:3]:
            await floor.state(login, "wrap_up")
        assert floor.app.talk is not None
        assert not floor.app.talk.floor.talks
        assert not floor.app.talk.floor.thirds
        assert floor.app.board.trunks["carrier"].used == 0
        for login in LOGINS[:3]:
            floor.app.desk.ready(login)
        for login in LOGINS:
            await floor.state(login, "ready", timeout_s=40)
