"""Pacers side by side in virtual time; writes docs/reference/pacing.md.

    python bench/pacing.py                 run all, print, write the page (about half an hour)
    python bench/pacing.py --shifts 1      quicker and noisier
    python bench/pacing.py --print         print only
    python bench/pacing.py --decide        only the time of one decision

Every pacer works the same shifts: call number k of a shift has the same fate under each of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dialer.pacing import Decision, Floor, Pacer, PredictivePacer, ProgressivePacer
from dialer.pacing_sim import LogNormal, Mix, Scenario, Shift, Uniform, simulate

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "pacing.md"
HOUR = 3600.0


class RatioPacer(ProgressivePacer):
    """A fixed number of lines for each free operator."""

    lines_per_operator = 2.0

    def decide(self, floor: Floor) -> int:
        wanted = round(self.lines_per_operator * floor.idle)
        return max(0, min(floor.lines, wanted - len(floor.ringing) - floor.waiting))


class DialLevelPacer(ProgressivePacer):
    """An adaptive dial level with a hard drop limit, after what VICIdial is known to do.

    A level of 1..3 lines for each operator who is free or talks, moved every 15 s by the mean of
    (free - waiting) / operators over 15 one-second samples; back to 1 while the day's drops are
    over the limit; calls are topped up every 2.5 s.
    """

    def __init__(self, max_abandon_rate: float = 0.03) -> None:
        super().__init__(max_abandon_rate)
        self._level = 1.0
        self._samples: deque[float] = deque(maxlen=15)
        self._sample_at = self._adapt_at = self._dial_at = 0.0
        self._answered = self._dropped = 0

    def attempt_ended(self, now: float, seconds: float, answered: bool) -> None:
        self._answered += answered

    def abandoned(self, now: float) -> None:
        self._dropped += 1

    def decide(self, floor: Floor) -> int:
        self._sample(floor)
        if floor.now < self._dial_at:
            return 0
        self._dial_at = floor.now + 2.5
        wanted = round(self._level * (floor.idle + len(floor.talking))) - len(floor.talking)
        return max(0, min(floor.lines, wanted - len(floor.ringing) - floor.waiting))

    def _sample(self, floor: Floor) -> None:
        if floor.now < self._sample_at:
            return
        self._sample_at = floor.now + 1.0
        operators = floor.idle + len(floor.talking) + len(floor.wrapping)
        self._samples.append((floor.idle - floor.waiting) / max(1, operators))
        if floor.now < self._adapt_at:
            return
        self._adapt_at = floor.now + 15.0
        self._level *= 1.0 + statistics.fmean(self._samples)
        over = self._answered > 50 and self._dropped > self.max_abandon_rate * self._answered
        self._level = 1.0 if over else min(3.0, max(1.0, self._level))


@dataclass(frozen=True)
class Dialing:
    """Post-dial delay and ringing, cut at ring-out."""

    delay: Uniform
    ring: LogNormal
    longest_s: float

    def __call__(self, luck: object) -> float:
        import random

        assert isinstance(luck, random.Random)
        return self.delay(luck) + min(self.longest_s, self.ring(luck))
