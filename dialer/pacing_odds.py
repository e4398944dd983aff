"""How likely is it that more people answer than operators come free. Pure arithmetic.

Every ringing call is a yes/no variable (answered by then), every busy operator another one (free by
then). Both are known at a few moments ahead ("points"); a `Row` holds one variable at all points.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import erfc, sqrt

POINTS = 6
_LANES = struct.Struct(f"<{3 * POINTS}Q")
_UNIT = float(1 << 32)
_ROOT_HALF = sqrt(0.5)
_SPARE = 4  # times the rows of a table: places of longer times

Row = tuple[float, ...]
# at every point: mean, variance, third central moment; and the mean of the people alone
Moments = list[tuple[float, float, float, float]]


class Table:
    """Rows by elapsed time, made when first asked for; the last one serves all longer times.

    A row is kept twice: as probabilities, and packed into one large integer whose 64-bit lanes hold
    p, p^2 and p^3 at every point. Adding such integers adds all lanes at once, which
    makes hundreds of variables affordable in plain Python.
    """

    __slots__ = ("_last", "_make", "_packed", "_per_second", "_rows")

    def __init__(self, make: Callable[[int], Row], per_second: float, size: int) -> None:
        self._make = make
        self._per_second = float(per_second)
        self._last = size - 1
        # Long conversations are common: their places share the last row, and are not looked for.
        self._rows: list[Row | None] = [None] * (_SPARE * size)
        self._packed: list[int | None] = [None] * (_SPARE * size)

    def rows(self, elapsed: Sequence[float]) -> list[Row]:
        return [self._rows[i] or self._fill(i) for i in self._within(self._places(elapsed))]

    def total(self, elapsed: Sequence[float]) -> int:
        """The sum of the packed rows."""
        places = self._places(elapsed)
        try:
            return sum(map(self._packed.__getitem__, places))  # type: ignore[arg-type]
        except (TypeError, IndexError):  # a row that is not made yet, or a very long time
            places = self._within(places)
            for place in places:
                if self._packed[place] is None:
                    self._pack(place)
            return sum(map(self._packed.__getitem__, places))  # type: ignore[arg-type]

    def _places(self, elapsed: Sequence[float]) -> list[int]:
        scale = self._per_second
        if elapsed and min(elapsed) >= 0.0:
            with suppress(ValueError, OverflowError):  # NaN hides from min; infinity
                # Twice as fast as a comprehension, and most of a decision on a large floor.
                return list(map(int, elapsed if scale == 1.0 else map(scale.__mul__, elapsed)))
        last = self._last
        return [
            int(x * scale) if 0.0 <= x * scale < last else 0 if x < 0.0 else last for x in elapsed
        ]

    def _within(self, places: list[int]) -> list[int]:
        last = self._last
        return [place if place < len(self._rows) else last for place in places]

    def _fill(self, place: int) -> Row:
        row = self._make(place) if place <= self._last else self._row(self._last)
        self._rows[place] = row
        return row

    def _row(self, place: int) -> Row:
        return self._rows[place] or self._fill(place)

    def _pack(self, place: int) -> int:
        lanes = []
        for p in self._row(place):
            scaled = p * _UNIT
            lanes += [int(scaled), int(p * scaled), int(p * p * scaled)]
        packed = self._packed[place] = int.from_bytes(_LANES.pack(*lanes), "little")
        return packed


def moments(people: int, operators: int) -> Moments:
    """Of (people who answer - operators who come free), from sums of packed rows.

    With power sums s1, s2, s3 of the chances: mean s1, variance s1 - s2, third s1 - 3 s2 + 2 s3.
    """
    plus = _LANES.unpack(people.to_bytes(_LANES.size, "little"))
    minus = _LANES.unpack(operators.to_bytes(_LANES.size, "little"))
    out = []
    for i in range(0, 3 * POINTS, 3):
        a1, a2, a3 = plus[i : i + 3]
        b1, b2, b3 = minus[i : i + 3]
        third = (a1 - b1) - 3 * (a2 - b2) + 2 * (a3 - b3)
        variance = a1 - a2 + b1 - b2
        out.append(((a1 - b1) / _UNIT, variance / _UNIT, third / _UNIT, a1 / _UNIT))
    return out


def joined(base: Moments, fresh: Row) -> Moments:
    """`base` with one more call, which was placed now."""
    return [
        (mean + q, variance + q * (1.0 - q), third + q * (1.0 - q) * (1.0 - 2.0 * q), people + q)
        for (mean, variance, third, people), q in zip(base, fresh, strict=True)
    ]


def shortage(base: Moments, need: int, doubt: float) -> float:
    """Mean over the points of P(people - operators >= need).

    `doubt` is the relative standard deviation of the chance of an answer: all calls share it, so
    it grows with the number of people and not with its square root. Normal with continuity and a
    Cornish-Fisher correction for skewness; the clamps keep it within 0..1 and falling in `need`.
    """
    total = 0.0
    for mean, variance, third, people in base:
        shared = doubt * people
        spread = sqrt(variance + shared * shared) + 1e-9
        skew = third / (spread * spread * spread)
        skew = 0.5 if skew > 0.5 else -0.5 if skew < -0.5 else skew
        x = (need - 0.5 - mean) / spread
        x = 5.0 if x > 5.0 else -5.0 if x < -5.0 else x
        total += erfc((x - skew * (x * x - 1.0) / 6.0) * _ROOT_HALF)
    return 0.5 * total / POINTS


Mass = list[float]  # of 0, 1, 2.. yes among independent yes/no variables


def masses(people: Sequence[Row], operators: Sequence[Row]) -> list[Mass]:
    """At every point: of (people who answer + operators who do not come free), exactly."""
    out = []
    for point in range(POINTS):
        mass = [1.0]
        for row in people:
            mass = with_one(mass, row[point])
        for row in operators:
            mass = with_one(mass, 1.0 - row[point])
        out.append(mass)
    return out


def with_one(mass: Mass, p: float) -> Mass:
    """One more variable that is yes with chance `p`."""
    q, before, grown = 1.0 - p, 0.0, []
    for m in mass:
        grown.append(q * m + p * before)
        before = m
    grown.append(p * before)
    return grown


def exact_shortage(at_points: list[Mass], count: int) -> float:
    """Mean over the points of P(at least `count` yes)."""
    if count <= 0:
        return 1.0
    return sum(sum(mass[count:]) for mass in at_points) / POINTS
