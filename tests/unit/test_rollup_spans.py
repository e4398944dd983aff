"""What is read from roll-ups and what from the rows is the whole period, once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitoring.rollups.spans import (
    Span,
    changed,
    days_of,
    hours_inside,
    hours_of,
    in_step,
    split_by_hours,
    without,
)

ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")]
YEAR = datetime(2025, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 365 * 86400).map(lambda s: YEAR + timedelta(seconds=s))
SPANS = st.tuples(MOMENTS, MOMENTS).filter(lambda ends: ends[0] != ends[1]).map(sorted)


@given(SPANS, SPANS, st.lists(SPANS, max_size=4), st.sampled_from(ZONES))
def test_hours_are_kept_of_whole_unchanged_days_and_the_rest_is_left(
    asked: list[datetime], done: list[datetime], marks: list[list[datetime]], zone: ZoneInfo
) -> None:
    days, period, rolled = days_of(zone), Span(*asked), Span(*done)
    hours, touched = hours_of(days), [Span(*mark) for mark in marks]
    kept, rest = split_by_hours(period, rolled, touched, days)
    whole = sorted((*kept, *rest), key=lambda span: span.since)
    assert (whole[0].since, whole[-1].until) == (period.since, period.until)
    assert all(one.until == other.since for one, other in pairwise(whole))
    for span in kept:
        assert hours.floor(span.since) == span.since and hours.floor(span.until) == span.until
        assert rolled.since <= days.floor(span.since)
        assert days.ceil(span.until) <= rolled.until
        assert not any(
            span.since < hole.until and hole.since < span.until for hole in changed(days, touched)
        )


@given(SPANS, st.lists(SPANS, max_size=2), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_hours_over_which_a_viewers_day_begins_are_left_to_the_rest(
    asked: list[datetime], marks: list[list[datetime]], zone: ZoneInfo, viewers: ZoneInfo
) -> None:
    days, viewed, period = days_of(zone), days_of(viewers), Span(*asked)
    rolled, touched = Span(YEAR, YEAR + timedelta(days=365)), [Span(*mark) for mark in marks]
    kept, rest = hours_inside(viewed)(period, rolled, touched, days)
    whole = sorted((*kept, *rest), key=lambda span: span.since)
    assert (whole[0].since, whole[-1].until) == (period.since, period.until)
    assert all(one.until == other.since for one, other in pairwise(whole))
    hours = hours_of(days)
    for span in kept:
        begin = span.since
        while begin < span.until:
            end = hours.after(begin)
            assert viewed.floor(begin) == viewed.floor(end - timedelta.resolution)
            begin = end
    for span in split_by_hours(period, rolled, touched, days)[0]:
        for left in without(span, kept):
            assert viewed.ceil(left.since) < left.until


@given(MOMENTS, st.sampled_from(ZONES))
def test_hours_begin_with_their_day_and_have_no_gaps(moment: datetime, zone: ZoneInfo) -> None:
    days = days_of(zone)
    hours = hours_of(days)
    begin, end = hours.floor(moment), hours.after(moment)
    assert begin <= moment < end <= begin + timedelta(hours=1)
    assert hours.floor(end) == end
    assert days.floor(begin) == days.floor(moment)


def test_zones_are_in_step_when_their_hours_begin_together_all_the_time() -> None:
    berlin, kolkata, lord_howe = ZONES
    year = (YEAR, YEAR + timedelta(days=365))
    assert in_step(*year, berlin, ZoneInfo("Europe/Moscow"))
    assert in_step(*year, kolkata, ZoneInfo("Asia/Colombo"))
    assert not in_step(*year, berlin, kolkata)
    assert not in_step(*year, lord_howe), "its clocks change by half an hour"
    assert in_step(YEAR, YEAR + timedelta(days=30), lord_howe)
