"""PURE. Which of the first rows of a file names the columns: exports put titles above it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from campaigns.lists.columns import Field, fields_of

# A header is looked for so far.
HEADER_LINES = 30
_NUMBER = re.compile(r"[\d\s()+.\-\u2010-\u2015]+\Z")
_PHONE_DIGITS = 10
_SOME_DIGITS = 7


def find_header(rows: Sequence[Sequence[str]], mapping: Mapping[str, Field] | None = None) -> int:
    """Index of the row with the names of columns, among the first ones of a file.

    It names a column of phones (by `mapping` or by its name), and is looked for above the first
    row that holds a number, so that no person is taken for a title. Of several the one with phones
    below it, else the one with several names. Where there is none: the first row with several
    cells, the widest one after a title. Whether that one will do, `map_columns` says.
    """
    named = [index for index in _above_numbers(rows) if _phones(rows[index], mapping)]
    for index in named:
        if any(_holds_number(row, _phones(rows[index], mapping)) for row in rows[index + 1 :]):
            return index
    several = [index for index in named if _filled(rows[index]) > 1]
    if several or named:
        return (several or named)[0]
    first = bool(rows) and _filled(rows[0]) > 1
    return 0 if first or not rows else max(range(len(rows)), key=lambda i: _filled(rows[i]))


def _above_numbers(rows: Sequence[Sequence[str]]) -> Sequence[int]:
    for index, row in enumerate(rows):
        if any(_is_number(cell) for cell in row):
            return range(index)
    return range(len(rows))


def _phones(row: Sequence[str], mapping: Mapping[str, Field] | None) -> list[int]:
    fields = fields_of(row, mapping)
    return [index for index, field in enumerate(fields) if field == "phone"]


def _holds_number(row: Sequence[str], indexes: Sequence[int]) -> bool:
    return any(_digits(row[index]) >= _SOME_DIGITS for index in indexes if index < len(row))


def _is_number(cell: str) -> bool:
    return _digits(cell) >= _PHONE_DIGITS and _NUMBER.match(cell) is not None


def _digits(cell: str) -> int:
    return sum(map(str.isdecimal, cell))


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell and not cell.isspace())
