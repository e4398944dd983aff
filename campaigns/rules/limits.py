"""PURE. How often one person or one phone may be dialed: in all, a day, a week, a month.

Days, weeks (from Monday) and months are those of the person's local calendar; where several zones
are possible the strictest counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from campaigns.hours.model import zone_of
from campaigns.legal.model import Limits as LawLimits
from campaigns.refusals import Refusal

SPANS = ("per_day", "per_week", "per_month")
KEYS = (
    "in_all", *SPANS, "phone_in_all", *(f"phone_{span}" for span in SPANS), "minimum_pause_s"
)  # fmt: skip
MOST = 10_000
LONGEST_PAUSE_S = 366 * 86_400.0


class LimitsError(Refusal):
    """Limits are not well-formed."""


@dataclass(frozen=True, slots=True)
class Limit:
    """None: no limit."""

    in_all: int | None = None
    per_day: int | None = None
    per_week: int | None = None
    per_month: int | None = None

    def reached(
        self, times: Sequence[datetime], zones: tuple[str, ...], now: datetime
    ) -> Iterator[tuple[str, datetime | None]]:
        """(rule, until when) of each limit that `times`, dials so far, have reached."""
        if self.in_all is not None and len(times) >= self.in_all:
            yield "limit_in_all", None
        for span in SPANS:
            most = getattr(self, span)
            if most is not None and len(times) >= most:
                yield from _of_span(span, most, times, zones or ("UTC",), now)

    def stricter(self, other: Limit) -> Limit:
        """The smaller number of each."""
        return Limit(
            _least(self.in_all, other.in_all),
            _least(self.per_day, other.per_day),
            _least(self.per_week, other.per_week),
            _least(self.per_month, other.per_month),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a campaign under its profile: `person` over all phones and campaigns, `phone` for each."""

    person: Limit = Limit()
    phone: Limit = Limit()
    minimum_pause_s: float = 0.0


def _least(one: int | None, two: int | None) -> int | None:
    known = [n for n in (one, two) if n is not None]
    return min(known, default=None)


def _of_span(
    span: str, most: int, times: Sequence[datetime], zones: tuple[str, ...], now: datetime
) -> Iterator[tuple[str, datetime | None]]:
    ends = []
    for zone in zones:
        today = now.astimezone(zone_of(zone)).date()
        begin, end = _span(span, today)
        if sum(_midnight(begin, zone) <= at for at in times) >= most:
            ends.append(_midnight(end, zone))
    if ends:
        yield f"limit_{span}", max(ends)


def _span(span: str, today: date) -> tuple[date, date]:
    """First day of the span that `today` is in, and of the next one."""
    if span == "per_day":
        return today, today + timedelta(days=1)
    if span == "per_week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    first = today.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), zone_of(zone)).astimezone(UTC)


def read(document: Any) -> dict[str, float]:
    """A campaign's limits as they are kept. Raises LimitsError `bad_limits` that names the key."""
    if not isinstance(document, Mapping):
        raise _bad("limits", "give numbers by key", "нужны числа по ключам")
    found: dict[str, float] = {}
    for key, value in document.items():
        if key not in KEYS:
            keys = ", ".join(KEYS)
            raise _bad(str(key), f"choose from {keys}", f"выберите из {keys}")
        most = LONGEST_PAUSE_S if key == "minimum_pause_s" else MOST
        least = 0 if key == "minimum_pause_s" else 1
        whole = key != "minimum_pause_s"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad(key, "give a number", "нужно число")
        if not least <= value <= most or (whole and value != int(value)):
            kind, ru = ("a whole number", "целое число") if whole else ("a number", "число")
            told = f"give {kind} from {least} to {most:.0f}"
            raise _bad(key, told, f"нужно {ru} от {least} до {most:.0f}")
        found[key] = int(value) if whole else float(value)
    return found


def _bad(key: str, told: str, ru: str) -> LimitsError:
    return LimitsError("bad_limits", f"{key}: {told}", f"лимиты, {key}: {ru}", status=422)


def effective(kept: Mapping[str, Any], law: LawLimits) -> Limits:
    """The campaign's limits where they are stricter than the law's."""
    own = Limit(*(kept.get(key) for key in ("in_all", *SPANS)))
    lawful = Limit(law.in_all, law.per_day, law.per_week, law.per_month)
    phone = Limit(*(kept.get(f"phone_{key}") for key in ("in_all", *SPANS)))
    return Limits(own.stricter(lawful), phone, float(kept.get("minimum_pause_s", 0.0)))
