"""Calling hours: what a campaign manager would say, and a clock that looks at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.hours import calendar, model, zones
from campaigns.hours.calendar import Calendar, CalendarError
from campaigns.hours.model import HoursError, Schedule
from campaigns.hours.shipped import shipped as calendars
from campaigns.legal.model import Hours
from campaigns.legal.shipped import shipped as profiles
from campaigns.rules.effective import doubts
from dialer.talk.checks import awake

RU = calendar.read(calendars()["ru"], "ru")
DEBT = profiles()["ru_debt"][1].hours
ADVERTISING = profiles()["ru_advertising"][1].hours
MOSCOW, OMSK, VLADIVOSTOK = "Europe/Moscow", "Asia/Omsk", "Asia/Vladivostok"
MOBILE = "+79031234567"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=model.zone_of(MOSCOW))


def schedule(law: Hours = DEBT, week: Any = None, days: Calendar = RU) -> Schedule:
    return Schedule(law, days, model.week(week or {}))


@pytest.mark.parametrize(
    ("at", "zone", "is_open"),
    [
        # 230-FZ: working days from 8 to 22, weekends and holidays from 9 to 20.
        ("2026-11-25T07:59", MOSCOW, False),
        ("2026-11-25T08:00", MOSCOW, True),
        ("2026-11-25T21:59", MOSCOW, True),
        ("2026-11-25T22:00", MOSCOW, False),
        ("2026-11-28T08:30", MOSCOW, False),  # Saturday
        ("2026-11-28T09:00", MOSCOW, True),
        ("2026-11-28T20:00", MOSCOW, False),
        ("2026-11-04T08:30", MOSCOW, False),  # Unity Day, a Wednesday
        ("2025-11-01T08:30", MOSCOW, True),  # a Saturday that was worked for the 3rd
        ("2025-11-03T08:30", MOSCOW, False),  # that Monday off
        ("2026-01-09T08:30", MOSCOW, False),  # a Friday off for the 3rd of January
        # Omsk is three hours ahead of Moscow, Vladivostok seven.
        ("2026-11-25T08:00", OMSK, True),
        ("2026-11-25T15:30", VLADIVOSTOK, False),
    ],
)
def test_hours_of_debt_collection(at: str, zone: str, is_open: bool) -> None:
    """`at` is Moscow time, `zone` where the person is."""
    assert schedule().open((zone,), moscow(at)) is is_open


@pytest.mark.parametrize(
    ("week", "at", "opens"),
    [
        ({}, "2026-11-25T23:00", "2026-11-26T09:00"),
        ({}, "2026-11-25T10:00", "2026-11-25T10:00"),
        ({"wed": [["10:00", "13:00"], ["14:00", "18:00"]]}, "2026-11-25T13:00", "2026-11-25T14:00"),
        ({"sat": [], "sun": []}, "2026-11-27T20:30", "2026-11-30T09:00"),
        # The campaign cannot open what the law keeps closed.
        ({"wed": [["06:00", "23:00"]]}, "2026-11-25T06:00", "2026-11-25T09:00"),
        # No calls on holidays: from the 30th of December to the first working day.
        (
            {"holiday": [], "sat": [], "sun": []},
            "2025-12-30T20:30",
            "2026-01-12T09:00",
        ),
        ({day: [] for day in calendar.WEEKDAYS}, "2026-11-25T10:00", None),
    ],
)
def test_next_opening(week: Any, at: str, opens: str | None) -> None:
    found = schedule(ADVERTISING, week).next_opening((MOSCOW,), moscow(at))
    assert found == (moscow(opens) if opens else None)


def test_a_mobile_that_may_be_anywhere_is_called_while_all_of_russia_is_awake() -> None:
    everywhere = zones.number_zones(MOBILE)
    assert "Asia/Kamchatka" in everywhere and "Europe/Kaliningrad" in everywhere
    assert "Asia/Almaty" not in everywhere and "Europe/Bucharest" not in everywhere
    hours = schedule(ADVERTISING)
    # 9 in Kaliningrad is 10 in Moscow; 20 in Kamchatka is 11 in Moscow.
    assert hours.next_opening(everywhere, moscow("2026-11-25T03:00")) == moscow("2026-11-25T10:00")
    assert hours.closing(everywhere, moscow("2026-11-25T10:00")) == moscow("2026-11-25T11:00")
    assert not hours.open(everywhere, moscow("2026-11-25T12:00"))


@pytest.mark.parametrize(
    ("zone", "region", "phone", "found"),
    [
        ("Asia/Omsk", "Москва", MOBILE, ("Asia/Omsk",)),
        (None, "Свердловская обл.", MOBILE, ("Asia/Yekaterinburg",)),
        (None, "г. Санкт-Петербург", MOBILE, ("Europe/Moscow",)),
        ("МСК+2", None, MOBILE, ("Etc/GMT-5",)),
        ("+79", "Омск", "+73952000000", ("Asia/Omsk",)),
        ("UTC+3", None, MOBILE, ("Etc/GMT-3",)),
        ("+05:00", None, MOBILE, ("Etc/GMT-5",)),
        ("Nowhere/Town", None, "+74951234567", ("Europe/Moscow",)),
        (None, "Атлантида", "+73431234567", ("Asia/Yekaterinburg",)),
        (None, None, "+442079460000", ("Europe/London",)),
        (None, None, "+12125550100", ("America/New_York",)),
    ],
)
def test_where_a_person_is(
    zone: str | None, region: str | None, phone: str, found: tuple[str, ...]
) -> None:
    assert zones.zones_of(zone, region, phone) == found


@pytest.mark.parametrize(
    ("zone", "region", "phone", "at", "open_"),
    [
        # 08:30 in Kaliningrad, 10:30 in Samara; in summer Bucharest has 09:30 then.
        (None, None, "+74012345678", "2026-07-15T06:30", False),
        (None, None, "+74012345678", "2026-07-15T07:30", True),
        (None, None, MOBILE, "2026-07-15T07:30", True),
        (None, None, MOBILE, "2026-07-15T09:30", False),  # 21:30 in Kamchatka
        (None, "Самарская область", MOBILE, "2026-07-15T09:30", True),
        ("Asia/Omsk", "Самарская область", MOBILE, "2026-07-15T14:30", False),
    ],
)
def test_a_transfer_to_a_client_goes_by_the_hours_of_a_claim(
    zone: str | None, region: str | None, phone: str, at: str, open_: bool
) -> None:
    client = {"time_zone": zone, "region": region}
    assert awake(schedule(ADVERTISING), client, phone, utc(at)) == open_


def test_every_region_has_a_zone_that_exists() -> None:
    for zone in set(zones._regions().values()):
        assert model.zone_of(zone).key == zone
    assert len(zones._regions()) > 100


def test_nobody_knows_where() -> None:
    """Then only hours that never close allow a call."""
    at = moscow("2026-11-25T12:00")
    assert not schedule().open((), at)
    never_closed = Hours(workday=((0, 1440),), weekend=((0, 1440),), holiday=((0, 1440),))
    assert schedule(never_closed).open((), at)
    assert schedule().next_opening((), at) is None


def test_of_an_unknown_year_the_strictest_hours_count() -> None:
    assert schedule().open((MOSCOW,), moscow("2026-11-25T08:30"))
    assert not schedule().open((MOSCOW,), moscow("2031-11-25T08:30"))
    assert schedule().open((MOSCOW,), moscow("2031-11-25T09:30"))


def test_the_night_when_the_clock_is_put_forward() -> None:
    """Berlin, 2026-03-29: after 01:59 comes 03:00. A window from 02:30 opens at 03:00."""
    night = Hours(workday=(), weekend=((150, 240),), holiday=())
    hours = Schedule(night, RU, {})
    begin = utc("2026-03-29T00:00")
    assert hours.next_opening(("Europe/Berlin",), begin) == utc("2026-03-29T01:00")
    assert hours.closing(("Europe/Berlin",), utc("2026-03-29T01:00")) == utc("2026-03-29T02:00")


def test_the_night_when_the_clock_is_put_back() -> None:
    """Berlin, 2026-10-25: from 02:00 to 02:59 twice. A window to 02:30 is open twice."""
    night = Hours(workday=(), weekend=((60, 150),), holiday=())
    hours = Schedule(night, RU, {})
    place = ("Europe/Berlin",)
    assert hours.closing(place, utc("2026-10-25T00:00")) == utc("2026-10-25T00:30")
    assert hours.next_opening(place, utc("2026-10-25T00:30")) == utc("2026-10-25T01:00")
    assert hours.closing(place, utc("2026-10-25T01:00")) == utc("2026-10-25T01:30")


PLACES = st.lists(
    st.sampled_from(
        [MOSCOW, "Asia/Kamchatka", "Europe/Kaliningrad", "Europe/Berlin", "America/New_York",
         "Asia/Kolkata", "Australia/Lord_Howe", "America/Caracas"]
    ),
    min_size=1, max_size=3, unique=True,
).map(tuple)  # fmt: skip
WINDOWS = st.lists(
    st.tuples(st.integers(0, 287), st.integers(1, 288))
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: (pair[0] * 5, pair[1] * 5)),
    max_size=3,
).map(tuple)
MOMENTS = st.one_of(
    st.sampled_from(["2026-03-28T12:00", "2026-10-24T12:00", "2026-03-07T20:00",
                     "2026-10-31T18:00", "2026-04-04T03:00", "2026-10-03T06:00"]).map(utc),
    st.integers(0, 1_500_000).map(lambda n: utc("2025-01-01") + timedelta(minutes=n)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(PLACES, WINDOWS, WINDOWS, WINDOWS, MOMENTS)
def test_next_opening_and_closing_agree_with_a_look_at_every_minute(
    places: tuple[str, ...], workday: Any, weekend: Any, holiday: Any, at: datetime
) -> None:
    hours = Schedule(Hours(workday=workday, weekend=weekend, holiday=holiday), RU, {})
    minutes = [at + timedelta(minutes=n) for n in range(36 * 60)]
    opens = next((m for m in minutes if hours.open(places, m)), None)
    for minute in minutes[:: 6 * 60]:  # answers are remembered and stay right
        assert hours.state(places, minute)[0] is hours.open(places, minute)
    found = hours.next_opening(places, at)
    assert found == opens if opens else found is None or found > minutes[-1]
    if opens is not None:
        later = (m for m in minutes if m > opens and not hours.open(places, m))
        closes, told = next(later, None), hours.closing(places, opens)
        assert told == closes if closes else told is None or told > minutes[-1]


@given(WINDOWS, WINDOWS)
def test_overlap_is_what_is_in_both(one: Any, two: Any) -> None:
    both = model.overlap(one, two)
    for minute in range(0, 1440, 5):
        inside = all(any(a <= minute < b for a, b in each) for each in (one, two))
        assert any(a <= minute < b for a, b in both) is inside


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"name": "ru", "years": {}}, "years"),
        ({"name": "Ru!", "years": {"2026": {}}}, "name"),
        ({"name": "ru", "years": {"2026": {"holidays": ["31-12"]}}}, "month"),
        ({"name": "ru", "years": {"2026": {"holidays": ["May 9"]}}}, "May 9"),
        (
            {
                "name": "ru",
                "years": {"2026": {"holidays": ["05-09"], "working": {"05-09": "05-11"}}},
            },
            "2026-05-09",
        ),
    ],
)
def test_a_wrong_calendar_is_refused(document: Any, told: str) -> None:
    with pytest.raises(CalendarError, match=told) as refused:
        calendar.read(document, "file")
    assert refused.value.id == "bad_calendar"
    assert refused.value.to("ru") != str(refused.value)


def test_a_year_is_imported_without_losing_the_others() -> None:
    new = {"name": "ru", "years": {"2027": {"holidays": ["11-05"]}}}
    whole = calendar.read(calendar.merged(calendars()["ru"], new), "both")
    assert whole.kinds(date(2026, 5, 11)) == ("holiday",)
    assert whole.kinds(date(2027, 11, 5)) == ("holiday",)
    assert 2027 not in whole.provisional


def test_hours_that_cannot_be_read_name_the_day() -> None:
    wrongs: list[Any] = [{"monday": []}, {"mon": [["18:00", "09:00"]]}, {"tue": ["9-18"]}, []]
    for wrong in wrongs:
        with pytest.raises(HoursError) as refused:
            model.week(wrong)
        assert refused.value.id == "bad_hours"


def test_the_next_years_calendar_is_asked_for_in_time() -> None:
    known = calendar.read(
        {"name": "ru", "years": {"2026": {}, "2027": {"provisional": True}}}, "a test"
    )
    assert doubts(known, date(2026, 11, 16)) == []
    [told] = doubts(known, date(2026, 11, 17))
    assert "2027" in told.en and "2027" in told.ru
    assert len(doubts(known, date(2027, 12, 1))) == 2  # provisional, and 2028 is not known at all
