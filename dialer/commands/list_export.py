"""`prozvon list export`: contacts with what came of them, as CSV or XLSX."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from campaigns.export.model import Exported, Filters, Format, parse_attributes
from campaigns.export.service import ExportService
from campaigns.lists.errors import ListError
from dialer.commands.common import Json, Reply, os_user, run, say, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings
from monitoring.reports.period import period

# Before the first telephone call.
BEGIN = "1876-03-10"


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to: NAME.csv or NAME.xlsx.")],
    name: Annotated[str | None, typer.Option("--list", help="Of this list alone.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Of this campaign alone.")] = None,
    status: Annotated[str | None, typer.Option(help="Leads with this status.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Last attempt's outcome.")] = None,
    disposition: Annotated[str | None, typer.Option(help="Last attempt's disposition.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of the contact; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Last dialed from this date or time on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="... to this date (included) or time (not).")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Whole numbers, not masked ones; the audit says so.")
    ] = False,
    as_json: Json = False,
) -> Reply:
    """Write contacts, leads and their last attempts to a file. Every export is in the audit."""
    settings = use_settings(context)
    first, last = _period(settings, since, until)
    filters = Filters(
        name, campaign, status, outcome, disposition, first, last, parse_attributes(attribute or [])
    )
    done = run(_export(settings, file, _format(file), filters, reveal))
    numbers = say("masked numbers (whole ones: --reveal)", "номера скрыты (целиком: --reveal)")
    if done.revealed:
        numbers = say("whole numbers", "номера целиком")
    told = say(f"{done.rows} rows, {numbers}", f"строк {done.rows}, {numbers}")
    return Reply(done, [f"{done.path}: {told}"])


def _period(
    settings: Settings, since: str | None, until: str | None
) -> tuple[datetime | None, datetime | None]:
    if since is None and until is None:
        return None, None
    when = period(since or BEGIN, until, ZoneInfo(settings.floor.time_zone), datetime.now(UTC))
    return when.since, when.until


def _format(file: Path) -> Format:
    match file.suffix.lower():
        case ".csv":
            return "csv"
        case ".xlsx":
            return "xlsx"
    raise ListError("bad_export_name", name=file.name)


async def _export(
    settings: Settings, file: Path, kind: Format, filters: Filters, reveal: bool
) -> Exported:
    async with open_floor(settings) as floor:
        service = ExportService(floor.pool, floor.floor_id)
        return await service.export(file, kind, filters, actor=os_user(), reveal=reveal)
