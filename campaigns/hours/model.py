"""PURE. Calling hours: open now, and when next, in the called person's local time.

A person whose zone is not sure has several; they may be called only while all of them are
open. An instant is inside a window when the wall clock of the zone is: so a day of 23 or 25 hours
needs no rule of its own (an hour that comes twice is open twice, one that is skipped never).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.hours.calendar import WEEKDAYS, Calendar
from campaigns.legal.model import DAY_KINDS, DAY_MINUTES, Hours, Window, window
from campaigns.refusals import Refusal

LOOK_AHEAD_DAYS = 15
"""Longer than the longest row of days off (ten in January) and a weekend on each side."""
MINUTE = timedelta(minutes=1)
ALL_DAY: tuple[Window, ...] = ((0, DAY_MINUTES),)


class HoursError(Refusal):
    """Calling hours are not well-formed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of some zones, for instants from `since` on and before `until`."""

    is_open: bool
    changes: datetime | None
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Schedule:
    """What the law says by the kind of day, and what the campaign says by the day of the week.

    `week` has windows for keys of WEEKDAYS, `workday`, `weekend` and `holiday`; a day of the week
    goes before a kind, but on a holiday only `holiday` counts. A key that is missing leaves the
    law's hours."""

    law: Hours
    calendar: Calendar
    week: Mapping[str, tuple[Window, ...]]
    _answers: dict[tuple[str, ...], Answer] = field(
        default_factory=dict, compare=False, repr=False, init=False
    )

    def state(self, zones: tuple[str, ...], at: datetime) -> tuple[bool, datetime | None]:
        """(open at `at`, when that changes; None: not within 15 days). Remembers its answers."""
        known = self._answers.get(zones)
        if known is None or not known.since <= at < known.until:
            is_open = self.open(zones, at)
            changes = self._first(zones, at, opening=not is_open) if zones else None
            limit = at + timedelta(days=1)
            known = Answer(is_open, changes, at, min(changes or limit, limit))
            self._answers[zones] = known
        return known.is_open, known.changes

    def windows(self, day: date) -> tuple[Window, ...]:
        """When a call may be made on a local day: where law and campaign agree."""
        kinds = self.calendar.kinds(day)
        found: tuple[Window, ...] = ALL_DAY
        for kind in kinds:
            found = overlap(found, self.law.on(kind))
        own = self._own(day, kinds)
        return found if own is None else overlap(found, own)

    def _own(self, day: date, kinds: tuple[str, ...]) -> tuple[Window, ...] | None:
        if kinds == ("holiday",):
            return self.week.get("holiday")
        weekday = WEEKDAYS[self.calendar.weekday(day)]
        return self.week.get(weekday, self.week.get(kinds[0]))

    def open(self, zones: tuple[str, ...], at: datetime) -> bool:
        """Whether all zones are inside their windows at `at` (with an offset). No zone: only if
        every day is open all day."""
        return all(self._open(zone, at) for zone in zones) if zones else self._always_open(at)

    def _open(self, zone: str, at: datetime) -> bool:
        local = at.astimezone(zone_of(zone))
        minute = local.hour * 60 + local.minute
        return any(begin <= minute < end for begin, end in self.windows(local.date()))

    def _always_open(self, at: datetime) -> bool:
        day = at.astimezone(UTC).date()
        days = (day + timedelta(days=n) for n in range(-1, LOOK_AHEAD_DAYS))
        return all(self.windows(each) == ALL_DAY for each in days)

    def next_opening(self, zones: tuple[str, ...], at: datetime) -> datetime | None:
        """The first instant from `at` on when all zones are open; None: not within 15 days."""
        if self.open(zones, at):
            return at
        return self._first(zones, at, opening=True)

    def closing(self, zones: tuple[str, ...], at: datetime) -> datetime | None:
        """When it closes, for an instant that is open; None: not within 15 days."""
        return self._first(zones, at, opening=False)

    def _first(self, zones: tuple[str, ...], at: datetime, *, opening: bool) -> datetime | None:
        limit = at + timedelta(days=LOOK_AHEAD_DAYS)
        edges = sorted({e for z in zones for e in self._edges(z, at) if at < e <= limit})
        return next((edge for edge in edges if self.open(zones, edge) is opening), None)

    def _edges(self, zone: str, at: datetime) -> Iterator[datetime]:
        """Every instant at which this zone may open or close."""
        place = zone_of(zone)
        first = at.astimezone(place).date() - timedelta(days=1)
        for number in range(LOOK_AHEAD_DAYS + 2):
            day = first + timedelta(days=number)
            for begin, end in self.windows(day):
                yield from _instants(place, day, begin)
                yield from _instants(place, day, end)
        yield from _changes(zone, first)


def _instants(place: ZoneInfo, day: date, minute: int) -> Iterator[datetime]:
    """A wall time as instants: two where the clock is put back."""
    wall = datetime.combine(day, time()) + minute * MINUTE
    for fold in (0, 1):
        yield wall.replace(tzinfo=place, fold=fold).astimezone(UTC)


@lru_cache(maxsize=4096)
def _changes(zone: str, first: date) -> tuple[datetime, ...]:
    """When the clocks of a zone are changed in the days looked at, to the minute."""
    place, found = zone_of(zone), []
    begin = datetime.combine(first, time(), UTC)
    for hour in range((LOOK_AHEAD_DAYS + 3) * 24):
        early = begin + timedelta(hours=hour)
        late = early + timedelta(hours=1)
        if early.astimezone(place).utcoffset() != late.astimezone(place).utcoffset():
            found.append(_change(place, early, late))
    return tuple(found)


def _change(place: ZoneInfo, early: datetime, late: datetime) -> datetime:
    before = early.astimezone(place).utcoffset()
    while late - early > MINUTE:
        middle = early + (late - early) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(place).utcoffset() == before:
            early = max(middle, early + MINUTE) if middle == early else middle
        else:
            late = middle
    return late


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Raises HoursError `unknown_zone`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise HoursError(
            "unknown_zone", f"there is no time zone {name!r}", f"нет часового пояса {name!r}"
        ) from None


def overlap(one: tuple[Window, ...], two: tuple[Window, ...]) -> tuple[Window, ...]:
    """What is in both, in order, joined where windows touch."""
    found = sorted((max(a, c), min(b, d)) for a, b in one for c, d in two if max(a, c) < min(b, d))
    joined: list[Window] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


def week(document: Any) -> dict[str, tuple[Window, ...]]:
    """{"mon": [["09:00", "18:00"]], "sat": [], "holiday": []} -> windows.

    Raises HoursError `bad_hours` that names the key.
    """
    if not isinstance(document, Mapping):
        raise _bad("hours", "give windows by day of the week", "нужны интервалы по дням недели")
    found: dict[str, tuple[Window, ...]] = {}
    for key, windows in document.items():
        if key not in (*WEEKDAYS, *DAY_KINDS):
            days = ", ".join((*WEEKDAYS, *DAY_KINDS))
            raise _bad(str(key), f"choose from {days}", f"выберите из {days}")
        try:
            found[key] = overlap(tuple(window(pair) for pair in windows), ALL_DAY)
        except (ValueError, TypeError) as error:
            told = 'нужны пары времён одного дня: [["09:00", "18:00"]]'
            raise _bad(key, str(error), told) from None
    return found


def _bad(key: str, told: str, ru: str) -> HoursError:
    return HoursError("bad_hours", f"{key}: {told}", f"часы звонков, {key}: {ru}", status=422)
