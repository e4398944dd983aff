"""PURE. Scripts: steps with a text and answers that lead to other steps or to a disposition.

A text may hold placeholders: `{contact.name}`, `{contact.company}`, `{operator.name}`,
`{campaign.name}`, and `{attribute.X}` for the column X of the imported file. `{contact.name|sir}`
says what stands there when the contact has none. `{{` and `}}` are braces. Nothing else is
evaluated: what a file contained is text and stays text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.campaign.kinds import Key, Maybe, Table, Text, Value, Wrong
from campaigns.campaign.structures import distinct, record, records
from campaigns.dispositions.model import CODE
from campaigns.refusals import Sentence

MOST_STEPS = 200
MOST_ANSWERS = 20
TEXT_CHARS = 5000
PLACES = ("contact.name", "contact.company", "operator.name", "campaign.name")
ATTRIBUTE = "attribute."
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}|]*)(?:\|([^{}]*))?\}|[{}]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of some lines."""

    @property
    def doc(self) -> Sentence:
        return Sentence(f"text, at most {TEXT_CHARS} characters", f"текст до {TEXT_CHARS} символов")

    def read(self, value: Value) -> Value:
        if not isinstance(value, str) or not value.strip() or len(value) > TEXT_CHARS:
            raise Wrong(
                f"give text of 1 to {TEXT_CHARS} characters",
                f"нужен текст от 1 до {TEXT_CHARS} символов",
            )
        if not all(letter.isprintable() or letter in "\n\t" for letter in value):
            raise Wrong(
                "there is a character that cannot be shown", "в тексте есть непечатаемый символ"
            )
        return value.strip("\n")

    def parse(self, text: str) -> Value:
        return self.read(text)


ANSWER: Mapping[str, tuple[Any, Value]] = {
    "text": (Text(200), ...),
    "to": (Maybe(CODE), None),
    "disposition": (Maybe(CODE), None),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person may answer."""

    @property
    def doc(self) -> Sentence:
        return Sentence("tables with text and to or disposition", "таблицы: text, to, disposition")

    def read(self, value: Value) -> Value:
        found = records(value, ANSWER, MOST_ANSWERS)
        for index, answer in enumerate(found):
            if answer["to"] and answer["disposition"]:
                raise Wrong(
                    "an answer leads to a step or to a disposition, not to both",
                    "ответ ведёт или к шагу (to), или к результату (disposition)",
                    (index, "to"),
                )
        return found

    def parse(self, text: str) -> Value:
        raise NotImplementedError


STEP: Mapping[str, tuple[Any, Value]] = {
    "code": (CODE, ...),
    "text": (Passage(), ...),
    "answers": (Answers(), []),
}


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a script, the first one first."""

    @property
    def doc(self) -> Sentence:
        return Sentence("tables with code, text, answers", "таблицы: code, text, answers")

    def read(self, value: Value) -> Value:
        found = records(value, STEP, MOST_STEPS)
        if not found:
            raise Wrong("give at least one step", "нужен хотя бы один шаг")
        distinct(found, "code")
        return found

    def parse(self, text: str) -> Value:
        raise NotImplementedError


def read_script(value: Value) -> Value:
    """A script in its kept form, None for none. Raises Wrong."""
    if value is None:
        return None
    script = record(value, {"steps": (Steps(), ...)})
    for wrong in _ways(script["steps"]):
        raise wrong
    for wrong in _braces(script["steps"]):
        raise wrong
    return script


KEYS = (
    Key(
        "script",
        Table(
            read_script,
            Sentence(
                "table with steps: code, text, answers (text, to or disposition)",
                "таблица steps: code, text, answers (text, to или disposition)",
            ),
        ),
        None,
        Sentence("what operators say", "что говорит оператор"),
        "script",
    ),
)


def _ways(steps: Sequence[Mapping[str, Value]]) -> Iterator[Wrong]:
    """Answers that lead nowhere, steps that nobody reaches, ways that never end."""
    at = {step["code"]: index for index, step in enumerate(steps)}
    leads = {step["code"]: _targets(step) for step in steps}
    for index, step in enumerate(steps):
        for number, answer in enumerate(step["answers"]):
            if answer["to"] is not None and answer["to"] not in at:
                yield Wrong(
                    f"there is no step {answer['to']!r}",
                    f"нет шага {answer['to']!r}",
                    ("steps", index, "answers", number, "to"),
                )
                return
    reached = _reached(steps[0]["code"], leads)
    for code, index in at.items():
        if code not in reached:
            yield Wrong(
                f"no answer leads to the step {code!r}",
                f"ни один ответ не ведёт к шагу {code!r}",
                ("steps", index, "code"),
            )
    loop = _loop(steps[0]["code"], leads)
    if loop:
        index, to = at[loop[-2]], loop[-1]
        number = next(n for n, answer in enumerate(steps[index]["answers"]) if answer["to"] == to)
        way = " → ".join(loop)
        yield Wrong(
            f"the script goes in a circle: {way}",
            f"скрипт ходит по кругу: {way}",
            ("steps", index, "answers", number, "to"),
        )


def _targets(step: Mapping[str, Value]) -> list[str]:
    return [answer["to"] for answer in step["answers"] if answer["to"] is not None]


def _reached(first: str, leads: Mapping[str, list[str]]) -> set[str]:
    reached, waiting = {first}, [first]
    while waiting:
        for code in leads[waiting.pop()]:
            if code not in reached:
                reached.add(code)
                waiting.append(code)
    return reached


def _loop(first: str, leads: Mapping[str, list[str]]) -> list[str]:
    """A way that comes back to a step of its own, that step twice; [] where there is none."""
    done: set[str] = set()
    way: list[str] = [first]
    turns: list[Iterator[str]] = [iter(leads[first])]
    while turns:
        code = next(turns[-1], None)
        if code is None:
            turns.pop()
            done.add(way.pop())
        elif code in way:
            return [*way[way.index(code) :], code]
        elif code not in done:
            way.append(code)
            turns.append(iter(leads[code]))
    return []


def _braces(steps: Sequence[Mapping[str, Value]]) -> Iterator[Wrong]:
    for index, step in enumerate(steps):
        for found in PLACEHOLDER.finditer(step["text"]):
            if found.group() in ("{", "}"):
                yield Wrong(
                    "a lone brace; write {{ or }} for a brace",
                    "одиночная скобка; сама скобка пишется {{ или }}",
                    ("steps", index, "text"),
                )
            elif found.group(1) is not None and not _known(found.group(1)):
                places = ", ".join((*PLACES, f"{ATTRIBUTE}COLUMN"))
                yield Wrong(
                    f"there is no placeholder {found.group()}; there are: {places}",
                    f"нет подстановки {found.group()}; есть: {places}",
                    ("steps", index, "text", found.group()),
                )


def _known(place: str) -> bool:
    return place in PLACES or (place.startswith(ATTRIBUTE) and len(place) > len(ATTRIBUTE))


def unknown_attributes(script: Value, known: Collection[str]) -> Iterator[Wrong]:
    """Attributes without a default that no contact of the lists has."""
    for index, step in enumerate(script["steps"] if script else ()):
        for found in PLACEHOLDER.finditer(step["text"]):
            place, default = found.group(1) or "", found.group(2)
            name = place.removeprefix(ATTRIBUTE)
            if place.startswith(ATTRIBUTE) and default is None and name not in known:
                columns = ", ".join(sorted(known)) or "-"
                yield Wrong(
                    f"the lists have no column {name!r} (they have: {columns}); mend the name, or "
                    f"say what stands there otherwise: {{{place}|...}}",
                    f"в базах нет столбца {name!r} (есть: {columns}); исправьте название или "
                    f"укажите замену: {{{place}|...}}",
                    ("steps", index, "text", found.group()),
                )


def answers_end(whole: Mapping[str, Value]) -> Iterator[tuple[str, Wrong]]:
    """A disposition that an answer leads to must be in the set: (key, what is wrong)."""
    codes = {disposition["code"] for disposition in whole["dispositions"]}
    for index, step in enumerate(whole["script"]["steps"] if whole["script"] else ()):
        for number, answer in enumerate(step["answers"]):
            code = answer["disposition"]
            if code is not None and code not in codes:
                yield (
                    "script",
                    Wrong(
                        f"there is no disposition {code!r}",
                        f"нет результата {code!r}",
                        ("steps", index, "answers", number, "disposition"),
                    ),
                )


def rendered(script: Value, values: Mapping[str, str]) -> list[dict[str, Value]]:
    """The steps with `values` in place of placeholders; what is missing has its default, or "" ."""
    if script is None:
        return []
    return [{**step, "text": fill(step["text"], values)} for step in script["steps"]]


def fill(text: str, values: Mapping[str, str]) -> str:
    """One text."""

    def put(found: re.Match[str]) -> str:
        if found.group() in ("{{", "}}"):
            return found.group()[0]
        if found.group(1) is None:
            return found.group()
        return values.get(found.group(1)) or (found.group(2) or "")

    return PLACEHOLDER.sub(put, text)
