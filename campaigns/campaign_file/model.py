"""PURE. A campaign's file -> name and settings, and back.

Keys are those of `campaigns.campaign.settings`: `goals.conversations` is the key `conversations` in
the table `goals`. Beside them there is `name`. An error names file, line and column.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import tomli_w
import yaml

from campaigns.broadcast.model import outside
from campaigns.campaign import settings as registry
from campaigns.campaign.kinds import Day, LocalTime, Maybe, Value
from campaigns.campaign.model import CampaignError
from campaigns.campaign.settings import BadSettings, Problem
from campaigns.campaign.structures import shortened
from campaigns.campaign_file.places import Places, toml_places, yaml_places
from campaigns.dispositions.model import DISPOSITION, FIELD
from campaigns.message.model import outside as message_outside
from campaigns.refusals import Sentence, joined
from campaigns.scripts.model import ANSWER, STEP

Format = Literal["toml", "yaml"]
SUFFIXES: Mapping[str, Format] = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}
MOST_CHARS = 1_000_000
TOML_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)\Z", re.DOTALL)


class FileError(CampaignError):
    """A file that is no campaign. `places` are (line, column, from 1) of everything wrong."""

    def __init__(
        self, id: str, sentence: Sentence, places: tuple[tuple[int, int], ...] = ()
    ) -> None:
        super().__init__(id, sentence.en, sentence.ru, status=422)
        self.places = places


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """What a file says: `settings` in their kept form, without those it leaves out."""

    name: str
    settings: Mapping[str, Value]
    source: str
    places: Places

    def located(self, error: CampaignError) -> CampaignError:
        """An error about the settings, with file, line and column where they are known."""
        problems = error.problems if isinstance(error, BadSettings) else [error]
        told = [p for p in problems if isinstance(p, Problem)]
        return _file_error(self.source, self.places, told) if told else error


def read(text: str, kind: Format, source: str) -> CampaignFile:
    """Reads a file's text; `source` is what errors call it. Raises FileError.

    Ids: `bad_syntax`, `bad_value`, `unknown_key`.
    """
    if len(text) > MOST_CHARS:
        raise FileError(
            "bad_syntax",
            Sentence(
                f"{source}: a campaign has at most {MOST_CHARS:,} characters",
                f"{source}: в файле кампании не больше {MOST_CHARS:,} символов",
            ),
        )
    document, places = _toml(text, source) if kind == "toml" else _yaml(text, source)
    name = document.pop("name", None)
    if not isinstance(name, str):
        raise _at(source, "bad_value", places.of(("name",)), NO_NAME)
    try:
        settings = registry.read(dict(flat(document)))
    except BadSettings as error:
        raise _file_error(source, places, error.problems) from None
    return CampaignFile(name, settings, source, places)


NO_NAME = Sentence("the campaign needs a name", "кампании нужно название (name)")


def _file_error(source: str, places: Places, problems: list[Problem]) -> FileError:
    found = [places.of((*_table_path(problem.key), *problem.path)) for problem in problems]
    told = [
        _told(source, place, Sentence(f"{p.key}: {p.bare.en}", f"{p.key}: {p.bare.to('ru')}"))
        for p, place in zip(problems, found, strict=True)
    ]
    return FileError(problems[0].id, joined(told, "\n"), tuple(found))


def _table_path(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


def _at(source: str, id: str, place: tuple[int, int], sentence: Sentence) -> FileError:
    return FileError(id, _told(source, place, sentence), (place,))


def _told(source: str, place: tuple[int, int], sentence: Sentence) -> Sentence:
    line, column = place
    return Sentence(
        f"{source}, line {line}, column {column}: {sentence.en}",
        f"{source}, строка {line}, столбец {column}: {sentence.to('ru')}",
    )


def _toml(text: str, source: str) -> tuple[dict[str, Any], Places]:
    try:
        return tomllib.loads(text), toml_places(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        found = TOML_PLACE.fullmatch(str(error))
        what = found[1] if found else str(error)
        last = text.count("\n") + 1, 1
        place = (int(found[2]), int(found[3])) if found else last
        raise _at(source, "bad_syntax", place, _not(what, "TOML")) from None


def _not(what: str, format: str) -> Sentence:
    return Sentence(f"this is not {format}: {what}", f"это не {format}: {what}")


def _yaml(text: str, source: str) -> tuple[dict[str, Any], Places]:
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken):  # a few lines of them can grow to gigabytes
                raise _yaml_error(source, "aliases (*name) have no place here", token.start_mark)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for mark, key in _twice(root):
            raise _yaml_error(source, f"the key {key!r} is there twice", mark)
        document = yaml.load(text, Loader=yaml.SafeLoader)
    except FileError:
        raise
    except yaml.MarkedYAMLError as error:
        raise _yaml_error(source, error.problem or str(error), error.problem_mark) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _at(source, "bad_syntax", (1, 1), _not(str(error), "YAML")) from None
    if not isinstance(document, dict):
        raise _at(source, "bad_syntax", (1, 1), _not("there are no keys", "YAML"))
    return document, yaml_places(text, root)


def _yaml_error(source: str, what: str, mark: Any) -> FileError:
    place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return _at(source, "bad_syntax", place, _not(what, "YAML"))


def _twice(node: yaml.Node | None) -> Iterator[tuple[Any, str]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark, str(key.value)
            seen.add(key.value)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item)


def flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Tables of keys -> keys with dots."""
    for key, value in document.items():
        if isinstance(value, dict) and str(key) not in registry.BY_NAME:
            for inner, member in value.items():
                yield f"{key}.{inner}", member
        else:
            yield str(key), value


# --- back


def write(name: str, settings: Mapping[str, Value], kind: Format) -> str:
    """The file of a campaign: what is as it would be anyway is left out."""
    document: dict[str, Any] = {"name": name}
    for key in registry.KEYS:
        value = settings[key.name]
        if value == key.default and key.name not in ("trunk", "lists"):
            continue
        *table, last = _table_path(key.name)
        place = document.setdefault(table[0], {}) if table else document
        place[last] = _outside(key.kind, key.name, value)
    if kind == "toml":
        return tomli_w.dumps(document, multiline_strings=True)
    text: str = yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    return text


def _outside(kind: Any, name: str, value: Value) -> Any:
    """A value as a file has it."""
    inner = kind.kind if isinstance(kind, Maybe) else kind
    if isinstance(inner, LocalTime):
        return datetime.fromisoformat(value)
    if isinstance(inner, Day):
        return date.fromisoformat(value)
    if name == "dispositions":
        return [shortened(item, DISPOSITION) for item in value]
    if name == "form":
        return [shortened(item, FIELD) for item in value]
    if name == "broadcast":
        return outside(value)
    if name == "message":
        return message_outside(value)
    if name == "script":
        return {"steps": [_step(step) for step in value["steps"]]}
    return value


def _step(step: Mapping[str, Value]) -> dict[str, Value]:
    short = shortened(step, STEP)
    if step["answers"]:
        short["answers"] = [shortened(answer, ANSWER) for answer in step["answers"]]
    return short


class _Dumper(yaml.SafeDumper):
    """Texts of some lines as blocks; lists indented; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
