"""PURE. Calendars: which kind of day a date is, with holidays and transferred working days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from campaigns.refusals import Refusal, Sentence

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})\Z")


class CalendarError(Refusal):
    """A calendar is not known or not well-formed."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """`holidays` and `working` (a day off that is worked -> the day whose hours it takes) of the
    `years` that are known; `provisional` years wait for their decree."""

    name: str
    weekend: frozenset[int] = frozenset({5, 6})
    years: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()
    working: Mapping[date, date] | None = None
    provisional: frozenset[int] = frozenset()

    def kinds(self, day: date) -> tuple[str, ...]:
        """workday, weekend or holiday; of an unknown year every kind that the day may be: hours
        that count are then those which all of them allow."""
        if day in self.holidays:
            return ("holiday",)
        if self.working and day in self.working:
            return ("workday",)
        usual = "weekend" if day.weekday() in self.weekend else "workday"
        return (usual,) if day.year in self.years else (usual, "holiday")

    def weekday(self, day: date) -> int:
        """0 for Monday; a transferred working day counts as the day it stands for."""
        return (self.working or {}).get(day, day).weekday()


def read(document: Mapping[str, Any], source: str) -> Calendar:
    """The calendar in a TOML or JSON document. Raises CalendarError `bad_calendar`.

    name = "ru"
    weekend = ["sat", "sun"]
    [years.2026]
    holidays = ["01-01", ...]
    working = { "11-01" = "11-03" }
    provisional = false
    """
    try:
        return _calendar(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        told = f"{source} is no calendar: {error}"
        raise CalendarError(
            "bad_calendar", told, f"{source}: это не календарь: {error}", status=422
        ) from None


def _calendar(document: Mapping[str, Any]) -> Calendar:
    name = document.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        raise ValueError("`name` is a short word of small letters")
    years = {_year(key): value for key, value in document.get("years", {}).items()}
    if not years:
        raise ValueError("give at least one [years.YYYY]")
    holidays = {
        _date(year, text) for year, part in years.items() for text in part.get("holidays", [])
    }
    working = {
        _date(year, day): _date(year, instead)
        for year, part in years.items()
        for day, instead in part.get("working", {}).items()
    }
    both = sorted(holidays & working.keys())
    if both:
        raise ValueError(f"{both[0]} is a holiday and a working day")
    weekend = frozenset(WEEKDAYS.index(day) for day in document.get("weekend", ["sat", "sun"]))
    provisional = frozenset(year for year, part in years.items() if part.get("provisional"))
    return Calendar(name, weekend, frozenset(years), frozenset(holidays), working, provisional)


def _year(text: Any) -> int:
    year = int(text)
    if not 2000 <= year <= 2100:
        raise ValueError(f"{text} is no year")
    return year


def _date(year: int, text: Any) -> date:
    found = MONTH_DAY.match(str(text))
    if not found:
        raise ValueError(f"{text!r} is no day of a year; write 05-09 for the 9th of May")
    return date(year, int(found[1]), int(found[2]))


def summary(calendar: Calendar) -> dict[str, Any]:
    """For people and machines: name, years that are known, years that wait for their decree."""
    return {
        "name": calendar.name,
        "years": sorted(calendar.years),
        "provisional": sorted(calendar.provisional),
    }


def year_of(calendar: Calendar, year: int) -> dict[str, Any]:
    """The summary with days off and transferred working days of one year, as ISO dates."""
    holidays = sorted(day.isoformat() for day in calendar.holidays if day.year == year)
    working = {
        day.isoformat(): instead.isoformat()
        for day, instead in sorted((calendar.working or {}).items())
        if day.year == year
    }
    return {**summary(calendar), "holidays": holidays, "working": working}


def doubt(calendar: Calendar, year: int) -> Sentence | None:
    """Why the days of a year are not sure; None: its decree is in."""
    told = f"prozvon calendar import FILE, years.{year}"
    if year not in calendar.years:
        return Sentence(
            f"the calendar {calendar.name} does not know {year}: every day has the hours of a "
            f"holiday too; import it: {told}",
            f"в календаре {calendar.name} нет {year} года: каждый день считается и праздничным; "
            f"загрузите: {told}",
        )
    if year in calendar.provisional:
        return Sentence(
            f"the calendar {calendar.name} has {year} as the law alone says it, without the "
            f"decree on transferred days; import it when it is published: {told}",
            f"в календаре {calendar.name} {year} год только по закону, без постановления о "
            f"переносе выходных; загрузите, когда оно выйдет: {told}",
        )
    return None


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`new` over `old`: the years that `new` has replace those of `old`."""
    return {**old, **new, "years": {**old.get("years", {}), **new.get("years", {})}}
