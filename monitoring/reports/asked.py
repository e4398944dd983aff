"""PURE. A report as people ask for it, by command or over HTTP: texts in, a request out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from campaigns.refusals import Language
from monitoring.reports.catalog import Filters, Request, kind_of, request
from monitoring.reports.errors import ReportError
from monitoring.reports.period import compared_period, period


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything as it was written; None or empty: as usual.

    `zone`: whose days and hours are meant, the viewer's; else the floor's.
    """

    name: str
    since: str | None = None
    until: str | None = None
    compare: str | None = None
    by: str | None = None
    zone: str | None = None
    filters: Filters = field(default_factory=Filters)


def read(asked: Asked, floor_zone: str, now: datetime, language: Language) -> Request:
    """The request that is meant. Raises ReportError `unknown_report`, `unknown_zone`,
    `bad_period`, `bad_by`, `bad_filter`, `no_compare`."""
    kind_of(asked.name)  # the name is told before what is wrong with its period
    zone = zone_named(asked.zone) if asked.zone else ZoneInfo(floor_zone)
    when = period(asked.since, asked.until, zone, now)
    other = compared_period(asked.compare, when, now) if asked.compare else None
    return request(
        asked.name, when, by=asked.by, filters=asked.filters, compare=other, language=language
    )


def zone_named(text: str) -> ZoneInfo:
    """A time zone, or its city alone. Raises ReportError `unknown_zone`."""
    wanted = text.strip()
    try:
        return ZoneInfo(wanted)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    plain = wanted.casefold().replace(" ", "_")
    names = sorted(available_timezones())
    same = [name for name in names if plain in (name.casefold(), _city(name))]
    if same and plain:
        return ZoneInfo(same[0])
    cities = {_city(name): name for name in names}
    near = [cities[city] for city in get_close_matches(plain, list(cities), n=3, cutoff=0.6)]
    told = ", ".join(near or ["Europe/Moscow", "Asia/Yekaterinburg", "UTC"])
    raise ReportError(
        "unknown_zone",
        f"there is no time zone {text!r}; there is: {told}",
        f"часовой пояс {text!r}: нет такого; есть: {told}",
    )


def _city(name: str) -> str:
    return name.rpartition("/")[2].casefold()
