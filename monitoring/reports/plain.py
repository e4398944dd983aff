"""PURE. A report as JSON and as CSV, for programs and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime

from campaigns.lists.intake import no_formula
from campaigns.refusals import Language, Sentence
from monitoring.reports.layout import rows_of
from monitoring.reports.period import GREENWICH, Period
from monitoring.reports.sheet import Form, Kind, Report, Row, Table, Value, change
from monitoring.reports.words import Words

PLACES = {"share": 6, "seconds": 3, "duration": 3, "number": 6}


def json_text(report: Report, language: Language) -> str:
    """One object: keys do not depend on the language, titles do. Seconds are numbers, shares
    0..1, moments ISO 8601 in the report's zone. A compared row has `before` and `change` too."""
    return json.dumps(document(report, language), ensure_ascii=False, indent=2, allow_nan=False)


def document(report: Report, language: Language) -> dict[str, object]:
    """What `json_text` writes."""
    return {
        "report": report.name,
        "title": report.title.to(language),
        "floor": report.floor,
        "period": _period(report.period),
        "compared": _period(report.compared) if report.compared else None,
        "by": report.by,
        "filters": {kind: list(names) for kind, names in report.filters.items()},
        "generated_at": report.generated_at.astimezone(report.period.zone).isoformat(),
        "warnings": [warning.to(language) for warning in report.warnings],
        "nothing": report.nothing.to(language) if report.nothing else None,
        "tables": {table.key: _table(table, report, language) for table in report.tables},
    }


def _period(period: Period) -> dict[str, object]:
    since, until = period.local
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        "zone": period.zone.key,
        "so_far": period.so_far,
    }


def _table(table: Table, report: Report, language: Language) -> dict[str, object]:
    form = table.form
    return {
        "title": form.title.to(language),
        "columns": [
            {
                "key": column.key,
                "kind": column.kind,
                "title": column.title.to(language),
                "help": column.help.to(language),
            }
            for column in form.columns
        ],
        "rows": [_row(form, row, report, language) for row in table.rows],
        "totals": _row(form, table.totals, report, language) if table.totals else None,
        "note": table.note.to(language) if table.note else None,
    }


def _row(form: Form, row: Row, report: Report, language: Language) -> dict[str, object]:
    def cells(values: tuple[Value, ...]) -> dict[str, object]:
        pairs = zip(form.columns, values, strict=True)
        return {c.key: _plain(c.kind, value, report, language) for c, value in pairs}

    found = cells(row.cells)
    if row.before:
        found["before"] = cells(row.before)
        changes = zip(form.columns, row.cells, row.before, strict=True)
        found["change"] = {
            column.key: _plain(column.kind, difference, report, language)
            for column, now, before in changes
            if (difference := change(column, now, before)) is not None
        }
    return found


def _plain(kind: str, value: Value, report: Report, language: Language) -> object:
    if isinstance(value, Sentence):
        return value.to(language)
    if isinstance(value, datetime):
        return value.astimezone(report.period.zone).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, PLACES.get(kind, 6))
    return value


CSV_MARK = "\ufeff"
"""Before a file of it, so that spreadsheets take it for UTF-8."""


def csv_text(report: Report, language: Language) -> str:
    """Tables one below the other with an empty line between, each a header and rows; totals last.

    As the language's spreadsheets read it: Russian has semicolons and decimal commas, English has
    commas and points. Durations are seconds, shares per cent, moments without their zone (the
    report's). No cell begins a formula: signs are only before numbers. Comes without CSV_MARK.
    """
    file = io.StringIO()
    separator = ";" if language == "ru" else ","
    writer = csv.writer(file, delimiter=separator, lineterminator="\r\n")
    for number, table in enumerate(report.tables):
        if number:
            writer.writerow([])
        writer.writerow([no_formula(cell) for cell in csv_header(table, language)])
        writer.writerows(_csv_row(table, row, report, language) for row in rows_of(table))
    return file.getvalue()


def csv_header(table: Table, language: Language) -> list[str]:
    """Titles with their units; of a compared table, each measure three times."""
    before, less = (", before", ", change") if language == "en" else (", раньше", ", разница")
    words, titles = Words(language, GREENWICH), list[str]()
    for number, column in enumerate(table.form.columns):
        title = words.head(column)
        if column.kind in ("seconds", "duration"):
            title += words.say(" (s)", " (с)")
        elif column.kind == "share":
            title += " (%)"
        titles.append(title)
        if table.compared and number >= table.form.names:
            titles += [title + before, title + less]
    return titles


def _csv_row(table: Table, row: Row, report: Report, language: Language) -> list[str]:
    cells: list[str] = []
    earlier = row.before or (None,) * len(row.cells)
    columns = zip(table.form.columns, row.cells, earlier, strict=True)
    for number, (column, now, before) in enumerate(columns):
        if row is table.totals and number == 0 and now is None:
            now = Sentence("Total", "Всего")
        cells.append(_csv_cell(column.kind, now, report, language))
        if table.compared and number >= table.form.names:
            cells.append(_csv_cell(column.kind, before, report, language))
            cells.append(_csv_cell(column.kind, change(column, now, before), report, language))
    return cells


def _csv_cell(kind: Kind, value: Value, report: Report, language: Language) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(report.period.zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | Sentence | bool) or kind in ("hour", "weekday"):
        return no_formula(Words(language, report.period.zone).value(kind, value))
    if isinstance(value, int) and kind != "share":
        return str(value)
    text = f"{100 * value:.2f}" if kind == "share" else f"{value:.3f}"
    return text.replace(".", ",") if language == "ru" else text
