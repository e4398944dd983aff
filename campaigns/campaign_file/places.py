"""PURE. Where in a TOML or YAML text a key stands, so that an error can name line and column.

Neither `tomllib` nor PyYAML's constructed values keep places. For YAML the composed nodes have
them; a TOML text, known to be valid, is walked through once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

Path = tuple[str | int, ...]
BARE = re.compile(r"[A-Za-z0-9_-]+")
SPACE = re.compile(r"[ \t]*")
GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!"")|""(?!"))*"{3,5}'
    r"|'''(?:[^']|'(?!'')|''(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
PLAIN = re.compile(r"[^,\]}\n#]*")


class Places:
    """Offsets of keys and items in a text, by their paths."""

    def __init__(self, text: str, offsets: Mapping[Path, int]) -> None:
        self._text, self._offsets = text, offsets

    def of(self, path: Path) -> tuple[int, int]:
        """(line, column), from 1, of the key at `path`, or of the nearest one around it.

        A last element that is no key but stands in the text after it (a placeholder) is found
        there.
        """
        for length in range(len(path), 0, -1):
            offset = self._offsets.get(path[:length])
            if offset is not None:
                inner = path[length] if length < len(path) else ""
                within = self._text.find(str(inner), offset) if isinstance(inner, str) else -1
                return self._line_column(within if inner and within >= 0 else offset)
        return 1, 1

    def _line_column(self, offset: int) -> tuple[int, int]:
        before = self._text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def toml_places(text: str) -> Places:
    """Places of a text that `tomllib` has read."""
    return Places(text, dict(_Toml(text).walk()))


class _Toml:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._counts: dict[Path, int] = {}

    def walk(self) -> Iterator[tuple[Path, int]]:
        table: Path = ()
        while True:
            self._skip(GAP)
            if self._at >= len(self._text):
                return
            start = self._at
            if self._text.startswith("[", start):
                table = self._header()
                yield table, start
            else:
                yield from self._pair(table)

    def _header(self) -> Path:
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        keys = self._keys()
        self._at += 2 if many else 1
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            last = index == len(keys) - 1
            if last and many:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(SPACE)
            found = STRING.match(self._text, self._at) or BARE.match(self._text, self._at)
            assert found is not None, "tomllib has read this text"
            self._at = found.end()
            word = found.group()
            keys.append(word[1:-1] if word[0] in "\"'" else word)
            self._skip(SPACE)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _pair(self, table: Path) -> Iterator[tuple[Path, int]]:
        start = self._at
        path = (*table, *self._keys())
        yield path, start
        self._at += 1  # the equals sign
        yield from self._value(path)

    def _value(self, path: Path) -> Iterator[tuple[Path, int]]:
        self._skip(SPACE)
        found = STRING.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        elif self._text.startswith("[", self._at):
            yield from self._array(path)
        elif self._text.startswith("{", self._at):
            yield from self._inline(path)
        else:
            self._skip(PLAIN)

    def _array(self, path: Path) -> Iterator[tuple[Path, int]]:
        self._at += 1
        index = 0
        while True:
            self._skip(GAP)
            if self._text.startswith("]", self._at):
                self._at += 1
                return
            yield (*path, index), self._at
            yield from self._value((*path, index))
            index += 1
            self._skip(GAP)
            if self._text.startswith(",", self._at):
                self._at += 1

    def _inline(self, path: Path) -> Iterator[tuple[Path, int]]:
        self._at += 1
        while True:
            self._skip(GAP)
            if self._text.startswith("}", self._at):
                self._at += 1
                return
            yield from self._pair(path)
            self._skip(GAP)
            if self._text.startswith(",", self._at):
                self._at += 1

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self._text, self._at)
        assert found is not None
        self._at = found.end()


def yaml_places(text: str, root: yaml.Node | None) -> Places:
    """Places of a composed YAML document."""
    return Places(text, dict(_nodes(root, ())) if root is not None else {})


def _nodes(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.index
            yield from _nodes(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), item.start_mark.index
            yield from _nodes(item, (*path, index))
