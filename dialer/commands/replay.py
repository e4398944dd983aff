"""`prozvon replay`: a record of a run, played to a controller, and what became different."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.refusals import Sentence
from dialer import logs
from dialer.commands.common import Json, Reply, say, speech, table, use_settings
from dialer.database.embedded import EmbeddedPostgres
from dialer.replay.compare import SAME_S
from dialer.replay.play import Replayed, replay
from dialer.replay.record import read_record

SHOWN = 50
LATE = Sentence(
    "The recorded controller was late by up to {late_s:g} s (a machine with too much to do): what "
    "it decided within so much of a limit may have come out either way.",
    "Записанный контроллер опаздывал до {late_s:g} с (машина была перегружена): решённое так "
    "близко к пределу могло выйти и так, и иначе.",
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
    played = say(
        f"{found.attempts} calls of {found.seconds:g} s, replayed in {found.took_s:g} s",
        f"Звонков {found.attempts} за {found.seconds:g} с, воспроизведено за {found.took_s:g} с",
    )
    if found.equal:
        return [f"{played}: {say('the same.', 'всё совпало.')}"]
    rows = [(d.what, d.key, d.recorded, d.replayed) for d in found.differences[:SHOWN]]
    count = len(found.differences)
    more = count - len(rows)
    heads = (
        say("what", "что"),
        say("whose", "чьё"),
        say("recorded", "в записи"),
        say("replayed", "при воспроизведении"),
    )
    rest = say(f"... and {more} more; --json tells all", f"... и ещё {more}; всё покажет --json")
    return [
        f"{played}: {say(f'{count} differences.', f'различий {count}.')}",
        table(heads, rows),
        *([rest] if more else []),
        *([LATE.to(speech.language).format(late_s=found.late_s)] if found.late_s > SAME_S else []),
    ]
