"""`prozvon serve`, `demo` and `migrate`: what runs the system or readies it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
import typer
import uvloop

from campaigns.refusals import Sentence
from dialer.app import App
from dialer.commands.campaign_shown import OUTCOME_WORDS
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    cell,
    run,
    say,
    table,
    use_settings,
    word,
)
from dialer.commands.database import borrowed_database
from dialer.config import Settings
from dialer.database.migrate import migrate, read_migrations
from dialer.replay.recorder import Recorder

log = structlog.get_logger(__name__)
T = TypeVar("T")
COUNTS = {
    "seconds": Sentence("seconds", "секунд"),
    "contacts": Sentence("contacts", "контактов"),
    "attempts": Sentence("attempts", "попыток"),
    "answered": Sentence("answered", "ответили"),
    "conversations": Sentence("conversations", "разговоров"),
    "abandoned": Sentence("abandoned", "брошены"),
    "double_dialed": Sentence("double_dialed", "набраны дважды"),
}


Record = Annotated[
    Path | None,
    typer.Option(help="Write the run to this new file (.jsonl.gz), numbers masked, for `replay`."),
]


def serve(
    context: typer.Context,
    record: Record = None,
    as_json: Json = False,
) -> Reply:
    """Run the dialer until SIGTERM or Ctrl-C, then finish conversations and stop.

    A terminal that is closed counts as Ctrl-C, but under nohup. A second signal stops without
    waiting for conversations, a third one at once.
    """
    settings = use_settings(context, quiet=False)
    with contextlib.ExitStack() as stack:
        recorder = stack.enter_context(Recorder(record)) if record else None
        problem = _with_uvloop(_serve(settings, recorder))
    if recorder is not None and recorder.problem:
        problem = f"{problem} {recorder.problem}".strip()
    data = {"stopped": True, **({"problem": problem} if problem else {})}
    return Reply(data, [f"{say('Stopped.', 'Остановлено.')} {problem}".strip()])


def _with_uvloop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _serve(settings: Settings, recorder: Recorder | None) -> str:
    """Until stopped; "" or what kept it from starting until it was told to stop."""
    app = App(settings)
    app.recorder = recorder
    try:
        await _until_stopped(app.run(), app.stopping)
    except CommandError:
        raise
    except Exception as error:
        if app.started.is_set() or not app.stopping.is_set():
            raise
        return str(error)
    return ""


async def _until_stopped(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T:
    """Signals set `stop`; a second one cancels `work`. Raises CommandError `stopped_at_once`."""
    running = asyncio.create_task(work)
    stopper = _Stopper(stop, running)
    loop = asyncio.get_running_loop()
    for number in _signals():
        loop.add_signal_handler(number, stopper.signalled, number)
    try:
        return await running
    except asyncio.CancelledError:
        if stopper.count < 2:
            raise
        raise CommandError(
            "stopped_at_once",
            "stopped without waiting for calls",
            "остановлено, не дожидаясь конца звонков",
        ) from None


def _signals() -> list[signal.Signals]:
    """What asks to stop. A hang-up too: else the Asterisks here would be left behind."""
    hangup = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []
    return [signal.SIGTERM, signal.SIGINT, *hangup]


class _Stopper:
    """First signal: drain. Second: stop now. Third: leave, whatever is still being done."""

    def __init__(self, stop: asyncio.Event, running: asyncio.Task[Any]) -> None:
        self._stop, self._running = stop, running
        self._terminals = [fd for fd in (0, 1, 2) if os.isatty(fd)]
        self.count = 0

    def signalled(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._leave_terminal()
        self.count += 1
        log.info("signal", signal=signal.Signals(number).name, count=self.count)
        if self.count == 1:
            self._stop.set()
        elif self.count == 2:
            self._running.cancel()
        else:
            os._exit(1)

    def _leave_terminal(self) -> None:
        """It is gone: whatever is written there from now on would be an error."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in self._terminals:
            os.dup2(nowhere, fd)
        os.close(nowhere)


def demo(
    context: typer.Context,
    contacts: Annotated[int, typer.Option(min=1, max=1_000_000, help="Contacts to make.")] = 200,
    operators: Annotated[int, typer.Option(min=1, max=99, help="Simulated operators.")] = 10,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so long; default: when all is dialed.")
    ] = None,
    list_: Annotated[
        Path | None, typer.Option("--list", help="A CSV to dial in place of made-up contacts.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same people and answers again.")] = None,
    predictive: Annotated[
        bool, typer.Option("--predictive", help="Predictive pacing, not progressive.")
    ] = False,
    endless: Annotated[
        bool, typer.Option("--endless", help="Wait for retries and Ctrl-C when all is dialed.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep everything there, not in the settings' data_dir.")
    ] = None,
    record: Record = None,
    as_json: Json = False,
) -> Reply:
    """Run the whole system against a simulated carrier, and check its counts against ours."""
    # Asterisk, carrier and live table: no other command needs them.
    from dialer.demo.run import DemoOptions, run_demo

    settings = _moved(use_settings(context), data_dir)
    options = DemoOptions(contacts, operators, seconds, list_, seed, predictive, endless)
    live = not as_json and sys.stdout.isatty()
    tell = (lambda text: None) if as_json else _tell

    async def until_stopped() -> dict[str, Any]:
        stop = asyncio.Event()
        return await _until_stopped(
            run_demo(settings, options, live=live, say=tell, stop=stop, recorder=recorder), stop
        )

    with contextlib.ExitStack() as stack:
        recorder = stack.enter_context(Recorder(record)) if record else None
        result = _with_uvloop(until_stopped())
    if recorder is not None and recorder.problem:
        result["problems"].append(recorder.problem)
    return Reply(result, _demonstrated(result), exit_code=0 if result["ok"] else 1)


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _demonstrated(result: dict[str, Any]) -> list[Any]:
    rows = [(word(COUNTS, name), str(result[name])) for name in COUNTS if name in result]
    rows += [
        (f"  {word(OUTCOME_WORDS, name)}", str(count))
        for name, count in result.get("outcomes", {}).items()
    ]
    waits = result.get("answer_to_operator_ms", {})
    waited = say("answer to operator", "от ответа до оператора,")
    rows += [(f"{waited} {name}", f"{cell(ms)} {say('ms', 'мс')}") for name, ms in waits.items()]
    verdict = (
        say("Our counts and the carrier's agree.", "Наш счёт и счёт сети сошлись.")
        if result["ok"]
        else say("NOT all is well:", "НЕ всё в порядке:")
    )
    return [table((say("demo", "демо"), ""), rows), verdict, *result.get("problems", [])]


def _moved(settings: Settings, data_dir: Path | None) -> Settings:
    if data_dir is None:
        return settings
    return settings.model_copy(update={"data_dir": data_dir.absolute()})


def migrate_database(context: typer.Context, as_json: Json = False) -> Reply:
    """Bring the database to this version's tables. `serve` does it too, at its start."""
    applied = run(_migrate(use_settings(context)))
    newest = max((m.number for m in read_migrations()), default=0)
    names = ", ".join(applied)
    told = (
        say(f"Applied {names}.", f"Применено: {names}.")
        if applied
        else say("Nothing to do.", "Делать нечего.")
    )
    at = say(f"The database is at {newest:04d}.", f"Версия базы данных: {newest:04d}.")
    return Reply({"applied": applied, "newest": newest}, [told, at])


async def _migrate(settings: Settings) -> list[str]:
    async with borrowed_database(settings) as dsn:
        return [migration.file for migration in await migrate(dsn)]
