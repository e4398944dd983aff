"""`prozvon calendar`: holidays and transferred working days."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.hours.calendar import Calendar, CalendarError
from campaigns.hours.service import CalendarService
from dialer.commands.common import Json, Reply, os_user, run, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Calendars: list, show, import.")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> Reply:
    """Calendars and the years they know."""
    found = run(_calendars(use_settings(context)))
    data = [_summary(calendar) for calendar in found]
    rows = [(d["name"], ", ".join(map(str, d["years"])), ", ".join(map(str, d["provisional"])))
            for d in data]  # fmt: skip
    return Reply(data, [table(("calendar", "years", "provisional"), rows)])


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="ru, us, uk or your own.")],
    year: Annotated[int, typer.Argument(help="Which year.")],
    as_json: Json = False,
) -> Reply:
    """Days off and transferred working days of one year."""
    calendar = run(_calendar(use_settings(context), name))
    holidays = sorted(day.isoformat() for day in calendar.holidays if day.year == year)
    working = sorted(
        (day.isoformat(), instead.isoformat())
        for day, instead in (calendar.working or {}).items()
        if day.year == year
    )
    data = {**_summary(calendar), "holidays": holidays, "working": dict(working)}
    rows = [(day, "day off") for day in holidays]
    rows += [(day, f"works, as {instead}") for day, instead in working]
    return Reply(data, [table((f"{name} {year}", ""), sorted(rows))])


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="TOML: a calendar, or some years of one.")],
    as_json: Json = False,
) -> Reply:
    """Take a calendar, or new years of a known one, from the next dial on."""
    settings = use_settings(context)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CalendarError("bad_calendar", f"{file}: {error}", status=422) from error
    calendar = run(_load(settings, document, file.name))
    years = ", ".join(str(year) for year in sorted(calendar.years))
    return Reply(_summary(calendar), [f"The calendar {calendar.name} knows {years}."])


def _summary(calendar: Calendar) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "years": sorted(calendar.years),
        "provisional": sorted(calendar.provisional),
    }


async def _calendars(settings: Settings) -> list[Calendar]:
    async with open_floor(settings) as floor:
        return list((await CalendarService(floor.pool, floor.floor_id).calendars()).values())


async def _calendar(settings: Settings, name: str) -> Calendar:
    async with open_floor(settings) as floor:
        return await CalendarService(floor.pool, floor.floor_id).calendar(name)


async def _load(settings: Settings, document: dict[str, Any], source: str) -> Calendar:
    async with open_floor(settings) as floor:
        return await CalendarService(floor.pool, floor.floor_id).load(document, source, os_user())
