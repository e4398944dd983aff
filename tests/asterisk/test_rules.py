"""What may be dialed, on real servers: who is called back, by whom, when, and who never again."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.callbacks.service import CallbackService, NewCallback
from campaigns.hours.model import zone_of
from campaigns.leads.retry import part
from dialer.calls import Conversing
from tests.asterisk.race_tools import hears_message, left_waiting, person_hangs_up
from tests.fixtures_floor import FloorApp, number

WAIT_S = 20.0
MOSCOW = "Europe/Moscow"


async def attempts_of(floor: FloorApp, phone: str, count: int) -> list[Any]:
    """The attempts of a number as soon as so many have ended."""
    async with asyncio.timeout(WAIT_S):
        while True:
            rows = await floor.attempts(phone)
            if len([row for row in rows if row["outcome"]]) >= count:
                return rows
            await asyncio.sleep(0.05)


async def lead_until(floor: FloorApp, phone: str, key: str, value: object) -> Any:
    async with asyncio.timeout(WAIT_S):
        while (row := await floor.lead(phone))[key] != value:
            await asyncio.sleep(0.05)
    return row


@pytest.mark.parametrize("mode", ["progressive", "predictive"])
async def test_a_callback_goes_to_the_same_operator(floor_app: FloorApp, mode: str) -> None:
    """Another operator waits all the time and does not get it."""
    await floor_app.sign_in("t1")
    phone = number("0101")
    await floor_app.campaign(phone, mode=mode, max_abandon_rate=1.0)
    await floor_app.outcome(phone)
    await floor_app.sign_in("t2")
    lead = await lead_until(floor_app, phone, "status", "done")
    service = CallbackService(floor_app.pool, floor_app.app.board.floor_id)
    await service.add(NewCallback(lead["id"], datetime.now(UTC), "t1", phone), "t1")
    await asyncio.sleep(1.2)  # two looks at what is due: t2 is ready and does not get it
    assert len(await floor_app.attempts(phone)) == 1
    await floor_app.app.desk.dispose("t1", "agreed")

    rows = await attempts_of(floor_app, phone, 2)
    assert (rows[1]["dial_operator"], rows[1]["operator"]) == ("t1", "t1")
    assert rows[1]["outcome"] == "answered"
    [done] = await service.callbacks(("done",))
    assert done["lead_id"] == lead["id"]


async def test_a_callback_agreed_in_the_conversation_is_dialed_at_its_time(
    floor_app: FloorApp,
) -> None:
    """By the same operator, while another one waits all the time; when that operator has left and
    the grace is over, by anyone."""
    await floor_app.sign_in("t1")
    phone, desk = number("0101"), floor_app.app.desk
    await floor_app.campaign(phone)
    await floor_app.outcome(phone)
    await floor_app.sign_in("t2")
    at = datetime.now(UTC) + timedelta(seconds=2)
    await desk.dispose("t1", "call_back", "has the contract by then", callback_at=at.isoformat())

    rows = await attempts_of(floor_app, phone, 2)
    assert (rows[1]["dial_operator"], rows[1]["operator"]) == ("t1", "t1")
    assert at <= rows[1]["placed_at"] <= at + timedelta(seconds=5)
    service = CallbackService(floor_app.pool, floor_app.app.board.floor_id)
    [done] = await service.callbacks(("done",))
    assert (done["note"], done["operator"]) == ("has the contract by then", "t1")

    later = datetime.now(UTC) + timedelta(hours=2)
    await floor_app.state("t1", "wrap_up")
    await desk.dispose("t1", "call_back", callback_at=later.isoformat())
    desk.sign_out("t1")
    await floor_app.app.journal.flushed(5)
    [waiting] = await service.callbacks(("waiting",))
    store = floor_app.app.store
    store.rules_clock = lambda: later.timestamp() + waiting["grace_s"] - 30
    lead = await lead_until(floor_app, phone, "blocked_by", "owner_absent")
    assert len(await floor_app.attempts(phone)) == 2
    begun, grace_over = time.time(), later.timestamp() + waiting["grace_s"]
    store.rules_clock = lambda: max(grace_over, lead["next_at"].timestamp()) + time.time() - begun
    rows = await attempts_of(floor_app, phone, 3)
    assert rows[2]["operator"] == "t2"


async def test_do_not_call_by_disposition_counts_for_the_next_dial(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    phone, other = number("0101"), number("0101")
    first = await floor_app.campaign(phone)
    second = await floor_app.campaign(phone, other)
    await floor_app.set_campaign(second, "paused")
    await floor_app.stage(phone, Conversing)
    await floor_app.app.desk.dispose("t1", "do_not_call")
    await floor_app.outcome(phone)
    await floor_app.set_campaign(first, "paused")
    await floor_app.set_campaign(second, "running")
    await floor_app.state("t1", "wrap_up", "ready")
    if floor_app.seat("t1").state.kind == "wrap_up":
        floor_app.app.desk.ready("t1")

    assert (await floor_app.outcome(other))["outcome"] == "answered"
    assert len(await floor_app.attempts(phone)) == 1
    closed = await floor_app.pool.fetchval(
        "select last_outcome from lead where campaign_id = $1 and status = 'done' "
        "order by priority desc limit 1",
        second,
    )
    assert closed == "do_not_call"


async def test_an_abandoned_person_is_locked_out_in_every_campaign(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor_app.sign_in("t1")
    phone, other = number("1101"), number("2101")
    first = await floor_app.campaign(phone)
    await left_waiting(monkeypatch, floor_app, phone)
    await person_hangs_up(floor_app, await hears_message(floor_app, phone))
    assert (await floor_app.outcome(phone))["outcome"] == "abandoned"
    await floor_app.set_campaign(first, "paused")
    second = await floor_app.campaign(phone, other)
    await floor_app.sign_in("t2")
    await floor_app.outcome(other)
    assert len(await floor_app.attempts(phone)) == 1
    row = await floor_app.pool.fetchrow(
        "select blocked_by, next_at from lead where campaign_id = $1 "
        "order by priority desc limit 1",
        second,
    )
    assert row is not None and row["blocked_by"] == "after_abandoned"
    assert row["next_at"] > datetime.now(UTC) + timedelta(hours=71)


async def test_after_an_invalid_number_the_other_one_is_dialed(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    invalid, other = number("2201"), number("0101")
    campaign = await floor_app.campaign(invalid)
    await floor_app.set_campaign(campaign, "paused")
    await floor_app.pool.execute(
        "insert into contact_phone (contact_id, list_id, position, e164) "
        "select contact_id, list_id, 1, $2 from contact_phone where e164 = $1", invalid, other,
    )  # fmt: skip
    await floor_app.set_campaign(campaign, "running")

    assert (await floor_app.outcome(invalid))["outcome"] == "invalid"
    assert (await floor_app.outcome(other))["outcome"] == "answered"
    assert len(await floor_app.attempts(invalid)) == 1
    lead = await lead_until(floor_app, other, "status", "done")
    assert lead["approaches"] == 1  # a number that does not exist was no approach


async def test_no_answer_is_tried_at_the_next_part_of_the_day(floor_app: FloorApp) -> None:
    """By a virtual clock: nothing a minute before, a dial right after."""
    await floor_app.sign_in("t1")
    phone = number("2101")
    rules = {"busy": {"pause_s": 0, "day_part": True}}
    campaign = await floor_app.campaign(phone, retry=rules)
    await floor_app.pool.execute("update contact set time_zone = $1", MOSCOW)
    row = await floor_app.outcome(phone)
    lead = await lead_until(floor_app, phone, "status", "retry")
    place = zone_of(MOSCOW)
    assert part(lead["next_at"].astimezone(place)) != part(row["ended_at"].astimezone(place))

    store, due = floor_app.app.store, lead["next_at"].timestamp()
    store.rules_clock = lambda: due - 60
    await asyncio.sleep(1.2)
    assert len(await floor_app.attempts(phone)) == 1
    begun = time.time()
    store.rules_clock = lambda: due + (time.time() - begun)
    assert len(await attempts_of(floor_app, phone, 2)) == 2
    await floor_app.set_campaign(campaign, "paused")
