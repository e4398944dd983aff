"""`prozvon list`: import bases of contacts, and see what there is."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from campaigns.lists.columns import FIELD_NAMES, FIELDS, Field, parse_mapping
from campaigns.lists.errors import ListError
from campaigns.lists.model import (
    ImportResult,
    ListSummary,
    Order,
    Reject,
    SavedMapping,
    on_duplicate_of,
)
from campaigns.lists.service import ListService
from campaigns.lists.service import Progress as Report
from campaigns.refusals import Language, Sentence
from dialer.commands.common import Json, Reply, os_user, run, say, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.commands.late import Late, late_group
from dialer.config import Settings

app = typer.Typer(
    cls=late_group(
        {
            "export": Late(
                "list_export:export",
                "Write contacts, leads and their last attempts to a file. "
                "Every export is in the audit.",
            ),
            "health": Late(
                "list_health:health",
                "How good a list is: dead numbers, not reached, days of work left, "
                "best hours to call.",
            ),
        }
    ),
    no_args_is_help=True,
    help="Bases of contacts: import, look.",
)

REJECTS_SHOWN = 5


STDIN = Path("-")
NOTHING = Sentence(
    "No row was accepted: not one has a phone that may be dialed. Look at the reasons above, mend "
    "the file (or say with --map which column holds phones) and import it again.",
    "Ни одна строка не принята: нигде нет телефона, который можно набирать. Посмотрите причины "
    "выше, исправьте файл (или укажите столбец с телефонами: --map) и загрузите его снова.",
)
PLACE = Sentence("line {line}, {column}: {reason}", "строка {line}, {column}: {reason}")
WHOLE_ROW = Sentence("row", "вся строка")
HEADER = Sentence(
    "The header is line {line}; what stands above it was left out.",
    "Заголовок: строка {line}; то, что над ней, пропущено.",
)
ALL_REJECTS = Sentence(
    "All that was left out, with line and reason: {path}",
    "Всё, что не вошло, со строкой и причиной: {path}",
)
DRY = Sentence("{name} (dry run: nothing was stored)", "{name} (проверка: ничего не записано)")
COUNTS = (
    ("rows", Sentence("rows", "строк")),
    ("accepted", Sentence("accepted", "принято")),
    ("duplicates", Sentence("duplicates", "дублей")),
    ("updated", Sentence("updated", "обновлено")),
    ("consents", Sentence("consents", "согласий")),
    ("rejected", Sentence("rejected", "отвергнуто")),
    ("phones", Sentence("phones", "телефонов")),
    ("leads", Sentence("leads of campaigns", "лидов кампаний")),
)
WHAT_COLUMNS = Sentence(
    "What do the columns of {file} hold? One of: {fields}",
    "Что в столбцах файла {file}? Одно из: {fields}",
)
ONE_OF = Sentence("one of: {fields}", "одно из: {fields}")
NO_MAPPINGS = Sentence(
    "No saved mappings; make one: prozvon list import FILE --map A=phone --save-mapping N",
    "Сохранённых разметок нет; сделайте: prozvon list import ФАЙЛ --map A=phone --save-mapping N",
)
NO_LISTS = Sentence(
    "No lists yet; import one: prozvon list import FILE",
    "Баз пока нет; загрузите: prozvon list import ФАЙЛ",
)
LIST_TITLES = (
    Sentence("list", "база"),
    Sentence("contacts", "контактов"),
    Sentence("phones", "телефонов"),
    Sentence("file", "файл"),
    Sentence("imported (UTC)", "загружена (UTC)"),
)
STDIN_CHUNK_BYTES = 1 << 20


@app.command("import")
def import_list(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV, XLSX, XLS or ODS with a header line; - reads stdin.")
    ],
    name: Annotated[
        str | None, typer.Option(help="The list's name; default: the file's without suffix.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, store nothing.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where rejected rows go; default: FILE.rejects.csv beside it."),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", help=f"COLUMN=FIELD, may be repeated. Fields: {', '.join(FIELDS)}."),
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="A saved mapping of columns.")] = None,
    save_mapping: Annotated[
        str | None, typer.Option(help="Keep the mapping of this import under a name.")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask what each column holds.")] = False,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; default: first.")] = None,
    campaign: Annotated[
        str | None,
        typer.Option("--duplicates-in", help="Look for duplicates in all lists of a campaign too."),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--duplicates-days", help="... in all that was loaded in the last N days."),
    ] = None,
    on_duplicate: Annotated[
        str, typer.Option(help="What known phones do: skip, update their contact, or add anyway.")
    ] = "skip",
    as_json: Json = False,
) -> Reply:
    """Import a file: all its good rows or, after an error, none. Exit code 1 if no row was good."""
    settings = use_settings(context)
    if file == STDIN and name is None:
        raise ListError("no_list_name")
    order = Order(
        name=file.stem if name is None else name,
        region=settings.floor.phone_region,
        sheet=sheet,
        mapping=parse_mapping(maps or []),
        saved_mapping=mapping,
        save_mapping=save_mapping,
        campaign=campaign,
        days=days,
        on_duplicate=on_duplicate_of(on_duplicate),
        dry_run=dry_run,
        language=speech.language,
        actor=os_user(),
    )
    return _carried_out(settings, file, order, rejects, ask=ask, as_json=as_json)


def _carried_out(
    settings: Settings, file: Path, order: Order, rejects: Path | None, *, ask: bool, as_json: bool
) -> Reply:
    with _local(file) as path:
        order = _asked(path, order, ask=ask, quiet=as_json or file == STDIN)
        where = rejects or (Path(f"{order.name}.rejects.csv") if file == STDIN else None)
        with _progress_bar(file, hidden=as_json) as report:
            source = "standard input" if file == STDIN else file.name
            result = run(_import(settings, path, source, order, where, report))
    nothing = not result.accepted and not result.duplicates
    parts = [*_imported(result, order.name), *([NOTHING.to(speech.language)] if nothing else [])]
    return Reply(
        {**result.shown(speech.language), "list": order.name}, parts, exit_code=int(nothing)
    )


@contextlib.contextmanager
def _local(file: Path) -> Iterator[Path]:
    """The file itself; standard input as a temporary one, because it is read twice."""
    if file != STDIN:
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="prozvon-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy, STDIN_CHUNK_BYTES)
        copy.flush()
        yield Path(copy.name)


def _asked(path: Path, order: Order, *, ask: bool, quiet: bool) -> Order:
    """The order with what a person at the terminal says about columns.

    Asked when it is wished, or when no column looks like phones and nothing was said.
    """
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if quiet or not terminal or order.saved_mapping is not None:
        return order
    seen = run(ListService.look(path, order.sheet))
    if not ask and (order.mapping or "phone" in seen.fields):
        return order
    console = Console(stderr=True)
    question = WHAT_COLUMNS.to(order.language).format(file=path.name, fields=", ".join(FIELDS))
    console.print(question, markup=False)
    said: dict[str, Field] = {}
    for index, (column, guess) in enumerate(zip(seen.columns, seen.fields, strict=True)):
        cells = [row[index] for row in seen.rows if index < len(row) and row[index].strip()]
        example = f" ({', '.join(cells)[:60]})" if cells else ""
        said[column] = _field(f"{column}{example}", order.mapping.get(column, guess))
    return replace(order, mapping=said)


def _field(question: str, guess: Field) -> Field:
    while True:
        text = str(typer.prompt(question, default=guess, err=True))
        field = FIELD_NAMES.get(text.strip().casefold())
        if field is not None:
            return field
        told = ONE_OF.to(speech.language).format(fields=", ".join(FIELDS))
        typer.echo(told, err=True)


async def _import(
    settings: Settings,
    file: Path,
    source: str,
    order: Order,
    rejects: Path | None,
    report: Report | None,
) -> ImportResult:
    async with open_floor(settings) as floor:
        return await ListService(floor.pool).import_file(
            file,
            floor=settings.floor.name,
            source=source,
            order=order,
            rejects_path=rejects,
            progress=report,
        )


@app.command("mappings")
def show_mappings(context: typer.Context, as_json: Json = False) -> Reply:
    """Saved mappings of columns."""
    saved = run(_mappings(use_settings(context)))
    rows = [
        (one.name, ", ".join(f"{column}={field}" for column, field in one.columns.items()))
        for one in saved
    ]
    if not rows:
        return Reply(saved, [NO_MAPPINGS.to(speech.language)])
    columns = (Sentence("mapping", "разметка"), Sentence("columns", "столбцы"))
    return Reply(saved, [table([each.to(speech.language) for each in columns], rows)])


async def _mappings(settings: Settings) -> list[SavedMapping]:
    async with open_floor(settings) as floor:
        return await ListService(floor.pool).mappings(settings.floor.name)


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
        TextColumn("{task.fields[rows]} " + say("rows", "строк")),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(file.name, rows=0)

        def report(done: int, total: int, rows: int) -> None:
            progress.update(task, completed=done, total=total, rows=rows)

        yield report


def _imported(result: ImportResult, name: str) -> list[Any]:
    language = speech.language
    rows = [(told.to(language), getattr(result, key)) for key, told in COUNTS]
    title = DRY.to(language).format(name=name) if result.dry_run else name
    count = Sentence("count", "число").to(language)
    parts: list[Any] = [table(("", count), rows, title)]
    if result.header_line > 1:
        parts.append(HEADER.to(language).format(line=result.header_line))
    parts += [_reject(reject, language) for reject in result.rejects[:REJECTS_SHOWN]]
    if result.rejects_file is not None:
        parts.append(ALL_REJECTS.to(language).format(path=result.rejects_file))
    return parts


def _reject(reject: Reject, language: Language) -> str:
    column, reason = reject.column or WHOLE_ROW.to(language), reject.sentence.to(language)
    return PLACE.to(language).format(line=reject.line, column=column, reason=reason)


@app.command("show")
@app.command("list")
def show_lists(context: typer.Context, as_json: Json = False) -> Reply:
    """All lists with what they hold, newest first."""
    lists = run(_lists(use_settings(context)))
    rows = [(s.name, s.contacts, s.phones, s.source, s.imported_at) for s in lists]
    if not rows:
        return Reply(lists, [NO_LISTS.to(speech.language)])
    return Reply(lists, [table([each.to(speech.language) for each in LIST_TITLES], rows)])


async def _lists(settings: Settings) -> list[ListSummary]:
    async with open_floor(settings) as floor:
        return await ListService(floor.pool).lists(settings.floor.name)
