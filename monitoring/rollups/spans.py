"""PURE. Which part of a period is read from roll-ups, and which from the rows themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitoring.reports.period import midnight

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` (counted in) to `until` (not counted in)."""

    since: datetime
    until: datetime


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of time without gaps. `floor`: where the cell of a moment begins; `after`: where the
    next one does."""

    floor: Callable[[datetime], datetime]
    after: Callable[[datetime], datetime]

    def ceil(self, moment: datetime) -> datetime:
        """The first beginning of a cell that is not before `moment`."""
        begin = self.floor(moment)
        return begin if begin == moment else self.after(moment)


Cut = Callable[[Span, Span | None, Iterable[Span], Grid], tuple[Spans, Spans]]
"""`split`, `split_by_hours` or what `hours_inside` makes."""


def _even(step: timedelta) -> Grid:
    def floor(moment: datetime) -> datetime:
        return moment - (moment - EPOCH) % step

    return Grid(floor, lambda moment: floor(moment) + step)


QUARTERS = _even(QUARTER)
HOURS = _even(HOUR)
"""Hours of UTC: those of every zone that is whole hours away from it."""


def in_step(since: datetime, until: datetime, *zones: ZoneInfo) -> bool:
    """Whether hours of all `zones` begin together on every day from `since` to `until`."""
    days = range((until - since).days + 2)
    moments = [min(since + DAY * day, until) for day in days]
    offsets = (moment.astimezone(zone).utcoffset() for zone in zones for moment in moments)
    return len({(offset or HOUR) % HOUR for offset in offsets}) == 1


def days_of(zone: ZoneInfo) -> Grid:
    """Calendar days of `zone`, of 23, 24 or 25 hours."""

    def day(moment: datetime) -> datetime:
        return midnight(moment.astimezone(zone).date(), zone)

    def next_day(moment: datetime) -> datetime:
        return midnight(moment.astimezone(zone).date() + DAY, zone)

    return Grid(day, next_day)


def hours_of(days: Grid) -> Grid:
    """Hours of each day, counted from its beginning."""

    def hour(moment: datetime) -> datetime:
        day = days.floor(moment)
        return day + (moment - day) // HOUR * HOUR

    return Grid(hour, lambda moment: min(hour(moment) + HOUR, days.after(moment)))


def changed(grid: Grid, marks: Iterable[Span]) -> Spans:
    """Whole cells that marks (whose ends are counted in) touch, in order, without overlaps."""
    joined: list[Span] = []
    for since, until in sorted((grid.floor(m.since), grid.after(m.until)) for m in marks):
        if joined and since <= joined[-1].until:
            joined[-1] = Span(joined[-1].since, max(joined[-1].until, until))
        else:
            joined.append(Span(since, until))
    return tuple(joined)


def without(whole: Span, holes: Iterable[Span]) -> Spans:
    """What is left of `whole`; holes are in order and do not overlap."""
    left, at = [], whole.since
    for hole in holes:
        left.append(Span(at, min(hole.since, whole.until)))
        at = max(at, hole.until)
    left.append(Span(at, whole.until))
    return tuple(span for span in left if span.since < span.until)


def overlap(spans: Iterable[Span], within: Span) -> Spans:
    """The parts of `spans` inside `within`."""
    cut = (Span(max(s.since, within.since), min(s.until, within.until)) for s in spans)
    return tuple(span for span in cut if span.since < span.until)


def split(
    period: Span, rolled: Span | None, marks: Iterable[Span], grid: Grid
) -> tuple[Spans, Spans]:
    """The period as (whole cells that are rolled up and have not changed since, all the rest)."""
    if rolled is None:
        return (), (period,)
    since = grid.ceil(max(period.since, rolled.since))
    until = grid.floor(min(period.until, rolled.until))
    if since >= until:
        return (), (period,)
    kept = without(Span(since, until), changed(grid, marks))
    return kept, without(period, kept)


def split_by_hours(
    period: Span, rolled: Span | None, marks: Iterable[Span], days: Grid
) -> tuple[Spans, Spans]:
    """The period as (whole hours of days, which are rolled up with their days and have not changed
    since; all the rest)."""
    around = Span(days.floor(period.since), days.ceil(period.until))
    kept_days, _ = split(around, rolled, marks, days)
    hours = hours_of(days)
    whole = Span(hours.ceil(period.since), hours.floor(period.until))
    kept = overlap(kept_days, whole)
    return kept, without(period, kept)


def hours_inside(viewed: Grid) -> Cut:
    """As `split_by_hours`, but hours in which a day of `viewed` begins are left to the rest."""

    def cut(
        period: Span, rolled: Span | None, marks: Iterable[Span], days: Grid
    ) -> tuple[Spans, Spans]:
        kept, _ = split_by_hours(period, rolled, marks, days)
        at, begins = viewed.ceil(period.since), []
        while at < period.until:
            begins.append(Span(at, at))
            at = viewed.after(at)
        holes = changed(hours_of(days), begins)
        kept = tuple(left for span in kept for left in without(span, holes))
        return kept, without(period, kept)

    return cut
