"""A report for a terminal, however narrow."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from campaigns.refusals import Language
from monitoring.reports.sheet import MEASURED, Column, Report, Row, Table
from monitoring.reports.words import Words

STYLES = {"better": "green", "лучше": "green", "worse": "red", "хуже": "red", "": ""}
GAP = 3


class Terminal:
    """Renderable by rich: each table as wide as fits, else folded into blocks of columns, each
    with the names of rows before it. Names are never cut."""

    def __init__(self, report: Report, language: Language) -> None:
        self._report = report
        self._words = Words(language, report.period.zone)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        report, words = self._report, self._words
        yield Text(words.to(report.title), style="bold")
        for line in words.heading(report):
            yield Text(line, style="dim")
        for warning in report.warnings:
            yield Text(f"! {words.to(warning)}", style="yellow")
        if report.nothing:
            yield Text(words.to(report.nothing))
            return
        for table in report.tables:
            yield Text()
            yield Text(words.to(table.form.title), style="bold")
            yield from self._folded(table, options.max_width)
            if table.note:
                yield Text(words.to(table.note), style="dim")

    def _folded(self, table: Table, width: int) -> Iterator[Grid]:
        names, widths = table.form.names, self._widths(table)
        taken = sum(widths[:names]) + GAP * names + 1
        block: list[int] = []
        room = width - taken
        for number in range(names, len(widths)):
            if block and widths[number] + GAP > room:
                yield self._grid(table, block)
                block, room = [], width - taken
            block.append(number)
            room -= widths[number] + GAP
        yield self._grid(table, block)

    def _widths(self, table: Table) -> list[int]:
        """Of each column: its widest cell, and its title's longest word."""
        found = []
        for number, column in enumerate(table.form.columns):
            cells = [self._cell(table, row, number).cell_len for row in _rows(table)]
            longest = max(map(len, self._words.to(column.title).split()), default=1)
            found.append(max([longest, *cells]))
        return found

    def _grid(self, table: Table, block: list[int]) -> Grid:
        grid = Grid(show_edge=True)
        for number in (*range(table.form.names), *block):
            column = table.form.columns[number]
            grid.add_column(
                Text(self._words.to(column.title)),
                justify="right" if column.kind in MEASURED else "left",
                overflow="fold",
            )
        for row in _rows(table):
            if row is table.totals:
                grid.add_section()
            numbers = (*range(table.form.names), *block)
            grid.add_row(*(self._cell(table, row, number) for number in numbers))
        return grid

    def _cell(self, table: Table, row: Row, number: int) -> Text:
        column: Column = table.form.columns[number]
        value = row.cells[number]
        if row is table.totals and number == 0 and value is None:
            return Text(self._words.say("Total", "Всего"), style="bold")
        if row is table.totals and number < table.form.names and value is None:
            return Text()
        text = Text(printable(self._words.value(column.kind, value)))
        if row.before and number >= table.form.names:
            said = self._words.change(column, value, row.before[number])
            style = STYLES[self._words.judged(column, value, row.before[number])]
            text.append(f"\n{said}" if said else "", style=style)
        return text


def _rows(table: Table) -> tuple[Row, ...]:
    return (*table.rows, *([table.totals] if table.totals else ()))


def printable(text: str) -> str:
    """Without what would move the cursor or colour a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)
