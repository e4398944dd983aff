"""`prozvon replay`: a record of a run, played to a controller, and what became different."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer import logs
from dialer.commands.common import Json, Reply, table, use_settings
from dialer.database.embedded import EmbeddedPostgres
from dialer.replay.compare import SAME_S
from dialer.replay.play import Replayed, replay
from dialer.replay.record import read_record

SHOWN = 50
LATE = (
    "The recorded controller was late by up to {late_s:g} s (a machine with too much to do): what "
    "it decided within so much of a limit may have come out either way."
)


def replay_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A record made by `serve --record`.")],
    as_json: Json = False,
) -> Reply:
    """Play a record to a controller with a database of its own, as fast as it goes.

    Exit code 0: every call and shift came to the same; 1: the differences are told.
    """
    use_settings(context)
    logs.set_up("critical")  # what the controller complains of is told as a difference
    record = read_record(file)
    with tempfile.TemporaryDirectory(prefix="prozvon-replay-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "postgres", durable=False)
        try:
            found = replay(record, asyncio.run(server.start()), folder)
        finally:
            asyncio.run(server.stop())
    return Reply(found.as_dict(), _told(found), exit_code=0 if found.equal else 1)


def _told(found: Replayed) -> list[Any]:
    played = f"{found.attempts} calls of {found.seconds:g} s, replayed in {found.took_s:g} s"
    if found.equal:
        return [f"{played}: the same."]
    rows = [(d.what, d.key, d.recorded, d.replayed) for d in found.differences[:SHOWN]]
    more = len(found.differences) - len(rows)
    return [
        f"{played}: {len(found.differences)} differences.",
        table(("what", "whose", "recorded", "replayed"), rows),
        *([f"... and {more} more; --json tells all"] if more else []),
        *([LATE.format(late_s=found.late_s)] if found.late_s > SAME_S else []),
    ]
