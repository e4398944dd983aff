"""The abandonment ledger: exact, rolling, cautious about credit that is about to leave."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.ledger import DAY_S, MONTH_S, Ledger

HOUR = 3600.0


def test_nothing_is_owed_and_nothing_may_be_spent_at_first() -> None:
    ledger = Ledger(0.03)
    assert ledger.totals(0.0) == (0, 0)
    assert ledger.rate(0.0) == 0.0
    assert ledger.budget(0.0) == 0.0


def test_budget_is_the_share_of_answered_less_the_abandoned() -> None:
    ledger = Ledger(0.03)
    ledger.answered(10.0, count=200)
    ledger.abandoned(12.0, count=4)
    assert ledger.budget(13.0) == pytest.approx(2.0)
    assert ledger.rate(13.0) == pytest.approx(0.02)


@pytest.mark.parametrize("window_s", [DAY_S, MONTH_S])
def test_an_event_leaves_when_the_window_has_passed(window_s: float) -> None:
    ledger = Ledger(0.03, window_s)
    ledger.answered(100.0, count=50)
    assert ledger.totals(100.0 + window_s)[0] == 50
    assert ledger.totals(100.0 + window_s * (1.0 + 2.0 / 1440.0)) == (0, 0)


def test_abandoned_without_any_answer_is_a_full_rate() -> None:
    ledger = Ledger(0.03)
    ledger.abandoned(1.0)
    assert ledger.rate(1.0) == 1.0
    assert ledger.budget(1.0) == -1.0


def test_yesterdays_credit_is_not_spent_on_a_debt_that_outlives_it() -> None:
    ledger = Ledger(0.03)
    ledger.answered(9 * HOUR, count=1000)
    ledger.answered(30 * HOUR, count=100)
    ledger.abandoned(30 * HOUR, count=3)
    assert ledger.budget(30 * HOUR) == pytest.approx(30.0)
    assert ledger.spendable(30 * HOUR) == pytest.approx(0.0)


def test_an_old_overdraft_still_binds() -> None:
    ledger = Ledger(0.03)
    ledger.answered(0.0, count=100)
    ledger.abandoned(0.0, count=10)
    ledger.answered(15 * HOUR, count=100)
    assert ledger.spendable(15 * HOUR) == pytest.approx(-4.0)


def test_time_going_backwards_is_counted_and_survived() -> None:
    ledger = Ledger(0.03)
    ledger.answered(1000.0)
    ledger.abandoned(500.0)
    ledger.answered(float("nan"))
    assert ledger.totals(1000.0) == (2, 1)
    assert ledger.odd == 2


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="share between 0 and 1"):
        Ledger(3.0)
    with pytest.raises(ValueError, match="window_s"):
        Ledger(0.03, 0.0)


steps = st.lists(
    st.tuples(st.floats(0.0, 5 * HOUR), st.integers(0, 4), st.integers(0, 2)), max_size=80
)


@settings(deadline=None)
@given(steps)
def test_totals_equal_a_count_by_hand(moves: list[tuple[float, int, int]]) -> None:
    ledger, now = Ledger(0.03), 0.0
    booked: list[tuple[float, int, int]] = []
    for wait, answered, abandoned in moves:
        now += wait
        ledger.answered(now, answered)
        ledger.abandoned(now, abandoned)
        booked.append((now // 60.0 * 60.0, answered, abandoned))
        inside = [b for b in booked if b[0] > now - DAY_S - 60.0]
        assert ledger.totals(now) == (sum(b[1] for b in inside), sum(b[2] for b in inside))
        assert ledger.spendable(now) <= ledger.budget(now)


@settings(deadline=None)
@given(steps)
def test_pickling_changes_nothing(moves: list[tuple[float, int, int]]) -> None:
    ledger, now = Ledger(0.01), 0.0
    for wait, answered, abandoned in moves:
        now += wait
        ledger.answered(now, answered)
        ledger.abandoned(now, abandoned)
    copy = pickle.loads(pickle.dumps(ledger))
    later = now + 7 * HOUR
    assert copy.totals(later) == ledger.totals(later)
    assert copy.spendable(later) == ledger.spendable(later)
