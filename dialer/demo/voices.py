"""What the simulated people sound like: synthetic speech, made here, in the codecs of the line.

Written as A-law and u-law so that Asterisk copies the bytes instead of transcoding them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

RATE_HZ = 8000

PERSON_S = 12
OPERATOR_S = 10
GREETING_S = 5
BEEP_S = 0.5
RINGBACK_TONE_S = 1
RINGBACK_PAUSE_S = 4


def write_voices(folder: Path) -> None:
    """Write every voice below `folder`; files that exist are kept (they never change)."""
    for name, samples in _voices().items():
        for suffix, encode in (("alaw", _alaw), ("ulaw", _ulaw)):
            path = folder / f"{name}.{suffix}"
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{suffix}.part")
            partial.write_bytes(bytes(encode(sample) for sample in samples))
            partial.replace(path)


def _voices() -> dict[str, list[int]]:
    rng = Random(1)
    return {
        "person/voice": [*_hello(), *_speech(rng, PERSON_S, pitch_hz=120)],
        "operator/voice": list(_speech(rng, OPERATOR_S, pitch_hz=190, loudness=1500)),
        "machine/greeting": [*_speech(rng, GREETING_S, pitch_hz=150), *_tone(BEEP_S, 1000)],
        "ringback/tone": [*_tone(RINGBACK_TONE_S, 425), *_silence(RINGBACK_PAUSE_S)],
    }


def _hello() -> Iterable[int]:
    """One short word and a pause: what a person says, and a machine does not."""
    yield from _syllable(0.5, 130, 6000)
    yield from _silence(1.2)


def _speech(
    rng: Random, seconds: float, *, pitch_hz: float, loudness: float = 6000
) -> Iterator[int]:
    left = int(seconds * RATE_HZ)
    while left > 0:
        length_s = rng.uniform(0.12, 0.28)
        word = [*_syllable(length_s, pitch_hz * rng.uniform(0.85, 1.2), loudness)]
        word += _silence(rng.choice((0.02, 0.03, 0.05, 0.25)))
        yield from word[:left]
        left -= len(word)


def _syllable(seconds: float, pitch_hz: float, loudness: float) -> Iterator[int]:
    count = int(seconds * RATE_HZ)
    for index in range(count):
        envelope = math.sin(math.pi * index / count)
        phase = 2 * math.pi * pitch_hz * index / RATE_HZ
        wave = math.sin(phase) + 0.6 * math.sin(4 * phase) + 0.3 * math.sin(9 * phase)
        yield int(loudness * envelope * wave)


def _tone(seconds: float, frequency_hz: float) -> Iterator[int]:
    for index in range(int(seconds * RATE_HZ)):
        yield int(8000 * math.sin(2 * math.pi * frequency_hz * index / RATE_HZ))


def _silence(seconds: float) -> list[int]:
    return [0] * int(seconds * RATE_HZ)


def _ulaw(sample: int) -> int:
    """One 16-bit sample as u-law (ITU-T G.711)."""
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | mantissa) & 0xFF


def _alaw(sample: int) -> int:
    """One 16-bit sample as A-law (ITU-T G.711): even bits inverted, positive sign bit set."""
    magnitude = min(abs(sample) if sample >= 0 else abs(sample) - 1, 32767)
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = (magnitude >> (exponent + 3 if exponent else 4)) & 0x0F
    return ((0x80 if sample >= 0 else 0) | exponent << 4 | mantissa) ^ 0x55
