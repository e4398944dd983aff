"""What is likely by a few moments from now, given how long everything has lasted. Pure.

The points are quantiles of the learned time to an answer: the moments at which a call placed now
would be answered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from math import inf, log2
from operator import mul, sub
from typing import Protocol

from dialer.pacing_model import Knowledge, survival, with_odds
from dialer.pacing_odds import (
    POINTS,
    Moments,
    Row,
    Table,
    exact_shortage,
    joined,
    masses,
    moments,
    shortage,
    with_one,
)

_STEP = 2  # ring ages are kept in half seconds
_RING_S = 60
FEW = 14  # variables that are counted exactly
_LONG_S = 900  # conversations longer than this look alike


def _halves(curve: Sequence[float]) -> list[float]:
    """A curve by whole seconds, as one by half seconds, reaching past the last age and point."""
    out = []
    for low, high in pairwise(curve):
        out += [low, (low + high) / 2.0]
    return out + [1.0] * (2 * _STEP * _RING_S)


class RingOutlook:
    """Ringing calls: fates are drawn when a call is placed, so each age tells about the fate."""

    def __init__(self, answered: Sequence[float], failed: Sequence[float]) -> None:
        self._answered = _halves(answered)
        self._failed = _halves(failed)
        self._ahead = tuple(
            max(1, bisect_left(self._answered, (j + 0.5) / POINTS)) for j in range(POINTS)
        )
        self.points = tuple(k / _STEP for k in self._ahead)

    def table(self, chance: float) -> Table:
        """Chance that a call is answered by now + each point, by age."""
        return Table(partial(self._row, chance), _STEP, _STEP * _RING_S)

    def fresh(self, chance: float) -> Row:
        """The same for a call placed now."""
        return tuple(chance * self._answered[ahead] for ahead in self._ahead)

    def _later(self, k: int, chance: float) -> float:
        yes = chance * (1.0 - self._middle(self._answered, k))
        no = (1.0 - chance) * (1.0 - self._middle(self._failed, k))
        return yes / (yes + no) if yes + no > 1e-9 else 0.0

    def _row(self, chance: float, k: int) -> Row:
        now = self._middle(self._answered, k)
        scale = self._later(k, chance) / (1.0 - now) if now < 1.0 - 1e-9 else 0.0
        curve = self._answered
        return tuple(
            min(1.0, scale * ((curve[k + a] + curve[k + a + 1]) / 2.0 - now)) for a in self._ahead
        )

    @staticmethod
    def _middle(curve: list[float], k: int) -> float:
        return (curve[k] + curve[k + 1]) / 2.0


class BusyOutlook:
    """Operators: chance to be free by each of `by` seconds from now.

    `talk` and `wrap` are survival curves by whole seconds, at least 0.._LONG_S + max(by) long.
    """

    def __init__(self, talk: list[float], wrap: list[float], by: Sequence[float]) -> None:
        self._wrap_left = wrap
        self._by = by
        self._steps = int(max(by)) + 1
        self._talk_left = talk
        self._ends = list(map(sub, talk, talk[1:]))
        self._wrapped = [
            [1.0 - _between(wrap, limit - i - 0.5) for i in range(self._steps)] for limit in by
        ]
        self.talking = Table(self._talk_row, 1.0, _LONG_S)
        self.wrapping = Table(self._wrap_row, 1.0, _LONG_S)

    def _talk_row(self, second: int) -> Row:
        width = 1 if second < 60 else 10 if second < 180 else 60
        start = second - second % width + width // 2
        left = max(self._talk_left[start], 1e-12)
        ends = self._ends[start : start + self._steps]
        return tuple(min(1.0, sum(map(mul, ends, wrapped)) / left) for wrapped in self._wrapped)

    def _wrap_row(self, second: int) -> Row:
        left = max(_between(self._wrap_left, second + 0.5), 1e-12)
        return tuple(
            1.0 - min(1.0, _between(self._wrap_left, second + 0.5 + s) / left) for s in self._by
        )


def _between(curve: list[float], second: float) -> float:
    if second <= 0.0:
        return curve[0]
    k = int(second)
    return curve[k] + (curve[k + 1] - curve[k]) * (second - k)


class Asked(Protocol):
    """The part of a floor that the question is about."""

    @property
    def idle(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def talking(self) -> tuple[float, ...]: ...
    @property
    def wrapping(self) -> tuple[float, ...]: ...
    @property
    def ringing(self) -> tuple[float, ...]: ...


class Question(Protocol):
    """If one more call is placed now and answered, is an operator there for it?"""

    def risk(self) -> float:
        """Chance that there is none."""

    def ring(self, fresh: Row) -> None:
        """Take it as placed."""

    def limit(self, sure: int) -> int:
        """Calls in one decision, of which `sure` carry no risk; never falls as `sure` grows."""


class FewQuestion:
    """Exactly, for a small floor: the tails of the normal are wrong there."""

    def __init__(self, people: list[Row], operators: list[Row], need: int) -> None:
        self._masses = masses(people, operators)
        self._count = need + len(operators)

    def risk(self) -> float:
        return exact_shortage(self._masses, self._count)

    def ring(self, fresh: Row) -> None:
        self._masses = [with_one(m, p) for m, p in zip(self._masses, fresh, strict=True)]

    def limit(self, sure: int) -> int:
        return max(sure, 2 * FEW)


class ManyQuestion:
    """By moments, for any number."""

    def __init__(self, base: Moments, need: int, doubt: float) -> None:
        self._base, self._need, self._doubt = base, need, doubt

    def risk(self) -> float:
        return shortage(self._base, self._need, self._doubt)

    def ring(self, fresh: Row) -> None:
        self._base = joined(self._base, fresh)

    def limit(self, sure: int) -> int:
        return sure + 64


def _rows(groups: Iterable[tuple[Table, Sequence[float]]]) -> list[Row]:
    return [row for table, elapsed in groups for row in table.rows(elapsed)]


def _total(groups: Iterable[tuple[Table, Sequence[float]]]) -> int:
    return sum(table.total(elapsed) for table, elapsed in groups)


class Outlook:
    """The next half minute of one floor, as of `built_at`; chances follow every second."""

    def __init__(
        self,
        known: Knowledge,
        now: float,
        busy: tuple[Sequence[float], Sequence[float]],
        ringing: Sequence[float],
        patience_s: float,
    ) -> None:
        self.built_at = now
        self.good_for_s = min(60.0, 1.0 + 0.02 * (known.talk.count + known.answering.count))
        self._usual, answered, failed = known.answering.curves(ringing)
        self._ring = RingOutlook(answered, failed)
        horizon = int(_LONG_S + self._ring.points[-1] + patience_s) + 2
        self._busy = BusyOutlook(
            survival(known.talk.hazards(busy[0]), horizon),
            survival(known.wrap.hazards(busy[1]), horizon),
            tuple(s + patience_s for s in self._ring.points),
        )
        self._chance_at = -inf
        self.chance = 0.0

    def follow(self, known: Knowledge, now: float, caution: float) -> None:
        """Take over the newest chance of an answer, at most once a second.

        `caution` standard deviations are added: too few calls cost a second, too many a person.
        """
        if 0.0 <= now - self._chance_at < 1.0:
            return
        self._chance_at = now
        mean, self.doubt = known.chance.now(self._usual)
        chance = min(0.98, mean * (1.0 + caution * self.doubt))
        if abs(chance - self.chance) > 0.02 * self.chance:
            self.chance = chance
            self._tables: dict[float, Table] = {1.0: self._ring.table(chance)}
            self.fresh = self._ring.fresh(chance)

    def question(self, floor: Asked, odds: Sequence[float] | None) -> Question:
        """What one more call would meet; `odds` of the ringing calls' leads, or None."""
        if odds is None:
            people = [(self._tables[1.0], floor.ringing)]
        else:
            people = [
                (self._table(own), (age,)) for age, own in zip(floor.ringing, odds, strict=True)
            ]
        operators = [
            (self._busy.talking, floor.talking),
            (self._busy.wrapping, floor.wrapping),
        ]
        need = floor.idle - floor.waiting
        if len(floor.ringing) + len(floor.talking) + len(floor.wrapping) <= FEW:
            return FewQuestion(_rows(people), _rows(operators), need)
        return ManyQuestion(moments(_total(people), _total(operators)), need, self.doubt)

    def fresh_with(self, odds: float) -> Row:
        """Chances of a call placed now to a lead with these odds against the ordinary lead's."""
        return self._ring.fresh(with_odds(self.chance, graded(odds)))

    def _table(self, odds: float) -> Table:
        grade = graded(odds)
        if grade not in self._tables:
            self._tables[grade] = self._ring.table(with_odds(self.chance, grade))
        return self._tables[grade]


def graded(odds: float) -> float:
    """Odds rounded to a power of the square root of two, 1/64..64, so that tables are few."""
    return float(2.0 ** (round(2.0 * log2(min(64.0, max(1.0 / 64.0, odds)))) / 2.0))
