"""When a lead is dialed again, and when no more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.leads.model import (
    DAY_S,
    FIRST_FAILURE_PAUSE_S,
    HOUR_S,
    LONGEST_FAILURE_PAUSE_S,
    MAX_FAILURES,
    NextStep,
    after_outcome,
)
from dialer.outcomes import EndedBy, Outcome, costs_approach
from tests.unit.test_outcomes import table

MINUTE_S = 60.0
UNITS = {"minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S}

NO_ANSWER, BUSY, INVALID = Outcome.NO_ANSWER, Outcome.BUSY, Outcome.INVALID
REJECTED, CONGESTION, FAILED = Outcome.REJECTED, Outcome.CONGESTION, Outcome.FAILED
ANSWERED, ABANDONED, MACHINE = Outcome.ANSWERED, Outcome.ABANDONED, Outcome.MACHINE


def step(
    outcome: Outcome,
    approaches: int = 0,
    failures: int = 0,
    *,
    conversed: bool = False,
    by: EndedBy = EndedBy.NETWORK,
    max_approaches: int = 4,
) -> NextStep:
    return after_outcome(
        outcome,
        conversed=conversed,
        ended_by=by,
        approaches=approaches,
        failures=failures,
        max_approaches=max_approaches,
    )


@pytest.mark.parametrize(
    ("dials", "waits_min", "approaches"),
    [
        # Rings out four times on the first day it is tried: a fifth time is not due.
        ([NO_ANSWER] * 4, [240, 240, 240, None], 4),
        # Busy is tried again soon, but counts.
        ([BUSY, BUSY, NO_ANSWER, BUSY], [30, 30, 240, None], 4),
        # A wrong number is never dialed again, nor is whoever was talked to.
        ([INVALID], [None], 1),
        ([NO_ANSWER, (ANSWERED, "talked")], [240, None], 2),
        # Picked up and hung up at once: no sale, no refusal; a couple of days later.
        ([ANSWERED, ANSWERED], [2880, 2880], 2),
        # Left without an operator: three days of rest.
        ([ABANDONED, NO_ANSWER], [4320, 240], 2),
        ([REJECTED, MACHINE], [2880, 240], 2),
        # A bad morning at the provider: ever gentler, and the four approaches are still there.
        ([FAILED, CONGESTION, FAILED, NO_ANSWER], [1, 2, 4, 240], 1),
        ([FAILED] * 10, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240], 0),
        # The operator left while it rang and we cancelled: free, and soon again.
        ([(NO_ANSWER, "cancelled"), NO_ANSWER], [1, 240], 1),
    ],
)
def test_a_leads_story(
    dials: list[Outcome | tuple[Outcome, str]], waits_min: list[float | None], approaches: int
) -> None:
    """Minutes until the next dial after each one, None when the lead is done."""
    now = NextStep("retry", 0, 0, 0.0)
    for dial, wait_min in zip(dials, waits_min, strict=True):
        outcome, how = dial if isinstance(dial, tuple) else (dial, "")
        by = EndedBy.DIALER if how == "cancelled" else EndedBy.PERSON
        now = step(outcome, now.approaches, now.failures, conversed=how == "talked", by=by)
        waits = now.after_s / MINUTE_S if now.status == "retry" else None
        assert waits == wait_min
    assert now.approaches == approaches


@pytest.mark.parametrize("row", table("outcome", "conversation"), ids=" ".join)
def test_a_row_of_the_page_is_what_the_code_does(row: list[str]) -> None:
    outcome, conversed, approach, then = row
    found = step(Outcome(outcome), conversed=conversed == "yes")
    assert found.approaches == (approach == "yes")
    assert found.status == ("done" if then == "done" else "retry")
    assert found.after_s == seconds(then)


def seconds(text: str) -> float:
    """`in 4 hours` as seconds, `done` as 0."""
    if text == "done":
        return 0.0
    _, count, unit = text.split()
    return int(count) * UNITS[unit.removesuffix("s")]


def test_the_pages_week_of_a_lead_is_what_the_code_does() -> None:
    at = datetime(2026, 3, 9, 10, 0)  # noqa: DTZ001 - a Monday on paper, in no zone
    now = NextStep("retry", 0, 0, 0.0)
    rows = table("day, time", "what happened")
    for moment, outcome, approaches, following in rows:
        assert moment == at.strftime("%a %H:%M")
        now = step(Outcome(outcome), now.approaches, now.failures)
        at += timedelta(seconds=now.after_s)
        assert now.approaches == int(approaches)
        assert following == ("done" if now.status == "done" else at.strftime("%a %H:%M"))
    assert now.status == "done"


def test_every_outcome_has_its_row() -> None:
    assert {row[0] for row in table("outcome", "conversation")} == set(Outcome)


def test_an_outage_of_two_days_costs_no_lead() -> None:
    now, waited = NextStep("retry", 0, 0, 0.0), 0.0
    while now.status == "retry":
        now = step(FAILED, now.approaches, now.failures)
        waited += now.after_s
    assert waited > 2 * DAY_S
    assert (now.approaches, now.failures) == (0, MAX_FAILURES)


outcomes = st.sampled_from(Outcome)
dials = st.lists(st.tuples(outcomes, st.booleans(), st.sampled_from(EndedBy)), max_size=60)


@given(dials, st.integers(1, 10))
def test_a_lead_is_never_over_its_limits(
    story: list[tuple[Outcome, bool, EndedBy]], most: int
) -> None:
    now = NextStep("retry", 0, 0, 0.0)
    for outcome, conversed, by in story:
        if now.status == "done":
            break
        before = now
        now = step(
            outcome,
            before.approaches,
            before.failures,
            conversed=conversed,
            by=by,
            max_approaches=most,
        )
        assert 0 <= now.approaches - before.approaches <= 1
        assert 0 <= now.failures - before.failures <= 1
        assert (now.approaches > before.approaches) == costs_approach(outcome, by)
        assert now.approaches <= most and now.failures <= MAX_FAILURES
        assert (now.status == "done") == (now.after_s == 0)
        assert now.status == "done" or now.after_s >= FIRST_FAILURE_PAUSE_S


@given(st.integers(0, MAX_FAILURES - 2), st.sampled_from([FAILED, CONGESTION]))
def test_failures_are_tried_again_ever_more_gently(failures: int, outcome: Outcome) -> None:
    now = step(outcome, 2, failures)
    later = step(outcome, 2, failures + 1)
    assert now.approaches == later.approaches == 2
    assert later.status == "done" or now.after_s <= later.after_s <= LONGEST_FAILURE_PAUSE_S


@given(outcomes, st.booleans(), st.sampled_from(EndedBy), st.integers(0, 9), st.integers(1, 10))
def test_more_approaches_behind_never_mean_more_ahead(
    outcome: Outcome, conversed: bool, by: EndedBy, approaches: int, most: int
) -> None:
    fresh = step(outcome, approaches, conversed=conversed, by=by, max_approaches=most)
    tired = step(outcome, approaches + 1, conversed=conversed, by=by, max_approaches=most)
    assert not (fresh.status == "done" and tired.status == "retry")
