"""`prozvon consent`: who agreed to be called."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from campaigns.consent.service import ConsentService, NewConsent
from dialer.commands.common import Json, Reply, os_user, run, say, table, use_settings
from dialer.commands.database import Floor, open_floor
from dialer.commands.moments import moment
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Consent to be called: add, withdraw, list.")

TITLES = {
    "e164": "номер",
    "source": "источник",
    "evidence": "подтверждение",
    "given_at": "дано (UTC)",
    "until": "до (UTC)",
    "withdrawn_at": "отозвано (UTC)",
    "campaign": "кампания",
}

Phone = Annotated[str, typer.Argument(help="The person's number.")]


@app.command("add")
def add(
    context: typer.Context,
    phone: Phone,
    source: Annotated[str, typer.Option(help="Where it comes from: site, form, contract.")],
    evidence: Annotated[str, typer.Option(help="How it is proved: form number, recording, page.")],
    given: Annotated[str | None, typer.Option(help="When; default: now.")] = None,
    until: Annotated[str | None, typer.Option(help="It ends then; default: never.")] = None,
    campaign: Annotated[str | None, typer.Option(help="For this campaign alone.")] = None,
    as_json: Json = False,
) -> Reply:
    """Record a consent; leads that waited for it are asked again."""
    settings = use_settings(context)
    given_at = moment(given, settings) if given else datetime.now(UTC)
    ends = moment(until, settings) if until else None
    new = NewConsent(phone, source, evidence, given_at, campaign, ends)
    found = run(_add(settings, new))
    return Reply(
        {"id": found}, [say(f"Consent {found} is recorded.", f"Согласие {found} записано.")]
    )


async def _add(settings: Settings, new: NewConsent) -> int:
    async with open_floor(settings) as floor:
        return await _service(floor).add(new, os_user())


@app.command("withdraw")
def withdraw(context: typer.Context, phone: Phone, as_json: Json = False) -> Reply:
    """End every consent of a number, from the next dial on."""
    ended = run(_withdraw(use_settings(context), phone))
    return Reply(
        {"withdrawn": ended}, [say(f"{ended} consents ended.", f"Отозвано согласий: {ended}.")]
    )


async def _withdraw(settings: Settings, phone: str) -> int:
    async with open_floor(settings) as floor:
        return await _service(floor).withdraw(phone, os_user())


@app.command("list")
def list_(
    context: typer.Context,
    phone: Annotated[str | None, typer.Argument(help="Only this number's.")] = None,
    as_json: Json = False,
) -> Reply:
    """Records, newest first; withdrawn ones too."""
    found = run(_list(use_settings(context), phone))
    columns = ("id", "e164", "source", "evidence", "given_at", "until", "withdrawn_at", "campaign")
    rows = [[entry[column] for column in columns] for entry in found]
    titles = (say(column, TITLES.get(column, column)) for column in columns)
    none = say("No consents yet.", "Согласий пока нет.")
    return Reply(found, [table(titles, rows)] if rows else [none])


async def _list(settings: Settings, phone: str | None) -> list[dict[str, Any]]:
    async with open_floor(settings) as floor:
        return await _service(floor).records(phone)


def _service(floor: Floor) -> ConsentService:
    return ConsentService(floor.pool, floor.floor_id, floor.settings.floor.phone_region)
