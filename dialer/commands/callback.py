"""`prozvon callback`: agreed callbacks."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

import typer

from campaigns.callbacks.service import OPEN, STATUSES, CallbackService, NewCallback
from dialer.commands.common import Json, Reply, os_user, run, say, table, use_settings
from dialer.commands.database import open_floor
from dialer.commands.moments import moment
from dialer.config import Settings
from dialer.http.fields import MAX_ID

app = typer.Typer(no_args_is_help=True, help="Callbacks: list, add, cancel, give to somebody.")

TITLES = {
    "at": "когда (UTC)",
    "lead_id": "лид",
    "campaign": "кампания",
    "operator": "оператор",
    "status": "состояние",
    "tries": "попыток",
    "note": "заметка",
}

Id = Annotated[int, typer.Argument(min=1, max=MAX_ID, help="The callback's id.")]


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(STATUSES)}; default: open ones.")
    ] = None,
    operator: Annotated[str | None, typer.Option(help="Only this operator's.")] = None,
    as_json: Json = False,
) -> Reply:
    """Callbacks, the next first."""
    found = run(_list(use_settings(context), tuple(status or OPEN), operator))
    columns = ("id", "at", "lead_id", "campaign", "operator", "status", "tries", "note")
    rows = [[entry[column] for column in columns] for entry in found]
    titles = (say(column, TITLES.get(column, column)) for column in columns)
    none = say("No callbacks.", "Перезвонов нет.")
    return Reply(found, [table(titles, rows)] if rows else [none])


async def _list(
    settings: Settings, statuses: tuple[str, ...], operator: str | None
) -> list[dict[str, Any]]:
    async with open_floor(settings) as floor:
        return await CallbackService(floor.pool, floor.floor_id).callbacks(statuses, operator)


@app.command("add")
def add(
    context: typer.Context,
    lead: Annotated[int, typer.Argument(min=1, max=MAX_ID, help="The lead's id.")],
    at: Annotated[str, typer.Argument(help="When: 2026-12-01T10:30, 10:30, +2h, +3d.")],
    operator: Annotated[str | None, typer.Option(help="By whom (login); default: anyone.")] = None,
    grace: Annotated[float, typer.Option(help="Seconds to wait for that operator.")] = 600,
    escalation: Annotated[str, typer.Option(help="Then: anyone or supervisor.")] = "anyone",
    note: Annotated[str, typer.Option(help="What was agreed.")] = "",
    as_json: Json = False,
) -> Reply:
    """Agree on a callback; an earlier one of the lead is canceled."""
    settings = use_settings(context)
    new = NewCallback(
        lead, moment(at, settings), operator, grace_s=grace, escalation=escalation, note=note
    )
    found = run(_add(settings, new))
    when = f"{new.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    told = say(f"Callback {found}: {when}.", f"Перезвон {found}: {when}.")
    return Reply({"id": found, "at": new.at}, [told])


async def _add(settings: Settings, new: NewCallback) -> int:
    async with open_floor(settings) as floor:
        return await CallbackService(floor.pool, floor.floor_id).add(new, os_user())


@app.command("cancel")
def cancel(context: typer.Context, callback: Id, as_json: Json = False) -> Reply:
    """The callback is not wanted any more."""
    run(_cancel(use_settings(context), callback))
    told = say(f"Callback {callback} is canceled.", f"Перезвон {callback} отменён.")
    return Reply({"id": callback, "status": "canceled"}, [told])


async def _cancel(settings: Settings, callback: int) -> None:
    async with open_floor(settings) as floor:
        await CallbackService(floor.pool, floor.floor_id).cancel(callback, os_user())


@app.command("give")
def give(
    context: typer.Context,
    callback: Id,
    operator: Annotated[str | None, typer.Option(help="To whom; default: anyone.")] = None,
    at: Annotated[str | None, typer.Option(help="When; default: now.")] = None,
    as_json: Json = False,
) -> Reply:
    """Give a callback to another operator or to anyone, as a supervisor does."""
    settings = use_settings(context)
    run(_give(settings, callback, operator, at))
    told = say(
        f"Callback {callback}: {operator or 'anyone'}.",
        f"Перезвон {callback}: {operator or 'любой оператор'}.",
    )
    return Reply({"id": callback, "operator": operator}, [told])


async def _give(settings: Settings, callback: int, operator: str | None, at: str | None) -> None:
    when = moment(at, settings) if at else None
    async with open_floor(settings) as floor:
        service = CallbackService(floor.pool, floor.floor_id)
        await service.reassign(callback, operator, os_user(), when)
