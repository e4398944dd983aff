"""`prozvon dnc`: whom nobody may call."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from campaigns.dnc.file import cells_of
from campaigns.dnc.model import Entry
from campaigns.dnc.service import DncService, Imported, Where
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    os_user,
    run,
    say,
    table,
    use_settings,
)
from dialer.commands.database import Floor, open_floor
from dialer.commands.moments import moment
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Do-not-call: add, import, list, remove.")

TITLES = {
    "written": "запись",
    "kind": "вид",
    "scope": "где",
    "campaign": "кампания",
    "source": "откуда",
    "reason": "почему",
    "added_by": "кто",
    "until": "до (UTC)",
}

Text = Annotated[
    str, typer.Argument(help="A number, a prefix (+7495*) or a pattern (+7903???12*).")
]
System = Annotated[bool, typer.Option("--system", help="For every floor.")]
Campaign = Annotated[str | None, typer.Option(help="For this campaign alone.")]


def _where(system: bool, campaign: str | None) -> Where:
    if system and campaign:
        raise CommandError(
            "usage",
            "give --system or --campaign, not both",
            "укажите что-то одно: --system или --campaign",
        )
    scope: Literal["system", "floor", "campaign"] = "system" if system else "floor"
    return Where("campaign" if campaign else scope, campaign)


@app.command("add")
def add(
    context: typer.Context,
    text: Text,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    until: Annotated[str | None, typer.Option(help="Until then; default: for good.")] = None,
    campaign: Campaign = None,
    system: System = False,
    as_json: Json = False,
) -> Reply:
    """Nobody calls this number, prefix or pattern any more, from the next dial on."""
    settings, where = use_settings(context), _where(system, campaign)
    ends = moment(until, settings) if until else None
    entry = run(_add(settings, text, where, reason, ends))
    told = say(f"{entry.written} is on do-not-call.", f"{entry.written}: больше не звонить.")
    return Reply({"kind": entry.kind, "entry": entry.written, "scope": where.scope}, [told])


async def _add(
    settings: Settings, text: str, where: Where, reason: str, until: datetime | None
) -> Entry:
    async with open_floor(settings) as floor:
        return await _service(floor).add(text, os_user(), where=where, reason=reason, until=until)


@app.command("remove")
def remove(
    context: typer.Context,
    text: Text,
    campaign: Campaign = None,
    system: System = False,
    as_json: Json = False,
) -> Reply:
    """Allow it again."""
    settings, where = use_settings(context), _where(system, campaign)
    entry = run(_remove(settings, text, where))
    told = say(f"{entry.written} may be called.", f"{entry.written}: снова можно звонить.")
    return Reply({"kind": entry.kind, "entry": entry.written}, [told])


async def _remove(settings: Settings, text: str, where: Where) -> Entry:
    async with open_floor(settings) as floor:
        return await _service(floor).remove(text, os_user(), where=where)


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Numbers: one a line, or the first CSV column.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    register: Annotated[
        str | None, typer.Option(help="A public register (us_national, tps): its date is kept.")
    ] = None,
    campaign: Campaign = None,
    system: System = False,
    as_json: Json = False,
) -> Reply:
    """Take numbers of a file."""
    settings, where = use_settings(context), _where(system, campaign)
    if register and (system or campaign):
        raise CommandError(
            "usage",
            "a register is for the whole floor: no --system or --campaign",
            "реестр действует на всю площадку: без --system и --campaign",
        )
    done = run(_import(settings, file, where, reason, register))
    told = say(
        f"{done.numbers} numbers, {done.added} of them new, {done.rejected} rejected.",
        f"Номеров {done.numbers}, новых {done.added}, отвергнуто {done.rejected}.",
    )
    return Reply(done, [told])


async def _import(
    settings: Settings, file: Path, where: Where, reason: str, register: str | None
) -> Imported:
    cells = cells_of(await asyncio.to_thread(file.read_bytes))
    async with open_floor(settings) as floor:
        return await _service(floor).load(
            cells, os_user(), where=where, reason=reason, register=register
        )


@app.command("list")
def list_(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(help="Only what forbids this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> Reply:
    """Entries, newest first."""
    found = run(_list(use_settings(context), number, limit))
    columns = ("written", "kind", "scope", "campaign", "source", "reason", "added_by", "until")
    rows = [[entry[column] for column in columns] for entry in found]
    titles = (say(column, TITLES[column]) for column in columns)
    nothing = say("Nothing is on do-not-call.", "Запретов на звонки нет.")
    return Reply(found, [table(titles, rows)] if rows else [nothing])


async def _list(settings: Settings, number: str | None, limit: int) -> list[dict[str, Any]]:
    async with open_floor(settings) as floor:
        return await _service(floor).entries(number, limit)


def _service(floor: Floor) -> DncService:
    return DncService(floor.pool, floor.floor_id, floor.settings.floor.phone_region)
