"""PURE. The order `best_hour`: who is reached now as well as they will be today comes first.

Leads are ordered by where they are, not one by one: everybody in one set of time zones has the same
hour. So a lead keeps the number of its zones as its rank, and only the places of the zones, some
dozens, are made anew when the hour changes; neither leads nor claims notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from campaigns.hours.model import Schedule, zone_of
from campaigns.list_health.model import BestHours

Zones = tuple[str, ...]

FIRST_RANK = -(1 << 40)
"""Ranks of this order are FIRST_RANK less the number of a set of zones (0: unknown). No other order
has ranks there, so that leads that still have theirs are told apart."""
LAST_RANK = FIRST_RANK - 32_767
SHARES_STEPS = 1000
"""How finely zones are told apart: hours that differ by less are as good as each other."""
STEP = timedelta(hours=1)


def rank_of(zone_set: int) -> int:
    """What a lead keeps: `zone_set` is the id in the table of that name, 0 for unknown zones."""
    return FIRST_RANK - zone_set


def places(
    zone_sets: Mapping[int, Zones], learned: BestHours, schedule: Schedule, now: datetime
) -> dict[int, int]:
    """rank -> place, from 0 (no later hour of today is better) to SHARES_STEPS.

    The place is how much worse the present hour is than the best one that is open until midnight
    of the person; whose day is nearly over is not put off for an hour that will not come.
    """
    found = {rank_of(0): 0}
    for number, zones in zone_sets.items():
        here = share(zones, learned, now)
        best = max((here, *(share(zones, learned, at) for at in _later(zones, schedule, now))))
        found[rank_of(number)] = round(SHARES_STEPS * (1 - here / best)) if best else 0
    return found


def share(zones: Zones, learned: BestHours, at: datetime) -> float:
    """Expected share of answers at `at`, 0..1: the mean over the zones where a person may be."""
    local = [at.astimezone(zone_of(zone)) for zone in zones]
    return sum(learned.share(each.weekday(), each.hour) for each in local) / len(local)


def _later(zones: Zones, schedule: Schedule, now: datetime) -> Iterator[datetime]:
    """The open hours that are left of today."""
    place = zone_of(zones[0])
    today, at = now.astimezone(place).date(), now + STEP
    while at.astimezone(place).date() == today:
        if schedule.open(zones, at):
            yield at
        at += STEP
