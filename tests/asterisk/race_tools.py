"""What a test of a race needs: to act in the middle of something, and to make it last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiSettings
from dialer.asterisk.ami_wire import OriginateRequest
from dialer.board import Campaign
from dialer.calls import Answered, Attempt, Ringing
from dialer.demo.carrier import Manners
from dialer.lines import Trunk
from dialer.originate import TAKER, person_request
from tests.fixtures_floor import FloorApp, Telephony

LIMIT_S = 2.0
"""The legal limit that an answered person may wait."""


class HeldAnswers:
    """FastAGI's answer is ready, but the session gets it only when the test says so.

    A reservation lasts a millisecond; this makes it last as long as the test needs. Only the first
    `asks` answers are held.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, floor: FloorApp, asks: int = 1) -> None:
        self._ask = floor.app.handover.ask
        self._left = asks
        self._go = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        nobody_is_named(monkeypatch)
        monkeypatch.setattr(floor.app.handover, "ask", self._held)

    def go(self) -> None:
        self._go.set()

    def _held(self, attempt_id: UUID) -> asyncio.Future[str | None]:
        answer = self._ask(attempt_id)
        if self._left == 0:
            return answer
        self._left -= 1
        held: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._tasks.append(asyncio.create_task(self._pass_on(answer, held)))
        return held

    async def _pass_on(
        self, answer: asyncio.Future[str | None], held: asyncio.Future[str | None]
    ) -> None:
        channel = await answer
        await self._go.wait()
        if not held.done():
            held.set_result(channel)


def nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls carry no operator: every answered person is asked for, as in mode predictive."""

    def request(campaign: Campaign, attempt: Attempt, trunk: Trunk, taker: str) -> OriginateRequest:
        return person_request(campaign, attempt, trunk)

    monkeypatch.setattr("dialer.controller.person_request", request)


def cancels_come_too_late(monkeypatch: pytest.MonkeyPatch, floor: FloorApp) -> None:
    """The person picks up before the cancel of a call that lost its operator gets there."""
    nobody_is_named(monkeypatch)
    monkeypatch.setattr(floor.app.controller, "_cancel_unserved", lambda: None)


async def phone_up(floor: FloorApp, login: str) -> None:
    """Waits until the operator's own leg is there (again)."""
    await floor.until(lambda: bool(floor.seat(login).channel), f"{login}'s phone is up")


async def carrier_channel(floor: FloorApp, phone: str) -> str:
    """The name of the person's channel at the carrier."""
    async with asyncio.timeout(5):
        while True:
            for call in await asyncio.to_thread(floor.calls):
                if call.number == phone and call.ended_at is None:
                    return call.channel
            await asyncio.sleep(0.05)


async def bridged(floor: FloorApp, phone: str) -> None:
    """Waits until a controller of any process has written that they talk."""
    async with asyncio.timeout(20):
        while not any(row["bridged_at"] for row in await floor.attempts(phone)):
            await asyncio.sleep(0.05)


async def person_hangs_up(floor: FloorApp, channel: str) -> None:
    await floor.telephony.carrier.server.cli(f"channel request hangup {channel}")


async def in_turn(floor: FloorApp, *logins: str) -> None:
    """Signs in so that calls are placed for these operators in this order."""
    for login in logins:
        await floor.sign_in(login)


async def hears_message(floor: FloorApp, phone: str) -> str:
    """Waits until nobody came in time and the message plays; the person's channel."""

    def abandoned() -> bool:
        attempt = floor.live(phone)
        return attempt is not None and attempt.abandoned

    await floor.until(abandoned, f"{phone} hears the message")
    return await carrier_channel(floor, phone)


async def left_waiting(monkeypatch: pytest.MonkeyPatch, floor: FloorApp, phone: str) -> Attempt:
    """`phone`, the only call, is answered while its operator t1 has just paused."""
    cancels_come_too_late(monkeypatch, floor)
    ringing = await floor.stage(phone, Ringing)
    await floor.app.ami.action(  # it may have been placed before this
        "Setvar", {"Channel": str(ringing.id), "Variable": TAKER, "Value": ""}
    )
    floor.app.desk.pause("t1", "away")
    return await floor.stage(phone, Answered)


@asynccontextmanager
async def phones_as_before(telephony: Telephony, *logins: str) -> AsyncIterator[None]:
    """Manners of these phones are good again at the end."""
    try:
        yield
    finally:
        for login in logins:
            await telephony.carrier.set_manners(login, Manners.ANSWER)


@asynccontextmanager
async def carrier_ami(
    telephony: Telephony, on_event: Callable[[ev.Event], None] = lambda event: None
) -> AsyncIterator[AmiClient]:
    """The carrier's own manager: what a person does on their phone."""
    conf = telephony.carrier.conf
    ami = AmiClient(
        AmiSettings("127.0.0.1", conf.ami_port, conf.ami_user, conf.ami_secret),
        on_event=on_event,
        on_up=lambda: None,
        on_down=lambda reason: None,
    )
    task = asyncio.create_task(ami.run())
    try:
        await ami.wait_ready(10)
        yield ami
    finally:
        await ami.close()
        await task
