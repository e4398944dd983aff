"""`prozvon report`: what was done in a period, as a table or a file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from campaigns.refusals import Language
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    Verbatim,
    os_user,
    run,
    speech,
    table,
    use_settings,
)
from dialer.commands.database import open_floor
from dialer.config import Settings
from monitoring.reports.asked import Asked, read
from monitoring.reports.catalog import Filters, Request, described
from monitoring.reports.formats import FORMATS, Format, format_of_file
from monitoring.reports.plain import csv_text, document
from monitoring.reports.service import ReportService, catalogue
from monitoring.reports.sheet import Report
from monitoring.reports.terminal import Terminal

Names = list[str] | None


def report(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which; without it, all are listed.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Date, time, or today, yesterday, week, month, 'last 7 days', 2026-W05, 2026-Q1 "
            "...; default: today.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Date (included) or time (not included).")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(help="With: previous, week or year (so long before), or FROM..TO."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="operator, team, campaign, list, hour or day.")
    ] = None,
    operator: Annotated[Names, typer.Option(help="This login alone; may be repeated.")] = None,
    team: Annotated[Names, typer.Option(help="This team alone; may be repeated.")] = None,
    campaign: Annotated[Names, typer.Option(help="This campaign alone; may be repeated.")] = None,
    list_: Annotated[
        Names, typer.Option("--list", help="This list alone; may be repeated.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--tz", help="Whose days and hours; default: the floor's.")
    ] = None,
    form: Annotated[
        Literal["table", "csv", "xlsx", "json", "html"] | None,
        typer.Option("--format", help="Default: a table, or what --out ends with."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Into this file; noted in the audit.")
    ] = None,
    as_json: Json = False,
) -> Reply:
    """What was done in a period, compared with another one; a table, CSV, XLSX, JSON or a page."""
    settings = use_settings(context)
    if name is None:
        return _list(speech.language)
    filters = Filters(*(tuple(names or ()) for names in (operator, team, campaign, list_)))
    asked = Asked(name, since, until, compare, by, zone, filters)
    wanted = read(asked, settings.floor.time_zone, datetime.now(UTC), speech.language)
    kind = FORMATS[form] if form else format_of_file(out) if out else FORMATS["table"]
    if kind.name == "xlsx" and out is None and sys.stdout.isatty():
        raise CommandError(
            "no_file",
            "a workbook needs a file: --out FILE.xlsx",
            "книге нужен файл: --out FILE.xlsx",
        )
    made = run(_made(settings, wanted, kind if out else None))
    return _written(made, kind, out) if out else _shown(made, kind, as_json)


async def _made(settings: Settings, request: Request, taken_as: Format | None) -> Report:
    async with open_floor(settings) as floor:
        service = ReportService(floor.pool, floor.floor_id)
        made = await service.make(request, datetime.now(UTC))
        if taken_as is not None:
            await service.note_export(made, taken_as.name, os_user())
        return made


def _list(language: Language) -> Reply:
    kinds = catalogue()
    rows = [
        (kind.name, kind.title.to(language), kind.answers.to(language), ", ".join(kind.by) or None)
        for kind in kinds
    ]
    heads = {
        "en": ("report", "title", "what it answers", "by"),
        "ru": ("отчёт", "название", "на что отвечает", "разрез (--by)"),
    }[language]
    data = [described(kind, language) for kind in kinds]
    shown = table(heads, rows)
    shown.show_lines = True
    return Reply(data, [shown])


def _written(made: Report, kind: Format, out: Path) -> Reply:
    out.write_bytes(kind.write(made, speech.language))
    return Reply({"report": made.name, "format": kind.name, "file": out}, [str(out)])


def _shown(made: Report, kind: Format, as_json: bool) -> Reply:
    language = speech.language
    if as_json or kind.name == "table":
        return Reply(document(made, language), [Terminal(made, language)])
    if kind.name == "csv":  # a terminal or a pipe wants no mark of UTF-8
        return Reply(None, [Verbatim(csv_text(made, language))])
    written = kind.write(made, language)
    if kind.name != "xlsx":
        return Reply(None, [Verbatim(written.decode())])
    sys.stdout.buffer.write(written)
    sys.stdout.flush()
    return Reply(None, [])
