"""The `prozvon` command.

Commands return a `Reply`; printing it, errors and exit codes are here, so that all commands behave
alike: 0 done, 1 an error (with `--json`: `{"error": {"id": ..., "message": ...}}` on stdout), 2
wrong usage, 130 interrupted. Logs go to stderr.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import structlog
import typer

from campaigns.refusals import Refusal, Sentence
from dialer import logs
from dialer.commands.common import Reply, print_json, show, speech
from dialer.commands.late import Late, late_group

log = structlog.get_logger(__name__)

COMMANDS = {
    "serve": Late(
        "service:serve",
        "Run the dialer until SIGTERM or Ctrl-C, then finish conversations and stop.",
    ),
    "demo": Late(
        "service:demo",
        "Run the whole system against a simulated carrier, and check its counts against ours.",
    ),
    "replay": Late(
        "replay:replay_file",
        "Play a record to a controller with a database of its own, as fast as it goes.",
    ),
    "doctor": Late(
        "doctor:doctor",
        "Check a live system; each failure says what to do. Exit code 1 on any failure.",
    ),
    "migrate": Late(
        "service:migrate_database",
        "Bring the database to this version's tables. `serve` does it too, at its start.",
    ),
    "operator": Late("talk:app", "Staff, and what an operator's desk can ask for."),
    "list": Late("lists:app", "Bases of contacts: import, look."),
    "campaign": Late(
        "campaign:app", "What is dialed: make, approve, start, pause, finish, edit, look."
    ),
    "legal": Late("legal:app", "Legal profiles: what campaigns may do."),
    "calendar": Late("calendar:app", "Calendars: list, show, import."),
    "dnc": Late("dnc:app", "Do-not-call: add, import, list, remove."),
    "consent": Late("consent:app", "Consent to be called: add, withdraw, list."),
    "lead": Late("lead:app", "Leads: who comes first, whose they are."),
    "callback": Late("callback:app", "Callbacks: list, add, cancel, give to somebody."),
    "person": Late("person:app", "Personal data on request: export, erase."),
    "report": Late(
        "report:report",
        "What was done in a period, compared with another one; a table, CSV, XLSX, JSON or a page.",
    ),
    "plan": Late("plan:app", "What should be done on a working day."),
    "rollups": Late("rollups:app", "The kept sums that long reports read."),
    "why": Late(
        "why:why",
        "Why a campaign dials as it does, or a lead is not dialed: every rule that keeps it, and "
        "when that changes.",
    ),
    "simulate": Late(
        "simulate:simulate",
        "Run the pacing engine in virtual time: conversations, waiting, abandonment, lines, days.",
    ),
    "trunk": Late("trunk:app", "Trunks: list, state, check."),
    "asterisk": Late("asterisk:app", "Install into an Asterisk of yours."),
    "recording": Late("recording:app", "Recordings of conversations."),
    "supervisor": Late("supervisor:app", "Listen to an operator, whisper, barge in."),
}

app = typer.Typer(
    name="prozvon",
    cls=late_group(COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Auto-dialer for call floors on Asterisk.",
)


@app.callback()
def options(
    config: Annotated[
        Path | None,
        typer.Option(help="Settings; default: $PROZVON_CONFIG, else prozvon.toml if it is there."),
    ] = None,
    lang: Annotated[
        Literal["en", "ru"] | None,
        typer.Option(help="Language of sentences; default: the setting `language`."),
    ] = None,
) -> None:
    """Auto-dialer for call floors on Asterisk."""
    speech.asked = lang


# By name, because most commands never import these. The first that fits: the special before the
# general.
ERROR_IDS = (
    ("dialer.config.ConfigError", "bad_settings"),
    ("dialer.database.migrate.MigrationError", "migration_failed"),
    ("dialer.database.pool.DatabaseError", "database_unreachable"),
    ("asyncpg.exceptions._base.PostgresError", "database_failed"),
    ("asyncpg.exceptions._base.InterfaceError", "database_failed"),
    ("dialer.asterisk.phones.PhonesError", "phones_failed"),
    ("dialer.asterisk.ami.AmiError", "asterisk_unreachable"),
    ("dialer.asterisk.server.AsteriskError", "asterisk_failed"),
    ("dialer.asterisk.packages.PackagesError", "asterisk_missing"),
    ("dialer.asterisk.conf.ConfError", "bad_settings"),
    ("builtins.OSError", "system_error"),
)
FILE_ERRORS = {
    errno.ENOENT: Sentence("there is no such file or folder", "такого файла или папки нет"),
    errno.EACCES: Sentence("access is not permitted", "нет доступа"),
    errno.EISDIR: Sentence("it is a folder, not a file", "это папка, а не файл"),
    errno.ENOTDIR: Sentence("a part of the path is no folder", "часть пути — не папка"),
    errno.EEXIST: Sentence("it is there already", "уже есть"),
    errno.ENOSPC: Sentence("no space is left on the disk", "на диске нет места"),
    errno.EROFS: Sentence("the disk is read-only", "диск только для чтения"),
}


def main() -> None:
    """The program's entry."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Carries out one command line; prints its result or error; returns the exit code."""
    as_json = "--json" in arguments
    speech.asked, speech.settings = None, "en"
    logs.set_up("warning")
    try:
        result = app(_language_first(arguments), prog_name="prozvon", standalone_mode=False)
    except typer.TyperException as error:
        return _wrong_usage(error, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _failed("interrupted", "interrupted", as_json, 130)
    except Exception as error:
        return _failed(*explain(error), as_json, 1)
    if not isinstance(result, Reply):  # --help
        return int(result or 0)
    show(result, as_json=as_json)
    return result.exit_code


def explain(error: BaseException) -> tuple[str, str]:
    """Stable id and sentence of an error. One that nobody foresaw goes to the log, whole."""
    leaf = next(_leaves(error))
    if isinstance(leaf, Refusal):
        return leaf.id, leaf.to(speech.language)
    known = getattr(leaf, "id", None)
    if isinstance(known, str):
        return known, str(leaf)
    if isinstance(leaf, OSError) and leaf.filename is not None:
        return "system_error", f"{leaf.filename}: {_of_file(leaf).to(speech.language)}"
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(leaf).__mro__}
    for kind, id in ERROR_IDS:
        if kind in kinds:
            return id, str(leaf) or type(leaf).__name__
    log.error("unforeseen_error", exc_info=error)
    return "internal", f"{type(leaf).__name__}: {leaf} (a defect of Prozvon; the log has the rest)"


def _of_file(error: OSError) -> Sentence:
    """What is wrong with the file or folder that it names."""
    told = error.strerror or type(error).__name__
    return FILE_ERRORS.get(error.errno or 0, Sentence(told, told))


def _language_first(arguments: Sequence[str]) -> list[str]:
    """`--lang` may stand anywhere: it is the whole command line's."""
    language, others = [], []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            others += [argument, *left]
        elif argument == "--lang":
            language += [argument, *islice(left, 1)]
        else:
            (language if argument.startswith("--lang=") else others).append(argument)
    return language + others


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside groups, which task groups make."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _wrong_usage(error: typer.TyperException, as_json: bool) -> int:
    if as_json:
        return _failed("usage", error.format_message(), as_json, error.exit_code)
    show_error = getattr(error, "show", None)
    if show_error is not None:
        show_error()
    else:
        _failed("usage", error.format_message(), as_json, error.exit_code)
    return error.exit_code


def _failed(id: str, message: str, as_json: bool, exit_code: int) -> int:
    if as_json:
        print_json({"error": {"id": id, "message": message}})
    else:
        sys.stderr.write(f"prozvon: {message}\n")
    return exit_code
