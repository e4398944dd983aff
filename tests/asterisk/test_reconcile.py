"""What was missed comes before what is live: events around a lost manager link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialer.attempts import OPT_OUTS
from dialer.calls import Conversing, Ringing
from tests.faults.proxy import FaultProxy
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for


@pytest.fixture
async def proxy(telephony: Telephony) -> AsyncIterator[FaultProxy]:
    proxy = await FaultProxy.start("127.0.0.1", telephony.conf.ami_port)
    yield proxy
    await proxy.close()


@pytest.fixture
async def floor(
    telephony: Telephony, database: str, tmp_path: Path, proxy: FaultProxy
) -> AsyncIterator[FloorApp]:
    """A controller whose manager link goes through `proxy`."""
    settings = settings_for(telephony, database, tmp_path, ami_port=proxy.port)
    async with running_app(telephony, settings) as floor:
        yield floor


async def test_a_conversation_that_began_unseen_and_ends_during_the_replay_is_one(
    floor: FloorApp, proxy: FaultProxy
) -> None:
    """Given a call that rings when the link is lost, when the person is handed over meanwhile and
    hangs up right after the link is back, then it was a conversation with that operator."""
    await floor.sign_in("t1")
    phone = number("1201")
    await floor.campaign(phone)
    await floor.stage(phone, Ringing)
    proxy.refuse()
    proxy.cut()
    await floor.until(lambda: not floor.app.board.recovered, "the link is lost")
    await _answered_at_the_carrier(floor, phone)

    proxy.accept()
    floor.app.ami.retry_now()
    await floor.app.ami.wait_ready(10)
    channel = next(call.channel for call in floor.calls() if call.number == phone)
    await floor.telephony.carrier.server.cli(f"channel request hangup {channel}")

    row = await floor.outcome(phone)
    assert (row["outcome"], row["operator"]) == ("answered", "t1")
    assert row["bridged_at"] is not None
    seat = await floor.state("t1", "wrap_up")
    assert seat.channel
    assert (await floor.lead(phone))["status"] == "done"
    assert await floor.truth() == []


async def test_an_answer_that_does_not_come_is_looked_for_and_the_call_goes_on(
    floor: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node places the call, but its answer to Originate comes after our patience."""
    from dialer.asterisk.ami import AmiTimeout

    originate = floor.app.ami.originate

    async def late(request: object, timeout_s: float | None = None) -> None:
        await originate(request, timeout_s)  # type: ignore[arg-type]
        raise AmiTimeout("no answer in time")

    await floor.sign_in("t1")
    monkeypatch.setattr(floor.app.ami, "originate", late)
    phone = number("1201")
    await floor.campaign(phone)
    await floor.stage(phone, Conversing, timeout_s=20)
    await floor.until(lambda: floor.app.board.recovered, "it is known what is live")
    assert isinstance(floor.live(phone), Conversing)
    floor.app.desk.hang_up("t1")
    assert (await floor.outcome(phone))["outcome"] == "answered"
    assert await floor.truth() == []


async def test_an_opt_out_kept_on_the_node_is_asked_for_again_before_anything_is_dialed(
    floor: FloorApp, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an opt-out that only the node knows, when its list does not come at first, then the
    controller asks until it has it, and only then dials."""
    from dialer.asterisk.ami import AmiTimeout

    await floor.sign_in("t1")
    phone = number("1201")
    await floor.campaign(phone)
    await floor.stage(phone, Conversing, timeout_s=20)
    attempt = next(iter(floor.app.board.attempts))
    floor.app.desk.hang_up("t1")
    await floor.outcome(phone)
    list_action, asked = floor.app.ami.list_action, 0

    async def late(name: str, *given: object, **more: object) -> object:
        nonlocal asked
        of_opt_outs = name == "DBGetTree" and given == ({"Family": OPT_OUTS},)
        asked += of_opt_outs
        if of_opt_outs and asked == 1:
            raise AmiTimeout("no answer in time")
        return await list_action(name, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(floor.app.ami, "list_action", late)
    proxy.refuse()
    proxy.cut()
    await floor.until(lambda: not floor.app.board.recovered, "the link is lost")
    await floor.telephony.pbx.cli(f"database put {OPT_OUTS} {attempt} 1")
    proxy.accept()
    floor.app.ami.retry_now()
    await floor.until(lambda: floor.app.board.recovered, "it is known what is live", 20)
    assert asked == 2
    assert await floor.app.journal.flushed(5)
    entry = await floor.app.pool.fetchrow("select source, attempt_id from do_not_call")
    assert entry is not None
    assert (entry["source"], entry["attempt_id"]) == ("key_press", attempt)


async def _answered_at_the_carrier(floor: FloorApp, phone: str) -> None:
    async with asyncio.timeout(15):
        while not any(
            call.number == phone and call.answered_at is not None
            for call in await asyncio.to_thread(floor.calls)
        ):
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
