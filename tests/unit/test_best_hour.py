"""The order `best_hour`: who is reached now as well as they will be today comes first."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.hours.calendar import Calendar
from campaigns.hours.model import Schedule, week
from campaigns.legal.shipped import shipped
from campaigns.list_health.model import Cell, best_hours
from campaigns.rules.best_hour import SHARES_STEPS, places, rank_of, share

LAW = next(iter(shipped()["own"].values())).hours
SCHEDULE = Schedule(LAW, Calendar("ru", years=frozenset({2026})), week({}))
MOSCOW, OMSK = 1, 2
ZONES = {MOSCOW: ("Europe/Moscow",), OMSK: ("Asia/Omsk",)}
# People answer at 18:00 best, at 10:00 worst, whatever the day.
EVENING = best_hours(
    [Cell(day, hour, 1000, 600 if hour == 18 else 200) for day in range(5) for hour in range(9, 21)]
)


def at(hour: int) -> datetime:
    """A Wednesday, by the clock of Moscow."""
    return datetime(2026, 3, 11, hour - 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moscow_hour", "first"),
    [
        (15, OMSK),  # 18:20 in Omsk, where it does not get better
        (18, MOSCOW),  # Omsk has 21:20: it is closed and has nothing to wait for either
        (12, None),  # both have their evening before them
    ],
)
def test_whose_best_hour_it_is_comes_first(moscow_hour: int, first: int | None) -> None:
    found = places(ZONES, EVENING, SCHEDULE, at(moscow_hour))
    moscow, omsk = found[rank_of(MOSCOW)], found[rank_of(OMSK)]
    if first is None:
        assert moscow == omsk > 0
    elif first == OMSK:
        assert omsk == 0 < moscow
    else:
        assert moscow == 0


def test_hours_that_do_not_come_today_are_not_waited_for() -> None:
    own = week({"wed": [["10:00", "17:00"]]})
    schedule = Schedule(LAW, Calendar("ru", years=frozenset({2026})), own)
    assert places(ZONES, EVENING, schedule, at(15))[rank_of(MOSCOW)] == 0


def test_before_anything_is_learned_all_are_equal() -> None:
    assert set(places(ZONES, best_hours([]), SCHEDULE, at(11)).values()) == {0}


def test_a_new_campaign_knows_what_its_floor_knows() -> None:
    own = best_hours([Cell(2, 11, 4, 4)], towards=EVENING)
    assert own.share(2, 18) == EVENING.share(2, 18)
    assert EVENING.share(2, 11) < own.share(2, 11) < 1


CELLS = st.lists(
    st.builds(
        lambda day, hour, dials, part: Cell(day, hour, dials, round(dials * part)),
        st.integers(0, 6), st.integers(0, 23), st.integers(1, 500), st.floats(0, 1),
    ),
    max_size=60,
    unique_by=lambda cell: (cell.weekday, cell.hour),
)  # fmt: skip
SETS = st.lists(
    st.lists(
        st.sampled_from(["Europe/Kaliningrad", "Europe/Moscow", "Asia/Omsk", "Asia/Kamchatka"]),
        min_size=1, max_size=4, unique=True,
    ).map(lambda zones: tuple(sorted(zones))),
    min_size=1, max_size=6,
)  # fmt: skip


@given(CELLS, SETS, st.integers(0, 7 * 24 * 4))
def test_first_is_only_who_has_no_better_hour_left_today(
    cells: list[Cell], sets: list[tuple[str, ...]], quarter: int
) -> None:
    learned = best_hours(cells)
    now = datetime(2026, 3, 9, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    found = places(dict(enumerate(sets, 1)), learned, SCHEDULE, now)
    assert set(found) == {rank_of(n) for n in range(len(sets) + 1)}
    for number, zones in enumerate(sets, 1):
        place = found[rank_of(number)]
        assert 0 <= place <= SHARES_STEPS
        assert place == found[rank_of(sets.index(zones) + 1)]  # equal zones, equal places
        if place == 0:
            today = _local_date(zones[0], now)
            later = (now + timedelta(hours=n) for n in range(1, 25))
            for then in later:
                if _local_date(zones[0], then) == today and SCHEDULE.open(zones, then):
                    assert share(zones, learned, then) <= share(zones, learned, now) * 1.001


def _local_date(zone: str, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()
