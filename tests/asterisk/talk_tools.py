"""Tones on both sides: everybody says one tone, and what each of them hears is measured."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
import wave
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.calls import Conversing
from dialer.talk.service import Talks
from tests.asterisk.race_tools import carrier_channel
from tests.fixtures_floor import FloorApp, number

PERSON, FIRST, SECOND, THIRD = 440, 1000, 1330, 700
"""Tones in Hz of the person, the operators t1 and t2, and a number called for advice."""
TONES = (PERSON, FIRST, SECOND, THIRD)
HEARD = 300.0
"""Amplitude of a tone that is heard, in sample units (they are played with about 4000)."""
LISTEN_S = 0.7
_serial = itertools.count()


def amplitude(samples: array[int], hz: int) -> float:
    """How much of one tone (Goertzel)."""
    coefficient = 2 * math.cos(2 * math.pi * hz / 8000)
    one = two = 0.0
    for sample in samples:
        one, two = sample + coefficient * one - two, one
    power = one * one + two * two - coefficient * one * two
    return 2 * math.sqrt(max(0.0, power)) / max(1, len(samples))


def heard(file: Path) -> set[int | str]:
    """Tones in the last part of a recording; "music" for sound that is none of them."""
    with wave.open(str(file)) as recording:
        samples = array("h", recording.readframes(recording.getnframes()))[-3200:]
    found: set[int | str] = {hz for hz in TONES if amplitude(samples, hz) > HEARD}
    if not found and samples and math.sqrt(sum(s * s for s in samples) / len(samples)) > 50:
        found.add("music")
    return found


@dataclass
class Ear:
    """A far end's channel at the carrier."""

    floor: FloorApp
    channel: str
    folder: Path

    async def says(self, hz: int) -> Ear:
        await self.floor.telephony.carrier.sound(self.channel, hz)
        return self

    async def sample(self) -> set[int | str]:
        file = await self._listen(LISTEN_S)
        return heard(file) if file.exists() else set()  # the channel is gone

    async def _listen(self, seconds: float) -> Path:
        file = self.folder / f"heard-{next(_serial)}.wav"
        await self.floor.telephony.carrier.listen(self.channel, file, seconds)
        for _ in range(50):
            if file.exists() and file.stat().st_size > 4000:
                break
            await asyncio.sleep(0.02)
        return file

    async def is_asked(self, hz: int) -> bool:
        """Whether short tones of `hz` with long pauses are heard now."""
        file = await self._listen(3)
        with wave.open(str(file)) as recording:
            samples = array("h", recording.readframes(recording.getnframes()))
        windows = (samples[at : at + 400] for at in range(0, len(samples) - 400, 400))
        return any(amplitude(window, hz) > HEARD for window in windows)

    async def hears(self, *expected: int | str, timeout_s: float = 12) -> None:
        """Waits until exactly these tones (or "music", or nothing) are heard."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = await self.sample()
            if found == set(expected):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.channel} hears {found}, not {set(expected)}")


async def all_hear(*pairs: tuple[Ear, Iterable[int | str]]) -> None:
    await asyncio.gather(*(ear.hears(*expected) for ear, expected in pairs))


@dataclass
class Call:
    """A conversation of t1 with one person, both saying their tones."""

    floor: FloorApp
    phone: str
    attempt: Conversing
    person: Ear
    first: Ear

    @property
    def talks(self) -> Talks:
        assert self.floor.app.talk is not None
        return self.floor.app.talk.talks

    async def other(self, login: str, hz: int) -> Ear:
        """Another operator's ear, saying its tone."""
        return await phone_ear(self.floor, login, self.person.folder, hz)

    async def end(self) -> Any:
        """The person hangs up; the attempt's row."""
        await hang_up(self.person)
        return await self.floor.outcome(self.phone)

    async def parts(self) -> list[tuple[str, str, str | None]]:
        """(login, how it began, how it ended) of each part of the conversation."""
        await self.floor.app.journal.flushed(5)
        rows = await self.floor.pool.fetch(
            "select o.login, p.began_by, p.ended_by from conversation_part p "
            "join operator o on o.id = p.operator_id where attempt_id = $1 "
            "order by p.began_at, p.ended_at",
            self.attempt.id,
        )
        return [(row["login"], row["began_by"], row["ended_by"]) for row in rows]


async def hang_up(ear: Ear) -> None:
    await ear.floor.telephony.carrier.server.cli(f"channel request hangup {ear.channel}")


async def phone_ear(floor: FloorApp, login: str, folder: Path, hz: int) -> Ear:
    channel = await floor.telephony.carrier.phone_channel(login)
    assert channel is not None
    return await Ear(floor, channel, folder).says(hz)


async def talking(floor: FloorApp, folder: Path, *others: str) -> Call:
    """t1 (the others are free) talks with a person; everybody who is there says a tone."""
    await floor.sign_in("t1")
    phone = number("1101")
    campaign = await floor.campaign(phone, recording=True)
    attempt = await floor.stage(phone, Conversing)
    assert isinstance(attempt, Conversing)
    await floor.set_campaign(campaign, "paused")
    for login in others:
        await floor.sign_in(login)
    person = await Ear(floor, await carrier_channel(floor, phone), folder).says(PERSON)
    first = await phone_ear(floor, "t1", folder, FIRST)
    return Call(floor, phone, attempt, person, first)
