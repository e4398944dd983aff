"""A run of a real floor is recorded with all that people ask for, and comes to the same again."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dialer.calls import Answered, Conversing, Dialing
from dialer.config import TransferSettings
from dialer.database.embedded import EmbeddedPostgres
from dialer.replay.play import replay
from dialer.replay.record import read_record
from dialer.replay.recorder import Recorder
from tests.asterisk.race_tools import bridged
from tests.asterisk.talk_tools import Call, talking
from tests.asterisk.test_broadcast import People, survey
from tests.asterisk.test_by_hand import running, shown
from tests.asterisk.test_talk_api import api
from tests.asterisk.test_talk_codes_floor import press
from tests.asterisk.test_talk_transfer import until_third_up
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for

KEEP = "PROZVON_KEEP_RECORD"
"""A path: the record of this run is kept there (so the runs in tests/replays are made)."""


async def asked(floor: FloorApp, path: str, body: object = None) -> Any:
    status, answer = await api(floor, "POST", path, body)
    assert status == 200, answer
    return answer


async def transfers(floor: FloorApp, folder: Path) -> None:
    """Hold by the API, resume by `*1`, listened to, the recording paused, handed to a colleague."""
    call = await talking(floor, folder, "t2")
    await asked(floor, "/operators/t1/supervision", {"supervisor": "t7", "mode": "listen"})
    await asked(floor, "/operators/t1/hold")
    await call.person.hears("music")
    await press(call, "*1")
    await floor.state("t1", "talking")
    await asked(floor, "/operators/t1/recording-pause")
    await asked(floor, "/operators/t1/recording-resume")
    await consults(floor, call)
    await asked(floor, "/operators/t1/transfer", {"operator": "t2"})
    await floor.state("t2", "talking")
    await asked(floor, "/supervisors/t7/stop")
    row = await call.end()
    assert (row["outcome"], row["operator"]) == ("answered", "t2")
    for login in ("t1", "t2"):
        await asked(floor, f"/operators/{login}/ready")


async def consults(floor: FloorApp, call: Call) -> None:
    """A number, that is let go again."""
    shape = number("1101")
    spoken = f"{shape[:2]} ({shape[2:5]}) {shape[5:8]}-{shape[8:]}"
    await asked(floor, "/operators/t1/consult", {"number": spoken})
    await until_third_up(floor, "t1")
    await floor.until(
        lambda: bool(floor.app.talk and floor.app.talk.talks.view("t1").third == "number"),
        "t1 speaks with the number",
    )
    await asked(floor, "/operators/t1/cancel-consult")
    await floor.until(lambda: call.talks.view("t1").talk == "plain", "together again")


async def by_hand(floor: FloorApp) -> None:
    """A card is skipped, the next one dialed; a typed number is hung up before the answer."""
    await asked(floor, "/operators/t2/pause", {"reason": "away"})
    first, second = number("1101"), number("1101")
    await running(floor, first, second, mode="preview")
    login = await shown(floor, first)
    await asked(floor, f"/operators/{login}/skip", {"reason": "not now"})
    await shown(floor, second)
    await asked(floor, f"/operators/{login}/dial-card")
    await floor.stage(second, Conversing)
    await asked(floor, f"/operators/{login}/hang-up")
    assert (await floor.outcome(second))["ended_by"] == "operator"
    await floor.state(login, "wrap_up")
    for campaign in floor.campaigns:
        await floor.set_campaign(campaign, "paused")
    manual, phone = await running(floor), number("2001")
    await asked(floor, f"/operators/{login}/ready")
    await floor.state(login, "ready")
    await asked(floor, f"/operators/{login}/dial", {"campaign": manual, "number": phone[2:]})
    await floor.stage(phone, Dialing)
    await asked(floor, f"/operators/{login}/hang-up")
    assert (await floor.outcome(phone))["ended_by"] == "operator"


async def broadcast(floor: FloorApp) -> None:
    """One answers a question and calls an operator."""
    phone, people = number("1101"), People(floor.telephony)
    await floor.campaign(phone, mode="broadcast", broadcast=survey(), wrap_up_limit_s=1.0)
    attempt = str((await floor.stage(phone, Answered)).id)
    await people.hears(attempt, "service")
    await people.press(phone, "5")
    await people.hears(attempt, "price")
    await people.press(phone, "1")
    await floor.stage(phone, Conversing)
    await bridged(floor, phone)
    await asked(floor, "/operators/t1/hang-up")
    assert (await floor.outcome(phone))["outcome"] == "answered"


@asynccontextmanager
async def another_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"replay_of_test_{os.getpid()}"
    yield await server.create_database(name, template=template)
    await server.drop_database(name)


async def test_everything_that_people_ask_for_comes_to_the_same_again(
    telephony: Telephony,
    database: str,
    database_server: EmbeddedPostgres,
    database_template: str,
    tmp_path: Path,
) -> None:
    """Given a record of a hold, a `*` code, a consultation, a transfer, supervision, dials by hand
    and a broadcast on real servers, when it is replayed, then everything comes to the same."""
    settings = settings_for(
        telephony, database, tmp_path / "floor", transfers=TransferSettings(numbers=("+79*",))
    )
    file = tmp_path / "run.jsonl.gz"
    with Recorder(file) as recorder:
        async with running_app(telephony, settings, recorder=recorder) as floor:
            await floor.hire("t1", "t2", "t7")
            await floor.pool.execute("update operator set role = 'supervisor' where login = 't7'")
            await transfers(floor, tmp_path)
            await by_hand(floor)
            await broadcast(floor)
    if keep := os.environ.get(KEEP):
        shutil.copy(file, keep)
    record = read_record(file)
    async with another_database(database_server, database_template) as dsn:
        found = await asyncio.to_thread(replay, record, dsn, tmp_path / "replay")
    assert found.differences == []
    assert found.unknown_actions == []
    assert {row["operator"] for row in record.results["part"]} == {"t1", "t2"}
    assert [row["mode"] for row in record.results["supervision"]] == ["listen"]
    text = gzip.decompress(file.read_bytes()).decode()
    assert not [row for row in await numbers_of(database) if row.removeprefix("+") in text]


async def numbers_of(dsn: str) -> list[str]:
    from dialer.database.pool import open_pool

    pool = await open_pool(dsn, application_name="prozvon test")
    try:
        return [row["phone"] for row in await pool.fetch("select distinct phone from attempt")]
    finally:
        await pool.close()
