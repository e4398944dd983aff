"""PURE. Values of settings that are lists of tables: what is wrong has its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.campaign.kinds import Value, Wrong

Shape = Mapping[str, tuple[Any, Value]]
"""key -> (kind, default); the default `...` means that the key is needed."""


def records(value: Value, shape: Shape, most: int) -> list[dict[str, Value]]:
    """A list of tables of one shape, in the kept form: every key, in the shape's order."""
    if not isinstance(value, list | tuple):
        raise Wrong("give a list of tables", "нужен список таблиц")
    if len(value) > most:
        raise Wrong(f"give at most {most}", f"не больше {most}")
    return [record(item, shape, (index,)) for index, item in enumerate(value)]


def record(value: Value, shape: Shape, path: tuple[str | int, ...] = ()) -> dict[str, Value]:
    """One table."""
    if not isinstance(value, Mapping):
        raise Wrong("give a table", "нужна таблица", path)
    for key in value:
        if key not in shape:
            known = ", ".join(shape)
            told = f"no such key; one of: {known}", f"нет такого ключа; есть: {known}"
            raise Wrong(*told, (*path, key))
    return {key: _member(value, key, shape, path) for key in shape}


def _member(
    value: Mapping[str, Value], key: str, shape: Shape, path: tuple[str | int, ...]
) -> Value:
    kind, default = shape[key]
    if key not in value:
        if default is ...:
            raise Wrong(f"{key} is missing", f"не хватает {key}", path)
        return default
    try:
        return kind.read(value[key])
    except Wrong as wrong:
        told = wrong.sentence
        raise Wrong(told.en, told.ru, (*path, key, *wrong.path)) from None


def distinct(items: Sequence[Mapping[str, Value]], key: str) -> None:
    """Raises Wrong when two tables have the same value (None aside) of `key`."""
    seen = set()
    for index, item in enumerate(items):
        value = item[key]
        if value is not None and value in seen:
            raise Wrong(f"{value!r} is there twice", f"{value!r} встречается дважды", (index, key))
        seen.add(value)


def shortened(item: Mapping[str, Value], shape: Shape) -> dict[str, Value]:
    """A table without what is as it would be anyway, for a file."""
    return {key: value for key, value in item.items() if value != shape[key][1]}
