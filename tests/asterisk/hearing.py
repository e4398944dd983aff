"""Who hears whom: pure tones at the carrier's phones and persons, looked for in what was heard."""

from __future__ import annotations

import array
import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

from dialer.demo.carrier import SimulatedCarrier
from tests.fixtures_floor import FloorApp

RATE_HZ = 8000
OVERSAMPLED = 6
"""The carrier writes what is heard with 48,000 samples a second; see `SimulatedCarrier.hear`."""
PERSON, OPERATOR, SUPERVISOR, OTHER = 440, 1000, 1700, 2300
"""Tones far from each other and from each other's harmonics."""

WINDOW_S = 0.1
PRESENT = 0.02
"""Share of a window's energy that a tone has when it is heard, also beside louder ones."""


def strength(samples: Sequence[int], frequency_hz: float) -> float:
    """Share of the energy that is in one tone, 0 to 1 (Goertzel's algorithm); 0 for silence."""
    energy = sum(sample * sample for sample in samples)
    if energy < 1000 * len(samples):  # about -45 dB: nothing but line noise
        return 0.0
    step = 2 * math.cos(2 * math.pi * frequency_hz / RATE_HZ)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + step * last - before
    power = last * last + before * before - step * last * before
    return 2 * power / (len(samples) * energy)


def samples_of(data: bytes) -> array.array[int]:
    return array.array("h", data[: len(data) // 2 * 2])


def heard(samples: Sequence[int], frequency_hz: float, *, at_least: float = 0.8) -> bool:
    """Whether the tone is there in (almost) all of these samples."""
    windows = _windows(samples)
    there = sum(strength(window, frequency_hz) > PRESENT for window in windows)
    return bool(windows) and there >= at_least * len(windows)


def silent(samples: Sequence[int]) -> bool:
    return all(abs(sample) < 60 for sample in samples)


def tones(samples: Sequence[int]) -> set[int]:
    """Which of the tones are heard most of the time."""
    known = (PERSON, OPERATOR, SUPERVISOR, OTHER)
    return {tone for tone in known if heard(samples, tone, at_least=0.7)}


def _windows(samples: Sequence[int]) -> list[Sequence[int]]:
    size = int(WINDOW_S * RATE_HZ)
    return [samples[i : i + size] for i in range(0, len(samples) - size + 1, size)]


async def speak(floor: FloorApp, login: str, tone: int) -> str:
    """The operator's phone sounds with a tone; returns its channel at the carrier."""
    carrier = floor.telephony.carrier
    channel = await carrier.phone_channel(login)
    assert channel is not None, f"the phone of {login} is in no call"
    await carrier.sound(channel, tone)
    return channel


async def person_speaks(floor: FloorApp, number: str, tone: int) -> str:
    carrier = floor.telephony.carrier
    channel = await carrier.person_channel(number)
    assert channel is not None, f"{number[-4:]} is in no call"
    await carrier.sound(channel, tone)
    return channel


class Ear:
    """What one channel at the carrier hears, from `start` on."""

    def __init__(self, carrier: SimulatedCarrier, channel: str, file: Path) -> None:
        self._carrier, self._channel, self._file = carrier, channel, file
        self._read = 0

    async def start(self) -> Ear:
        await self._carrier.hear(self._channel, self._file)
        return self

    async def next(self, seconds: float, timeout_s: float = 10) -> array.array[int]:
        """The next `seconds` of sound, waiting for them."""
        size = int(seconds * RATE_HZ) * 2 * OVERSAMPLED
        async with asyncio.timeout(timeout_s):
            while not self._file.exists() or self._file.stat().st_size < self._read + size:
                await asyncio.sleep(0.05)
        with self._file.open("rb") as file:
            file.seek(self._read)
            data = file.read(size)
        self._read += size
        return samples_of(data)[::OVERSAMPLED]

    async def until(self, wanted: set[int], timeout_s: float = 10) -> set[int]:
        """Listens until exactly these tones are heard; what was heard last when never."""
        got: set[int] = set()
        try:
            async with asyncio.timeout(timeout_s):
                while (got := tones(sound := await self.next(0.4, timeout_s))) != wanted:
                    print(f"{self._file.stem} hears {sorted(got)}, {_described(sound)}")
        except TimeoutError:
            print(f"{self._file.stem}: {self._size()} bytes, {self._read} of them heard")
        return got

    async def fresh(self, timeout_s: float = 10) -> Ear:
        """Forget what was heard up to now, also what is not in the file yet."""
        before = self._size()
        async with asyncio.timeout(timeout_s):
            while (size := self._size()) == before:
                await asyncio.sleep(0.02)
        self._read = size // (2 * OVERSAMPLED) * 2 * OVERSAMPLED
        return self

    def _size(self) -> int:
        return self._file.stat().st_size if self._file.exists() else 0


def _described(samples: Sequence[int]) -> str:
    """For the log of a test that failed."""
    loudest = max(map(abs, samples), default=0)
    shares = [f"{strength(samples, tone):.2f}" for tone in (PERSON, OPERATOR, SUPERVISOR, OTHER)]
    return f"loudest {loudest}, shares {' '.join(shares)}"
