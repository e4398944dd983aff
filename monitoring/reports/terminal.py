"""A report for a terminal, however narrow."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from campaigns.refusals import Language
from monitoring.reports.layout import folded, heat_of, repeated, rows_of
from monitoring.reports.sheet import MEASURED, Chart, Report, Row, Table, change, direction
from monitoring.reports.words import Words

STYLES = {"good": "green", "bad": "red"}
NAMES_SHARE = 0.5  # of the width, at most
GAP = 3  # of each column: two spaces and a line
MOVES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINER = "\u200d"  # inside emoji of several parts
SHADES = ("", "on grey23", "on dark_green", "on green4", "bold on green3")


class Terminal:
    """Renderable by rich: each table as wide as fits, else folded into blocks of columns, each
    with the names of rows before it. Names are never cut, they go on below; heat maps are grids."""

    def __init__(self, report: Report, language: Language) -> None:
        self._report = report
        self._words = Words(language, report.period.zone)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        report, words = self._report, self._words
        yield Text(words.to(report.title), style="bold")
        for line in words.heading(report):
            yield Text(printable(line), style="dim")
        for warning in report.warnings:
            yield Text(f"! {printable(words.to(warning))}", style="yellow")
        if report.nothing:
            yield Text()
            yield Text(words.to(report.nothing))
            return
        for chart in report.charts:
            if chart.kind == "heat":
                yield Text()
                yield Text(words.to(chart.title), style="bold")
                yield self._heat(chart, report.table(chart.table))
        for table in report.tables:
            yield Text()
            yield Text(words.to(table.form.title), style="bold")
            yield from self._folded(table, options.max_width)
            if table.note:
                yield Text(words.to(table.note), style="dim")

    def _folded(self, table: Table, width: int) -> Iterator[Grid | Text]:
        if not table.rows:
            yield Text(self._words.say("none", "нет"), style="dim")
            return
        widths, first = self._widths(table), repeated(table)
        most = max(8, int(width * NAMES_SHARE) // first - GAP)
        widths[:first] = (min(one, most) for one in widths[:first])
        beside = max(8, width - 1 - sum(widths[:first]) - GAP * (first + 1))
        widths[first:] = (min(one, beside) for one in widths[first:])
        wide = [one + GAP for one in widths]
        for block in folded(wide, first, width - 1):
            yield self._grid(table, self._spread(table, block, widths, width - 1))

    def _spread(
        self, table: Table, block: list[int], widths: list[int], room: int
    ) -> dict[int, int]:
        """Widths of a block's columns by their numbers: what is left of the room is for titles.

        All are told to rich: with a least width alone it squeezes columns that have more words in
        their titles less than those, and the table gets wider than the screen.
        """
        chosen = {number: widths[number] for number in (*range(repeated(table)), *block)}
        left = room - sum(chosen.values()) - GAP * len(chosen)
        titles = {number: self._words.head(table.form.columns[number]) for number in block}
        wants = {number: Text(title).cell_len - widths[number] for number, title in titles.items()}
        for number in sorted(block, key=lambda number: wants[number]):  # most titles in one line
            more = max(0, min(left, wants[number]))
            chosen[number] += more
            left -= more
        return chosen

    def _widths(self, table: Table) -> list[int]:
        """Of each column: its widest line, and its title's longest word."""
        found = []
        for number, column in enumerate(table.form.columns):
            cells = [self._cell(table, row, number) for row in rows_of(table)]
            lines = [line.cell_len for cell in cells for line in cell.split()]
            words = [Text(word).cell_len for word in self._words.to(column.title).split()]
            found.append(max([1, *words, *lines]))
        return found

    def _grid(self, table: Table, widths: dict[int, int]) -> Grid:
        grid = Grid(show_edge=True)
        for number, width in widths.items():
            column = table.form.columns[number]
            right = column.kind in MEASURED
            grid.add_column(
                Text(self._words.head(column)),
                justify="right" if right else "left",
                overflow="fold",
                width=width,
            )
        for row in rows_of(table):
            if row is table.totals:
                grid.add_section()
            grid.add_row(*(self._cell(table, row, number) for number in widths))
        return grid

    def _cell(self, table: Table, row: Row, number: int) -> Text:
        column, value = table.form.columns[number], row.cells[number]
        if row is table.totals and number < table.form.names and value is None:
            return Text("" if number else self._words.say("Total", "Всего"), style="bold")
        text = Text(printable(self._words.value(column.kind, value)))
        if row.before and number >= table.form.names:
            before = row.before[number]
            said = self._words.change(column, value, before)
            style = STYLES.get(direction(column, change(column, value, before)) or "", "dim")
            text.append(f"\n{said}" if said else "", style=style)
        return text

    def _heat(self, chart: Chart, table: Table) -> Grid:
        """Numbers on shades: the picture must not hang on colours alone."""
        form, words, heat = table.form, self._words, heat_of(chart, table)
        assert chart.y is not None
        across, down, shown = (
            form.columns[form.index(key)] for key in (chart.x, chart.y, chart.series[0])
        )
        grid = Grid(show_edge=True, padding=(0, 0))
        grid.add_column(Text(words.head(shown) + (", %" if shown.kind == "share" else "")))
        for x in heat.xs:
            title = f"{x:02}" if across.kind == "hour" and isinstance(x, int) else None
            grid.add_column(Text(title or words.value(across.kind, x)), justify="right")
        for y, line in zip(heat.ys, heat.cells, strict=True):
            cells = [_shaded(shown.kind, value, heat.strength(value or 0)) for value in line]
            grid.add_row(Text(printable(words.value(down.kind, y))), *cells)
        return grid


def _shaded(kind: str, value: float | None, strength: float) -> Text:
    if value is None:
        return Text("·", style="dim")
    shade = SHADES[min(len(SHADES) - 1, int(strength * len(SHADES)))]
    return Text(f"{100 * value:.0f}" if kind == "share" else f"{value:.0f}", style=shade)


def printable(text: str) -> str:
    """Without what would move the cursor, turn the direction or colour a terminal."""
    return "".join("�" if unicodedata.category(c) in MOVES and c != JOINER else c for c in text)
