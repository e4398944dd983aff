"""PURE. Reports of a period: what is in them, and how a period is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dialer.operators import LINE_STATES, OperatorState
from dialer.outcomes import Outcome

STATES = tuple(state.value for state in OperatorState)
OUTCOMES = tuple(outcome.value for outcome in Outcome)


class ReportError(ValueError):
    """A report cannot be made as asked. `id` is stable; the text says what to do."""

    def __init__(self, id: str, text: str) -> None:
        super().__init__(text)
        self.id = id


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` (counted in) to `until` (not counted in); both with a time zone."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds between starts of dials; None where there were none."""

    count: int
    mean: float | None
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class OperatorReport:
    """One operator's period. States are cut to it, one that is not over counts up to now.

    An attempt belongs to the period in which it was placed. `dials` are those placed for this
    operator (a predictive dial belongs to nobody), `conversations` those this operator had.
    `line_seconds` is the sum of dialing, talking, hold and consult.
    """

    login: str
    name: str
    dials: int
    conversations: int
    line_seconds: float
    shift_seconds: float
    dial_interval_seconds: Intervals
    states: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """One campaign's attempts placed in the period.

    `abandoned_share` is abandoned of all that a person answered (with an operator or without);
    None where nobody answered.
    """

    campaign: str
    attempts: int
    in_progress: int
    outcomes: Mapping[str, int]
    conversations: int
    abandoned: int
    abandoned_share: float | None
    dial_interval_seconds: Intervals


def period(since: str | None, until: str | None, time_zone: str, now: datetime) -> Period:
    """The period that people mean: dates or times of the floor's time zone, ISO 8601.

    Without `since` it begins today at midnight; a date as `until` includes that day; without
    `until` it ends now. Raises ReportError `bad_period`.
    """
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    begin = _moment(since, zone) if since else _midnight(today, zone)
    end = _moment(until, zone, end_of_day=True) if until else now.astimezone(UTC)
    if begin >= end:
        raise ReportError(
            "bad_period", f"the period begins at {begin:%Y-%m-%d %H:%M} UTC and ends before that"
        )
    return Period(begin, end)


def _moment(text: str, zone: ZoneInfo, *, end_of_day: bool = False) -> datetime:
    try:
        if len(text) <= len("2026-01-31"):
            day = date.fromisoformat(text)
            return _midnight(day + timedelta(days=1) if end_of_day else day, zone)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ReportError(
            "bad_period", f"{text!r} is no date; write 2026-01-31 or 2026-01-31T09:00"
        ) from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def line_seconds(states: Mapping[str, float]) -> float:
    """Line time out of seconds by state."""
    return sum(states.get(state.value, 0.0) for state in LINE_STATES)


def abandoned_share(abandoned: int, conversations: int, answered: int) -> float | None:
    """Abandoned of all answered by a person; a conversation is an answered one."""
    people = abandoned + max(answered, conversations)
    return abandoned / people if people else None
