"""The `prozvon` command.

Commands return a `Reply`; printing it, errors and exit codes are here, so that all commands behave
alike: 0 done, 1 an error (with `--json`: `{"error": {"id": ..., "message": ...}}` on stdout), 2
wrong usage, 130 interrupted. Logs go to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import asyncpg
import structlog
import typer

from campaigns.refusals import Refusal
from dialer import logs
from dialer.asterisk.ami import AmiError
from dialer.asterisk.conf import ConfError
from dialer.asterisk.packages import PackagesError
from dialer.asterisk.phones import PhonesError
from dialer.asterisk.server import AsteriskError
from dialer.commands import (
    asterisk,
    calendar,
    callback,
    campaign,
    consent,
    dnc,
    doctor,
    legal,
    list_export,
    list_health,
    lists,
    operator,
    pacing,
    person,
    plan,
    recording,
    replay,
    report,
    rollups,
    service,
    simulate,
    supervisor,
    talk,
    trunk,
    why,
)
from dialer.commands.common import Reply, print_json, show, speech
from dialer.config import ConfigError
from dialer.database.migrate import MigrationError
from dialer.database.pool import DatabaseError

log = structlog.get_logger(__name__)

app = typer.Typer(
    name="prozvon",
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


app.command("serve")(service.serve)
app.command("demo")(service.demo)
app.command("replay")(replay.replay_file)
app.command("doctor")(doctor.doctor)
app.command("migrate")(service.migrate_database)
app.add_typer(talk.app, name="operator")
lists.app.command("export")(list_export.export)
lists.app.command("health")(list_health.health)
app.add_typer(lists.app, name="list")
app.add_typer(campaign.app, name="campaign")
app.add_typer(legal.app, name="legal")
app.add_typer(calendar.app, name="calendar")
app.add_typer(dnc.app, name="dnc")
app.add_typer(consent.app, name="consent")
app.add_typer(callback.app, name="callback")
app.add_typer(person.app, name="person")
app.command("report")(report.report)
app.add_typer(plan.app, name="plan")
app.add_typer(rollups.app, name="rollups")
app.command("why")(why.why)
app.command("simulate")(simulate.simulate)
campaign.app.command("pacing")(pacing.pacing)
operator.app.command("skills")(pacing.skills)
app.add_typer(trunk.app, name="trunk")
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(recording.app, name="recording")
app.add_typer(supervisor.app, name="supervisor")

# The first that fits: the special before the general.
ERROR_IDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConfigError, "bad_settings"),
    (MigrationError, "migration_failed"),
    (DatabaseError, "database_unreachable"),
    (asyncpg.PostgresError, "database_failed"),
    (asyncpg.InterfaceError, "database_failed"),
    (PhonesError, "phones_failed"),
    (AmiError, "asterisk_unreachable"),
    (AsteriskError, "asterisk_failed"),
    (PackagesError, "asterisk_missing"),
    (ConfError, "bad_settings"),
    (OSError, "system_error"),
)


def main() -> None:
    """The program's entry."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Carries out one command line; prints its result or error; returns the exit code."""
    as_json = "--json" in arguments
    speech.asked, speech.settings = None, "en"
    logs.set_up("warning")
    try:
        result = app(list(arguments), prog_name="prozvon", standalone_mode=False)
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
    for kind, id in ERROR_IDS:
        if isinstance(leaf, kind):
            return id, str(leaf) or type(leaf).__name__
    log.error("unforeseen_error", exc_info=error)
    return "internal", f"{type(leaf).__name__}: {leaf} (a defect of Prozvon; the log has the rest)"


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
