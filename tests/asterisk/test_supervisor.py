"""Supervisors on real servers: who hears whom in each mode, from call to call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dialer.calls import Conversing
from dialer.cli import invoke
from dialer.database.pool import open_pool
from dialer.demo.carrier import Manners
from monitoring import metrics
from monitoring.supervision.model import Mode, SupervisionError
from tests.asterisk.hearing import (
    OPERATOR,
    OTHER,
    PERSON,
    SUPERVISOR,
    Ear,
    person_speaks,
    speak,
)
from tests.asterisk.race_tools import bridged
from tests.asterisk.test_crash import serving
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for


async def talk(floor: FloorApp, tone: int) -> tuple[str, str]:
    """The next conversation; (number, the person's channel at the carrier)."""
    phone = number("1001")
    await floor.campaign(phone)
    await floor.stage(phone, Conversing)
    return phone, await person_speaks(floor, phone, tone)


async def ear(floor: FloorApp, channel: str, folder: Path, name: str) -> Ear:
    return await Ear(floor.telephony.carrier, channel, folder / f"{name}.sln48").start()


async def barges_in_the_next(floor: FloorApp, at_boss: Ear, folder: Path) -> Ear:
    """t1's next conversation, in which the one who barges is heard; the ear of its person."""
    floor.app.desk.hang_up("t1")
    await floor.state("t1", "wrap_up")
    floor.app.desk.ready("t1")
    _, person = await talk(floor, OTHER)
    at_person = await ear(floor, person, folder, "next-person")
    assert await at_person.until({OPERATOR, SUPERVISOR}) == {OPERATOR, SUPERVISOR}
    assert await (await at_boss.fresh()).until({OTHER, OPERATOR}) == {OTHER, OPERATOR}
    return at_person


@pytest.fixture
async def supervisors(floor_app: FloorApp) -> AsyncIterator[FloorApp]:
    await floor_app.hire("t7", "t8")
    for login in ("t7", "t8"):
        await floor_app.app.staff.set_role(login, "supervisor", "olga")
    yield floor_app


async def rows(floor: FloorApp) -> list[Any]:
    return await floor.pool.fetch(
        "select mode, ended_at is not null as ended from supervision order by started_at, seq"
    )


async def test_who_hears_whom_in_each_mode_and_in_the_next_call(
    supervisors: FloorApp, tmp_path: Path
) -> None:
    floor, service = supervisors, supervisors.app.features.supervision
    await floor.sign_in("t1")
    _, person = await talk(floor, PERSON)
    operator = await speak(floor, "t1", OPERATOR)

    view = await service.supervise("t1", "t7", Mode.LISTEN, "olga")
    assert view.up
    boss = await speak(floor, "t7", SUPERVISOR)
    at_person = await ear(floor, person, tmp_path, "person")
    at_operator = await ear(floor, operator, tmp_path, "operator")
    at_boss = await ear(floor, boss, tmp_path, "boss")
    assert await at_boss.until({PERSON, OPERATOR}) == {PERSON, OPERATOR}
    assert await (await at_person.fresh()).until({OPERATOR}) == {OPERATOR}
    assert await at_operator.until({PERSON}) == {PERSON}

    await service.supervise("t1", "t7", Mode.WHISPER, "olga")
    assert await at_operator.until({PERSON, SUPERVISOR}) == {PERSON, SUPERVISOR}
    assert await (await at_boss.fresh()).until({PERSON, OPERATOR}) == {PERSON, OPERATOR}
    assert await (await at_person.fresh()).until({OPERATOR}) == {OPERATOR}

    await service.supervise("t1", "t7", Mode.BARGE, "olga")
    assert await at_person.until({OPERATOR, SUPERVISOR}) == {OPERATOR, SUPERVISOR}
    assert await (await at_operator.fresh()).until({PERSON, SUPERVISOR}) == {PERSON, SUPERVISOR}

    at_person = await barges_in_the_next(floor, at_boss, tmp_path)

    await service.stop("t7", "olga")
    assert await (await at_person.fresh()).until({OPERATOR}) == {OPERATOR}
    assert service.views() == []
    floor.app.desk.hang_up("t1")
    await floor.app.journal.flushed(5)
    assert [tuple(row) for row in await rows(floor)] == [
        ("listen", True), ("whisper", True), ("barge", True),
    ]  # fmt: skip
    audit = await floor.pool.fetch(
        "select actor, action from audit where action like 'superv%' order by id"
    )
    assert [tuple(row) for row in audit] == [
        ("olga", "supervisor_listen"),
        ("olga", "supervisor_whisper"),
        ("olga", "supervisor_barge"),
        ("t7", "supervisor_followed"),
        ("olga", "supervisor_stopped"),
    ]


async def test_a_killed_controller_leaves_the_supervisor_on_the_line_and_in_its_mode(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """The one whose phone is put down meanwhile is off the line afterwards."""
    settings, phone = settings_for(telephony, database, tmp_path), number("1101")
    async with running_app(telephony, settings, check=False) as first:
        await first.hire("t1", "t7", "t8")
        for login in ("t7", "t8"):
            await first.app.staff.set_role(login, "supervisor", "olga")
    began_at = time.time()
    pool = await open_pool(database, min_size=1, application_name="prozvon test")
    floor = FloorApp(first.app, telephony, pool, began_at)
    async with serving(settings, tmp_path) as process:
        await process.ask("POST", "operators/t1/sign-in")
        campaign = await floor.campaign(phone)
        await bridged(floor, phone)
        await floor.set_campaign(campaign, "paused")
        for login, mode in (("t7", "barge"), ("t8", "listen")):
            body = {"supervisor": login, "mode": mode}
            await process.ask("POST", "operators/t1/supervision", body)
        async with asyncio.timeout(10):
            while len(await rows(floor)) < 2:
                await asyncio.sleep(0.05)
        process.kill()
    gone = await telephony.carrier.phone_channel("t8")
    await telephony.carrier.server.cli(f"channel request hangup {gone}")
    async with running_app(telephony, settings) as again:
        again.began_at = began_at
        service = again.app.features.supervision
        views = [(view.supervisor, view.operator, view.mode, view.up) for view in service.views()]
        assert views == [("t7", "t1", "barge", True)]
        operator = await speak(again, "t1", OPERATOR)
        boss = await speak(again, "t7", SUPERVISOR)
        person = await person_speaks(again, phone, PERSON)
        at_person = await ear(again, person, tmp_path, "person")
        at_boss = await ear(again, boss, tmp_path, "boss")
        assert await at_person.until({OPERATOR, SUPERVISOR}) == {OPERATOR, SUPERVISOR}
        assert await at_boss.until({PERSON, OPERATOR}) == {PERSON, OPERATOR}

        await barges_in_the_next(again, at_boss, tmp_path)
        assert operator
        await service.stop("t7", "olga")
        again.app.desk.hang_up("t1")
        await again.app.journal.flushed(5)
        assert [tuple(row) for row in await rows(again)] == [("barge", True), ("listen", True)]
    await pool.close()


async def test_two_supervisors_one_voice_and_what_is_refused(supervisors: FloorApp) -> None:
    floor, service = supervisors, supervisors.app.features.supervision
    with pytest.raises(SupervisionError, match="no operator t1"):
        await service.supervise("t1", "t7", Mode.LISTEN, "olga")
    await floor.sign_in("t1", "t2")
    before = metrics.value("prozvon_supervisions_total", mode="whisper")
    await service.supervise("t1", "t7", Mode.WHISPER, "olga")
    assert metrics.value("prozvon_supervisions_total", mode="whisper") == before + 1
    for mode in (Mode.WHISPER, Mode.BARGE):
        with pytest.raises(SupervisionError, match="t7 whispers to t1 already; you may listen"):
            await service.supervise("t1", "t8", mode, "olga")
    await service.supervise("t1", "t8", Mode.LISTEN, "olga")
    with pytest.raises(SupervisionError, match="t7 whispers to t1"):
        await service.supervise("t1", "t8", Mode.BARGE, "olga")
    with pytest.raises(SupervisionError, match="t8 is on the line of t1; stop that first"):
        await service.supervise("t2", "t8", Mode.LISTEN, "olga")
    for operator, supervisor, text in (
        ("t1", "t2", "is no supervisor"), ("t1", "nobody", "no operator nobody"),
        ("t6", "t6", "nobody listens to himself"),
    ):  # fmt: skip
        with pytest.raises(SupervisionError, match=text):
            await service.supervise(operator, supervisor, Mode.LISTEN, "olga")
    await service.stop("t7", "olga")
    await service.supervise("t1", "t8", Mode.WHISPER, "olga")
    with pytest.raises(SupervisionError, match="on nobody's line"):
        await service.stop("t7", "olga")
    floor.app.desk.sign_out("t1")
    await floor.until(lambda: not service.sessions, "the line is left when the operator goes")
    with pytest.raises(SupervisionError, match="did not answer"):
        await floor.telephony.carrier.set_manners("t7", Manners.BUSY)
        try:
            await service.supervise("t2", "t7", Mode.LISTEN, "olga")
        finally:
            await floor.telephony.carrier.set_manners("t7", Manners.ANSWER)
    assert not service.sessions


def test_the_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["supervisor", "--help"]) == 0
    said = capsys.readouterr().out
    for command in ("listen", "whisper", "barge", "stop", "list"):
        assert command in said
