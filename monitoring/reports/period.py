"""PURE. The time that a report is about, as people write it.

A date, a moment (`2026-11-24T09:00`), or a name: `today`, `yesterday`, `week` (this one),
`last month`, `last 7 days`, `2026-11`, `2026-W47`, `2026-Q4`, `2026`, in Russian too. All in one
time zone, the floor's or the viewer's; days have 23, 24 or 25 hours there, as its clocks say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitoring.reports.errors import ReportError

GREENWICH = ZoneInfo("UTC")
DAY = timedelta(days=1)
MONTHS = 12
MOST_DAYS_BACK = 4000
HOW_EN = (
    "write a date (2026-01-31), a time (2026-01-31T09:00), today, yesterday, week, last week, "
    "last month, last 7 days, 2026-01, 2026-W05, 2026-Q1 or 2026"
)
HOW_RU = (
    "напишите дату (31.01.2026), время (2026-01-31T09:00), сегодня, вчера, неделя, прошлая "
    "неделя, прошлый месяц, последние 7 дней, 2026-01, 2026-W05, 2026-Q1 или 2026"
)
FIRST_DAY = "2000-01-01"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a period, cut to it; hours between: 23, 24 or 25 when it is whole."""

    date: date
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` (counted in) to `until` (not counted in), both aware, in UTC.

    `zone` is the one whose days are meant. `asked_until` is later than `until` where the period
    goes on: it was cut at the present moment.
    """

    since: datetime
    until: datetime
    zone: ZoneInfo = GREENWICH
    asked_until: datetime | None = None

    @property
    def so_far(self) -> bool:
        """Whether it is not over."""
        return self.asked_until is not None and self.asked_until > self.until

    @property
    def local(self) -> tuple[datetime, datetime]:
        """Both ends by the clocks of the zone."""
        return self.since.astimezone(self.zone), self.until.astimezone(self.zone)

    @property
    def first_day(self) -> date:
        return self.since.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """The last one that has any time in it."""
        last = max(self.since, self.until - timedelta(microseconds=1))
        return last.astimezone(self.zone).date()

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()

    def days(self) -> Iterator[Day]:
        """Its days in order, without gaps; the first and the last may be cut."""
        day = self.first_day
        while day <= self.last_day:
            since, until = midnight(day, self.zone), midnight(day + DAY, self.zone)
            yield Day(day, max(since, self.since), min(until, self.until))
            day += DAY


@dataclass(frozen=True, slots=True)
class _Span:
    """What one text names. `open`: a point to begin at, not a period of its own."""

    since: datetime
    until: datetime
    open: bool = False


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, in UTC; where clocks skip midnight, the moment they do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def period(since: str | None, until: str | None, zone: ZoneInfo, now: datetime) -> Period:
    """The period that people mean.

    Nothing: today. A name as `since` alone is that period; a date or a moment alone lasts until
    now. With both, from where `since` begins to where `until` ends (a moment as `until` is not
    counted in). What is still to come is cut off. Raises ReportError `bad_period`.
    """
    first = _span(since or "today", zone, now)
    if until:
        last = _span(until, zone, now)
        return _period(first.since, last.until, zone, now, (since or "today", until))
    end = max(now.astimezone(UTC), first.since) if first.open else first.until
    return _period(first.since, end, zone, now, (since or "today", "now"))


def limits(
    since: str | None, until: str | None, zone: ZoneInfo, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Beginning and end of what is asked for; None, None: of all time. `until` alone: from the
    first day on. Raises ReportError `bad_period`."""
    if since is None and until is None:
        return None, None
    when = period(since or FIRST_DAY, until, zone, now)
    return when.since, when.until


def compared_period(text: str, to: Period, now: datetime) -> Period:
    """What `to` is compared with: `previous`, `week` or `year` (so long before, by the clocks),
    a name, or two texts with `..` between them. Raises ReportError `bad_period`."""
    match _plain(text):
        case "previous" | "before" | "прошлый период" | "предыдущий" | "предыдущий период":
            return _previous(to)
        case "week" | "a week before" | "неделя" | "неделю назад":
            return _moved(to, days=7)
        case "year" | "a year before" | "год" | "год назад":
            return _moved(to, months=MONTHS)
    since, dots, until = text.partition("..")
    return period(since.strip(), until.strip() if dots else None, to.zone, now)


def _period(
    since: datetime, until: datetime, zone: ZoneInfo, now: datetime, said: tuple[str, str]
) -> Period:
    if since >= now:
        local = now.astimezone(zone)
        raise ReportError(
            "bad_period",
            f"the period from {said[0]!r} has not begun yet: now it is {local:%Y-%m-%d %H:%M}",
            f"период с {said[0]!r} ещё не начался: сейчас {local:%d.%m.%Y %H:%M}",
        )
    if since >= until:
        raise ReportError(
            "bad_period",
            f"the period begins with {said[0]!r} and ends before that, with {said[1]!r}; "
            f"meant is perhaps --from {said[1]!r} --to {said[0]!r}",
            f"период начинается с {said[0]!r}, а кончается раньше: {said[1]!r}; "
            f"возможно, нужно --from {said[1]!r} --to {said[0]!r}",
        )
    return Period(since, min(until, now.astimezone(UTC)), zone, until)


def _previous(to: Period) -> Period:
    """The calendar months before whole months; else the days before, by the clocks."""
    begin = to.since.astimezone(to.zone)
    end = (to.asked_until or to.until).astimezone(to.zone)
    months = (end.year - begin.year) * MONTHS + end.month - begin.month
    whole = all((moment.day, moment.time()) == (1, time()) for moment in (begin, end))
    if whole and months:
        return _moved(to, months=months)
    length = end.replace(tzinfo=None) - begin.replace(tzinfo=None)
    return _moved(to, days=max(1, -(-length // DAY)))


def _moved(to: Period, *, days: int = 0, months: int = 0) -> Period:
    """So long before, by the clocks of the zone. A day that a month does not have is its end."""
    since, until = (_back(moment, to.zone, days, months) for moment in (to.since, to.until))
    if since >= until:  # a part of a 29th of February, a year before
        until = since + (to.until - to.since)
    return Period(since, until, to.zone)


def _back(moment: datetime, zone: ZoneInfo, days: int, months: int) -> datetime:
    local = moment.astimezone(zone)
    index = local.year * MONTHS + local.month - 1 - months
    year, month = divmod(index, MONTHS)
    first = date(year, month + 1, 1)
    following = _next_month(first)
    if local.day > (following - first).days:
        return midnight(following, zone)
    day = first.replace(day=local.day) - timedelta(days=days)
    return datetime.combine(day, local.timetz().replace(tzinfo=zone)).astimezone(UTC)


def _span(text: str, zone: ZoneInfo, now: datetime) -> _Span:
    try:
        today = now.astimezone(zone).date()
        days = _days(_plain(text), today)
        if days is not None:
            since, until, is_open = days
            return _Span(midnight(since, zone), midnight(until, zone), is_open)
        moment = datetime.fromisoformat(text.strip()) if _plain(text) != "now" else now
        at = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        return _Span(at, at, open=True)
    except (ValueError, OverflowError):
        raise _no_date(text) from None


def _no_date(text: str) -> ReportError:
    """What would be right: of a day that its month does not have, the month's last."""
    if last := _last_day(_plain(text)):
        return ReportError(
            "bad_period",
            f"there is no {text!r}: the last day of that month is {last:%Y-%m-%d}",
            f"даты {text!r} нет: последний день того месяца {last:%d.%m.%Y}",
        )
    return ReportError(
        "bad_period", f"{text!r} is no date; {HOW_EN}", f"{text!r} не дата; {HOW_RU}"
    )


def _last_day(text: str) -> date | None:
    """The last day of the month that a date too late in it names; None: it is no such date."""
    if found := re.match(r"(\d{4})-(\d{2})-(\d{2})(?!\d)", text):
        year, month, day = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        day, month, year = (int(part) for part in found.groups())
    else:
        return None
    try:
        last = _next_month(date(year, month, 1)) - DAY
    except (ValueError, OverflowError):
        return None
    return last if day > last.day else None


def _plain(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.strip().lower().replace("ё", "е"))


def _days(text: str, today: date) -> tuple[date, date, bool] | None:
    """First day, the day after the last, and whether it is one date alone; None for a moment."""
    named = _named(text.replace("-", " "), today)
    if named:
        return *named, False
    if found := re.fullmatch(r"(\d{4})(?:-(?:(\d{2})|w(\d{2})|q([1-4])))?", text):
        return *_calendar(*found.groups()), False
    if found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        day = date(int(found[3]), int(found[2]), int(found[1]))
        return day, day + DAY, True
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = date.fromisoformat(text)
        return day, day + DAY, True
    return None


def _calendar(
    year: str, month: str | None, week: str | None, quarter: str | None
) -> tuple[date, date]:
    if week:
        monday = date.fromisocalendar(int(year), int(week), 1)
        return monday, monday + 7 * DAY
    if month:
        first = date(int(year), int(month), 1)
        return first, _next_month(first)
    if quarter:
        first = date(int(year), 3 * int(quarter) - 2, 1)
        return first, _next_month(first, 3)
    return date(int(year), 1, 1), date(int(year) + 1, 1, 1)


def _next_month(day: date, months: int = 1) -> date:
    """The first day of the month that many later."""
    year, month = divmod(day.year * MONTHS + day.month - 1 + months, MONTHS)
    return date(year, month + 1, 1)


def _named(text: str, today: date) -> tuple[date, date] | None:
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    match text:
        case "today" | "сегодня":
            return today, today + DAY
        case "yesterday" | "вчера":
            return today - DAY, today
        case "week" | "this week" | "неделя" | "эта неделя" | "на этой неделе":
            return monday, monday + 7 * DAY
        case "last week" | "прошлая неделя" | "на прошлой неделе":
            return monday - 7 * DAY, monday
        case "month" | "this month" | "месяц" | "этот месяц" | "в этом месяце":
            return first, _next_month(first)
        case "last month" | "прошлый месяц" | "в прошлом месяце":
            return (first - DAY).replace(day=1), first
        case "year" | "this year" | "год" | "этот год" | "в этом году":
            return first.replace(month=1), date(today.year + 1, 1, 1)
        case "last year" | "прошлый год" | "в прошлом году":
            return date(today.year - 1, 1, 1), first.replace(month=1)
    found = re.fullmatch(r"(?:last|последние|последних) (\d{1,4}) (?:days?|дн\w+)", text)
    if found and 0 < int(found[1]) <= MOST_DAYS_BACK:
        return today - (int(found[1]) - 1) * DAY, today + DAY
    return None
