"""What people write as a period, in any zone, on days of 23 and 25 hours."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.reports.errors import ReportError
from monitoring.reports.period import Period, compared_period, midnight, period

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)  # a Wednesday, 15:30 in Moscow
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            *("Europe/Moscow", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "UTC"),
            *("Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "Africa/Cairo"),
        )
    ]
)
MOMENTS = st.integers(1_293_840_000, 2_082_758_400).map(lambda s: datetime.fromtimestamp(s, UTC))
NAMES = st.sampled_from(
    ("today", "yesterday", "this week", "last week", "this month", "last month", "last 7 days")
)


def local(made: Period) -> tuple[str, str]:
    begin, end = made.local
    return f"{begin:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        (None, None, "2026-03-04 00:00", "2026-03-04 15:30"),
        ("2026-02-01", None, "2026-02-01 00:00", "2026-03-04 15:30"),
        ("2026-02-01", "2026-02-01", "2026-02-01 00:00", "2026-02-02 00:00"),
        ("01.02.2026", "28.02.2026", "2026-02-01 00:00", "2026-03-01 00:00"),
        ("2026-02-01T10:00", None, "2026-02-01 10:00", "2026-03-04 15:30"),
        ("2026-02-01T10:00Z", "2026-02-01T12:00+01:00", "2026-02-01 13:00", "2026-02-01 14:00"),
        ("yesterday", None, "2026-03-03 00:00", "2026-03-04 00:00"),
        ("yesterday", "today", "2026-03-03 00:00", "2026-03-04 15:30"),
        ("вчера", "now", "2026-03-03 00:00", "2026-03-04 15:30"),
        ("last week", None, "2026-02-23 00:00", "2026-03-02 00:00"),
        ("Прошлая неделя", None, "2026-02-23 00:00", "2026-03-02 00:00"),
        ("this-week", None, "2026-03-02 00:00", "2026-03-04 15:30"),
        ("last_month", None, "2026-02-01 00:00", "2026-03-01 00:00"),
        ("last 7 days", None, "2026-02-26 00:00", "2026-03-04 15:30"),
        ("последние 7 дней", None, "2026-02-26 00:00", "2026-03-04 15:30"),
        ("2026-02", None, "2026-02-01 00:00", "2026-03-01 00:00"),
        ("2025-12", "2026-01", "2025-12-01 00:00", "2026-02-01 00:00"),
        ("2026-W09", None, "2026-02-23 00:00", "2026-03-02 00:00"),
        ("2025-Q4", None, "2025-10-01 00:00", "2026-01-01 00:00"),
        ("2025", None, "2025-01-01 00:00", "2026-01-01 00:00"),
        ("2026-01-01", "2027-01-01", "2026-01-01 00:00", "2026-03-04 15:30"),
    ],
)
def test_what_people_write(since: str | None, until: str | None, begin: str, end: str) -> None:
    assert local(period(since, until, MOSCOW, NOW)) == (begin, end)


@pytest.mark.parametrize(
    "text",
    ["soon", "2026-02-30", "99999-01-01", "9999-12-31T10:00", "9999", "2026-13", "2026-W60", "0",
     "31.02.2026", "last 0 days", "last 9999 days", "вчерась", "🙂", "2026-03-05", "2026-Q5", ""],
)  # fmt: skip
def test_a_wrong_date_says_what_would_be_right(text: str) -> None:
    with pytest.raises(ReportError) as caught:
        period(text or " ", None, MOSCOW, NOW)
    assert caught.value.id == "bad_period"
    assert caught.value.to("ru") != caught.value.to("en")
    right = ("2026-01-31", "now it is 2026-03-04 15:30", "is 2026-02-28")
    assert any(part in str(caught.value) for part in right)


@pytest.mark.parametrize(
    ("text", "right"),
    [("2026-02-30", "2026-02-28"), ("2024-02-30", "2024-02-29"), ("31.02.2026", "2026-02-28"),
     ("31.4.2026", "2026-04-30"), ("2025-12-32", "2025-12-31"), ("2026-02-29T10:00", "2026-02-28")],
)  # fmt: skip
def test_a_day_that_its_month_does_not_have_is_told_with_the_last(text: str, right: str) -> None:
    with pytest.raises(ReportError) as caught:
        period(text, None, MOSCOW, NOW)
    assert f"last day of that month is {right}" in caught.value.to("en")
    told = f"{date.fromisoformat(right):%d.%m.%Y}"
    assert f"последний день того месяца {told}" in caught.value.to("ru")


def test_a_reversed_period_is_turned_round_in_the_answer() -> None:
    with pytest.raises(ReportError, match="--from '2026-01-01' --to '2026-02-01'"):
        period("2026-02-01", "2026-01-01", MOSCOW, NOW)


@pytest.mark.parametrize(
    ("since", "until", "text", "begin", "end"),
    [
        # So far, up to the same time of the day.
        (None, None, "previous", "2026-03-03 00:00", "2026-03-03 15:30"),
        ("this week", None, "previous", "2026-02-23 00:00", "2026-02-25 15:30"),
        ("this month", None, "previous", "2026-02-01 00:00", "2026-02-04 15:30"),
        ("2026-01", None, "previous", "2025-12-01 00:00", "2026-01-01 00:00"),
        ("2025-Q4", None, "previous", "2025-07-01 00:00", "2025-10-01 00:00"),
        ("2026-02-20", "2026-02-21", "previous", "2026-02-18 00:00", "2026-02-20 00:00"),
        ("2026-03-03T09:00", "2026-03-03T12:00", "previous", "2026-03-02 09:00",
         "2026-03-02 12:00"),
        ("2026-03-03", "2026-03-03", "week", "2026-02-24 00:00", "2026-02-25 00:00"),
        ("2026-02", None, "year", "2025-02-01 00:00", "2025-03-01 00:00"),
        ("2024-02-29", "2024-02-29", "year", "2023-03-01 00:00", "2023-03-02 00:00"),
        ("2026-02", None, "2025-11", "2025-11-01 00:00", "2025-12-01 00:00"),
        ("2026-02", None, "2025-11-03..2025-11-09", "2025-11-03 00:00", "2025-11-10 00:00"),
    ],
)  # fmt: skip
def test_what_it_is_compared_with(
    since: str | None, until: str | None, text: str, begin: str, end: str
) -> None:
    assert local(compared_period(text, period(since, until, MOSCOW, NOW), NOW)) == (begin, end)


def test_days_of_23_and_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    later = datetime(2026, 12, 1, tzinfo=UTC)
    hours = {
        day.date: (day.until - day.since) / timedelta(hours=1)
        for day in period("2026-03-28", "2026-10-26", berlin, later).days()
    }
    assert hours[date(2026, 3, 29)] == 23
    assert hours[date(2026, 10, 25)] == 25
    assert set(hours.values()) == {23, 24, 25}


@given(NAMES, ZONES, MOMENTS)
def test_days_fill_a_period_without_gaps(name: str, zone: ZoneInfo, now: datetime) -> None:
    if name.startswith("t") and now == midnight(now.astimezone(zone).date(), zone):
        return
    made = period(name, None, zone, now)
    days = list(made.days())
    assert days[0].since == made.since
    assert days[-1].until == made.until <= now
    assert all(one.until == following.since for one, following in itertools.pairwise(days))
    assert all(day.since < day.until for day in days)
    assert [days[0].date, days[-1].date] == [made.first_day, made.last_day]


@given(NAMES, ZONES, MOMENTS, st.sampled_from(["previous", "week", "year"]))
def test_a_compared_period_is_earlier_and_as_long(
    name: str, zone: ZoneInfo, now: datetime, text: str
) -> None:
    if name.startswith("t") and now == midnight(now.astimezone(zone).date(), zone):
        return
    made = period(name, None, zone, now)
    earlier = compared_period(text, made, now)
    assert earlier.since < earlier.until <= now
    assert earlier.since < made.since
    # Months differ by 3 days, days by some hours; a date that a month lacks costs a day.
    assert abs(earlier.seconds - made.seconds) <= 4 * 86400


@given(st.text(max_size=12), st.text(max_size=12))
def test_anything_typed_is_a_period_or_an_error_in_both_languages(first: str, second: str) -> None:
    try:
        made = period(first, second, MOSCOW, NOW)
    except ReportError as error:
        assert error.id == "bad_period"
    else:
        assert made.since < made.until
