"""The abandonment ledger the law asks for. Pure: the caller brings the clock.

Abandoned: answered by a person, no operator within 2 s. The rate is abandoned / answered by a
person, per campaign, over a rolling window (16 CFR 310.4(b)(4): 30 days; profiles with 24 h use
`DAY_S`).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

DAY_S = 86_400.0
MONTH_S = 30 * DAY_S


@dataclass(slots=True)
class _Bucket:
    start: float
    answered: int = 0
    abandoned: int = 0


@dataclass(slots=True)
class _Span:
    """Running sums over the last `length_s` seconds: `first` is the oldest bucket still inside."""

    length_s: float
    answered: int = 0
    abandoned: int = 0
    gone: int = 0  # buckets that have left, counted from the ledger's first one ever


@dataclass(slots=True)
class Ledger:
    """What was answered, what was abandoned and what is left, in one rolling window.

    Times are seconds of one clock that goes forward (the product passes POSIX seconds, so that the
    ledger survives a restart). Events are kept in buckets of window / 1440 (1 minute of a day, half
    an hour of 30 days); a bucket that straddles the edge of the window counts whole until its last
    second is out. Times that go backwards are booked at the latest time seen and counted in `odd`.
    """

    max_rate: float = 0.03
    window_s: float = DAY_S
    odd: int = 0
    _latest: float = -math.inf
    _buckets: deque[_Bucket] = field(default_factory=deque)
    _dropped: int = 0
    _spans: tuple[_Span, _Span] = field(init=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.max_rate <= 1.0:
            raise ValueError(f"max_rate is a share between 0 and 1, not {self.max_rate}")
        if not self.window_s > 0.0:
            raise ValueError(f"window_s must be above 0 seconds, not {self.window_s}")
        self._spans = (_Span(self.window_s), _Span(self.window_s / 2.0))

    def answered(self, at: float, count: int = 1) -> None:
        """`count` people answered at `at`."""
        self._book(at, count, 0)

    def abandoned(self, at: float, count: int = 1) -> None:
        """`count` of the people already booked as answered got no operator in time."""
        self._book(at, 0, count)

    def totals(self, at: float) -> tuple[int, int]:
        """Answered and abandoned in the window that ends at `at`."""
        self._roll(at)
        return self._spans[0].answered, self._spans[0].abandoned

    def rate(self, at: float) -> float:
        """Abandoned / answered in the window; 0 when nobody answered."""
        answered, abandoned = self.totals(at)
        return abandoned / answered if answered else float(abandoned > 0)

    def budget(self, at: float) -> float:
        """People who may still be abandoned now under the cap; negative is an overdraft."""
        answered, abandoned = self.totals(at)
        return self.max_rate * answered - abandoned

    def spendable(self, at: float) -> float:
        """The budget without what leaves the window soon.

        The smaller of the budgets of the window and of its later half: credit earned long ago would
        leave the window before the debt it paid for, and the cap would break with nobody abandoned.
        """
        self._roll(at)
        return min(self.max_rate * span.answered - span.abandoned for span in self._spans)

    def _book(self, at: float, answered: int, abandoned: int) -> None:
        self._roll(at)
        width = self.window_s / 1440.0
        start = math.floor(self._latest / width) * width if self._latest > -math.inf else 0.0
        if not self._buckets or self._buckets[-1].start < start:
            self._buckets.append(_Bucket(start))
        self._buckets[-1].answered += answered
        self._buckets[-1].abandoned += abandoned
        for span in self._spans:
            span.answered += answered
            span.abandoned += abandoned

    def _roll(self, at: float) -> None:
        if at == self._latest:
            return
        if not math.isfinite(at) or at < self._latest:
            self.odd += 1
            return
        self._latest = at
        for span in self._spans:
            self._expire(span)
        while self._dropped < self._spans[0].gone:
            self._buckets.popleft()
            self._dropped += 1

    def _expire(self, span: _Span) -> None:
        oldest = self._latest - span.length_s - self.window_s / 1440.0
        while span.gone - self._dropped < len(self._buckets):
            bucket = self._buckets[span.gone - self._dropped]
            if bucket.start > oldest:
                return
            span.answered -= bucket.answered
            span.abandoned -= bucket.abandoned
            span.gone += 1
