"""Histograms that are added, and what of a period is read from where."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitoring.rollups.histogram import DIGITS, GROWTH, SHORTEST_S, counts, quantile
from monitoring.rollups.spans import QUARTERS, Grid, Span, days_of, split

BEGIN = datetime(2025, 10, 20, tzinfo=UTC)
moments = st.integers(0, 12 * 86400).map(lambda s: BEGIN + timedelta(seconds=s))
spans = st.tuples(moments, moments).map(lambda ends: Span(min(ends), max(ends)))
grids = st.sampled_from(
    [QUARTERS, *(days_of(ZoneInfo(z)) for z in ("Europe/Berlin", "Asia/Kathmandu", "UTC"))]
)


def packed(values: list[float]) -> str:
    """As the database packs them."""
    places = [
        math.ceil(math.log(max(v, SHORTEST_S) / SHORTEST_S) / math.log(GROWTH)) for v in values
    ]
    buckets = Counter(max(0, min(480, place)) for place in places)
    return "".join(f"{buckets[n]:0{DIGITS}}" for n in range(480, -1, -1)).lstrip("0")


def exact(values: list[float], share: float) -> float:
    """`percentile_cont` of PostgreSQL."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low, high = ordered[int(place)], ordered[min(int(place) + 1, len(values) - 1)]
    return low + (high - low) * (place - int(place))


seconds = st.lists(st.floats(0.001, 100_000), min_size=1, max_size=60)


@given(seconds, seconds, st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_a_quantile_of_added_histograms_is_within_two_percent(
    some: list[float], more: list[float], share: float
) -> None:
    found = quantile(counts(packed(some + more)), share)
    truth = exact(some + more, share)
    assert found is not None
    assert abs(found - truth) <= 0.02 * truth


def test_no_values_have_no_quantile() -> None:
    assert quantile(counts(None), 0.5) is None


@given(spans, st.none() | spans, st.lists(spans, max_size=4), grids)
def test_a_period_is_split_without_gaps_into_kept_cells_and_the_rest(
    period: Span, rolled: Span | None, marks: list[Span], grid: Grid
) -> None:
    kept, rest = split(period, rolled, marks, grid)
    pieces = sorted((*kept, *rest), key=lambda span: span.since)
    assert all(one.until == two.since for one, two in pairwise(pieces))
    if period.since < period.until:
        assert (pieces[0].since, pieces[-1].until) == (period.since, period.until)
    for span in kept:
        assert rolled is not None
        assert rolled.since <= span.since < span.until <= rolled.until
        assert grid.floor(span.since) == span.since
        assert grid.floor(span.until) == span.until
        assert not any(m.since < span.until and m.until >= span.since for m in marks)


@given(moments, grids)
def test_a_moment_lies_in_its_cell(moment: datetime, grid: Grid) -> None:
    begin, end = grid.floor(moment), grid.after(moment)
    assert begin <= moment < end
    assert grid.ceil(begin) == begin
    assert grid.floor(end) == end
