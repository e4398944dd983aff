"""PURE. What counts for a campaign in the end: the stricter of its own settings and its legal
profile, and which of the two it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from campaigns.hours.calendar import WEEKDAYS, Calendar, doubt
from campaigns.hours.model import Schedule, overlap
from campaigns.legal.model import DAY_KINDS, Window, clock_time
from campaigns.refusals import Sentence
from campaigns.rules.model import Policy

AHEAD = timedelta(days=45)
"""So long before a new year its calendar is asked for."""


@dataclass(frozen=True, slots=True)
class Effective:
    """One rule: what counts, what the campaign and its profile say ("": nothing).

    `set_by`: "campaign", "profile", or "both" where they say the same."""

    rule: str
    value: str
    campaign: str
    profile: str
    set_by: str


def effective(policy: Policy, row: Mapping[str, Any]) -> list[Effective]:
    """Every rule of a campaign that is in force; `row` has its own settings by column."""
    return [*_hours(policy.schedule), *_limits(policy, row["limits"]), *_others(policy, row)]


def doubts(calendar: Calendar, today: date) -> list[Sentence]:
    """What is not sure about the calendar of this year, and of the next one where it is near."""
    years = {today.year, (today + AHEAD).year}
    return [found for year in sorted(years) if (found := doubt(calendar, year)) is not None]


def _hours(schedule: Schedule) -> Iterator[Effective]:
    """A row for each kind of day, and one for each day of the week that the campaign sets."""
    for day in (*DAY_KINDS, *WEEKDAYS):
        own = schedule.week.get(day)
        if own is None and day in WEEKDAYS:
            continue
        law = overlap(schedule.law.on(_kind(day, schedule.calendar)), ((0, 24 * 60),))
        counts = law if own is None else overlap(law, own)
        own_told = "" if own is None else _windows(own)
        yield _made(f"hours.{day}", _windows(counts), own_told, _windows(law))


def _kind(day: str, calendar: Calendar) -> str:
    if day in DAY_KINDS:
        return day
    return "weekend" if WEEKDAYS.index(day) in calendar.weekend else "workday"


def _windows(windows: tuple[Window, ...]) -> str:
    return ", ".join(f"{clock_time(a)}-{clock_time(b)}" for a, b in windows) or "none"


def _limits(policy: Policy, own: Mapping[str, Any]) -> Iterator[Effective]:
    for key, most in policy.profile.limits.model_dump().items():
        mine, counts = own.get(key), getattr(policy.limits.person, key)
        if counts is not None:
            yield _made(f"limits.{key}", str(counts), _told(mine), _told(most))
    for key, value in own.items():
        if key not in type(policy.profile.limits).model_fields:
            yield _made(f"limits.{key}", _told(value), _told(value), "")


def _others(policy: Policy, row: Mapping[str, Any]) -> Iterator[Effective]:
    profile = policy.profile
    cap, law = row["max_abandon_rate"], profile.abandonment.max_rate
    yield _made("max_abandon_rate", f"{min(cap, law):.2%}", f"{cap:.2%}", f"{law:.2%}")
    ring = f"≥ {profile.minimum_ring_s:g} s"
    yield _made(
        "ring_timeout_s", f"{row['ring_timeout_s']:g} s", f"{row['ring_timeout_s']:g} s", ""
    )
    yield _made("minimum_ring", ring, "", ring)
    demanded = profile.needs_consent(policy.mode)
    if policy.consent_needed or demanded:
        own = "needed" if policy.consent_needed else ""
        yield _made("consent", "needed", own, "needed" if demanded else "")
    pause = profile.pause_after_abandoned_s(policy.mode)
    if pause:
        told = f"{pause / 3600:g} h"
        yield _made("pause_after_abandoned", told, "", told)
    most = str(policy.max_approaches)
    yield _made("max_approaches", most, most, "")


def _made(rule: str, value: str, campaign: str, profile: str) -> Effective:
    if campaign == profile:
        return Effective(rule, value, campaign, profile, "both")
    set_by = "campaign" if campaign and value == campaign else "profile"
    return Effective(rule, value, campaign, profile, set_by)


def _told(value: Any) -> str:
    return "" if value is None else f"{value:g}"
