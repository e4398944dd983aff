"""What all commands share: options, settings, what they give back and how it is shown."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.refusals import Language, Refusal, Sentence
from dialer import logs
from dialer.config import Settings, load

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
"""Declared by every command; `dialer.cli` looks for it itself, because wrong usage is answered in
JSON too, before there are values of options."""

WIDTH_WITHOUT_TERMINAL = 160


class CommandError(Refusal):
    """A command that cannot be carried out."""


@dataclass
class Speech:
    """The language of this command line: `--lang`, else the settings', else English."""

    asked: Language | None = None
    settings: Language = "en"

    @property
    def language(self) -> Language:
        return self.asked or self.settings


speech = Speech()


def say(en: str, ru: str) -> str:
    """The text in the language of this command line."""
    return Sentence(en, ru).to(speech.language)


def word(words: Mapping[Any, Sentence], code: str | None) -> str:
    """What people call `code`; itself where there is no word for it."""
    known = words.get(code or "")
    return known.to(speech.language) if known else code or ""


def failed() -> str:
    """Before what is wrong, among lines that begin with "ok  "."""
    return say("FAIL", "СБОЙ")


@dataclass(frozen=True)
class Reply:
    """What a command gives back: data for `--json`, and the same for people."""

    data: object
    human: Sequence[RenderableType]
    exit_code: int = 0


def use_settings(context: typer.Context, *, quiet: bool = True) -> Settings:
    """The settings of the file given by `--config`; logging is set up by them.

    `quiet`: only warnings, unless the settings ask for debugging. Raises ConfigError.
    """
    settings = load(context.find_root().params.get("config"))
    speech.settings = settings.language
    level = settings.log.level
    logs.set_up("warning" if quiet and level == "info" else level, settings.log.format)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def os_user() -> str:
    """Who gives the command, for the audit: the login name, also below sudo."""
    if os.geteuid() == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """`key=value` texts as a dictionary."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise CommandError(
                "bad_value",
                f"{text!r} is no KEY=VALUE",
                f"{text!r}: нужно КЛЮЧ=ЗНАЧЕНИЕ",
            )
        found[key.strip()] = value
    return found


class Verbatim(str):
    """A text for people to be printed as it is, without folding: a file."""


def show(reply: Reply, *, as_json: bool) -> None:
    """Prints a reply to stdout."""
    if as_json:
        print_json(reply.data)
        return
    console = stdout()
    for part in reply.human:
        if isinstance(part, Verbatim):
            sys.stdout.write(part)
            continue
        console.print(part, markup=False, highlight=False)


def stdout() -> Console:
    """Where tables go; wide where no terminal cuts them."""
    width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=sys.stdout, width=width)


def print_json(data: object) -> None:
    """One document on stdout."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(data, default=_plain, ensure_ascii=not utf8, allow_nan=False, indent=2)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, Path | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def table(columns: Iterable[str], rows: Iterable[Sequence[object]], title: str = "") -> Table:
    """A table; numbers to the right, None as a dash. Cells are text, never markup."""
    made = Table(title=title or None, title_justify="left")
    lines = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = any(isinstance(line[index], int | float) for line in lines)
        made.add_column(column, justify="right" if numeric else "left")
    for line in lines:
        made.add_row(*(Text(cell(value)) for value in line))
    return made


def as_written(value: object) -> object:
    """A setting for people: numbers with all that counts, tables and lists as JSON."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if type(value) is int else value


def cell(value: object) -> str:
    """One value for people."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return say("yes", "да") if value else say("no", "нет")
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
