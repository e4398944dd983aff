"""`prozvon list`: import bases of contacts, and see what there is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from campaigns.lists.model import ImportResult, ListSummary
from campaigns.lists.service import ListService
from campaigns.lists.service import Progress as Report
from dialer.commands.common import Json, Reply, run, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Bases of contacts: import, look.")

REJECTS_SHOWN = 5


@app.command("import")
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header line.")],
    name: Annotated[
        str | None, typer.Option(help="The list's name; default: the file's without suffix.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, store nothing.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where rejected rows go; default: FILE.rejects.csv beside it."),
    ] = None,
    as_json: Json = False,
) -> Reply:
    """Import a file: all its good rows or, after an error, none."""
    settings = use_settings(context)
    with _progress_bar(file, hidden=as_json) as report:
        result = run(_import(settings, file, name, dry_run, rejects, report))
    data = {**asdict(result), "list": name or file.stem}
    return Reply(data, _imported(result, name or file.stem))


async def _import(
    settings: Settings,
    file: Path,
    name: str | None,
    dry_run: bool,
    rejects: Path | None,
    report: Report | None,
) -> ImportResult:
    async with open_floor(settings) as floor:
        return await ListService(floor.pool).import_file(
            file,
            floor=settings.floor.name,
            name=name,
            default_region=settings.floor.phone_region,
            dry_run=dry_run,
            rejects_path=rejects,
            progress=report,
        )


@contextlib.contextmanager
def _progress_bar(file: Path, *, hidden: bool) -> Iterator[Report | None]:
    """A bar on a terminal's stderr; elsewhere none."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(file.name, rows=0)

        def report(done: int, total: int, rows: int) -> None:
            progress.update(task, completed=done, total=total, rows=rows)

        yield report


def _imported(result: ImportResult, name: str) -> list[Any]:
    rows = [
        ("rows", result.rows),
        ("accepted", result.accepted),
        ("duplicates", result.duplicates),
        ("rejected", result.rejected),
        ("phones", result.phones),
    ]
    title = f"{name} (dry run: nothing was stored)" if result.dry_run else name
    parts: list[Any] = [table(("", "count"), rows, title)]
    parts += [
        f"line {r.line}, {r.column or 'row'}: {r.reason}" for r in result.rejects[:REJECTS_SHOWN]
    ]
    if result.rejects_file is not None:
        parts.append(f"All that was left out, with line and reason: {result.rejects_file}")
    return parts


@app.command("show")
@app.command("list")
def show_lists(context: typer.Context, as_json: Json = False) -> Reply:
    """All lists with what they hold, newest first."""
    lists = run(_lists(use_settings(context)))
    rows = [(s.name, s.contacts, s.phones, s.source, s.imported_at) for s in lists]
    columns = ("list", "contacts", "phones", "file", "imported (UTC)")
    empty = "No lists yet; import one: prozvon list import FILE"
    return Reply(lists, [table(columns, rows) if rows else empty])


async def _lists(settings: Settings) -> list[ListSummary]:
    async with open_floor(settings) as floor:
        return await ListService(floor.pool).lists(settings.floor.name)
