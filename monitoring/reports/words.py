"""PURE. Values as people read them, in Russian and in English."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, get_day_names
from babel.numbers import format_decimal, format_percent

from campaigns.refusals import Language, Sentence
from monitoring.reports.period import Period
from monitoring.reports.sheet import Column, Kind, Report, Value, change

LOCALES = {"ru": Locale("ru"), "en": Locale("en", "GB")}
MIDNIGHT = time()
NONE = "–"
MINUS = "−"
ARROWS = {1: "▲", -1: "▼", 0: "="}


class Words:
    """One language and one zone: everything a report shows as text goes through here."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language, self._zone = language, zone
        self._locale = LOCALES[language]

    def say(self, en: str, ru: str) -> str:
        return ru if self.language == "ru" else en

    def to(self, sentence: Sentence) -> str:
        return sentence.to(self.language)

    def head(self, column: Column) -> str:
        """A column's title at the head of it."""
        title = self.to(column.title)
        return title[:1].upper() + title[1:]

    def value(self, kind: Kind, value: Value) -> str:
        """One cell."""
        if value is None:
            return NONE
        if isinstance(value, Sentence):
            return self.to(value)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return self.say("yes", "да") if value else self.say("no", "нет")
        if isinstance(value, datetime):
            local = value.astimezone(self._zone)
            pattern = self.say("d MMM y, HH:mm:ss", "dd.MM.y HH:mm:ss")
            return str(format_datetime(local, pattern, locale=self._locale))
        if isinstance(value, date):
            pattern = self.say("ccc d MMM y", "ccc dd.MM.y")
            return str(format_date(value, pattern, locale=self._locale))
        return self._number(kind, value)

    def _number(self, kind: Kind, value: float) -> str:
        match kind:
            case "duration":
                return duration(value)
            case "share":
                pattern = self.say("#,##0.0%", "#,##0.0\u00a0%")
                return str(format_percent(_half_up(value, 3), pattern, locale=self._locale))
            case "seconds" | "number":
                return str(format_decimal(_half_up(value, 1), "#,##0.0", locale=self._locale))
            case "hour":
                return f"{int(value):02}:00"
            case "weekday":
                names = get_day_names("abbreviated", "stand-alone", self._locale)
                return str(names[int(value)])
        return str(format_decimal(value, "#,##0.###", locale=self._locale))

    def change(self, column: Column, now: Value, before: Value) -> str:
        """`▲ +12 (+8.1%)`; of shares, percentage points. Empty where nothing can be said."""
        difference = change(column, now, before)
        if difference is None:
            return ""
        if column.kind == "share":
            number = format_decimal(_half_up(difference * 100, 1), "#,##0.0", locale=self._locale)
            text = f"{number} {self.say('pp', 'п. п.')}"
        else:
            text = self._number(column.kind, difference)
        text = text.replace("-", MINUS)
        sign = (difference > 0) - (difference < 0)
        if not sign:
            return ARROWS[0]
        plus = "+" if sign > 0 else ""
        return f"{ARROWS[sign]} {plus}{text}{self._relative(column, difference, before)}"

    def _relative(self, column: Column, difference: float, before: Value) -> str:
        if column.kind == "share" or not isinstance(before, int | float) or not before:
            return ""
        pattern = self.say("+#,##0%;-#,##0%", "+#,##0\u00a0%;-#,##0\u00a0%")
        part = _half_up(difference / before, 2)
        if not part:
            return ""
        share = format_percent(part, pattern, locale=self._locale)
        return f" ({share})".replace("-", MINUS)

    def period(self, period: Period) -> str:
        """`24 November 2026, so far (until 12:30), Europe/Moscow`; whole days without hours."""
        begin, end = period.local
        whole_days = begin.time() == MIDNIGHT and (period.so_far or end.time() == MIDNIGHT)
        if whole_days:
            text = self._days(period.first_day, period.last_day)
        else:
            text = f"{self._moment(begin)} – {self._moment(end)}"
        if period.so_far:
            until = format_datetime(end, "HH:mm", locale=self._locale)
            text += self.say(f", so far (until {until})", f", пока (до {until})")
        return f"{text}, {self._zone.key}"

    def _days(self, first: date, last: date) -> str:
        """`2–7 March 2026`."""
        if first != last:
            return str(format_interval(first, last, "yMMMMd", locale=self._locale))
        pattern = self.say("d MMMM y", "d MMMM y 'г'.")
        return str(format_date(first, pattern, locale=self._locale))

    def _moment(self, moment: datetime) -> str:
        pattern = self.say("d MMMM y, HH:mm", "d MMMM y 'г'., HH:mm")
        return str(format_datetime(moment, pattern, locale=self._locale))

    def heading(self, report: Report) -> list[str]:
        """What stands below the title: period, comparison, narrowing, when it was made."""
        lines = [self.period(report.period)]
        if report.compared:
            lines.append(
                self.say("compared with ", "в сравнении с периодом ") + self.period(report.compared)
            )
        for kind, names in report.filters.items():
            lines.append(f"{self.to(FILTER_TITLES[kind])}: {', '.join(names)}")
        made = self.value("moment", report.generated_at)
        lines.append(
            self.say(
                f"floor {report.floor}, made {made}", f"площадка {report.floor}, составлен {made}"
            )
        )
        return lines


FILTER_TITLES = {
    "operator": Sentence("only operators", "только операторы"),
    "team": Sentence("only teams", "только группы"),
    "campaign": Sentence("only campaigns", "только кампании"),
    "list": Sentence("only lists", "только базы"),
}


def duration(seconds: float) -> str:
    """`27:15:04`: hours, minutes, seconds; hours do not turn into days."""
    whole = int(_half_up(abs(seconds), 0))
    sign = MINUS if seconds < 0 and whole else ""
    return f"{sign}{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def _half_up(value: float, places: int) -> Decimal:
    """As people round: 0.125 to 0.13. Of the shortest decimal that is this float."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
