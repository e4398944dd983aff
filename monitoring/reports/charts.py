"""PURE. Charts of a report as SVG: no script, so that they show in any viewer and on paper.

Every mark has its exact number as a tooltip; colours are told apart in print and by most of those
who see few of them (after Okabe and Ito, https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from monitoring.reports.layout import heat_of
from monitoring.reports.sheet import ADDED, Chart, Column, Row, Table, Value
from monitoring.reports.words import Words

COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#8C6D31",
    "#F0E442", "#5D3A9B",
)  # fmt: skip
COLOUR_OF = {
    "ready_s": "#C3CCD6", "dialing_s": "#56B4E9", "talking_s": "#009E73", "hold_s": "#8C6D31",
    "wrap_up_s": "#CC79A7", "paused_s": "#E69F00", "connecting_s": "#5D3A9B",
    "answered": "#009E73", "no_answer": "#C3CCD6", "busy": "#56B4E9", "invalid": "#8C6D31",
    "kept": "#009E73", "late": "#E69F00", "missed": "#D55E00", "waiting": "#C3CCD6",
    "machine": "#CC79A7", "abandoned": "#D55E00", "failed": "#5D3A9B", "rejected": "#E69F00",
}  # fmt: skip
"""Columns that mean the same everywhere look the same everywhere."""
HOT = "244, 162, 97"
WIDTH, LEFT, RIGHT, HEAD, FOOT = 1040, 210, 76, 8, 26
BAR, BAR_GAP, HEIGHT = 15, 9, 260
TIME_LEFT = 80
MOST_ROWS, MOST_TIMES, LABEL_CHARS = 40, 180, 26
TICKS = 5
TIMES = ("date", "hour", "weekday", "moment")
DURATION_STEPS = (60, 300, 600, 1800, 3600, 7200, 10800, 18000, 36000, 86400)


@dataclass(frozen=True, slots=True)
class Mark:
    """One place on the axis of names or times: a label, and values of the series now and before."""

    label: str
    values: tuple[float, ...]
    before: tuple[float | None, ...]

    def top(self, stacked: bool) -> float:
        old = [value for value in self.before if value is not None]
        return max(sum(self.values) if stacked else max(self.values), *old, 0.0)


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn: the series that have anything, and the marks in order. `left_out`: how many
    rows are not drawn; `together`: how many rows stand in one mark."""

    series: tuple[Column, ...]
    marks: tuple[Mark, ...]
    left_out: int = 0
    together: int = 1


def plot_of(chart: Chart, table: Table, words: Words) -> Plot | None:
    """None where there is nothing to draw."""
    form, table = table.form, replace(table, rows=chart.rows(table))
    x = form.index(chart.x)
    numbers = [form.index(key) for key in chart.series if _any(table, form.index(key))]
    if not numbers or not table.rows:
        return None
    rows, left_out = _chosen(table.rows, numbers, timed=form.columns[x].kind in TIMES)
    stacked = chart.kind == "stack"
    marks = [_mark(row, form.columns[x], x, numbers, words, stacked) for row in rows]
    series = tuple(form.columns[number] for number in numbers)
    together = 1
    if form.columns[x].kind in TIMES and all(column.kind in ADDED for column in series):
        together = -(-len(marks) // MOST_TIMES)
        marks = [_sum(marks[i : i + together]) for i in range(0, len(marks), together)]
    return Plot(series, tuple(marks), left_out, together)


def _any(table: Table, number: int) -> bool:
    return any(_number(row.cells[number]) for row in table.rows)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _chosen(rows: Sequence[Row], numbers: Sequence[int], *, timed: bool) -> tuple[list[Row], int]:
    """All times; of many names, those with the most."""
    if timed or len(rows) <= MOST_ROWS:
        return list(rows), 0
    weights = [sum(_number(row.cells[number]) for number in numbers) for row in rows]
    most = sorted(range(len(rows)), key=lambda i: -weights[i])[:MOST_ROWS]
    return [rows[i] for i in sorted(most)], len(rows) - MOST_ROWS


def _mark(
    row: Row, axis: Column, x: int, numbers: Sequence[int], words: Words, stacked: bool
) -> Mark:
    values = tuple(_number(row.cells[number]) for number in numbers)
    before: tuple[float | None, ...] = ()
    if row.before is not None and not stacked:
        before = tuple(_number(row.before[number]) for number in numbers)
    return Mark(words.value(axis.kind, row.cells[x]), values, before)


def _sum(marks: Sequence[Mark]) -> Mark:
    if len(marks) == 1:
        return marks[0]
    values = tuple(sum(column) for column in zip(*(mark.values for mark in marks), strict=True))
    return Mark(f"{marks[0].label} – {marks[-1].label}", values, ())


def drawn(chart: Chart, table: Table, words: Words) -> Markup:
    """The chart with its title and legend; empty where there is nothing to draw."""
    if chart.kind == "heat":
        return _heat(chart, table, words)
    plot = plot_of(chart, table, words)
    if plot is None:
        return Markup()
    timed = table.form.columns[table.form.index(chart.x)].kind in TIMES
    picture = _columns(plot, chart, words) if timed else _bars(plot, chart, words)
    notes = [_note(plot, words)] if plot.left_out or plot.together > 1 else []
    return Markup('<figure class="chart"><figcaption>{}</figcaption>{}{}{}</figure>').format(
        words.to(chart.title), _legend(plot, words), picture, Markup().join(notes)
    )


def _note(plot: Plot, words: Words) -> Markup:
    count = words.value("count", plot.left_out or plot.together)
    said = (
        words.say(
            f"The {MOST_ROWS} largest; {count} more are in the table.",
            f"Показаны {MOST_ROWS} самых больших; ещё {count} в таблице.",
        )
        if plot.left_out
        else words.say(
            f"Each column is a sum over {count} rows of the table.",
            f"Каждый столбик: сумма строк таблицы, по {count}.",
        )
    )
    return Markup('<p class="note">{}</p>').format(said)


def _legend(plot: Plot, words: Words) -> Markup:
    items = [
        Markup('<span><i style="background:{}"></i>{}</span>').format(
            colour(plot, number), words.to(column.title)
        )
        for number, column in enumerate(plot.series)
    ]
    if any(mark.before for mark in plot.marks):
        items.append(
            Markup('<span><i class="then"></i>{}</span>').format(
                words.say("compared period", "период сравнения")
            )
        )
    return Markup('<p class="legend">{}</p>').format(Markup().join(items))


def colour(plot: Plot, number: int) -> str:
    """Of one of the series."""
    own = COLOUR_OF.get(plot.series[number].key)
    return own or COLOURS[number % len(COLOURS)]


def ticks(most: float, kind: str) -> list[float]:
    """0 and a few round values, the last of them not below `most`; whole for counts."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / TICKS
    if kind == "duration" and rough <= DURATION_STEPS[-1]:
        step: float = next(step for step in DURATION_STEPS if step >= rough)
    else:
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough * (1 - 1e-9))
    if kind in ("count", "duration"):
        step = max(1.0, step)
    return [step * i for i in range(math.ceil(most / step - 1e-9) + 1)]


# --- bars from the left, one group a name


def _bars(plot: Plot, chart: Chart, words: Words) -> Markup:
    stacked, kind = chart.kind == "stack", plot.series[0].kind
    steps = ticks(max(mark.top(stacked) for mark in plot.marks), kind)
    scale = (WIDTH - LEFT - RIGHT) / steps[-1]
    group = (1 if stacked else len(plot.series)) * BAR + BAR_GAP
    bottom = HEAD + len(plot.marks) * group
    parts = [_vertical_grid(steps, scale, bottom, kind, words)]
    for line, mark in enumerate(plot.marks):
        y = HEAD + line * group + BAR_GAP / 2
        parts.append(_label(mark.label, LEFT - 8, y + (group - BAR_GAP) / 2 + 4))
        parts += _stack(plot, mark, y, scale, words) if stacked else _group(
            plot, mark, y, scale, words
        )  # fmt: skip
    return _svg(bottom + FOOT, words.to(chart.title), parts)


def _vertical_grid(
    steps: Sequence[float], scale: float, bottom: float, kind: str, words: Words
) -> Markup:
    parts = [
        Markup('<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>'
               '<text class="tick" x="{x:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            HEAD, bottom, bottom + 16, tick(step, kind, words), x=LEFT + step * scale
        )
        for step in steps
    ]  # fmt: skip
    return Markup().join(parts)


def tick(value: float, kind: str, words: Words) -> str:
    """Short: durations without seconds where they are whole minutes."""
    if kind == "duration":
        text = words.value("duration", value)
        return text.removesuffix(":00") if value % 60 == 0 else text
    if kind == "share":
        return words.value("share", value)
    return words.value("count", value)


def _label(text: str, x: float, y: float, anchor: str = "end") -> Markup:
    shown = text if len(text) <= LABEL_CHARS else f"{text[: LABEL_CHARS - 1]}…"
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}<title>{}</title></text>').format(
        x, y, anchor, shown, text
    )


def _group(plot: Plot, mark: Mark, y: float, scale: float, words: Words) -> Iterator[Markup]:
    for number, (column, value) in enumerate(zip(plot.series, mark.values, strict=True)):
        top, long = y + number * BAR, value * scale
        shown = words.value(column.kind, value)
        yield _rect(
            LEFT, top + 1, long, BAR - 2, colour(plot, number), _told(mark, column, shown, words)
        )
        then = mark.before[number] if mark.before else None
        end = LEFT + max(long, (then or 0) * scale, 0)
        yield Markup('<text class="value" x="{:.1f}" y="{:.1f}">{}</text>').format(
            end + 5, top + BAR - 4, shown
        )
        if then is not None:
            yield _then(LEFT + then * scale, top, words.value(column.kind, then))


def _then(x: float, y: float, shown: str) -> Markup:
    return Markup(
        '<line class="then" x1="{x:.1f}" x2="{x:.1f}" y1="{:.1f}" y2="{:.1f}">'
        "<title>{}</title></line>"
    ).format(y, y + BAR, shown, x=x)


def _stack(plot: Plot, mark: Mark, y: float, scale: float, words: Words) -> Iterator[Markup]:
    x = float(LEFT)
    for number, (column, value) in enumerate(zip(plot.series, mark.values, strict=True)):
        told = _told(mark, column, words.value(column.kind, value), words)
        if value > 0:
            yield _rect(x, y, value * scale, BAR, colour(plot, number), told)
        x += value * scale
    total = words.value(plot.series[0].kind, sum(mark.values))
    yield Markup('<text class="value" x="{:.1f}" y="{:.1f}">{}</text>').format(
        x + 5, y + BAR - 3, total
    )


def _told(mark: Mark, column: Column, shown: str, words: Words) -> str:
    return f"{mark.label}: {words.to(column.title)} {shown}"


def _rect(x: float, y: float, width: float, height: float, fill: str, told: str) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}">'
        "<title>{}</title></rect>"
    ).format(x, y, max(width, 0), max(height, 0), fill, told)


# --- columns from the bottom, one group a day or an hour


def _columns(plot: Plot, chart: Chart, words: Words) -> Markup:
    stacked, kind = chart.kind == "stack", plot.series[0].kind
    steps = ticks(max(mark.top(stacked) for mark in plot.marks), kind)
    scale, base = HEIGHT / steps[-1], HEAD + HEIGHT
    room = (WIDTH - TIME_LEFT - 10) / len(plot.marks)
    parts = [_horizontal_grid(steps, scale, base, kind, words)]
    every = max(1, math.ceil(64 / room))
    for place, mark in enumerate(plot.marks):
        left = TIME_LEFT + place * room
        if place % every == 0:
            parts.append(_label(mark.label.split(" – ")[0], left + room / 2, base + 16, "middle"))
        parts += _column(plot, mark, left, room, scale, stacked, words)
    return _svg(base + FOOT, words.to(chart.title), parts)


def _horizontal_grid(
    steps: Sequence[float], scale: float, base: float, kind: str, words: Words
) -> Markup:
    parts = [
        Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
               '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            TIME_LEFT, WIDTH - 10, TIME_LEFT - 6, base - step * scale + 4,
            tick(step, kind, words), y=base - step * scale,
        )
        for step in steps
    ]  # fmt: skip
    return Markup().join(parts)


def _column(
    plot: Plot, mark: Mark, left: float, room: float, scale: float, stacked: bool, words: Words
) -> Iterator[Markup]:
    count = 1 if stacked else len(plot.series)
    wide = max(0.5, room * 0.8 / count)
    base = float(HEAD + HEIGHT)
    for number, (column, value) in enumerate(zip(plot.series, mark.values, strict=True)):
        x = left + room * 0.1 + (0 if stacked else number * wide)
        told = _told(mark, column, words.value(column.kind, value), words)
        high = value * scale
        yield _rect(x, base - high, wide, high, colour(plot, number), told)
        if stacked:
            base -= high
        elif mark.before and (then := mark.before[number]) is not None:
            y = base - then * scale
            yield Markup(
                '<line class="then" x1="{:.1f}" x2="{:.1f}" y1="{y:.1f}" y2="{y:.1f}">'
                "<title>{}</title></line>"
            ).format(x, x + wide, words.value(column.kind, then), y=y)


def _svg(height: float, title: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, title, Markup().join(parts)
    )


# --- heat maps


def _heat(chart: Chart, table: Table, words: Words) -> Markup:
    form, heat = table.form, heat_of(chart, table)
    across, down, shown = (
        form.columns[form.index(key)] for key in (chart.x, chart.y or "", chart.series[0])
    )
    if not table.rows:
        return Markup()
    unit = words.to(shown.title) + (", %" if shown.kind == "share" else "")
    head = [Markup("<td></td>")]
    head += [Markup('<th scope="col">{}</th>').format(words.value(across.kind, x)) for x in heat.xs]
    lines = [Markup("<tr>{}</tr>").format(Markup().join(head))]
    for y, cells in zip(heat.ys, heat.cells, strict=True):
        named = Markup('<th scope="row">{}</th>').format(words.value(down.kind, y))
        line = [named, *(_hot(shown, value, heat.strength(value or 0), words) for value in cells)]
        lines.append(Markup("<tr>{}</tr>").format(Markup().join(line)))
    return Markup(
        '<figure class="chart"><figcaption>{}</figcaption><p class="legend">{}</p>'
        '<div class="scroll"><table class="heat"><tbody>{}</tbody></table></div></figure>'
    ).format(words.to(chart.title), unit, Markup().join(lines))


def _hot(column: Column, value: float | None, strength: float, words: Words) -> Markup:
    if value is None:
        return Markup("<td>·</td>")
    short = f"{100 * value:.0f}" if column.kind == "share" else tick(value, column.kind, words)
    return Markup('<td style="background:rgba({}, {:.2f})" title="{}">{}</td>').format(
        HOT, strength, words.value(column.kind, value), short
    )
