"""`/metrics`: our writer says what prometheus_client's says, line by line; labels stay few."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from monitoring import metrics
from monitoring.exposition import SLICE_LINES, Exposition
from monitoring.families import REGISTRY
from monitoring.gauges.service import Work, work_left

LABEL = st.text(max_size=8) | st.sampled_from(
    ['quo"te', "back\\slash", "new\nline", "Ёлка 🎄", "100 %s"]
)
VALUE = st.floats() | st.sampled_from([0.0, 1e6, 1e21, 123456789.0, math.inf, -0.0])


@given(
    st.lists(st.tuples(LABEL, LABEL, VALUE), max_size=8),
    st.lists(st.tuples(LABEL, st.floats(0, 1e9)), max_size=8),
    VALUE,
)
def test_every_line_is_what_the_library_writes(
    gauges: list[tuple[str, str, float]], observed: list[tuple[str, float]], alone: float
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", "a gauge", ("zone", "name"), registry=registry)
    times = Histogram("h_seconds", "times", ("op",), buckets=(0.5, 2, 1e7), registry=registry)
    count = Counter("c_total", "a counter", registry=registry)
    single = Gauge("s", "without labels", registry=registry)
    for zone, name, value in gauges:
        gauge.labels(zone, name).set(value)
    for name, seconds in observed:
        times.labels(name).observe(seconds)
    single.set(alone)
    count.inc(3)
    families = [
        ("g", "gauge", "a gauge", gauge),
        ("h_seconds", "histogram", "times", times),
        ("c_total", "counter", "a counter", count),
        ("s", "gauge", "without labels", single),
    ]
    ours = Exposition(families)
    for _ in range(2):  # the second time from what it keeps
        assert b"".join(ours.slices()) == generate_latest(registry)


def test_a_series_that_was_removed_and_came_back_has_its_new_value() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", "a gauge", ("name",), registry=registry)
    ours = Exposition([("g", "gauge", "a gauge", gauge)])
    gauge.labels("a").set(1)
    assert b'g{name="a"} 1.0' in b"".join(ours.slices())
    gauge.clear()
    assert b"name" not in b"".join(ours.slices())
    gauge.labels("a").set(2)
    assert b'g{name="a"} 2.0' in b"".join(ours.slices())


def test_a_large_floor_comes_in_slices() -> None:
    gauge = Gauge("g", "a gauge", ("name",), registry=CollectorRegistry())
    for number in range(3 * SLICE_LINES):
        gauge.labels(str(number)).set(number)
    pieces = list(Exposition([("g", "gauge", "a gauge", gauge)]).slices())
    assert len(pieces) == 4
    assert max(piece.count(b"\n") for piece in pieces) <= SLICE_LINES + 2


def test_the_process_says_what_the_library_would() -> None:
    assert b"".join(metrics.exposition()) == generate_latest(REGISTRY)


def test_names_beyond_the_limit_are_counted_as_other() -> None:
    bounded = metrics.Bounded(2)
    assert [bounded(name) for name in ("a", "b", "c", "a", "d")] == [
        "a",
        "b",
        "other",
        "a",
        "other",
    ]


def test_work_left_goes_by_the_pace_of_the_hours_that_were_dialed() -> None:
    left = work_left("spring", 900, closed=300, hours=6, day_hours=4)
    assert left == Work("spring", 900, 18 * 3600.0, 4 * 3600.0)
    assert work_left("spring", 900, closed=0, hours=0, day_hours=0).seconds is None
    assert work_left("spring", 0, closed=5, hours=1, day_hours=1).seconds == 0.0
