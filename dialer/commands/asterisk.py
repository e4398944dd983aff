"""`prozvon asterisk`: Prozvon's part in an Asterisk that already serves an office."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from dialer.asterisk import install_files
from dialer.asterisk.install import Plan, foreign_runtime, plan
from dialer.asterisk.server import InstanceLayout
from dialer.commands.common import CommandError, Json, Reply, failed, say, use_settings
from dialer.node import pbx_conf

app = typer.Typer(no_args_is_help=True, help="Install into an Asterisk of yours.")


@app.callback()
def group() -> None:
    """Install into an Asterisk of yours."""


@app.command("install")
def install(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is missing; exit code 1 if anything.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write it; again after changes.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take all of it out again.")] = False,
    etc: Annotated[
        Path | None, typer.Option(help="Asterisk's configuration; default: asterisk.config_dir.")
    ] = None,
    asterisk: Annotated[str, typer.Option(help="The command that starts Asterisk.")] = "asterisk",
    as_json: Json = False,
) -> Reply:
    """Add Prozvon to the configuration in /etc/asterisk, or take it out, byte for byte."""
    if check + apply + remove != 1:
        raise CommandError(
            "usage",
            "give one of --check, --apply and --remove",
            "укажите одно из --check, --apply, --remove",
        )
    settings = use_settings(context)
    folder = (etc or settings.asterisk.config_dir).absolute()
    if remove:
        return _removed(install_files.remove(folder))
    runtime = foreign_runtime(folder, asterisk)
    layout = InstanceLayout("office", folder)
    found = plan(pbx_conf(settings, runtime_layout=layout, runtime=runtime), folder)
    return _applied(found, folder) if apply else _checked(found)


def _checked(found: Plan) -> Reply:
    data = _data(found)
    human: list[Any] = [Text(f"{failed()}  {problem.text}") for problem in found.problems]
    human += [Text(_note(note)) for note in found.notes]
    human += [Text(change.diff().rstrip()) for change in found.changes]
    if found.installed:
        human = [say("Installed, nothing to change.", "Установлено, менять нечего.")]
    elif not found.problems:
        human.append(say("Write it: ", "Записать: ") + "prozvon asterisk install --apply")
    return Reply(data, human, exit_code=0 if found.installed else 1)


def _data(found: Plan) -> dict[str, Any]:
    return {
        "installed": found.installed,
        "problems": found.problems,
        "notes": found.notes,
        "changes": [{"path": c.path, "new": c.before is None} for c in found.changes],
    }


def _applied(found: Plan, folder: Path) -> Reply:
    written = install_files.apply(found, folder)
    if not written:
        return Reply({"written": []}, [say("Nothing to do, it is installed.", "Уже установлено.")])
    human = [f"{say('written', 'записан')}  {path}" for path in written]
    human += [_note(note) for note in found.notes]
    human.append(_restart())
    return Reply({"written": written, "notes": found.notes}, human)


def _note(text: str) -> str:
    return f"{say('note', 'примечание')}  {text}"


def _restart() -> str:
    told = say(
        "Now restart Asterisk, once nobody talks",
        "Теперь перезапустите Asterisk, когда нет разговоров",
    )
    return f"{told}: asterisk -rx 'core restart when convenient'"


def _removed(changed: list[Path]) -> Reply:
    if not changed:
        return Reply(
            {"changed": []},
            [say("Nothing to do, it is not installed.", "Не установлено, убирать нечего.")],
        )
    restored = say("restored", "возвращён")
    human = [*(f"{restored}  {path}" for path in changed), _restart()]
    return Reply({"changed": changed}, human)
