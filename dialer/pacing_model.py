"""What the pacer learns: who answers, when, and when an operator comes free. Pure.

Everything is counted with its exposure: calls still ringing and conversations still running say
"not yet", or a large floor would believe its first minute, in which only short things have ended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import exp, inf, isfinite, sqrt
from operator import mul
from typing import Any

LONGEST_S = 4 * 3600.0  # longer durations are learned as this
RING_BINS = 91  # whole seconds; the last one holds everything longer
_EDGES = (
    0, 2, 4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 46, 54, 64, 76, 90, 107, 127, 150, 180, 220,
    270, 330, 420, 540, 720, 1000, 1500, 2400,
)  # fmt: skip


class Durations:
    """Hazard of an end by elapsed seconds, constant within a bin, forgotten slowly.

    Bins with little in them lean on the mean hazard with the weight of one end.
    """

    def __init__(self, mean_s: float, memory: float) -> None:
        self._prior = mean_s
        self.memory = memory
        self._ends = [0.0] * len(_EDGES)
        self._seconds = [0.0] * len(_EDGES)
        self.count = 0.0

    def ended(self, seconds: float) -> None:
        self._expose(self._seconds, seconds)
        self._ends[bisect_right(_EDGES, seconds) - 1] += 1.0
        self.count += 1.0
        if self.count > 1.1 * self.memory:
            self.fade(self.memory / self.count)

    def fade(self, factor: float) -> None:
        """Keep `factor` of the weight of all that was learned."""
        self._ends = [x * factor for x in self._ends]
        self._seconds = [x * factor for x in self._seconds]
        self.count *= factor

    def hazards(self, running: Iterable[float]) -> list[float]:
        """Ends per second in each bin; `running` are elapsed seconds of what has not ended."""
        seconds = self._seconds.copy()
        for elapsed in running:
            self._expose(seconds, elapsed)
        overall = (sum(self._ends) + 2.0) / (sum(seconds) + 2.0 * self._prior)
        lean = 1.0 / overall
        return [(e + 1.0) / (s + lean) for e, s in zip(self._ends, seconds, strict=True)]

    @property
    def state(self) -> dict[str, Any]:
        """What was learned, to be kept."""
        return {"ends": self._ends, "seconds": self._seconds, "count": self.count}

    @state.setter
    def state(self, kept: dict[str, Any]) -> None:
        self._ends, self._seconds = list(kept["ends"]), list(kept["seconds"])
        self.count = kept["count"]

    @staticmethod
    def _expose(seconds: list[float], elapsed: float) -> None:
        for i, start in enumerate(_EDGES):
            if not elapsed > start:
                return
            end = _EDGES[i + 1] if i + 1 < len(_EDGES) else LONGEST_S
            seconds[i] += min(elapsed, end) - start


def survival(hazards: Sequence[float], seconds: int) -> list[float]:
    """Share not ended after k whole seconds, for k in 0..seconds."""
    kept = [1.0]
    for hazard, start, end in zip(hazards, _EDGES, (*_EDGES[1:], seconds), strict=True):
        kept += [exp(-hazard)] * (min(end, seconds) - start)
    return list(accumulate(kept, mul))


class Answering:
    """Seconds to an answer and to a failure, in whole-second bins, from ended attempts."""

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.answers = [0.0] * RING_BINS
        self.failures = [0.0] * RING_BINS
        self.count = 0.0

    def ended(self, seconds: float, answered: bool) -> None:
        (self.answers if answered else self.failures)[min(int(seconds), RING_BINS - 1)] += 1.0
        self.count += 1.0
        if self.count > 1.1 * self.memory:
            self.fade(self.memory / self.count)

    def fade(self, factor: float) -> None:
        self.answers = [x * factor for x in self.answers]
        self.failures = [x * factor for x in self.failures]
        self.count *= factor

    def curves(self, ringing: Iterable[float]) -> tuple[float, list[float], list[float]]:
        """Chance of an answer; share of the answers, and of the failures, come by second k.

        Cause-specific hazards (Aalen-Johansen), so that calls still ringing count; each share is
        scaled to end at 1, its place k in 0..RING_BINS.
        """
        at_risk = [0.0] * (RING_BINS + 1)
        last = RING_BINS - 1
        for age in ringing:
            at_risk[int(age) if 0.0 <= age < last else 0 if age < 0.0 else last] += 1.0
        for k in range(RING_BINS - 1, -1, -1):
            at_risk[k] += at_risk[k + 1] + self.answers[k] + self.failures[k]
            at_risk[k] += _PRIOR_ANSWERS[k] + _PRIOR_FAILURES[k]
        left, answered, failed = 1.0, [0.0], [0.0]
        for k in range(RING_BINS):
            a = (self.answers[k] + _PRIOR_ANSWERS[k]) / at_risk[k]
            f = (self.failures[k] + _PRIOR_FAILURES[k]) / at_risk[k]
            answered.append(answered[-1] + left * a)
            failed.append(failed[-1] + left * f)
            left *= max(0.0, 1.0 - a - f)
        chance = answered[-1] / (answered[-1] + failed[-1])
        return chance, [x / answered[-1] for x in answered], [x / failed[-1] for x in failed]


def _bump(weights: dict[range, float]) -> list[float]:
    out = [1e-4] * RING_BINS
    for seconds, weight in weights.items():
        for k in seconds:
            out[k] += weight / len(seconds)
    return out


# Before anything is known: answers from 4 to 24 s, most of them early; a quarter of the failures
# at once, the rest when ringing is given up.
_PRIOR_ANSWERS = _bump({range(4, 10): 1.2, range(10, 16): 1.2, range(16, 24): 0.6})
_PRIOR_FAILURES = _bump({range(1, 6): 1.0, range(24, 34): 2.5, range(34, 60): 0.5})


class AnswerChance:
    """How the share of attempts answered by a person moves, from short and long memories.

    Each memory forgets at its own speed; those that foretold the latest attempts better weigh more.
    A list that turns dead or an hour that turns hot moves the weight to the short ones within some
    30 attempts, and steady times move it back (the "fixed share" of Herbster and Warmuth, 1998).
    """

    memories = (25.0, 80.0, 300.0, 1500.0)
    share = 0.004  # of the weight is dealt anew at every attempt
    prior = 0.5
    lean = 4.0  # attempts that the prior counts for

    def __init__(self) -> None:
        self.stretch = 1.0  # of all memories
        self._mix = [0.0, 0.0]  # answers and failures in the longest memory, whoever was called
        self._yes = [0.0] * len(self.memories)
        self._no = [0.0] * len(self.memories)
        self._weights = [1.0 / len(self.memories)] * len(self.memories)

    @property
    def state(self) -> dict[str, Any]:
        """What was learned, to be kept."""
        return {
            "stretch": self.stretch,
            "mix": self._mix,
            "yes": self._yes,
            "no": self._no,
            "weights": self._weights,
        }

    @state.setter
    def state(self, kept: dict[str, Any]) -> None:
        self.stretch, self._mix = kept["stretch"], list(kept["mix"])
        self._yes, self._no = list(kept["yes"]), list(kept["no"])
        self._weights = list(kept["weights"])

    def ended(self, answered: bool, odds: float = 1.0) -> None:
        """One attempt; `odds` is its lead's odds of an answer against the ordinary lead's.

        It counts as much as it tells of the ordinary lead's chance p (its Fisher information
        against that of an ordinary attempt), and moves p by what was not expected: one step of
        maximum likelihood. Of an ordinary lead it is one attempt.
        """
        floor = self.share / len(self.memories)
        weights = []
        for i, (p, memory) in enumerate(zip(self._chances(), self.memories, strict=True)):
            own = with_odds(p, odds)
            weights.append(self._weights[i] * (own if answered else 1.0 - own))
            tells = own * (1.0 - own) / (p * (1.0 - p))
            surprise = answered - own
            keep = self._keep(self._yes[i] + self._no[i], memory)
            self._yes[i] = max(0.0, self._yes[i] * keep + tells * p + surprise)
            self._no[i] = max(0.0, self._no[i] * keep + tells * (1.0 - p) - surprise)
        keep = self._keep(sum(self._mix), self.memories[-1])
        self._mix = [self._mix[0] * keep + answered, self._mix[1] * keep + 1.0 - answered]
        scale = (1.0 - self.share) / max(sum(weights), 1e-300)
        self._weights = [w * scale + floor for w in weights]

    def _keep(self, held: float, memory: float) -> float:
        """Of the attempts held. At once no more than fit, when much fewer calls in flight shorten
        the memories: they would hold the past for as many attempts as they were long."""
        size = memory * self.stretch
        fits = size / held if held > 2.0 * size else 1.0
        return fits * (1.0 - 1.0 / size)

    def _chances(self) -> list[float]:
        """Of each memory; a short one leans on the next longer one, the longest on the prior."""
        p, out = self.prior, []
        for yes, no in zip(reversed(self._yes), reversed(self._no), strict=True):
            p = (yes + self.lean * p) / (yes + no + self.lean)
            out.append(p)
        return out[::-1]

    def fade(self, attempts: float) -> None:
        """Let what was learned count for no more than this many attempts."""
        for i, (yes, no) in enumerate(zip(self._yes, self._no, strict=True)):
            factor = min(1.0, attempts / (yes + no)) if yes + no > 0.0 else 1.0
            self._yes[i], self._no[i] = yes * factor, no * factor
        factor = min(1.0, attempts / max(1e-9, sum(self._mix)))
        self._mix = [count * factor for count in self._mix]

    def now(self, usual: float) -> tuple[float, float]:
        """Chance of an answer now and its relative standard deviation.

        `usual` is the chance over the longest memory, calls in flight counted, of the leads that
        were dialed. Only the ordinary lead's chance now against that of those leads is taken from
        here, as an odds ratio: after a burst all memories hold too many quick failures, and the
        ratio is free of that.
        """
        chances = self._chances()
        mean = second = 0.0
        for w, p, yes in zip(self._weights, chances, self._yes, strict=True):
            mean += w * p
            second += w * p * p * (1.0 + (1.0 - p) / (yes + self.lean * p))
        total = sum(self._weights)
        mean, second = mean / total, second / total
        dialed = (self._mix[0] + self.lean * self.prior) / (sum(self._mix) + self.lean)
        moved = mean / (1.0 - mean) * (1.0 - dialed) / dialed
        return with_odds(usual, moved), sqrt(max(0.0, second / (mean * mean) - 1.0))


def with_odds(chance: float, odds: float) -> float:
    """The chance whose odds are `odds` times those of `chance`."""
    return chance * odds / (1.0 - chance + chance * odds)


class Knowledge:
    """All that one campaign's pacer has learned."""

    night_s = 2 * 3600.0

    def __init__(self) -> None:
        self.answering = Answering(1500.0)
        self.chance = AnswerChance()
        self.talk = Durations(75.0, 1500.0)
        self.wrap = Durations(20.0, 1500.0)
        self.odd = 0
        self.latest = -inf
        self.in_flight = 0.0

    def saw_ringing(self, calls: int) -> None:
        """Stretch the memories of attempts with the calls in flight.

        A memory must outlast them, or after a burst it would hold quick failures alone, and half a
        minute later only calls that nobody picked up.
        """
        self.in_flight += 0.05 * (calls - self.in_flight)
        stretch = max(1.0, self.in_flight / 8.0)
        self.chance.stretch = stretch
        self.answering.memory = 1500.0 * stretch

    def sound(self, now: float, seconds: float) -> float | None:
        """The duration as it may be learned, or None; what is odd about it is counted."""
        if not (isfinite(now) and isfinite(seconds) and seconds >= 0.0):
            self.odd += 1
            return None
        if now < self.latest or seconds > LONGEST_S:
            self.odd += 1
        elif now - self.latest > self.night_s:
            self.wake()
        self.latest = max(now, self.latest)
        return min(seconds, LONGEST_S)

    def wake(self) -> None:
        """After a pause of hours what was known is a prior, not a truth."""
        self.chance.fade(12.0)
        for learned in (self.answering, self.talk, self.wrap):
            learned.fade(min(1.0, 100.0 / max(1.0, learned.count)))
