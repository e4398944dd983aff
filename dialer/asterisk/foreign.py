"""Reads the configuration of an Asterisk that is not ours: sections and values, includes followed.

Only what an installation has to know is understood: sections with their `(...)`, `key = value`,
comments, `#include` and `#tryinclude`. `#exec` is not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SECTION = re.compile(r"\[([^\]]+)\]\s*(?:\(([^)]*)\))?")
_INCLUDE = re.compile(r"#(?:try)?include\s+[\"<]?([^\">\s;]+)", re.IGNORECASE)
_PAIR = re.compile(r"([^=]+?)\s*=>?\s*(.*)")
_BLOCK_COMMENT = re.compile(r";--.*?--;", re.DOTALL)
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps Prozvon from working on this Asterisk, and what to do."""

    id: str
    text: str


@dataclass(slots=True)
class Section:
    """One `[name](marks)` with its pairs in order; a template is marked `!`, an addition `+`."""

    name: str
    marks: tuple[str, ...]
    file: Path
    pairs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def template(self) -> bool:
        return "!" in self.marks


@dataclass(frozen=True, slots=True)
class ForeignConf:
    """A folder such as /etc/asterisk. Includes of `skip` are not followed: they are our own."""

    etc: Path
    skip: Path

    def sections(self, file: str) -> list[Section]:
        """All sections of a file, in order; none when it is not there. Raises OSError."""
        found: list[Section] = []
        self._read(self.etc / file, found, 0)
        return found

    def value(self, file: str, section: str, key: str) -> str | None:
        """The value that counts: the last one given, options without regard to case."""
        found = None
        for part in self.sections(file):
            if part.name.lower() == section.lower() and not part.template:
                for name, value in part.pairs:
                    found = value if name.lower() == key.lower() else found
        return found

    def yes(self, file: str, section: str, key: str, *, default: bool) -> bool:
        value = self.value(file, section, key)
        return default if value is None else value.lower() in ("yes", "true", "y", "t", "1", "on")

    def has_section(self, file: str, name: str) -> bool:
        return any(part.name.lower() == name.lower() for part in self.sections(file))

    def inherited(self, file: str) -> list[Section]:
        """Sections that are no templates, with what they have from their templates before."""
        templates: dict[str, list[tuple[str, str]]] = {}
        found: list[Section] = []
        for part in self.sections(file):
            given = [pair for mark in part.marks for pair in templates.get(mark, [])]
            whole = Section(part.name, part.marks, part.file, [*given, *part.pairs])
            templates[part.name] = whole.pairs
            if not part.template:
                found.append(whole)
        return found

    def _read(self, path: Path, found: list[Section], depth: int) -> None:
        if depth > _DEPTH or not path.is_file():
            return
        text = _BLOCK_COMMENT.sub("", path.read_text(encoding="utf-8", errors="replace"))
        for line in filter(None, map(_without_comment, text.splitlines())):
            if match := _INCLUDE.match(line):
                for included in self._included(match[1]):
                    self._read(included, found, depth + 1)
            elif match := _SECTION.match(line):
                marks = tuple(part.strip() for part in (match[2] or "").split(",") if part.strip())
                found.append(Section(match[1].strip(), marks, path))
            elif found and (match := _PAIR.match(line)):
                found[-1].pairs.append((match[1].strip(), match[2].strip()))

    def _included(self, name: str) -> Iterator[Path]:
        """Relative names are below the folder, whoever includes them; `*` may stand for many."""
        path = Path(name)
        base = path.parent if path.is_absolute() else self.etc / path.parent
        if base == self.skip:
            return
        yield from sorted(base.glob(path.name)) if base.is_dir() else ()


def _without_comment(line: str) -> str:
    """A semicolon begins a comment unless a backslash stands before it."""
    return re.split(r"(?<!\\);", line, maxsplit=1)[0].strip()
