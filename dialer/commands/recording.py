"""`prozvon recording`: hear, pause, keep and delete recordings of conversations."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from campaigns.refusals import Sentence
from dialer.commands import desk
from dialer.commands.common import Json, Reply, os_user, run, say, table, use_settings, word
from dialer.commands.database import open_floor
from dialer.config import Settings
from monitoring.recordings.audio import Listening
from monitoring.recordings.http import shown
from monitoring.recordings.model import Channels, Recording, RecordingError, Wanted
from monitoring.recordings.service import RecordingService

app = typer.Typer(no_args_is_help=True, help="Recordings of conversations.")

STATES = {"paused": Sentence("paused", "на паузе"), "resumed": Sentence("resumed", "продолжается")}

Login = Annotated[str, typer.Argument(help="The operator who talks.")]


@app.command("list")
def show_recordings(
    context: typer.Context,
    operator: Annotated[str | None, typer.Option(help="Of this operator.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Of this campaign.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Begun at or after this, UTC.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> Reply:
    """Finished recordings, the newest first."""
    began = since.replace(tzinfo=UTC) if since else None
    wanted = Wanted(operator=operator, campaign=campaign, since=began, limit=limit)
    found = run(_list(use_settings(context), wanted))
    rows = [_row(one) for one in found]
    columns = (
        say("attempt", "попытка"),
        say("began (UTC)", "начата (UTC)"),
        say("campaign", "кампания"),
        say("operator", "оператор"),
        say("seconds", "секунд"),
        say("pauses", "пауз"),
        say("note", "примечание"),
    )
    human = table(columns, rows) if rows else say("No recordings.", "Записей нет.")
    return Reply([shown(one) for one in found], [human])


def _row(one: Recording) -> tuple[object, ...]:
    deleted = f"{say('deleted', 'удалена')} {one.deleted_at:%Y-%m-%d}" if one.deleted_at else ""
    stopped = say("cut short: disk full", "оборвана: диск полон") if one.stopped_for else ""
    note = deleted or one.problem or stopped
    return (one.attempt_id, one.began_at, one.campaign, one.operator, one.seconds,
            len(one.pauses), note)  # fmt: skip


async def _list(settings: Settings, wanted: Wanted) -> list[Recording]:
    async with open_floor(settings) as floor:
        return await RecordingService(floor.pool, floor.floor_id).recordings(wanted)


@app.command("get")
def get(
    context: typer.Context,
    attempt: Annotated[UUID, typer.Argument(help="The attempt's id, as `list` shows it.")],
    output: Annotated[Path, typer.Argument(help="The file to write.")],
    channels: Annotated[Channels, typer.Option(help="What to hear.")] = Channels.STEREO,
    as_json: Json = False,
) -> Reply:
    """Write a recording to a file; the audit says who did it."""
    one = run(_get(use_settings(context), attempt, output, channels))
    data = {**shown(one), "output": output, "channels": channels}
    return Reply(data, [f"{output}: {one.seconds:.1f} {say('s', 'с')}, {channels}"])


async def _get(settings: Settings, attempt: UUID, output: Path, channels: Channels) -> Recording:
    async with open_floor(settings) as floor:
        service = RecordingService(floor.pool, floor.floor_id)
        one = await service.heard(attempt, os_user(), channels)
    assert one.path is not None
    await asyncio.to_thread(_copy, one.path, output, channels)
    return one


def _copy(path: Path, output: Path, channels: Channels) -> None:
    if channels is Channels.STEREO:
        shutil.copyfile(path, output)
        return
    sound = Listening(path, channels)
    with output.open("wb") as file:
        file.write(sound.head())
        while block := sound.block():
            file.write(block)
    sound.close()


@app.command("pause")
def pause(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Record nothing of the operator's conversation until `resume`: card data."""
    return _ask(context, login, "recording-pause")


@app.command("resume")
def resume(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Go on recording."""
    return _ask(context, login, "recording-resume")


def _ask(context: typer.Context, login: str, action: str) -> Reply:
    view = run(desk.act(use_settings(context), login, action, {}))
    state = word(STATES, view["recording"])
    return Reply(view, [say(f"{login}: the recording is {state}", f"{login}: запись {state}")])


@app.command("status")
def status(context: typer.Context, as_json: Json = False) -> Reply:
    """What is recorded now, and how much disk is left."""
    view = run(desk.ask(use_settings(context), "GET", "/api/recordings/status"))
    lines = [
        say(
            f"{view['recording']} conversations are recorded, {view['paused']} paused, "
            f"{view['stopped']} stopped; {view['free_bytes'] >> 20} MB free in {view['folder']}",
            f"Записывается разговоров: {view['recording']}, на паузе: {view['paused']}, "
            f"остановлено: {view['stopped']}; в {view['folder']} свободно "
            f"{view['free_bytes'] >> 20} МБ",
        )
    ]
    return Reply(view, [*lines, *([view["trouble"]] if view["trouble"] else [])])


@app.command("keep")
def keep(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    days: Annotated[str, typer.Argument(help="Days, or `default`: as the settings say.")],
    as_json: Json = False,
) -> Reply:
    """How long recordings of a campaign are kept."""
    count = None if days == "default" else _days(days)
    run(_keep(use_settings(context), campaign, count))
    if count is None:
        text = say("as long as the settings say", "столько, сколько в настройках")
    else:
        text = say(f"{count} days", f"дней: {count}")
    told = say(f"{campaign}: recordings are kept {text}", f"{campaign}: записи хранятся {text}")
    return Reply({"campaign": campaign, "days": count}, [told])


async def _keep(settings: Settings, campaign: str, days: int | None) -> None:
    async with open_floor(settings) as floor:
        await RecordingService(floor.pool, floor.floor_id).keep(campaign, days, os_user())


@app.command("purge")
def purge(
    context: typer.Context,
    older_than: Annotated[
        int | None, typer.Option(help="Days; default: as campaigns and settings say.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> Reply:
    """Delete recordings whose time is over; what is known of them stays."""
    gone = run(_purge(use_settings(context), older_than, dry_run=dry_run))
    count = len(gone)
    told = (
        say(f"{count} recordings would be deleted", f"Было бы удалено записей: {count}")
        if dry_run
        else say(f"{count} recordings deleted", f"Удалено записей: {count}")
    )
    return Reply({"deleted": gone, "dry_run": dry_run}, [told])


async def _purge(settings: Settings, older_than: int | None, *, dry_run: bool) -> list[UUID]:
    async with open_floor(settings) as floor:
        return await RecordingService(floor.pool, floor.floor_id).purge(
            settings.recording.keep_days, os_user(), older_than_days=older_than, dry_run=dry_run
        )


def _days(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise RecordingError(
            "bad_days",
            422,
            "give a number of days, or `default`",
            "укажите число дней или `default`",
        ) from None
