"""Best hours that small numbers cannot fool, shares, pace and warnings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.list_health.model import (
    Cell,
    Leads,
    Shares,
    best_hours,
    days_left,
    shares_of,
    warnings,
)


def leads(**counts: int) -> Leads:
    names = ("contacts", "without_lead", "open", "closed", "touched", "reached", "first_touch")
    return Leads(**{name: counts.get(name, 0) for name in names})


CELLS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(0, 500), st.integers(0, 500)).map(
        lambda t: Cell(t[0], t[1], max(t[2], t[3]), min(t[2], t[3]))
    ),
    unique_by=lambda cell: (cell.weekday, cell.hour),
)


def test_one_lucky_dial_is_not_the_best_hour() -> None:
    learned = best_hours([Cell(0, 10, 1000, 300), Cell(1, 18, 1000, 500), Cell(2, 7, 1, 1)])
    assert [(one.weekday, one.hour) for one in learned.best()] == [(1, 18), (2, 7), (0, 10)]
    assert learned.share(2, 7) == pytest.approx(learned.overall, abs=0.05)


def test_many_dials_say_what_they_say() -> None:
    learned = best_hours([Cell(0, 10, 100_000, 10_000), Cell(0, 18, 100_000, 60_000)])
    assert learned.share(0, 10) == pytest.approx(0.1, abs=0.001)
    assert learned.share(0, 18) == pytest.approx(0.6, abs=0.001)


def test_an_hour_without_dials_leans_on_the_same_hour_of_other_days() -> None:
    learned = best_hours([Cell(day, 18, 500, 400) for day in range(5)] + [Cell(0, 9, 2500, 100)])
    assert learned.share(6, 18) > learned.share(6, 12) > learned.share(6, 9)


def test_without_any_dial_every_hour_is_equal() -> None:
    learned = best_hours([])
    assert set(learned.shares.values()) == {0.0} and learned.best() == []


@given(CELLS)
def test_every_hour_of_the_week_has_a_share_between_the_extremes(cells: list[Cell]) -> None:
    learned = best_hours(cells)
    assert len(learned.shares) == 7 * 24
    raw = [cell.answers / cell.dials for cell in cells if cell.dials] or [0.0]
    assert all(min(raw) - 1e-9 <= share <= max(raw) + 1e-9 for share in learned.shares.values())


@given(CELLS, st.integers(0, 6), st.integers(0, 23))
def test_one_more_answer_never_makes_an_hour_worse(
    cells: list[Cell], weekday: int, hour: int
) -> None:
    cells = [cell for cell in cells if (cell.weekday, cell.hour) != (weekday, hour)]
    before = best_hours([*cells, Cell(weekday, hour, 10, 4)]).share(weekday, hour)
    assert best_hours([*cells, Cell(weekday, hour, 10, 5)]).share(weekday, hour) > before


def test_shares_are_of_what_says_something_of_the_number() -> None:
    shares = shares_of({"answered": 4, "abandoned": 1, "busy": 3, "invalid": 2, "failed": 90})
    assert (shares.attempts, shares.counted) == (100, 10)
    assert (shares.answered, shares.busy, shares.invalid) == (0.5, 0.3, 0.2)
    assert shares.no_answer == 0.0
    assert shares_of({"failed": 3}).answered is None


def test_how_long_a_list_lasts() -> None:
    assert days_left(leads(open=70, without_lead=30), closed=100, active_days=5) == (20.0, 5.0)
    assert days_left(leads(open=70), closed=0, active_days=5) == (None, None)
    assert days_left(leads(open=70), closed=0, active_days=0) == (None, None)


@pytest.mark.parametrize(
    ("outcomes", "counts", "expected"),
    [
        ({"invalid": 30, "answered": 70}, {}, ("dead_numbers",)),
        ({"invalid": 3, "answered": 7}, {}, ()),
        ({"invalid": 20, "answered": 80}, {}, ()),
        ({}, {"closed": 100, "first_touch": 40}, ("closed_at_first_touch",)),
        ({}, {"closed": 100, "first_touch": 20}, ()),
        ({}, {"closed": 10, "first_touch": 9}, ()),
    ],
)
def test_warnings(
    outcomes: dict[str, int], counts: dict[str, int], expected: tuple[str, ...]
) -> None:
    shares: Shares = shares_of(outcomes)
    assert warnings(shares, leads(**counts)) == expected
