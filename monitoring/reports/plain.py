"""PURE. A report as JSON and as CSV, for programs and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime

from campaigns.lists.intake import no_formula
from campaigns.refusals import Language, Sentence
from monitoring.reports.period import Period
from monitoring.reports.sheet import Form, Report, Row, Table, Value, change
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
            {"key": column.key, "kind": column.kind, "title": column.title.to(language)}
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


def csv_text(report: Report, language: Language) -> str:
    """Tables one below the other, each with its title and a header of titles, semicolons between
    cells. Numbers are as the language writes them, so that its spreadsheet reads them; durations
    are seconds. No cell begins a formula: signs are only before numbers.

    Comes without the mark of UTF-8 (see CSV_MARK).
    """
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    words = Words(language, report.period.zone)
    lines = [report.title.to(language), *words.heading(report)]
    lines += [warning.to(language) for warning in report.warnings]
    lines += [report.nothing.to(language)] if report.nothing else []
    writer.writerows([no_formula(line)] for line in lines)
    for table in report.tables:
        writer.writerow([])
        writer.writerow([no_formula(table.form.title.to(language))])
        writer.writerow([no_formula(cell) for cell in csv_header(table, language)])
        rows = (*table.rows, *([table.totals] if table.totals else ()))
        writer.writerows(_csv_row(table, row, report, language) for row in rows)
        if table.note:
            writer.writerow([no_formula(table.note.to(language))])
    return file.getvalue()


CSV_MARK = "\ufeff"


def csv_header(table: Table, language: Language) -> list[str]:
    """Titles with their units; of a compared table, each measure three times."""
    before, less = (", before", ", change") if language == "en" else (", раньше", ", разница")
    titles: list[str] = []
    for number, column in enumerate(table.form.columns):
        title = column.title.to(language)
        if column.kind in ("seconds", "duration"):
            title += ", s" if language == "en" else ", с"
        elif column.kind == "share":
            title += ", %"
        titles.append(title)
        if table.compared and number >= table.form.names:
            titles += [title + before, title + less]
    return titles


def _csv_row(table: Table, row: Row, report: Report, language: Language) -> list[str]:
    cells: list[str] = []
    earlier = row.before or (None,) * len(row.cells)
    columns = zip(table.form.columns, row.cells, earlier, strict=True)
    for number, (column, now, before) in enumerate(columns):
        cells.append(_csv_cell(column.kind, now, report, language))
        if table.compared and number >= table.form.names:
            cells.append(_csv_cell(column.kind, before, report, language))
            cells.append(_csv_cell(column.kind, change(column, now, before), report, language))
    return cells


def _csv_cell(kind: str, value: Value, report: Report, language: Language) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        words = Words(language, report.period.zone)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        return no_formula(words.value("text", value))
    number = 100 * value if kind == "share" else value
    text = str(number) if isinstance(number, int) else f"{number:.{_places(kind)}f}"
    if language == "ru":
        text = text.replace(".", ",")
    return text


def _places(kind: str) -> int:
    return 2 if kind == "share" else 3
