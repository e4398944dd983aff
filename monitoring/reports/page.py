"""PURE. A report as one HTML file: nothing is fetched, nothing runs; it prints on A4 landscape."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from campaigns.refusals import Language
from monitoring.reports.catalog import KINDS
from monitoring.reports.charts import drawn
from monitoring.reports.layout import folded, repeated, rows_of
from monitoring.reports.sheet import MEASURED, Column, Report, Row, Table, Value, change, direction
from monitoring.reports.words import Words

ROOM = 150
"""Characters beside one another that a sheet of A4 holds, padding counted as 2 a column."""
LETTERS = 1.1  # a letter of a bold title is that much wider than a digit
LONGEST_NAME = 40

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = Markup(
    """
:root{color-scheme:light}
body{font:14px/1.4 "Segoe UI",Roboto,"Noto Sans","DejaVu Sans",Arial,sans-serif;color:#1b1f24;
 background:#fff;margin:24px auto;max-width:1120px;padding:0 16px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:26px 0 6px;break-after:avoid}
.about{color:#57606a;margin:0}.answers{margin:8px 0 14px}
.warning{background:#fff4e0;border-left:4px solid #e69f00;padding:8px 12px;margin:8px 0}
.nothing{background:#eef3f8;border-left:4px solid #0072b2;padding:12px 14px;margin:16px 0}
.note,.legend{color:#57606a;font-size:12px;margin:4px 0}
.legend span{margin-right:14px;white-space:nowrap;display:inline-block}
.legend i{display:inline-block;width:11px;height:11px;margin-right:5px;vertical-align:-1px}
.legend i.then{width:2px;background:#1b1f24}
figure{margin:22px 0;break-inside:avoid}figcaption{font-size:17px;font-weight:600}
svg{width:100%;height:auto;display:block}
svg text{font-size:12px;fill:#1b1f24}svg .tick,svg .value{fill:#57606a;font-size:11px}
svg .grid{stroke:#e3e8ee}svg .then{stroke:#1b1f24;stroke-width:2}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0 0 14px}
.scroll{overflow-x:auto}
.data{font-size:12.5px}
.data thead{display:table-header-group}.data tr{break-inside:avoid}
.data thead th{background:#e8eef4;text-align:left;vertical-align:bottom;
 border-bottom:1px solid #9aa7b4;overflow-wrap:break-word;hyphens:none}
.data th,.data td{padding:4px 7px;vertical-align:top}
.data tbody th{text-align:left;font-weight:normal;overflow-wrap:anywhere}
.data tbody tr:nth-child(even){background:#f6f8fa}.data tbody tr{border-bottom:1px solid #eceff3}
.data tbody .short{white-space:nowrap}
.data .n{text-align:right;white-space:nowrap}.data thead .n{white-space:normal}
.data tr.total th,.data tr.total td{font-weight:600;border-top:2px solid #57606a}
.was,.diff{display:block;font-size:11px;color:#57606a;font-weight:normal}
.good{color:#0a6b3d}.bad{color:#b3261e}
.heat{font-size:11.5px;table-layout:fixed;width:100%}
.heat td,.heat th{border:1px solid #fff;padding:5px 2px;text-align:center;font-weight:normal}
.heat th[scope=row]{text-align:right;padding-right:8px}
dl{columns:2;column-gap:36px;font-size:12.5px;margin:0}
dl div{break-inside:avoid;padding:2px 0}dt{font-weight:600;display:inline}dt:after{content:":"}
dd{display:inline;margin:0 0 0 4px;color:#3d444d}
@media screen and (max-width:700px){figure{overflow-x:auto}svg{width:900px}dl{columns:1}}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
@page{size:A4 landscape;margin:11mm 10mm 13mm}
@page{@bottom-right{content:counter(page) " / " counter(pages);font-size:8pt;color:#57606a}}
@media print{.scroll{overflow:visible}
 body{margin:0;max-width:none;padding:0;font-size:9pt}.data{font-size:8pt}
 .data th,.data td{padding:1mm 1.4mm}h1{font-size:16pt}h2,figcaption{font-size:11.5pt}
 svg{max-height:165mm}dl,.heat{font-size:8pt}.was,.diff{font-size:7pt}}
"""
)


def html_text(report: Report, language: Language) -> str:
    """The whole document. Everything that is not ours is escaped."""
    return str(_Page(report, language).document())


class _Page:
    def __init__(self, report: Report, language: Language) -> None:
        self._report, self._language = report, language
        self._words = Words(language, report.period.zone)

    def document(self) -> Markup:
        report, words = self._report, self._words
        title = f"{words.to(report.title)}, {words.period(report.period)}"
        return Markup(
            '<!doctype html>\n<html lang="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            '<meta http-equiv="Content-Security-Policy" content="{}">'
            "<title>{}</title><style>{}</style></head><body>\n{}\n</body></html>\n"
        ).format(self._language, POLICY, title, STYLE, Markup("\n").join(self._parts()))

    def _parts(self) -> Iterator[Markup]:
        report, words = self._report, self._words
        yield Markup("<h1>{}</h1>").format(words.to(report.title))
        for line in words.heading(report):
            yield Markup('<p class="about">{}</p>').format(line)
        if report.name in KINDS:
            answers = words.to(KINDS[report.name].answers)
            yield Markup('<p class="answers">{}</p>').format(answers)
        for warning in report.warnings:
            yield Markup('<p class="warning" role="alert">{}</p>').format(words.to(warning))
        if report.nothing:
            yield Markup('<p class="nothing">{}</p>').format(words.to(report.nothing))
            return
        for chart in report.charts:
            yield drawn(chart, report.table(chart.table), words)
        for table in report.tables:
            yield from self._table(table)
        yield self._meanings()

    def _table(self, table: Table) -> Iterator[Markup]:
        title = self._words.to(table.form.title)
        yield Markup("<h2>{}</h2>").format(title)
        if not table.rows:
            yield Markup('<p class="note">{}</p>').format(self._words.say("None.", "Нет."))
        else:
            blocks = folded(self._widths(table), repeated(table), ROOM)
            yield from (self._block(table, block) for block in blocks)
        if table.note:
            yield Markup('<p class="note">{}</p>').format(self._words.to(table.note))

    def _widths(self, table: Table) -> list[int]:
        widths = []
        for number, column in enumerate(table.form.columns):
            cells = [
                len(text)
                for row in rows_of(table)
                for text in self._texts(table, row, number, column)
            ]
            words = [len(word) * LETTERS for word in self._words.to(column.title).split()]
            wide = max([1.0, *words, *cells])
            if number < table.form.names:
                wide = min(wide, LONGEST_NAME)
            widths.append(round(wide) + 2)
        return widths

    def _block(self, table: Table, block: list[int]) -> Markup:
        numbers = (*range(repeated(table)), *block)
        head = [
            Markup('<th scope="col"{} title="{}">{}</th>').format(
                _right(column), self._words.to(column.help), self._words.head(column)
            )
            for column in (table.form.columns[number] for number in numbers)
        ]
        rows = [
            Markup("<tr{}>{}</tr>").format(
                Markup(' class="total"') if row is table.totals else Markup(),
                Markup().join(self._cell(table, row, number) for number in numbers),
            )
            for row in rows_of(table)
        ]
        return Markup(
            '<div class="scroll"><table class="data"><thead><tr>{}</tr></thead><tbody>\n{}\n'
            "</tbody></table></div>"
        ).format(Markup().join(head), Markup("\n").join(rows))

    def _cell(self, table: Table, row: Row, number: int) -> Markup:
        column, value = table.form.columns[number], row.cells[number]
        now, *more = self._texts(table, row, number, column)
        if number < table.form.names:
            short = Markup(' class="short"') if len(now) <= LONGEST_NAME else Markup()
            return Markup('<th scope="row"{}>{}</th>').format(short, now)
        if not more:
            return Markup("<td{}>{}</td>").format(_right(column), now)
        was, difference = more
        look = self._look(column, value, row.before[number] if row.before else None)
        return Markup(
            '<td{}>{}<span class="diff{}">{}</span><span class="was">{}</span></td>'
        ).format(_right(column), now, look, difference, was)

    def _texts(self, table: Table, row: Row, number: int, column: Column) -> list[str]:
        """What stands in a cell; of a compared one, also what it was and the difference."""
        words, value = self._words, row.cells[number]
        if row is table.totals and number < table.form.names and value is None:
            return ["" if number else words.say("Total", "Всего")]
        now = words.value(column.kind, value)
        if row.before is None or number < table.form.names:
            return [now]
        was = words.value(column.kind, row.before[number])
        said = words.say("was ", "было ") + was
        return [now, said, words.change(column, value, row.before[number])]

    def _look(self, column: Column, now: Value, before: Value) -> Markup:
        judged = direction(column, change(column, now, before))
        return {"good": Markup(" good"), "bad": Markup(" bad")}.get(judged or "", Markup())

    def _meanings(self) -> Markup:
        """What each column counts, once."""
        words = self._words
        columns = {
            (words.head(column), words.to(column.help)): None
            for table in self._report.tables
            for column in table.form.columns
        }
        items = [
            Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(title, help)
            for title, help in columns
        ]
        heading = words.say("What the columns mean", "Что значат столбцы")
        return Markup("<h2>{}</h2><dl>{}</dl>").format(heading, Markup("\n").join(items))


def _right(column: Column) -> Markup:
    return Markup(' class="n"') if column.kind in MEASURED else Markup()
