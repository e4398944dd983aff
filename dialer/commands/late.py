"""Commands whose modules are imported when they are asked for, and not before.

All modules together take two seconds to import on a slow machine, one command's hardly half of
that, and `prozvon --help` needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True)
class Late:
    """`target`: "module:name" of a `typer.Typer` or of a command's function, in this package.

    `help`: the first paragraph of its own help, shown in the list of commands.
    """

    target: str
    help: str

    def load(self, name: str) -> TyperCommand | TyperGroup:
        module, _, attribute = self.target.partition(":")
        found = getattr(import_module(f"dialer.commands.{module}"), attribute)
        if isinstance(found, typer.Typer):
            group = get_group(found)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        return cast(TyperCommand, get_command(alone))


def late_group(commands: Mapping[str, Late]) -> type[TyperGroup]:
    """A `cls` for `typer.Typer`: a group that has these commands after its own."""

    class LateGroup(TyperGroup):
        commands_in_other_modules = commands

        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            for name, late in commands.items():
                self.commands[name] = TyperCommand(name=name, help=late.help)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            if args and args[0] in commands:
                self.commands[args[0]] = commands[args[0]].load(args[0])
            return super().resolve_command(ctx, args)

    return LateGroup
