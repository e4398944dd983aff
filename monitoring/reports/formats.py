"""What a report can be written as. Blocking: large ones take a second."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from campaigns.refusals import Language
from monitoring.reports.book import xlsx_bytes
from monitoring.reports.errors import ReportError
from monitoring.reports.page import html_text
from monitoring.reports.plain import CSV_MARK, csv_text, json_text
from monitoring.reports.sheet import Report
from monitoring.reports.terminal import Terminal

TEXT_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Format:
    """`taken_out`: a file that goes out of the house; taking one is written into the audit."""

    name: str
    content_type: str
    write: Callable[[Report, Language], bytes]
    taken_out: bool = True

    @property
    def suffix(self) -> str:
        return ".txt" if self.name == "table" else f".{self.name}"


def _table(report: Report, language: Language) -> bytes:
    file = io.StringIO()
    Console(file=file, width=TEXT_WIDTH, color_system=None).print(Terminal(report, language))
    return file.getvalue().encode()


def _csv(report: Report, language: Language) -> bytes:
    return (CSV_MARK + csv_text(report, language)).encode()


def _json(report: Report, language: Language) -> bytes:
    return (json_text(report, language) + "\n").encode()


def _html(report: Report, language: Language) -> bytes:
    return html_text(report, language).encode()


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS = (
    Format("table", "text/plain; charset=utf-8", _table, taken_out=False),
    Format("csv", "text/csv; charset=utf-8", _csv),
    Format("xlsx", XLSX, xlsx_bytes),
    Format("json", "application/json; charset=utf-8", _json, taken_out=False),
    Format("html", "text/html; charset=utf-8", _html),
)
FORMATS: Mapping[str, Format] = {one.name: one for one in _FORMATS}


def format_named(name: str) -> Format:
    """Raises ReportError `bad_format`."""
    found = FORMATS.get(name.strip().lower())
    if found is not None:
        return found
    can = ", ".join(FORMATS)
    raise ReportError(
        "bad_format",
        f"a report cannot be written as {name!r}; as: {can}",
        f"отчёт нельзя записать как {name!r}; можно: {can}",
    )


def format_of_file(path: Path) -> Format:
    """By the end of its name. Raises ReportError `bad_format`."""
    for one in _FORMATS:
        if path.suffix.lower() == one.suffix:
            return one
    can = ", ".join(one.suffix for one in _FORMATS)
    raise ReportError(
        "bad_format",
        f"{path.name!r} does not say what to write; end the name with one of {can}, or give "
        "--format",
        f"по имени {path.name!r} не видно, что записать; закончите его на {can} или укажите "
        "--format",
    )


def file_name(report: Report, form: Format) -> str:
    """`productivity-2026-03-01-2026-03-31.xlsx`, days of the report's zone."""
    first, last = report.period.first_day, report.period.last_day
    days = f"{first}" if first == last else f"{first}-{last}"
    return f"{report.name}-{days}{form.suffix}"
