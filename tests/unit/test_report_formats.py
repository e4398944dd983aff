"""Reports as tables, CSV, workbooks, JSON and pages: what is in them, whatever names contain."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from campaigns.refusals import Language, Sentence
from monitoring.reports.charts import COLOURS, MOST_ROWS, TICKS, drawn, plot_of, ticks
from monitoring.reports.errors import ReportError
from monitoring.reports.formats import FORMATS, file_name, format_named
from monitoring.reports.forms_signals import OPERATORS, TITLES
from monitoring.reports.layout import folded, heat_of
from monitoring.reports.page import html_text
from monitoring.reports.period import Period
from monitoring.reports.plain import csv_text, document
from monitoring.reports.sheet import Chart, Column, Form, Report, Row, Table, Value
from monitoring.reports.terminal import Terminal, printable
from monitoring.reports.words import Words

MOSCOW = ZoneInfo("Europe/Moscow")
PERIOD = Period(datetime(2026, 3, 1, 21, tzinfo=UTC), datetime(2026, 3, 2, 21, tzinfo=UTC), MOSCOW)
NASTY = '=HYPERLINK("http://x");<script>alert(1)</script>\x1b[31m «Ёж» 🌷'
SAID = Sentence("said so", "сказано так")


def column(key: str, kind: Any, better: Any = None) -> Column:
    return Column(key, kind, Sentence(f"{key} en", f"{key} ру"), SAID, better)


NAME, DAY = column("name", "text"), column("day", "date")
MEASURES = (
    column("dials", "count", "more"), column("line_s", "duration"),
    column("gap_s", "seconds", "less"), column("share", "share", "less"),
)  # fmt: skip
FORM = Form("work", Sentence("Work", "Работа"), (NAME, *MEASURES))
TOTALS = Row((None, 1234567, 90061.0, 2.25, 0.125), (None, 1234560, 90000.0, 2.5, 0.1))
TABLE = Table(
    FORM,
    (
        Row((NASTY, 1234567, 90061.0, 2.25, 0.125), (NASTY, 1234560, 90000.0, 2.5, 0.1)),
        Row(("-2+3", 0, 0.0, None, None), ("-2+3", 0, 0.0, None, None)),
    ),
    TOTALS,
    SAID,
)
MOMENTS = Table(
    Form("moments", Sentence("Moments", "Моменты"),
         (column("at", "moment"), column("kept", "flag"), column("why", "text")), 0),
    (Row((datetime(2026, 3, 2, 6, 5, 4, tzinfo=UTC), True, SAID)),),
)  # fmt: skip
CHART = Chart("dials", Sentence("Dials", "Наборы"), "bar", "work", "name", ("dials",))
REPORT = Report(
    "productivity", Sentence("Productivity", "Выработка"), "main", PERIOD,
    datetime(2026, 3, 3, tzinfo=UTC), (TABLE, MOMENTS), (CHART,), "operator",
    {"operator": (NASTY,)}, replace(PERIOD, since=PERIOD.since.replace(day=1)), (SAID,),
)  # fmt: skip


def one_column(values: list[str]) -> Report:
    table = Table(Form("t", SAID, (NAME,)), tuple(Row((value,)) for value in values))
    return replace(REPORT, tables=(table,), charts=(), filters={})


@pytest.mark.parametrize(
    ("kind", "value", "en", "ru"),
    [
        ("count", 1234567, "1,234,567", "1\xa0234\xa0567"),
        ("seconds", 1234.25, "1,234.3", "1\xa0234,3"),
        ("duration", 97504.4, "27:05:04", "27:05:04"),
        ("share", 0.1235, "12.4%", "12,4\xa0%"),
        ("date", date(2026, 3, 2), "Mon 2 Mar 2026", "пн 02.03.2026"),
        ("moment", datetime(2026, 3, 2, 6, 5, 4, tzinfo=UTC), "2 Mar 2026, 09:05:04",
         "02.03.2026 09:05:04"),
        ("hour", 9, "09:00", "09:00"),
        ("weekday", 0, "Mon", "пн"),
        ("flag", False, "no", "нет"),
        ("text", SAID, "said so", "сказано так"),
        ("count", None, "–", "–"),
    ],
)  # fmt: skip
def test_values_are_written_as_the_language_writes_them(
    kind: Any, value: Value, en: str, ru: str
) -> None:
    assert Words("en", MOSCOW).value(kind, value) == en
    assert Words("ru", MOSCOW).value(kind, value) == ru


def test_a_change_says_how_much_and_which_way() -> None:
    ru, dials, _, _, share = Words("ru", MOSCOW), *MEASURES
    assert ru.change(dials, 12, 10) == "▲ +2 (+20\xa0%)"
    assert ru.change(dials, 1000, 2100) == "▼ −1\xa0100 (−52\xa0%)"
    assert ru.change(dials, 3, 3) == "="
    assert ru.change(dials, 3, 0) == "▲ +3"
    assert ru.change(share, 0.031, 0.02) == "▲ +1,1 п. п."
    assert ru.change(NAME, "a", "b") == ru.change(dials, 3, None) == ""


def test_a_period_is_said_in_whole_days_where_it_has_them() -> None:
    assert Words("en", MOSCOW).period(PERIOD) == "2 March 2026, Europe/Moscow"
    so_far = replace(PERIOD, until=PERIOD.since.replace(hour=23), asked_until=PERIOD.until)
    assert Words("ru", MOSCOW).period(so_far) == ("2 марта 2026 г., пока (до 02:00), Europe/Moscow")


# --- CSV


@pytest.mark.parametrize(("language", "separator"), [("en", ","), ("ru", ";")])
def test_csv_has_the_numbers_of_the_report(language: Language, separator: str) -> None:
    lines = list(csv.reader(io.StringIO(csv_text(REPORT, language)), delimiter=separator))
    head, first, second, total = lines[:4]
    assert len(head) == 1 + 3 * len(MEASURES) and all(len(line) == len(head) for line in lines[:4])
    point = "," if language == "ru" else "."
    assert first[1:4] == ["1234567", "1234560", f"7{point}000"]
    assert first[4] == f"90061{point}000" and first[10] == f"12{point}50"
    assert first[12] == f"2{point}50"
    assert first[0] == f"'{NASTY}" and second[0] == "'-2+3"
    assert second[7:] == [""] * 6
    assert total[0] == {"en": "Total", "ru": "Всего"}[language]
    assert lines[4] == [] and lines[6][0] == "2026-03-02 09:05:04"


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.sampled_from(["en", "ru"]))
@settings(max_examples=60)
def test_no_cell_of_a_csv_begins_a_formula(names: list[str], language: Language) -> None:
    separator = ";" if language == "ru" else ","
    text = csv_text(one_column(names), language)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))[1:]
    assert len(lines) == len(names)
    for name, line in zip(names, lines, strict=True):
        cell = line[0] if line else ""
        assert cell.removeprefix("'") == name.replace("\0", "").removeprefix("'")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


# --- workbooks


def sheets(report: Report, language: Language = "en") -> dict[str, list[list[Any]]]:
    book = python_calamine.load_workbook(io.BytesIO(FORMATS["xlsx"].write(report, language)))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_a_workbook_has_numbers_as_numbers_and_no_formulas() -> None:
    found = sheets(REPORT)
    lines = found["Work"]
    top = next(i for i, line in enumerate(lines) if line[0] == "Name en")
    first, second, total = lines[top + 1 : top + 4]
    assert first[0] == NASTY.replace("\x1b", "_x001B_") or first[0] == NASTY
    assert first[1:4] == [1234567, 1234560, 7]
    assert first[10] == 0.125 and first[12] == pytest.approx(2.5)
    assert second[0] == "-2+3" and total[0] == "Total"
    assert first[4].total_seconds() == 90061 and first[6] == pytest.approx(61)
    assert lines[0][0] == "Productivity"
    moments = found["Moments"]
    assert any(line[0] == datetime(2026, 3, 2, 9, 5, 4) for line in moments)  # noqa: DTZ001
    raw = FORMATS["xlsx"].write(REPORT, "ru")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = [archive.read(n).decode() for n in archive.namelist() if "worksheets" in n]
    assert parts and not any("<f>" in part or "hyperlink" in part for part in parts)


def test_sheets_of_a_book_have_names_that_excel_takes() -> None:
    title = Sentence("A very long [title] with: signs? and 'quotes' / more", "")
    tables = tuple(replace(TABLE, form=replace(FORM, title=title)) for _ in range(3))
    names = list(sheets(replace(REPORT, tables=tables)))
    assert len(set(names)) == 3 and all(0 < len(name) <= 31 for name in names)


# --- JSON


def test_json_keeps_keys_in_every_language_and_says_what_changed() -> None:
    english, russian = document(REPORT, "en"), document(REPORT, "ru")
    assert json.loads(FORMATS["json"].write(REPORT, "en")) == english
    assert english.keys() == russian.keys() and english["title"] != russian["title"]
    row = english["tables"]["work"]["rows"][0]  # type: ignore[index]
    assert (row["name"], row["dials"], row["before"]["dials"]) == (NASTY, 1234567, 1234560)
    assert row["change"] == {"dials": 7.0, "line_s": 61.0, "gap_s": -0.25, "share": 0.025}
    moments = english["tables"]["moments"]["rows"][0]  # type: ignore[index]
    assert moments == {"at": "2026-03-02T09:05:04+03:00", "kept": True, "why": "said so"}
    assert english["period"]["from"] == "2026-03-02T00:00:00+03:00"  # type: ignore[index]


# --- tables for terminals


@given(st.text(max_size=30))
def test_nothing_moves_the_cursor_of_a_terminal(text: str) -> None:
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u202a-\u202e\u2028]", printable(text)) is None


def test_a_table_has_all_columns_however_narrow_it_is() -> None:
    for width in (60, 100, 200):
        file = io.StringIO()
        Console(file=file, width=width, color_system=None).print(Terminal(REPORT, "ru"))
        text = file.getvalue()
        assert "\x1b" not in text
        assert all(len(line) <= width for line in text.splitlines())
        squeezed = re.sub(r"[\s│┃]+", "", text)
        for shown in ("1234567", "25:01:01", "2,3", "12,5%", "▲+7", "▲+2,5п.п.", "Всего", "да"):
            assert shown in squeezed, (width, shown)


@pytest.mark.parametrize("width", [70, 80, 100, 120, 121, 122, 123, 124, 160, 250])
def test_long_titles_and_several_names_make_no_table_wider_than_the_screen(width: int) -> None:
    """Each block has its right corner on the screen, and every word of the titles and cells."""
    said = ", ".join(title.ru for title in TITLES.values())
    names = ("anna", "Анна Соколова", "Бывшие клиенты")
    numbers = (1234, 567, *(0.123456, 0.65) * 5, 12, 5)
    table = Table(OPERATORS, (Row((*names, *numbers, said), (*names, *numbers, said)),))
    file = io.StringIO()
    made = replace(REPORT, tables=(table,), charts=(), filters={})
    Console(file=file, width=width, color_system=None).print(Terminal(made, "ru"))
    lines = file.getvalue().splitlines()
    assert all(line.endswith("┓") for line in lines if line.startswith("┏"))
    cells = "".join(line for line in lines if line[:1] in "┃│")
    for column in OPERATORS.columns:
        for word in column.title.ru.split():
            assert word.casefold() in cells.casefold(), word
    for word in said.split():
        assert word in cells


@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=20), st.integers(1, 2), st.integers(20, 120)
)
def test_blocks_hold_every_column_once_and_fit(widths: list[int], names: int, room: int) -> None:
    blocks = folded(widths, names, room)
    assert [number for block in blocks for number in block] == list(range(names, len(widths)))
    for block in blocks:
        fits = sum(widths[:names]) + sum(widths[number] for number in block) <= room
        assert fits or len(block) <= 1


# --- pages


class Tags(HTMLParser):
    """Tags, attributes and text of a page, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_page_fetches_and_runs_nothing_and_shows_names_as_they_are(language: Language) -> None:
    page = Tags(html_text(REPORT, language))
    kinds = {tag for tag, _ in page.tags}
    assert not kinds & {"script", "link", "img", "iframe", "object", "form", "a"}
    attributes = [(key, value) for _, found in page.tags for key, value in found.items()]
    assert not any(key.startswith("on") or key in ("src", "href") for key, _ in attributes)
    assert NASTY in page.texts
    assert "1,234,567" in page.texts or "1\xa0234\xa0567" in page.texts
    assert page.texts.count(SAID.to(language)) >= 2  # the warning, and the help of columns
    assert ("html", {"lang": language}) in page.tags
    assert any(tag == "rect" for tag, _ in page.tags)


@given(st.text(max_size=30))
@settings(max_examples=60)
def test_no_name_becomes_a_part_of_the_page(name: str) -> None:
    report = one_column([name])
    plain = [tag for tag, _ in Tags(html_text(one_column(["x"]), "en")).tags]
    assert [tag for tag, _ in Tags(html_text(report, "en")).tags] == plain


def test_an_empty_report_says_what_to_do_next() -> None:
    empty = replace(REPORT, tables=(Table(FORM, ()),), nothing=Sentence("do this", "сделайте это"))
    for name in ("table", "html", "json"):
        assert "сделайте это" in FORMATS[name].write(empty, "ru").decode()
    assert any("do this" in line for line in sheets(empty)["Work"])
    assert csv_text(empty, "en").splitlines() == ["Name en,Dials en,Line_s en (s),Gap_s en (s)"
                                                  ",Share en (%)"]  # fmt: skip


# --- charts


@given(st.floats(0.001, 1e9), st.sampled_from(["count", "duration", "share", "seconds"]))
def test_ticks_are_few_and_reach_over_the_most(most: float, kind: str) -> None:
    found = ticks(most, kind)
    assert found[0] == 0 and found[-1] >= most * (1 - 1e-6)
    assert len(found) <= TICKS + 2
    assert found[-2] < most if len(found) > 2 else True


def test_a_chart_draws_every_value_to_its_scale() -> None:
    picture = Tags(str(drawn(CHART, TABLE, Words("en", MOSCOW))))
    bars = [found for tag, found in picture.tags if tag == "rect"]
    widths = [float(str(found["width"])) for found in bars]
    assert len(bars) == 2 and widths[0] > 0 == widths[1]
    assert f"{NASTY}: dials en 1,234,567" in picture.texts
    assert {found["fill"] for found in bars} <= set(COLOURS)
    then = [found for tag, found in picture.tags if tag == "line" and found["class"] == "then"]
    assert len(then) == 2


def test_a_chart_of_many_names_draws_the_largest_and_says_so() -> None:
    rows = tuple(Row((f"n{i}", i, 0.0, None, None)) for i in range(500))
    words = Words("en", MOSCOW)
    plot = plot_of(CHART, Table(FORM, rows), words)
    assert plot is not None and len(plot.marks) == MOST_ROWS
    assert [mark.label for mark in plot.marks] == [f"n{i}" for i in range(500 - MOST_ROWS, 500)]
    assert f"{500 - MOST_ROWS} more" in drawn(CHART, Table(FORM, rows), words)


def test_a_chart_of_some_rows_draws_those_alone() -> None:
    rows = (Row(("a", 1, 0.0, None, None)), Row(("b", 7, 0.0, None, None)))
    table, words = Table(FORM, rows), Words("en", MOSCOW)
    plot = plot_of(replace(CHART, only=(FORM.columns[0].key, "b")), table, words)
    assert plot is not None and [(m.label, m.values[0]) for m in plot.marks] == [("b", 7.0)]
    assert plot_of(replace(CHART, only=(FORM.columns[0].key, "c")), table, words) is None


def test_ten_years_of_days_are_put_together_without_losing_any() -> None:
    first = date(2016, 1, 1).toordinal()
    rows = tuple(Row((date.fromordinal(first + i), i % 7, 0.0, None, None)) for i in range(3653))
    chart = replace(CHART, x="day")
    plot = plot_of(chart, Table(Form("work", SAID, (DAY, *MEASURES)), rows), Words("en", MOSCOW))
    assert plot is not None and len(plot.marks) <= 180
    assert sum(mark.values[0] for mark in plot.marks) == sum(i % 7 for i in range(3653))


HOURS = (column("hour", "hour"), column("weekday", "weekday"), column("share", "share"))
HEAT_TABLE = Table(
    Form("heat", Sentence("Hours", "Часы"), HOURS, 2),
    (Row((9, 0, 0.5)), Row((11, 0, 0.25)), Row((9, 2, None))),
)
HEAT = Chart("heat", Sentence("When", "Когда"), "heat", "heat", "hour", ("share",), "weekday")


def test_a_heat_map_is_a_grid_in_every_format() -> None:
    grid = heat_of(HEAT, HEAT_TABLE)
    assert (grid.xs, grid.ys, grid.most) == ((9, 10, 11), (0, 1, 2), 0.5)
    assert grid.cells == ((0.5, None, 0.25), (None,) * 3, (None,) * 3)
    report = replace(REPORT, tables=(HEAT_TABLE,), charts=(HEAT,))
    page = html_text(report, "ru")
    assert "rgba(244, 162, 97, 1.00)" in page and "rgba(244, 162, 97, 0.50)" in page
    lines = sheets(report, "ru")["Когда"]
    top = next(i for i, line in enumerate(lines) if line[1] == "09:00")
    assert lines[top + 1][:4] == ["пн", 0.5, "", 0.25]
    assert re.search(r"│пн +│ *50│ *·│ *25│", FORMATS["table"].write(report, "ru").decode())


def test_formats_and_their_file_names() -> None:
    assert format_named("XLSX") is FORMATS["xlsx"]
    with pytest.raises(ReportError, match="table, csv, xlsx, json, html"):
        format_named("pdf")
    assert file_name(REPORT, FORMATS["html"]) == "productivity-2026-03-02.html"
    month = replace(REPORT, period=replace(PERIOD, until=PERIOD.until.replace(day=30)))
    assert file_name(month, FORMATS["csv"]) == "productivity-2026-03-02-2026-03-30.csv"
