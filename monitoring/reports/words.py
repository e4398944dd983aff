"""PURE. Values as people read them, in Russian and in English."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_day_names
from babel.numbers import format_decimal, format_percent
from babel.plural import PluralRule

from campaigns.refusals import Language, Sentence
from monitoring.reports.period import Period
from monitoring.reports.sheet import Column, Kind, Report, Value, change, direction

LOCALES = {"ru": Locale("ru"), "en": Locale("en", "GB")}
NONE = "–"
MINUS = "−"
ARROWS = {1: "▲", -1: "▼", 0: "="}

DAYS = {
    "en": {"one": "day", "other": "days"},
    "ru": {"one": "день", "few": "дня", "many": "дней", "other": "дня"},
}
ROWS = {
    "en": {"one": "row", "other": "rows"},
    "ru": {"one": "строка", "few": "строки", "many": "строк", "other": "строки"},
}


class Words:
    """One language and one zone: everything a report shows as text goes through here."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language, self._zone = language, zone
        self._locale = LOCALES[language]

    def say(self, en: str, ru: str) -> str:
        return ru if self.language == "ru" else en

    def to(self, sentence: Sentence) -> str:
        return sentence.to(self.language)

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
            return str(format_datetime(local, "dd.MM.yyyy HH:mm:ss", locale=self._locale))
        if isinstance(value, date):
            return str(format_date(value, "ccc dd.MM.yyyy", locale=self._locale))
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
        plus = "+" if sign > 0 else ""
        return f"{ARROWS[sign]} {plus}{text}{self._relative(column, difference, before)}"

    def _relative(self, column: Column, difference: float, before: Value) -> str:
        if column.kind == "share" or not isinstance(before, int | float) or not before:
            return ""
        pattern = self.say("+#,##0%;-#,##0%", "+#,##0\u00a0%;-#,##0\u00a0%")
        share = format_percent(_half_up(difference / before, 2), pattern, locale=self._locale)
        return f" ({share})".replace("-", MINUS)

    def judged(self, column: Column, now: Value, before: Value) -> str:
        """`better`, `worse`, or empty: what colour cannot say alone."""
        match direction(column, change(column, now, before)):
            case "good":
                return self.say("better", "лучше")
            case "bad":
                return self.say("worse", "хуже")
        return ""

    def plural(self, count: int, forms: dict[str, dict[str, str]]) -> str:
        """`21 день`, `5 дней`, `1 day`."""
        rule: PluralRule = self._locale.plural_form
        own = forms[self.language]
        number = format_decimal(count, "#,##0", locale=self._locale)
        return f"{number} {own.get(rule(count), own['other'])}"

    def period(self, period: Period) -> str:
        """`24 November 2026, 00:00–12:30 (so far)`; whole days without hours."""
        begin, end = period.local
        whole = not (begin.time().isoformat() != "00:00:00" or end.time() != begin.time())
        if whole or (period.so_far and begin.time().isoformat() == "00:00:00"):
            first, last = self._day(period.first_day), self._day(period.last_day)
            text = first if first == last else f"{first} – {last}"
        else:
            text = f"{self._moment(begin)} – {self._moment(end)}"
        if period.so_far:
            until = format_datetime(end, "HH:mm", locale=self._locale)
            text += self.say(f", so far (until {until})", f", пока (до {until})")
        return f"{text}, {self._zone.key}"

    def _day(self, day: date) -> str:
        return str(format_date(day, self.say("d MMMM y", "d MMMM y 'г'."), locale=self._locale))

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
