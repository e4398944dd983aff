"""Pacers to compare with: a dial level as others have it, and one that knows the truth. PURE."""

from __future__ import annotations

import math
import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from _floors import HOUR

from dialer.pacing import Floor, Leads, PredictivePacer, ProgressivePacer
from dialer.pacing_memory import recall, remember
from dialer.pacing_model import AnswerChance, with_odds
from dialer.pacing_sim import Scenario, Shift, Simulation, simulate


class DialLevelPacer(ProgressivePacer):
    """An adaptive dial level, written from what is known of VICIdial's algorithms.

    calls = level x (free + talking) - calls not yet over, topped up every 2.5 s; wrap-up counts as
    a pause. Every 15 s the level is multiplied by 1 + the mean of (free - waiting) / operators over
    15 samples, one a second, within 1..`highest`. Answers and drops are counted since the shift's
    begin, once a minute; over the limit and with more than 50 calls, `method` is:
    hard: level 1. average: half the level. tapered: the level x (clock hours left) / 10, so that
    nothing happens while ten hours are left. `available_only`: only free operators count.
    """

    def __init__(
        self,
        max_abandon_rate: float = 0.03,
        method: str = "hard",
        highest: float = 3.0,
        available_only: bool = False,
    ) -> None:
        super().__init__(max_abandon_rate)
        self._method, self._highest, self._only_free = method, highest, available_only
        self._level = 1.0
        self._samples: deque[float] = deque(maxlen=15)
        self._sample_at = self._adapt_at = self._dial_at = self._count_at = 0.0
        self._calls = self._answered = self._dropped = 0
        self._over = False

    def attempt_ended(self, now: float, seconds: float, answered: bool, odds: float = 1.0) -> None:
        self._calls += 1
        self._answered += answered

    def abandoned(self, now: float) -> None:
        self._dropped += 1

    def decide(self, floor: Floor) -> int:
        self._sample(floor)
        if floor.now < self._dial_at:
            return 0
        self._dial_at = floor.now + 2.5
        base = floor.idle if self._only_free else floor.idle + len(floor.talking)
        wanted = round(self._level * base) - (0 if self._only_free else len(floor.talking))
        return max(0, min(floor.lines, wanted - len(floor.ringing) - floor.waiting))

    def _sample(self, floor: Floor) -> None:
        if floor.now < self._sample_at:
            return
        self._sample_at = floor.now + 1.0
        operators = floor.idle + len(floor.talking) + len(floor.wrapping)
        self._samples.append((floor.idle - floor.waiting) / max(1, operators))
        if floor.now >= self._count_at:
            self._count_at = floor.now + 60.0
            share = self._dropped / max(1, self._answered)
            self._over = self._calls > 50 and share > self.max_abandon_rate
        if floor.now >= self._adapt_at:
            self._adapt_at = floor.now + 15.0
            self._adapt(floor.now)

    def _adapt(self, now: float) -> None:
        level = min(self._highest, self._level * (1.0 + statistics.fmean(self._samples)))
        if self._over and self._method == "hard":
            level = 1.0
        elif self._over and self._method == "average":
            level /= 2.0
        elif self._over:
            level *= min(1.0, max(0.0, 8.0 - now / HOUR) / 10.0)
        self._level = max(1.0, level)


TUNED = tuple(
    (method, highest, only)
    for method in ("hard", "tapered")
    for highest in (2.0, 3.0, 5.0, 8.0)
    for only in (False, True)
)
"""Settings among which the best one is chosen for each floor in hindsight."""


class TrueChance(AnswerChance):
    """The chance of an answer as the scenario has it."""

    chance = 0.5

    def now(self, usual: float) -> tuple[float, float]:
        return self.chance, 0.0


class KnowingPacer(PredictivePacer):
    """The engine's question, asked with the scenario's true times and chance, at a fixed risk."""

    def __init__(self, scenario: Scenario, level: float, samples: int = 20_000) -> None:
        super().__init__()
        self._scenario, self._level = scenario, level
        self._shares: dict[int, Callable[[float], float]] = {}
        self._truth = self._known.chance = TrueChance()
        luck = random.Random(f"truth {scenario.name}")
        known = self._known
        known.answering.memory = known.talk.memory = known.wrap.memory = math.inf
        for _ in range(samples):
            answer_s = scenario.answer_s(luck)
            known.answering.ended(min(answer_s, scenario.failure_s(luck)), answer_s < math.inf)
            known.answering.ended(scenario.failure_s(luck), False)
            known.talk.ended(scenario.talk_s(luck))
            known.wrap.ended(scenario.wrap_s(luck))

    def decide(self, floor: Floor, leads: Leads | None = None) -> int:
        hour = int(floor.now / HOUR)
        if hour not in self._shares:
            self._shares[hour] = self._share_at(floor.now)
        share = self._shares[hour]
        self._truth.chance = share(self._scenario.chance_at(floor.now))
        return super().decide(floor, leads)

    def _share_at(self, now: float) -> Callable[[float], float]:
        """From the ordinary lead's chance to that of all leads of this hour on average."""
        scenario, luck = self._scenario, random.Random(f"leads {now}")
        if scenario.people is not None:
            odds = [scenario.people(luck, now)[1] for _ in range(4000)]
        elif scenario.lead_odds is not None:
            odds = [scenario.lead_odds(luck) for _ in range(4000)]
        else:
            return lambda chance: chance
        return lru_cache(lambda chance: statistics.fmean(with_odds(chance, o) for o in odds))

    def risk_level(self, now: float) -> float:
        return self._level

    def attempt_ended(
        self, now: float, seconds: float, answered: bool, odds: float = 1.0
    ) -> None: ...

    def talk_ended(self, now: float, seconds: float) -> None: ...

    def wrap_ended(self, now: float, seconds: float) -> None: ...


def second_day(scenario: Scenario, cap: float, seed: int = 0) -> Shift:
    """A shift with what was learned on six hours of the day before; its ledger begins empty."""
    before = Simulation(replace(scenario, hours=6.0), PredictivePacer(cap), seed + 500)
    for _ in before.run():
        pass
    kept = {**remember(before.pacer), "latest": None}  # type: ignore[arg-type]
    pacer = recall(kept, lambda: PredictivePacer(cap))
    pacer.knowledge.wake()
    return simulate(scenario, pacer, seed, before.model)


def knowing(scenario: Scenario, cap: float, seed: int = 0) -> Shift:
    """The knowing pacer with the risk that spends the cap of this very shift."""
    low, high, best = cap / 8.0, 2.0 * cap, Shift()
    for _ in range(5):
        level = (low + high) / 2.0
        shift = simulate(scenario, KnowingPacer(scenario, level), seed)
        if shift.abandon_rate > cap:
            high = level
        else:
            low, best = level, shift
    return best
