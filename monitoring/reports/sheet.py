"""PURE. What every report is made of: tables and charts of plain values, before any format.

A report is built once and shown as a table, CSV, XLSX, JSON or a page; nothing here knows how.
Values of a cell by the kind of its column (None everywhere: there is nothing to say):

    text      str, or Sentence where it depends on the language
    count     int
    number    float, any
    share     float, 0..1
    seconds   float, s; short times, shown with a decimal
    duration  float, s; long times, shown as hours, minutes, seconds
    date      date, of the period's zone
    moment    datetime, aware
    hour      int, 0..23, of the period's zone
    weekday   int, 0 is Monday
    flag      bool
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from campaigns.refusals import Sentence
from monitoring.reports.period import Period

Kind = Literal[
    "text", "count", "number", "share", "seconds", "duration",
    "date", "moment", "hour", "weekday", "flag",
]  # fmt: skip
Value = str | Sentence | int | float | bool | date | datetime | None
ADDED: frozenset[Kind] = frozenset({"count", "duration"})
MEASURED: frozenset[Kind] = frozenset({"count", "number", "share", "seconds", "duration"})


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is stable: JSON and CSV are read by it. `help` says what exactly is counted.

    `better`: in which direction a change is good; None where neither is.
    """

    key: str
    kind: Kind
    title: Sentence
    help: Sentence
    better: Literal["more", "less"] | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A table without its rows.

    The first `names` columns say what a row is about (an operator, a day): two periods are compared
    by them. 0: rows cannot be compared (a list of attempts).
    """

    key: str
    title: Sentence
    columns: tuple[Column, ...]
    names: int = 1

    def by(self, dimension: Sequence[Column]) -> Form:
        """The same, with these columns first as the names of rows."""
        return replace(self, columns=(*dimension, *self.columns), names=len(dimension))

    def index(self, key: str) -> int:
        """Raises KeyError."""
        for number, column in enumerate(self.columns):
            if column.key == key:
                return number
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class Row:
    """Cells in the order of the columns; `before` are those of the compared period, if any."""

    cells: tuple[Value, ...]
    before: tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`totals` has None (or a Sentence) under the names. `note` is shown below."""

    form: Form
    rows: tuple[Row, ...]
    totals: Row | None = None
    note: Sentence | None = None

    @property
    def key(self) -> str:
        return self.form.key

    @property
    def compared(self) -> bool:
        """Whether rows have cells of another period."""
        return any(row.before for row in self.rows) or bool(self.totals and self.totals.before)


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of the table with the key `table`.

    bar: one group of bars a row, a bar for each series; stack: the series on top of one another;
    line: the same rows in order. heat: one cell a row, at columns `x` and `y`, as strong as the one
    series. `x`, `y` and `series` are keys of columns. `only`: a column's key and a value; the rows
    that have it are drawn.
    """

    key: str
    title: Sentence
    kind: Literal["bar", "stack", "line", "heat"]
    table: str
    x: str
    series: tuple[str, ...]
    y: str | None = None
    only: tuple[str, Value] | None = None

    def rows(self, table: Table) -> tuple[Row, ...]:
        """Those of its table that are drawn."""
        if self.only is None:
            return table.rows
        key, wanted = self.only
        place = table.form.index(key)
        return tuple(row for row in table.rows if row.cells[place] == wanted)


@dataclass(frozen=True, slots=True)
class Report:
    """One report, ready to be shown.

    `filters` are names by kind (`operator`: logins ...), as they were asked for. `nothing` is said
    in place of the tables where nothing happened: what it means, and what to do next.
    `warnings` are said above all.
    """

    name: str
    title: Sentence
    floor: str
    period: Period
    generated_at: datetime
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()
    by: str | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compared: Period | None = None
    warnings: tuple[Sentence, ...] = ()
    nothing: Sentence | None = None

    def table(self, key: str) -> Table:
        """Raises KeyError."""
        for table in self.tables:
            if table.key == key:
                return table
        raise KeyError(key)


def with_before(now: Report, before: Report) -> Report:
    """`now`, each row with what `before` had for the same names (a date: the same day of the
    period). Rows that only `before` has come last: nothing was counted for them now."""
    tables = tuple(
        _joined(table, now.period, before.table(table.key), before.period) for table in now.tables
    )
    return replace(now, tables=tables, compared=before.period)


def _joined(table: Table, period: Period, old: Table, old_period: Period) -> Table:
    form = table.form
    if not form.names:
        return table
    earlier = {_place(form, row, old_period): row for row in old.rows}
    rows = []
    for row in table.rows:
        same = earlier.pop(_place(form, row, period), None)
        rows.append(replace(row, before=same.cells if same else _nothing(form, row)))
    dated = any(column.kind == "date" for column in form.columns[: form.names])
    gone = () if dated else earlier.values()
    rows += [Row(_nothing(form, row), row.cells) for row in gone]
    totals = table.totals
    if totals and old.totals:
        totals = replace(totals, before=old.totals.cells)
    return replace(table, rows=tuple(rows), totals=totals)


def _place(form: Form, row: Row, period: Period) -> tuple[object, ...]:
    names = zip(form.columns[: form.names], row.cells, strict=False)
    return tuple(
        (value - period.first_day).days
        if column.kind == "date" and isinstance(value, date)
        else value
        for column, value in names
    )


def _nothing(form: Form, row: Row) -> tuple[Value, ...]:
    """The names of `row`; sums are 0, all else unknown."""
    values: list[Value] = list(row.cells[: form.names])
    for column in form.columns[form.names :]:
        values.append(0 if column.kind in ADDED else None)
    return tuple(values)


def change(column: Column, now: Value, before: Value) -> float | None:
    """How much more it is now, in the column's own unit; None where that means nothing."""
    if column.kind not in MEASURED:
        return None
    if not isinstance(now, int | float) or not isinstance(before, int | float):
        return None
    return float(now) - float(before)


def direction(column: Column, difference: float | None) -> Literal["good", "bad", "same"] | None:
    """Whether the change is to the better; None where the column does not judge."""
    if difference is None or column.better is None:
        return None
    if not difference:
        return "same"
    return "good" if (difference > 0) == (column.better == "more") else "bad"
