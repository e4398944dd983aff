"""PURE. In which time zones a person may be: the contact's own, else the region's, else the
number's, all of them.

The first candidate of a library is never taken for the truth: a Russian mobile number may be
anywhere from Kaliningrad to Kamchatka.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources

import phonenumbers
from phonenumbers import timezone

from campaigns.hours.model import HoursError, zone_of

UNKNOWN = "Etc/Unknown"
MOSCOW_OFFSET_H = 3
OFFSET = re.compile(
    r"(?P<base>UTC|GMT|MSK|МСК)?\s*(?P<sign>[+\-−])\s*(?P<hours>\d{1,2})(?::?00)?\Z", re.IGNORECASE
)
RUSSIAN_MOBILES = "+79"
RUSSIAN_MOBILE = re.compile(r"\+79\d{9}\Z")
# phonenumbers 9 gives one list for all of +7: Kazakhstan too, and Bucharest for Kaliningrad,
# which has not changed its clocks since 2014 while Bucharest does.
FOREIGN_IN_7 = frozenset({"Asia/Almaty", "Asia/Aqtobe", "Europe/Bucharest"})


def zones_of(contact_zone: str | None, region: str | None, e164: str) -> tuple[str, ...]:
    """IANA names, sorted; empty: nothing is known. A zone or region that cannot be read is as if
    there was none."""
    own = zone_named(contact_zone) if contact_zone else None
    if own is None and region:
        own = region_zone(region)
    return (own,) if own else number_zones(e164)


@lru_cache(maxsize=65536)
def number_zones(e164: str) -> tuple[str, ...]:
    """Every zone that a number may be in."""
    return _russian_mobile() if RUSSIAN_MOBILE.match(e164) else _candidates(e164)


@cache
def _russian_mobile() -> tuple[str, ...]:
    """All of them have one answer."""
    found = set(_candidates("+79000000000")) - FOREIGN_IN_7
    return tuple(sorted(found | {"Europe/Kaliningrad"}))


def _candidates(e164: str) -> tuple[str, ...]:
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ()
    return _without_bucharest(e164, timezone.time_zones_for_number(number))


def corrected(begin: str, zones: Iterable[str]) -> tuple[str, ...]:
    """`number_zones` of every number that begins with `begin`, such as `+7903`, and for which
    phonenumbers has `zones`."""
    if begin.startswith(RUSSIAN_MOBILES):
        return _russian_mobile()
    return _without_bucharest(begin, zones)


def _without_bucharest(e164: str, zones: Iterable[str]) -> tuple[str, ...]:
    found = set(zones) - {UNKNOWN}
    if e164.startswith("+7") and "Europe/Bucharest" in found:
        found = (found - {"Europe/Bucharest"}) | {"Europe/Kaliningrad"}
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def zone_named(text: str) -> str | None:
    """`Asia/Omsk`, `UTC+5`, `МСК+2` or `+05:00` -> IANA name; None when it is neither."""
    text = text.strip()
    offset = OFFSET.match(text)
    if offset:
        hours = int(offset["hours"]) * (1 if offset["sign"] == "+" else -1)
        if (offset["base"] or "").upper() in ("MSK", "МСК"):
            hours += MOSCOW_OFFSET_H
        # POSIX signs: Etc/GMT-5 is five hours ahead of Greenwich.
        if not -12 <= hours <= 14:
            return None
        return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"
    if text.upper() in ("MSK", "МСК"):
        return "Europe/Moscow"
    try:
        return zone_of(text).key if "/" in text or text == "UTC" else None
    except HoursError:
        return None


@lru_cache(maxsize=4096)
def region_zone(text: str) -> str | None:
    """The zone of a region by its name («Свердловская область», `Tatarstan`); None: unknown."""
    return _regions().get(_plain(text))


def _plain(text: str) -> str:
    words = re.sub(r"[^a-zа-я0-9]+", " ", text.lower().replace("ё", "е")).split()
    return " ".join(word for word in words if word not in _IGNORED)


_IGNORED = frozenset(
    {"область", "обл", "республика", "респ", "край", "автономный", "автономная", "округ", "ао"}
    | {"г", "город", "oblast", "region", "republic", "krai", "of", "the"}
)


@cache
def _regions() -> dict[str, str]:
    file = resources.files(__package__) / "regions.toml"
    zones = tomllib.loads(file.read_text(encoding="utf-8"))
    return {_plain(name): zone for zone, names in zones.items() for name in names}
