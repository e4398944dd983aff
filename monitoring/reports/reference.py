"""docs/reference/reports.md, made from the catalog and the tables of the reports themselves.

python -m monitoring.reports.reference > docs/reference/reports.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from dialer.config import PROJECT
from monitoring.reports.catalog import ALIASES, ReportKind
from monitoring.reports.formats import FORMATS
from monitoring.reports.forms import FORMS
from monitoring.reports.service import catalogue
from monitoring.reports.sheet import Column, Form

PICTURES = PROJECT / "docs/images/reports"
INTRO = """\
# Reports

`prozvon report NAME` and `GET /api/reports/NAME` make any of these for any period, at any moment,
out of PostgreSQL: nothing is ever reset. [How to use them](../how-to/reports.md),
[all tables in a terminal](report-tables.md).

This page is made by `python -m monitoring.reports.reference > docs/reference/reports.md`; the
pictures by `python -m tests.report_pictures`, of an invented floor.
"""
KINDS = """\
## Values

| kind | JSON | CSV | XLSX |
| --- | --- | --- | --- |
| text | text, of the language | text; what begins like a formula gets a `'` before it | text |
| count, number | number | number, with the language's decimal sign | number |
| share | 0 to 1 | per cent, two decimals | number shown as per cent |
| seconds | number | number, three decimals | number |
| duration | seconds | seconds, three decimals | Excel's own duration, `[h]:mm:ss` |
| date | `2026-03-02` | `2026-03-02` | date |
| moment | ISO 8601 with its offset | `2026-03-02 09:05:04`, of the report's zone | date, time |
| hour, weekday | 0 to 23; 0 is Monday | as people say it | as people say it |
| flag | true, false | yes, no; да, нет | the same |

Nothing to say (a share of nothing, an interval of one dial): null, or empty. With a comparison
JSON has in each row `before` and `change`; CSV and XLSX have two more columns for each measure.
Changes of shares are percentage points. In CSV the language decides what spreadsheets expect:
Russian has semicolons and decimal commas, English commas and points.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield INTRO
    yield "| report | what it answers | `--by` (the usual one first) | narrowed by |"
    yield "| --- | --- | --- | --- |"
    for kind in catalogue():
        yield (
            f"| [`{kind.name}`](#{kind.name}) | {kind.answers.en} | {_list(kind.by)} "
            f"| {_list(kind.filters)} |"
        )
    short = "; ".join(f"`{name}`: `{kind} --by {by}`" for name, (kind, by) in ALIASES.items())
    own = ", ".join(f"`{kind.name}`" for kind in catalogue() if kind.own)
    yield f"\nShort names: {short}. Operators may open about themselves: {own}.\n"
    for kind in catalogue():
        yield from _report(kind)
    yield KINDS
    yield from _formats()


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "–"


def _report(kind: ReportKind) -> Iterator[str]:
    yield f"## {kind.name}\n\n{kind.answers.en}.\n"
    if kind.timeless:
        yield "It shows how things stand now, whatever the period.\n"
    if (PICTURES / f"{kind.name}.png").exists():
        yield f"![{kind.title.en}](../images/reports/{kind.name}.png)\n"
    for form in FORMS[kind.name]:
        yield from _form(form)


def _form(form: Form) -> Iterator[str]:
    yield f"### {form.title.en} (`{form.key}`)\n\n| key | title | kind | what it counts |"
    yield "| --- | --- | --- | --- |"
    for column in form.columns:
        yield _column(column)
    yield ""


def _column(column: Column) -> str:
    title = f"{column.title.en}, {column.title.ru}"
    return f"| `{column.key}` | {title} | {column.kind} | {column.help.en} |"


def _formats() -> Iterator[str]:
    yield "## Formats\n\n| `--format` | content type | in the audit |\n| --- | --- | --- |"
    for form in FORMATS.values():
        noted = "with `--out`; over HTTP always" if form.taken_out else "with `--out`"
        yield f"| {form.name} | `{form.content_type}` | {noted} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
