"""PURE. Histograms of seconds that can be added: PostgreSQL makes them, one number each.

Bucket n > 0 holds what is longer than 0.001 * 1.04^(n-1) s and no longer than 0.001 * 1.04^n s.
The value that stands for a bucket is at most 1.97 % from anything in it (Masson, Rim and Lee,
"DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST_S, GROWTH = 0.001, 1.04
DIGITS = 12
"""Decimal digits of a bucket's count; the migration that made `one_in_histogram` has them too."""


def counts(packed: str | None) -> list[int]:
    """How many values each bucket has, out of the number's digits; the first bucket is 0."""
    ends = range(len(packed), 0, -DIGITS) if packed else ()
    return [int((packed or "")[max(0, end - DIGITS) : end]) for end in ends]


def quantile(buckets: Sequence[int], share: float) -> float | None:
    """The value, s, below which that share (0..1) of all is; between two values as far as
    `percentile_cont` of PostgreSQL goes. None: there are no values."""
    total = sum(buckets)
    if not total:
        return None
    place = share * (total - 1)
    low = _value_at(buckets, int(place))
    high = _value_at(buckets, min(int(place) + 1, total - 1))
    return low + (high - low) * (place - int(place))


def _value_at(buckets: Sequence[int], rank: int) -> float:
    """The value with that many before it, in order."""
    passed = 0
    for number, count in enumerate(buckets):
        passed += count
        if rank < passed:
            return middle(number)
    raise ValueError(f"there are {passed} values, not {rank + 1}")


def middle(bucket: int) -> float:
    """The value, s, that stands for a bucket: equally far from both ends, relative to them."""
    return 2.0 * SHORTEST_S * GROWTH**bucket / (GROWTH + 1.0)
