"""What an operator who dials by hand and a person who waits hear, measured where the phone is.

The far end rings or sends early media (600 Hz), then talks (440 Hz); our own ringing is 425 Hz.
"""

from __future__ import annotations

import asyncio
import uuid
import wave
from array import array
from pathlib import Path

import pytest

from agi.answered import Answered
from dialer.asterisk.events import BridgeEntered, ChannelState, DialStateChanged
from tests.asterisk.test_dialplan import always, answered, register, tone, until_alone
from tests.fixtures_asterisk import FarEnd, Floor, Pbx, agi_server

EARLY_2_S = "+79990010020"
EARLY_THEN_BUSY = "+79990011020"
RINGS_2_S = "+79990012020"
RING_HZ, EARLY_HZ, PERSON_HZ, OPERATOR_HZ = 425, 600, 440, 1000
HEARS_RINGING, HEARS_MUSIC = "+79990013001", "+79990013002"
LOUD = 1000
SLICE_S = 0.1


@pytest.fixture(scope="module")
def ear(pbx: Pbx, far_end: FarEnd) -> str:
    """The login of a phone that keeps what it hears."""
    asyncio.run(register(pbx, far_end, "ear-1"))
    return "ear-1"


@pytest.fixture(scope="module")
def voice(pbx: Pbx, far_end: FarEnd) -> str:
    """The login of a phone that speaks; the one with an ear registers no more."""
    asyncio.run(register(pbx, far_end, "voice"))
    return "voice"


async def dial_by_hand(floor: Floor, operator: str, number: str) -> str:
    """As the controller does it: the operator listens first, then the call is placed."""
    attempt = str(uuid.uuid4())
    await floor.ami.redirect(operator, "prozvon-operator", f"dial-{attempt}")
    values = {"__PROZVON_ATTEMPT": attempt, "PROZVON_RECORDING": "", "PROZVON_MESSAGE": ""}
    await floor.originate(f"PJSIP/{number}@trunk-carrier", attempt, "prozvon-answered", values)
    state: DialStateChanged | ChannelState = await floor.log.until(
        lambda: (
            floor.log.of(DialStateChanged, dest_unique_id=attempt)
            or floor.log.of(ChannelState, unique_id=attempt, state=5)
        ),
        timeout_s=5,
    )
    hears = "media" if isinstance(state, DialStateChanged) else "ring"
    await floor.ami.set_variable(operator, "PROZVON_HEARS", hears)
    return attempt


async def heard(floor: Floor, far_end: FarEnd, operator: str) -> list[dict[int, float]]:
    """Tones in slices of 0.1 s, from pick-up to hang-up; the operator's call ends with it."""
    await floor.ami.hangup(operator)
    return await _slices(far_end.layout.root / "ear-1.wav")


async def _slices(path: Path) -> list[dict[int, float]]:
    """Tones in a recording that is whole, or about to be."""
    async with asyncio.timeout(5):
        while not _whole(path):
            await asyncio.sleep(0.05)
    with wave.open(str(path)) as file:
        samples = array("h", file.readframes(file.getnframes()))
    size = int(8000 * SLICE_S)
    slices = [samples[i : i + size] for i in range(0, len(samples) - size, size)]
    tones = (RING_HZ, EARLY_HZ, PERSON_HZ, OPERATOR_HZ)
    return [{hz: tone(s, hz) for hz in tones} | {0: max(map(abs, s))} for s in slices]


def _whole(path: Path) -> bool:
    """MixMonitor writes the length into the head when it closes the file."""
    try:
        with wave.open(str(path)) as file:
            frames: int = file.getnframes()
            return frames > 0 and frames * 2 + 44 == path.stat().st_size
    except (OSError, EOFError, wave.Error):
        return False


def _span(slices: list[dict[int, float]], hz: int) -> tuple[int, int, int]:
    """First and last slice where this tone is the loudest of all, and how many there are."""
    at = [i for i, s in enumerate(slices) if s[hz] > LOUD and s[hz] == max(s[x] for x in s if x)]
    assert at, f"{hz} Hz was not heard"
    return at[0], at[-1], len(at)


async def test_early_media_is_heard_until_the_person_speaks_without_a_gap(
    floor: Floor, far_end: FarEnd, ear: str
) -> None:
    operator = await floor.call_operator(ear)
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        attempt = await dial_by_hand(floor, operator, EARLY_2_S)
        bridged = await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
        up = floor.log.of(ChannelState, unique_id=attempt, state=6)[0]
        assert 1.9 < up.at - floor.log.of(DialStateChanged, dest_unique_id=attempt)[0].at < 3
        assert bridged.at - up.at < 0.5
        await asyncio.sleep(1)
        assert await floor.partners(operator) == {attempt}
    slices = await heard(floor, far_end, operator)
    early, person = _span(slices, EARLY_HZ), _span(slices, PERSON_HZ)
    assert early[2] >= 15  # of about 20 slices
    assert person[0] - early[1] <= 2  # the slice in which it changes, and one for a loaded machine
    assert person[2] >= 3  # the recording lacks its last half second


async def test_ringing_is_heard_and_the_operator_comes_back_when_nobody_answers(
    floor: Floor, far_end: FarEnd, ear: str
) -> None:
    operator = await floor.call_operator(ear)
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        attempt = await dial_by_hand(floor, operator, RINGS_2_S)
        await asyncio.sleep(1.5)
        assert await floor.is_free(operator)
        entered = len(floor.log.of(BridgeEntered, channel=operator))
        await floor.ami.hangup(attempt)
        await floor.log.hangup_of(attempt)
        back = await floor.log.until(
            lambda: floor.log.of(BridgeEntered, channel=operator)[entered:]
        )
    assert back.technology == "holding_bridge"
    await until_alone(floor, operator)
    slices = await heard(floor, far_end, operator)
    assert _span(slices, RING_HZ)[2] >= 7  # a ring of 1 s
    assert all(s[PERSON_HZ] <= s[RING_HZ] for s in slices)


async def test_after_early_media_and_busy_the_operator_waits_again(
    floor: Floor, far_end: FarEnd, ear: str
) -> None:
    operator = await floor.call_operator(ear)
    entered = len(floor.log.of(BridgeEntered, channel=operator))
    attempt = await dial_by_hand(floor, operator, EARLY_THEN_BUSY)
    ended = await floor.log.hangup_of(attempt)
    assert (ended.cause, ended.tech_cause) == (17, "486")
    assert not floor.log.of(ChannelState, unique_id=attempt, state=6)  # no false answer
    await floor.log.until(lambda: floor.log.of(BridgeEntered, channel=operator)[entered:])
    assert await floor.is_free(operator)
    assert _span(await heard(floor, far_end, operator), EARLY_HZ)[2] >= 15


class Busy:
    """Operators of whom one comes free `after_s` from the answer; None: nobody."""

    def __init__(self, channel: str | None, after_s: float) -> None:
        self._channel, self._after_s = channel, after_s

    def ask(self, attempt_id: uuid.UUID) -> asyncio.Future[str | None]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()
        if self._channel:
            loop.call_later(self._after_s, answer.set_result, self._channel)
        return answer

    def give_up(self, attempt_id: uuid.UUID) -> None:
        """Nothing to take back."""


async def test_who_waits_for_an_operator_hears_ringing_and_then_the_operator(
    floor: Floor, far_end: FarEnd, voice: str
) -> None:
    operator = await floor.call_operator(voice)
    async with agi_server(floor.pbx, answered=Answered(Busy(operator, 1.2), 2.0).serve):
        attempt = await floor.call_person(HEARS_RINGING)
        bridged = await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
        up = floor.log.of(ChannelState, unique_id=attempt, state=6)[0]
        assert 1.1 < bridged.at - up.at < 1.7
        await asyncio.sleep(1)
    await floor.ami.hangup(attempt)
    slices = await _slices(far_end.layout.root / "person-001.wav")
    ringing, talk = _span(slices, RING_HZ), _span(slices, OPERATOR_HZ)
    assert ringing[2] >= 6  # of about 12 slices, 4 of them a pause
    assert ringing[1] < talk[0] and talk[2] >= 3


async def test_who_waits_in_vain_hears_music_and_then_the_message(
    floor: Floor, far_end: FarEnd
) -> None:
    async with agi_server(floor.pbx, answered=Answered(Busy(None, 0), 5.0, "music").serve):
        attempt = await floor.call_person(HEARS_MUSIC)
        abandoned = await floor.log.until(lambda: floor.log.user("ProzvonAbandoned", attempt))
        up = floor.log.of(ChannelState, unique_id=attempt, state=6)[0]
        assert 1.7 < abandoned.at - up.at < 2.4  # the dialplan's own limit holds
        await asyncio.sleep(1.5)
    await floor.ami.hangup(attempt)
    slices = await _slices(far_end.layout.root / "person-002.wav")
    loud = [s[0] > 60 for s in slices]
    assert sum(loud[:18]) >= 14 and any(loud[22:])
