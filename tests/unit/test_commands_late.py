"""Commands that are imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from inspect import getdoc
from typing import Any

import pytest
import typer
from typer.main import get_group

from dialer import cli
from dialer.commands import campaign, lists, operator


def _groups() -> list[typer.Typer]:
    return [cli.app, lists.app, campaign.app, operator.app]


def _first_paragraph(found: Any) -> str:
    """The first paragraph of a command's own help, as the list of commands shows it."""
    text = found.info.help if isinstance(found, typer.Typer) else getdoc(found)
    assert text
    return " ".join(text.split("\n\n")[0].split())


@pytest.mark.parametrize("group", _groups())
def test_the_list_of_commands_says_what_each_commands_help_says(group: typer.Typer) -> None:
    commands: dict[str, Any] = group.info.cls.commands_in_other_modules  # type: ignore[union-attr]
    assert commands
    for name, late in commands.items():
        module, _, attribute = late.target.partition(":")
        own = _first_paragraph(getattr(import_module(f"dialer.commands.{module}"), attribute))
        assert late.help == own, name
        assert late.load(name).name == name


def test_an_unknown_command_is_told_the_near_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["campain", "--json"]) == 2
    assert "Did you mean 'campaign'" in capfd.readouterr().out


def test_help_needs_no_command_and_a_command_no_others() -> None:
    said = "import sys; from dialer.cli import invoke; {}; print([m in sys.modules for m in {}])"
    others = ["numpy", "aiohttp", "dialer.app"]
    for call in ("invoke(['--help'])", "invoke(['list', 'import', '--help'])"):
        words = [sys.executable, "-c", said.format(call, others)]
        out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert out.splitlines()[-1] == "[False, False, False]", out


@pytest.mark.parametrize("name", [name for name, _ in cli.ERROR_IDS])
def test_every_error_with_an_id_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), BaseException)


def test_a_group_has_its_late_commands_beside_its_own() -> None:
    names = list(get_group(lists.app).commands)
    assert {"import", "show", "export", "health"} <= set(names)
