"""A report as an Excel workbook: a sheet for each table, numbers as numbers. Blocking."""

from __future__ import annotations

import io
import re
from datetime import date, datetime
from typing import Any

import xlsxwriter

from campaigns.refusals import Language, Sentence
from monitoring.reports.layout import heat_of, rows_of
from monitoring.reports.sheet import Chart, Column, Kind, Report, Row, Table, Value, change
from monitoring.reports.words import Words

SECONDS_A_DAY = 86400
SHEET_NAME_CHARS = 31
NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
WIDEST, NARROWEST = 44, 9
FORMATS: dict[Kind, str] = {
    "count": "#,##0",
    "number": "#,##0.0",
    "share": "0.0%",
    "seconds": "#,##0.0",
    "duration": "[h]:mm:ss",
    "date": "dd.mm.yyyy",
    "moment": "dd.mm.yyyy hh:mm:ss",
}
# Excel shows no negative time (it does not have one in the system of 1900): changes of durations
# are seconds. Changes of shares are percentage points.
CHANGES: dict[Kind, str] = {
    "count": '"▲ +"#,##0;"▼ −"#,##0;"="',
    "number": '"▲ +"#,##0.0;"▼ −"#,##0.0;"="',
    "seconds": '"▲ +"#,##0.0;"▼ −"#,##0.0;"="',
    "duration": '"▲ +"#,##0;"▼ −"#,##0;"="',
    "share": '"▲ +"#,##0.0;"▼ −"#,##0.0;"="',
}
UNITS: dict[Kind, Sentence] = {
    "duration": Sentence(", s", ", с"),
    "share": Sentence(", pp", ", п. п."),
}
HOT = "#F4A261"


def xlsx_bytes(report: Report, language: Language) -> bytes:
    """The whole file. Texts are never formulas or links; durations are Excel's own times."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    book.set_properties({"title": report.title.to(language), "comments": report.floor})
    _Book(book, report, language).write()
    book.close()
    return file.getvalue()


class _Book:
    def __init__(self, book: Any, report: Report, language: Language) -> None:
        self._book, self._report, self._language = book, report, language
        self._words = Words(language, report.period.zone)
        self._bold = book.add_format({"bold": True})
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._head = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8EEF4"}
        )
        self._formats: dict[tuple[str, bool], Any] = {}
        self._names: set[str] = set()

    def write(self) -> None:
        report = self._report
        for chart in report.charts:
            if chart.kind == "heat" and report.table(chart.table).rows:
                self._heat(chart, report.table(chart.table))
        for table in report.tables:
            self._sheet(table)
        if not self._report.tables:
            self._intro(self._book.add_worksheet())

    def _intro(self, sheet: Any) -> int:
        """Title, period and warnings; the number of the next line."""
        report, words = self._report, self._words
        sheet.write_string(0, 0, report.title.to(self._language), self._title)
        lines = words.heading(report) + [words.to(warning) for warning in report.warnings]
        lines += [words.to(report.nothing)] if report.nothing else []
        for number, line in enumerate(lines, 1):
            sheet.write_string(number, 0, line)
        return len(lines) + 2

    def _sheet(self, table: Table) -> None:
        sheet = self._book.add_worksheet(self._sheet_name(table.form.title))
        top = self._intro(sheet)
        columns = self._columns(table)
        for number, (title, width) in enumerate(columns):
            sheet.write_string(top, number, title, self._head)
            sheet.set_column(number, number, width)
        rows = rows_of(table)
        for number, row in enumerate(rows, top + 1):
            self._row(sheet, number, table, row)
        if table.rows:
            sheet.autofilter(top, 0, top + len(table.rows), len(columns) - 1)
        if table.note:
            sheet.write_string(top + len(rows) + 2, 0, self._words.to(table.note))
        sheet.freeze_panes(top + 1, table.form.names)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(top)

    def _heat(self, chart: Chart, table: Table) -> None:
        """A grid, its cells as strongly coloured as they are large."""
        heat, form, words = heat_of(chart, table), table.form, self._words
        across, down, shown = (
            form.columns[form.index(key)] for key in (chart.x, chart.y or "", chart.series[0])
        )
        sheet = self._book.add_worksheet(self._sheet_name(chart.title))
        top = self._intro(sheet)
        sheet.write_string(top, 0, words.head(shown), self._head)
        for number, x in enumerate(heat.xs, 1):
            sheet.write_string(top, number, words.value(across.kind, x), self._head)
        look = self._format(FORMATS.get(shown.kind, "General"), False)
        for line, (y, cells) in enumerate(zip(heat.ys, heat.cells, strict=True), top + 1):
            sheet.write_string(line, 0, words.value(down.kind, y), self._head)
            for number, value in enumerate(cells, 1):
                if value is not None:
                    sheet.write_number(line, number, value, look)
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": HOT}
        sheet.conditional_format(top + 1, 1, top + len(heat.ys), len(heat.xs), scale)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)

    def _sheet_name(self, title: Sentence) -> str:
        plain = NOT_IN_A_SHEET_NAME.sub(" ", self._words.to(title))
        name = plain[:SHEET_NAME_CHARS].strip()
        if not name or name.lower() in self._names:
            name = f"{len(self._names) + 1} {name}"[:SHEET_NAME_CHARS]
        self._names.add(name.lower())
        return name

    def _columns(self, table: Table) -> list[tuple[str, int]]:
        words, made = self._words, []
        for number, column in enumerate(table.form.columns):
            title = words.head(column)
            cells = [words.value(column.kind, row.cells[number]) for row in table.rows[:200]]
            width = max([NARROWEST, *(len(cell) + 2 for cell in cells), len(title) // 2 + 2])
            made.append((title, min(width, WIDEST)))
            if table.compared and number >= table.form.names:
                made.append((f"{title}, {words.say('before', 'раньше')}", min(width, WIDEST)))
                unit = words.to(UNITS.get(column.kind, Sentence("", "")))
                made.append((f"{title}, {words.say('change', 'разница')}{unit}", width + 3))
        return made

    def _row(self, sheet: Any, line: int, table: Table, row: Row) -> None:
        total, place = row is table.totals, 0
        earlier = row.before or (None,) * len(row.cells)
        for number, column in enumerate(table.form.columns):
            self._cell(sheet, line, place, column, row.cells[number], total)
            place += 1
            if table.compared and number >= table.form.names:
                self._cell(sheet, line, place, column, earlier[number], total)
                difference = change(column, row.cells[number], earlier[number])
                if difference is not None:
                    points = 100 * difference if column.kind == "share" else difference
                    look = self._format(CHANGES[column.kind], total)
                    sheet.write_number(line, place + 1, points, look)
                place += 2

    def _cell(
        self, sheet: Any, line: int, place: int, column: Column, value: Value, total: bool
    ) -> None:
        look = self._format(FORMATS.get(column.kind, "@"), total)
        if total and place == 0 and value is None:
            value = Sentence("Total", "Всего")
        if value is None:
            sheet.write_blank(line, place, None, look)
        elif isinstance(value, str | Sentence | bool) or column.kind in ("hour", "weekday"):
            text = self._words.value(column.kind, value)
            sheet.write_string(line, place, text, self._bold if total else None)
        elif isinstance(value, datetime):
            local = value.astimezone(self._report.period.zone).replace(tzinfo=None)
            sheet.write_datetime(line, place, local, look)
        elif isinstance(value, date):
            sheet.write_datetime(line, place, value, look)
        else:
            number = value / SECONDS_A_DAY if column.kind == "duration" else value
            sheet.write_number(line, place, number, look)

    def _format(self, pattern: str, bold: bool) -> Any:
        key = (pattern, bold)
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"num_format": pattern, "bold": bold})
        return self._formats[key]
