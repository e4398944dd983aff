"""`prozvon lead`: who comes first, and whose leads they are."""

from __future__ import annotations

from typing import Annotated

import typer

from campaigns.export.model import parse_attributes
from campaigns.leads.model import MOST_PRIORITY
from campaigns.leads.service import LeadService, What, Which
from dialer.commands.common import CommandError, Json, Reply, os_user, run, say, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings
from dialer.http.fields import MAX_ID

app = typer.Typer(no_args_is_help=True, help="Leads: who comes first, whose they are.")
NOBODY = "none"


@app.callback()
def _group() -> None:
    """Leads: who comes first, whose they are."""


@app.command("set")
def set_(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(help="The campaign.")],
    priority: Annotated[
        int | None,
        typer.Option(
            min=-MOST_PRIORITY, max=MOST_PRIORITY, help="0 is usual; the higher comes first."
        ),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help=f"The operator (login) who alone calls them; or {NOBODY}.")
    ] = None,
    lead: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MAX_ID, help="This lead; may be given several times."),
    ] = None,
    list_: Annotated[str | None, typer.Option("--list", help="Leads of this list.")] = None,
    phone: Annotated[str | None, typer.Option(help="Leads with this phone.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of the contact; may be repeated.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All leads of the campaign.")] = False,
    as_json: Json = False,
) -> Reply:
    """Make leads hot, or somebody's own; in force from the next dial that is prepared."""
    attributes = parse_attributes(attribute or [])
    which = Which(campaign, tuple(lead or ()), list_, phone, attributes)
    narrowed = bool(lead or list_ or phone or attributes)
    if narrowed == all_:
        raise CommandError(
            "usage",
            "say which leads: --lead, --list, --phone, --attribute, or --all",
            "укажите, какие лиды: --lead, --list, --phone, --attribute или --all",
        )
    what = What(priority, "" if owner == NOBODY else owner)
    changed = run(_set(use_settings(context), which, what))
    told = say(f"{changed} leads are changed.", f"Изменено лидов: {changed}.")
    return Reply({"campaign": campaign, "changed": changed}, [told])


async def _set(settings: Settings, which: Which, what: What) -> int:
    async with open_floor(settings) as floor:
        service = LeadService(floor.pool, floor.floor_id, settings.floor.phone_region)
        return await service.set(which, what, os_user())
