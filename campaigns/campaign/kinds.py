"""PURE. Kinds of values that a campaign's settings have, and what one editable key is.

A value has one form everywhere (JSON: text, number, true, false, null, list, object): in files, on
the command line, in the versions that are kept. `read` takes what a TOML, YAML or JSON file gives,
`parse` the text of a command line; both raise `Wrong` with a sentence in two languages.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from campaigns.moments import meant
from campaigns.refusals import Sentence

Value = Any
"""JSON: str, int, float, bool, None, list or dict of these."""

NONE_WORDS = ("", "none", "null", "нет")
YES_WORDS, NO_WORDS = ("true", "yes", "on", "1", "да"), ("false", "no", "off", "0", "нет")


class Wrong(ValueError):
    """A value that a key cannot have. `path`: where in a structured value (keys, indexes)."""

    def __init__(self, en: str, ru: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(en)
        self.sentence = Sentence(en, ru)
        self.path = path


NOTHING = Sentence("", "")


class Kind(Protocol):
    """What values a key can have."""

    @property
    def doc(self) -> Sentence:
        """For the reference: what may be written."""
        ...

    def read(self, value: Value) -> Value:
        """The value as it is kept. Raises Wrong."""
        ...

    def parse(self, text: str) -> Value:
        """The same from the text of a command line. Raises Wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """One line of 1 to `chars` characters; `pattern` with its explanation narrows it."""

    chars: int = 200
    pattern: str = ""
    shape: Sentence = NOTHING

    @property
    def doc(self) -> Sentence:
        if self.pattern:
            return self.shape
        return Sentence(f"1 to {self.chars} characters", f"от 1 до {self.chars} символов")

    def read(self, value: Value) -> Value:
        if not isinstance(value, str):
            raise Wrong(f"give text, not {_shown(value)}", f"нужен текст, а не {_shown(value)}")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise Wrong(
                f"{_shown(value)} is not {self.shape.en}", f"{_shown(value)}: нужно {self.shape.ru}"
            )
        if not value.strip() or len(value) > self.chars or not value.isprintable():
            raise Wrong(
                f"give one line of 1 to {self.chars} characters",
                f"нужна одна строка от 1 до {self.chars} символов",
            )
        return value

    def parse(self, text: str) -> Value:
        return self.read(text)


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high` in `unit`; `whole` takes integers only."""

    low: float
    high: float
    unit: str = ""
    whole: bool = False

    @property
    def doc(self) -> Sentence:
        span = f"{self.low:g} – {self.high:g} {self.unit}".rstrip()
        if self.whole:
            return Sentence(f"whole number, {span}", f"целое число, {span}")
        return Sentence(f"number, {span}", f"число, {span}")

    def read(self, value: Value) -> Value:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong(f"give a number, not {_shown(value)}", f"нужно число, а не {_shown(value)}")
        # Written so that NaN is out of range too.
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            raise Wrong(
                f"{value:g} does not fit; give a {self.doc.en}",
                f"{value:g} не подходит; нужно {self.doc.ru}",
            )
        return int(value) if self.whole else float(value)

    def parse(self, text: str) -> Value:
        try:
            return self.read(float(text.replace(",", ".")))
        except (ValueError, OverflowError) as error:
            if isinstance(error, Wrong):
                raise
            raise Wrong(f"{text!r} is no number", f"{text!r} не число") from None


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    @property
    def doc(self) -> Sentence:
        return Sentence("true or false", "true или false")

    def read(self, value: Value) -> Value:
        if not isinstance(value, bool):
            raise Wrong(
                f"give true or false, not {_shown(value)}",
                f"нужно true или false, а не {_shown(value)}",
            )
        return value

    def parse(self, text: str) -> Value:
        word = text.strip().lower()
        if word in YES_WORDS or word in NO_WORDS:
            return word in YES_WORDS
        raise Wrong(f"{text!r} is neither true nor false", f"{text!r}: нужно true или false")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `names`."""

    names: tuple[str, ...]

    @property
    def doc(self) -> Sentence:
        return Sentence(", ".join(self.names), ", ".join(self.names))

    def read(self, value: Value) -> Value:
        if value not in self.names:
            raise Wrong(
                f"{_shown(value)} is none of: {self.doc.en}",
                f"{_shown(value)}: возможны только {self.doc.ru}",
            )
        return value

    def parse(self, text: str) -> Value:
        return self.read(text.strip())


@dataclass(frozen=True, slots=True)
class Many:
    """A list of different values of one kind, at most `most`; on a command line with commas."""

    kind: Kind
    most: int = 100

    @property
    def doc(self) -> Sentence:
        return Sentence(f"list of: {self.kind.doc.en}", f"список из: {self.kind.doc.ru}")

    def read(self, value: Value) -> Value:
        if not isinstance(value, list | tuple):
            raise Wrong(f"give a list, not {_shown(value)}", f"нужен список, а не {_shown(value)}")
        items = [self._item(index, item) for index, item in enumerate(value)]
        if len(items) > self.most:
            raise Wrong(f"give at most {self.most}", f"не больше {self.most}")
        return [item for index, item in enumerate(items) if item not in items[:index]]

    def _item(self, index: int, item: Value) -> Value:
        try:
            return self.kind.read(item)
        except Wrong as wrong:
            raise Wrong(wrong.sentence.en, wrong.sentence.ru, (index, *wrong.path)) from None

    def parse(self, text: str) -> Value:
        if text.strip().lower() in NONE_WORDS:
            return []
        return self.read([self.kind.parse(part.strip()) for part in text.split(",")])


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Date and time in the floor's own zone, kept as `2026-12-01T09:00:00`."""

    @property
    def doc(self) -> Sentence:
        return Sentence(
            "date and time in the floor's zone: 2026-12-01T09:00:00",
            "дата и время в поясе площадки: 2026-12-01T09:00:00",
        )

    def read(self, value: Value) -> Value:
        moment = _moment(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime) or moment.tzinfo is not None or not meant(moment):
            raise Wrong(
                f"{_shown(value)} is no {self.doc.en}, without an offset",
                f"{_shown(value)}: нужна {self.doc.ru}, без смещения",
            )
        return moment.isoformat(timespec="seconds")

    def parse(self, text: str) -> Value:
        return self.read(text.strip())


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if len(text) > len("2026-12-01") else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Day:
    """A date, kept as `2026-12-31`."""

    @property
    def doc(self) -> Sentence:
        return Sentence("date: 2026-12-31", "дата: 2026-12-31")

    def read(self, value: Value) -> Value:
        try:
            day = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            day = None
        if not isinstance(day, date) or isinstance(day, datetime) or not meant(day):
            raise Wrong(
                f"{_shown(value)} is no {self.doc.en}", f"{_shown(value)}: нужна {self.doc.ru}"
            )
        return day.isoformat()

    def parse(self, text: str) -> Value:
        return self.read(text.strip())


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value of `kind`, or none: left out in a file, `none` on the command line."""

    kind: Kind

    @property
    def doc(self) -> Sentence:
        return self.kind.doc

    def read(self, value: Value) -> Value:
        return None if value is None else self.kind.read(value)

    def parse(self, text: str) -> Value:
        return None if text.strip().lower() in NONE_WORDS else self.kind.parse(text)


@dataclass(frozen=True, slots=True)
class Table:
    """A structured value, read by a function that raises Wrong with the path of what is wrong.

    On a command line it is written as in a TOML file: `{mon = [["09:00", "18:00"]]}`.
    """

    reader: Callable[[Value], Value]
    shape: Sentence

    @property
    def doc(self) -> Sentence:
        return self.shape

    def read(self, value: Value) -> Value:
        return self.reader(value)

    def parse(self, text: str) -> Value:
        if text.strip().lower() in NONE_WORDS:
            return self.read(None)
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            raise Wrong(
                f"{_shown(text)} is no value of a TOML file; or use --file FILE",
                f"{_shown(text)}: нужно значение, как в файле TOML; или --file ФАЙЛ",
            ) from None
        return self.read(value)


def _shown(value: Value) -> str:
    text = repr(value) if not isinstance(value, date) else value.isoformat()
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, slots=True)
class Key:
    """One editable setting of a campaign.

    `name` is what files and commands say (`goals.conversations`); `column` of the table `campaign`
    holds it ("" where a service of its own stores it). `default` is in the kept form. `frozen`:
    only a draft may change it.
    """

    name: str
    kind: Kind
    default: Value
    doc: Sentence
    column: str = ""
    frozen: bool = False
