"""PURE. Hours and limits of a campaign's own that are wider than its legal profile's.

They would never count: the profile's are the stricter ones. Who writes them is told so, with what
the profile allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from campaigns.hours.calendar import WEEKDAYS
from campaigns.hours.model import Schedule, overlap
from campaigns.legal.model import DAY_KINDS, Contradiction, Profile, Window, clock_time
from campaigns.refusals import Sentence


def wider(
    profile: Profile, schedule: Schedule, limits: Mapping[str, Any]
) -> Iterator[Contradiction]:
    """`limits`: the campaign's own, as they are kept."""
    yield from _hours(profile, schedule)
    for key, most in profile.limits.model_dump().items():
        own = limits.get(key)
        if most is not None and own is not None and own > most:
            yield Contradiction(
                "legal_limits",
                "limits",
                Sentence(
                    f"the legal profile {profile.name} allows limits.{key} = {most} at most, "
                    f"not {own:g}",
                    f"правовой профиль {profile.name} допускает limits.{key} не больше {most}, "
                    f"а не {own:g}",
                ),
            )


def _hours(profile: Profile, schedule: Schedule) -> Iterator[Contradiction]:
    for day, windows in schedule.week.items():
        law = profile.hours.on(_kind(day, schedule))
        lawful = overlap(law, law)
        if overlap(windows, lawful) != windows:
            allowed = _told(lawful)
            yield Contradiction(
                "legal_hours",
                "hours",
                Sentence(
                    f"the legal profile {profile.name} allows {allowed or 'no calls'} for "
                    f"hours.{day}, not {_told(windows)}",
                    f"правовой профиль {profile.name} допускает для hours.{day} "
                    f"{allowed or 'ничего'}, а не {_told(windows)}",
                ),
            )


def _kind(day: str, schedule: Schedule) -> str:
    if day in DAY_KINDS:
        return day
    return "weekend" if WEEKDAYS.index(day) in schedule.calendar.weekend else "workday"


def _told(windows: tuple[Window, ...]) -> str:
    return ", ".join(f"{clock_time(begin)}-{clock_time(end)}" for begin, end in windows)
