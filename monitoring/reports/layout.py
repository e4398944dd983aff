"""PURE. How tables lie on paper and on screens: folded into blocks, and heat maps as grids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitoring.reports.sheet import Chart, Row, Table, Value


def rows_of(table: Table) -> tuple[Row, ...]:
    """Its rows with the totals as the last one."""
    return (*table.rows, *([table.totals] if table.totals else ()))


def repeated(table: Table) -> int:
    """How many columns every block of a folded table begins with: the names, or the first one."""
    return max(1, table.form.names)


def folded(widths: Sequence[int], names: int, room: int) -> list[list[int]]:
    """Columns after the first `names`, in blocks that fit beside those into `room`.

    Every block has one column at least. Widths and room in the same unit, gaps included.
    """
    blocks: list[list[int]] = []
    left = 0
    for number in range(names, len(widths)):
        if not blocks or widths[number] > left:
            blocks.append([])
            left = room - sum(widths[:names])
        blocks[-1].append(number)
        left -= widths[number]
    return blocks or [[]]


@dataclass(frozen=True, slots=True)
class Heat:
    """A chart of the kind `heat` as a grid. `cells[y][x]` is None where no row says anything;
    `most` is the strongest of them, 0 if there is none."""

    xs: tuple[Value, ...]
    ys: tuple[Value, ...]
    cells: tuple[tuple[float | None, ...], ...]
    most: float

    def strength(self, value: float) -> float:
        """0..1 of the strongest."""
        return max(0.0, value) / self.most if self.most > 0 else 0.0


def heat_of(chart: Chart, table: Table) -> Heat:
    """Places in the order of their values. Raises KeyError where a column is missing."""
    form = table.form
    assert chart.y is not None
    x, y, strength = (form.index(key) for key in (chart.x, chart.y, chart.series[0]))
    found: dict[tuple[Value, Value], float] = {}
    for row in table.rows:
        value = row.cells[strength]
        if isinstance(value, int | float):
            found[row.cells[x], row.cells[y]] = float(value)
    xs = _places(row.cells[x] for row in table.rows)
    ys = _places(row.cells[y] for row in table.rows)
    grid = tuple(tuple(found.get((across, down)) for across in xs) for down in ys)
    return Heat(xs, ys, grid, max(found.values(), default=0.0))


def _places(values: Iterable[Value]) -> tuple[Value, ...]:
    """Each once. Hours and weekdays: all from the first to the last, the empty ones too."""
    known = list(dict.fromkeys(values))
    numbers = [value for value in known if isinstance(value, int)]
    if numbers and len(numbers) == len(known):
        return tuple(range(min(numbers), max(numbers) + 1))
    return tuple(known)
