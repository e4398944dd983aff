"""Broadcast on real servers: a survey by keys, opt-out, an operator by key, a dead controller."""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.broadcast.model import read
from campaigns.results.service import ResultsService
from dialer.asterisk.conf import SOUNDS
from dialer.calls import Answered, Conversing
from dialer.database.pool import open_pool
from tests.asterisk.test_crash import serving
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for

SOUND = str(SOUNDS / "en" / "prozvon-sorry")


def survey(**changes: Any) -> Any:
    """A message and two questions; 1 calls an operator, 9 ends the calls for ever."""
    keys = [
        {"key": "4", "answer": "good", "disposition": "interested"},
        {"key": "5", "answer": "bad"},
    ]
    steps = [
        {"code": "hello", "sound": SOUND},
        {"code": "service", "sound": SOUND, "keys": keys},
        {"code": "price", "sound": SOUND, "keys": [{"key": "7", "answer": "fair"}]},
    ]
    own = {"operator_key": "1", "opt_out_key": "9", "repeats": 2, "wait_s": 3, **changes}
    return read({**own, "steps": steps})


class People:
    """Persons at the carrier who listen and press keys."""

    def __init__(self, telephony: Telephony) -> None:
        self._telephony = telephony

    async def hears(self, attempt: str, step: str) -> None:
        """Waits until the call is at this step, controller or no controller."""
        async with asyncio.timeout(30):
            while not await self._at(attempt, step):
                await asyncio.sleep(0.1)

    async def _at(self, attempt: str, step: str) -> bool:
        pbx = self._telephony.pbx
        for line in (await pbx.cli("core show channels concise")).splitlines():
            fields = line.split("!")
            if fields[1:2] != ["prozvon-broadcast"]:
                continue
            shown = await pbx.cli(f"core show channel {fields[0]}")
            variables = dict(x.split("=", 1) for x in shown.split() if "=" in x)
            place = variables.get("PROZVON_STEP", "")
            if f"UniqueID: {attempt}" in shown and variables[f"PROZVON_CODE_{place}"] == step:
                return True
        return False

    async def press(self, phone: str, key: str) -> None:
        """The person presses a key and goes on listening."""
        carrier = self._telephony.carrier
        channel = await carrier.person_channel(phone)
        assert channel is not None
        await carrier.server.cli(f"channel redirect {channel} carrier-keys,{key},1")


async def row_of(floor: FloorApp, phone: str, done: Callable[[Any], bool]) -> Any:
    """The attempt's row as soon as it is so."""
    async with asyncio.timeout(30):
        while True:
            rows = await floor.attempts(phone)
            if rows and done(rows[0]):
                return rows[0]
            await asyncio.sleep(0.1)


def _over(row: Any) -> bool:
    return row["outcome"] is not None


async def test_a_survey_by_keys_without_any_operator(
    floor_app: FloorApp, telephony: Telephony, tmp_path: Path
) -> None:
    """Given nobody signed in, when persons answer, refuse further calls and ask for an operator,
    then answers, do-not-call and the abandoned call are written down, each where it belongs."""
    answers, refuses, asks, leaves = (number(f"11{i}0") for i in (1, 2, 3, 4))
    people = People(telephony)
    campaign = await floor_app.campaign(
        answers, refuses, asks, leaves, mode="broadcast", broadcast=survey(), max_lines=4
    )
    live = {p: str((await floor_app.stage(p, Answered)).id) for p in (answers, refuses, asks)}
    assert not floor_app.app.board.seats

    async def of(phone: str, *steps: tuple[str, str]) -> None:
        for step, key in steps:
            await people.hears(live[phone], step)
            await people.press(phone, key)

    await asyncio.gather(
        of(answers, ("service", "4"), ("price", "7")),
        of(refuses, ("service", "9")),
        of(asks, ("service", "1")),
    )
    row = await row_of(floor_app, answers, lambda r: _over(r) and len(r["keys"]) == 2)
    assert row["keys"] == {"service": "good", "price": "fair"}
    assert (row["outcome"], row["ended_by"], row["mode"]) == ("answered", "dialer", "broadcast")
    assert row["disposition_id"] is not None and row["recording"] is None
    assert (await floor_app.lead(answers))["status"] == "done"
    row = await row_of(floor_app, refuses, _over)
    assert (row["outcome"], row["keys"]) == ("answered", {})
    forbidden = await floor_app.pool.fetch("select e164 from do_not_call")
    assert [r["e164"] for r in forbidden] == [refuses]
    row = await row_of(floor_app, asks, _over)
    assert row["outcome"] == "abandoned"  # the ledger counts whoever asked and got nobody
    ledger = floor_app.app.board.campaigns[campaign].engine.ledger
    assert ledger.totals(floor_app.app.controller.clock())[1] == 1
    await floor_app.set_campaign(campaign, "paused")
    row = await row_of(floor_app, leaves, _over)  # says nothing: played twice, then hung up
    assert (row["outcome"], row["ended_by"], row["keys"]) == ("answered", "dialer", {})
    assert not await floor_app.truth()
    name = await floor_app.pool.fetchval("select name from campaign where id = $1", campaign)
    results = ResultsService(floor_app.pool, floor_app.app.board.floor_id, ZoneInfo("UTC"))
    await results.export(name, tmp_path / "r.csv", "boss")
    with (tmp_path / "r.csv").open(encoding="utf-8-sig") as file:
        found = {line["phone"].lstrip("'"): line for line in csv.DictReader(file, delimiter=";")}
    assert (found[answers]["service"], found[answers]["price"]) == ("good", "fair")
    assert float(found[answers]["heard_s"]) > 0
    reasons = [d["reason"] for d in await floor_app.decisions(campaign) if d["placed"]]
    assert reasons and all("what the lines leave" in reason for reason in reasons)


async def test_press_1_reaches_an_operator(floor_app: FloorApp, telephony: Telephony) -> None:
    """Given an operator who waits, when a person presses 1, then they talk, and the answers that
    came before stay beside the operator's disposition."""
    phone, people = number("1101"), People(telephony)
    await floor_app.sign_in("t1")
    await floor_app.campaign(phone, mode="broadcast", broadcast=survey(), wrap_up_limit_s=1.0)
    attempt = str((await floor_app.stage(phone, Answered)).id)
    assert floor_app.seat("t1").state.kind == "ready"  # a broadcast takes no operator
    await people.hears(attempt, "service")
    await people.press(phone, "5")
    await people.hears(attempt, "price")
    await people.press(phone, "1")
    talking = await floor_app.stage(phone, Conversing)
    assert isinstance(talking, Conversing) and talking.operator == "t1"
    floor_app.app.desk.hang_up("t1")
    row = await row_of(floor_app, phone, _over)
    assert (row["outcome"], row["operator"], row["keys"]) == ("answered", "t1", {"service": "bad"})


async def test_answers_outlive_a_controller_killed_in_the_message(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """Given a person in the message, when the controller is killed, then the call goes on to its
    end, and what is pressed is written down by the next controller."""
    settings = settings_for(telephony, database, tmp_path)
    phone, people = number("1101"), People(telephony)
    began_at = time.time()
    async with running_app(telephony, settings, check=False) as first:
        board = first.app.board
    assert not board.attempts
    async with serving(settings, tmp_path) as process:
        floor = FloorApp(first.app, telephony, await open_pool(database), began_at)
        await floor.campaign(phone, mode="broadcast", broadcast=survey())
        attempt = str((await row_of(floor, phone, lambda r: True))["id"])
        await people.hears(attempt, "hello")
        process.kill()
    await people.hears(attempt, "service")
    await people.press(phone, "4")
    await people.hears(attempt, "price")
    await people.press(phone, "7")
    call = await floor.carrier_call(phone)
    assert call.answered_at is not None
    await floor.pool.close()
    async with running_app(telephony, settings) as second:
        row = await row_of(second, phone, lambda r: _over(r) and len(r["keys"]) == 2)
        assert row["keys"] == {"service": "good", "price": "fair"}
        assert row["outcome"] == "answered"
        assert (await second.lead(phone))["status"] == "done"
