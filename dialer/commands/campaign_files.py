"""Files of `prozvon campaign`: a campaign as TOML or YAML, results as CSV or XLSX."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from campaigns.campaign.model import CampaignError
from campaigns.campaign.service import CampaignService
from campaigns.campaign_file.model import SUFFIXES, CampaignFile, FileError, read, write
from campaigns.refusals import Sentence
from campaigns.results.model import Exported
from campaigns.results.service import ResultsService
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    Verbatim,
    os_user,
    run,
    say,
    speech,
    use_settings,
)
from dialer.commands.database import open_floor
from dialer.config import Settings
from monitoring.reports.period import period

results = typer.Typer(no_args_is_help=True, help="What came of a campaign.")


def is_file(name: str) -> bool:
    """Whether an argument means a campaign's file, not a campaign's name."""
    return Path(name).suffix.lower() in SUFFIXES


def read_file(path: Path) -> CampaignFile:
    """Raises FileError with file, line and column; CommandError `bad_format`, `bad_file`."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise CommandError(
            "bad_format",
            f"a campaign's file is .toml or .yaml, not {path.name!r}",
            f"файл кампании: .toml или .yaml, а не {path.name!r}",
        )
    try:
        return read(path.read_text(encoding="utf-8-sig"), kind, str(path))
    except UnicodeDecodeError as error:
        told = Sentence(
            f"{path}: not UTF-8 (byte {error.start})", f"{path}: не UTF-8 (байт {error.start})"
        )
        raise FileError("bad_syntax", told) from None
    except OSError as error:
        raise CommandError(
            "bad_file",
            f"{path} cannot be read: {error.strerror}",
            f"{path} не читается: {error.strerror}",
        ) from None


async def located(file: CampaignFile, work: Callable[[], Any]) -> Any:
    """What `work` gives; its refusal of settings names line and column of the file."""
    try:
        return await work()
    except CampaignError as error:
        raise file.located(error) from None


def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The campaign's name.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Into this file; default: stdout.")
    ] = None,
    format_: Annotated[
        Literal["toml", "yaml"] | None, typer.Option("--format", help="Default: by the suffix.")
    ] = None,
    as_json: Json = False,
) -> Reply:
    """The campaign as a file; `create FILE` makes the same one of it."""
    settings = use_settings(context)
    kind = format_ or SUFFIXES.get(output.suffix.lower() if output else "", "toml")
    text = write(name, run(_settings(settings, name)), kind)
    data = {"name": name, "format": kind, "text": text, "file": output}
    if output is None:
        return Reply(data, [Verbatim(text)])
    output.write_text(text, encoding="utf-8")
    return Reply(
        data, [say(f"The campaign {name} is in {output}.", f"Кампания {name} – в {output}.")]
    )


async def _settings(settings: Settings, name: str) -> dict[str, Any]:
    async with open_floor(settings) as floor:
        service = CampaignService(floor.pool, floor.floor_id, settings.asterisk.node)
        return await service.settings(name)


@results.command("export")
def export_results(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The campaign's name.")],
    file: Annotated[Path, typer.Argument(help="Where to; .csv or .xlsx.")],
    since: Annotated[
        str | None, typer.Option("--from", help="Date or time in the floor's zone; default: all.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Date (included) or time (not included).")
    ] = None,
    conversations: Annotated[
        bool, typer.Option("--conversations", help="Conversations only, not every attempt.")
    ] = False,
    as_json: Json = False,
) -> Reply:
    """Attempts with outcomes, dispositions and answers into a file; noted in the audit."""
    settings = use_settings(context)
    done = run(_export(settings, name, file, since, until, conversations))
    told = say(
        f"{done.rows} attempts, {done.conversations} conversations: {done.file}",
        f"Наборов {done.rows}, разговоров {done.conversations}: {done.file}",
    )
    return Reply(done, [told])


async def _export(
    settings: Settings,
    name: str,
    file: Path,
    since: str | None,
    until: str | None,
    conversations: bool,
) -> Exported:
    zone = ZoneInfo(settings.floor.time_zone)
    begin, end = None, None
    if since or until:
        when = period(since or "2000-01-01", until, zone, datetime.now(UTC))
        begin, end = when.since, when.until
    async with open_floor(settings) as floor:
        service = ResultsService(floor.pool, floor.floor_id, zone)
        return await service.export(
            name,
            file,
            os_user(),
            since=begin,
            until=end,
            conversations_only=conversations,
            language=speech.language,
        )
