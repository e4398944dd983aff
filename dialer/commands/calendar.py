"""`prozvon calendar`: holidays and transferred working days."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.hours.calendar import Calendar, doubt, summary, year_of
from campaigns.hours.service import CalendarService
from dialer.commands.common import Json, Reply, os_user, run, say, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.commands.toml_files import read_toml
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Calendars: list, show, import.")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> Reply:
    """Calendars and the years they know."""
    found = run(_calendars(use_settings(context)))
    data = [summary(calendar) for calendar in found]
    rows = [(d["name"], ", ".join(map(str, d["years"])), ", ".join(map(str, d["provisional"])))
            for d in data]  # fmt: skip
    return Reply(
        data,
        [
            table(
                (
                    say("calendar", "календарь"),
                    say("years", "годы"),
                    say("provisional", "предварительно"),
                ),
                rows,
            )
        ],
    )


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="ru, us, uk or your own.")],
    year: Annotated[int, typer.Argument(min=2000, max=2100, help="Which year.")],
    as_json: Json = False,
) -> Reply:
    """Days off and transferred working days of one year."""
    calendar = run(_calendar(use_settings(context), name))
    data = year_of(calendar, year)
    rows = [(day, say("day off", "выходной")) for day in data["holidays"]]
    rows += [
        (day, say(f"works, as {instead}", f"рабочий, как {instead}"))
        for day, instead in data["working"].items()
    ]
    unsure = doubt(calendar, year)
    told = [unsure.to(speech.language)] if unsure else []
    return Reply(data, [table((f"{name} {year}", ""), sorted(rows)), *told])


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="TOML: a calendar, or some years of one.")],
    as_json: Json = False,
) -> Reply:
    """Take a calendar, or new years of a known one, from the next dial on."""
    settings = use_settings(context)
    document = read_toml(file, "bad_calendar")
    calendar = run(_load(settings, document, file.name))
    years = ", ".join(str(year) for year in sorted(calendar.years))
    told = say(
        f"The calendar {calendar.name} knows {years}.",
        f"В календаре {calendar.name} годы: {years}.",
    )
    return Reply(summary(calendar), [told])


async def _calendars(settings: Settings) -> list[Calendar]:
    async with open_floor(settings) as floor:
        return list((await CalendarService(floor.pool, floor.floor_id).calendars()).values())


async def _calendar(settings: Settings, name: str) -> Calendar:
    async with open_floor(settings) as floor:
        return await CalendarService(floor.pool, floor.floor_id).calendar(name)


async def _load(settings: Settings, document: dict[str, Any], source: str) -> Calendar:
    async with open_floor(settings) as floor:
        return await CalendarService(floor.pool, floor.floor_id).load(document, source, os_user())
