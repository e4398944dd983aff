"""PURE. Rows -> lines of PostgreSQL's COPY text format, most of them without a detour.

`RowText.usual` writes what is in the cells at once where nothing in the row needs thought, which
takes a third of the time of `read_row`; it answers None for all other rows, and tests prove that it
never says anything else than `read_row` would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter

from campaigns.lists.columns import Columns
from campaigns.lists.consents import BadConsent, Consent, read_consent
from campaigns.lists.model import CELL_CHARS, Row, parse_time_zone
from campaigns.lists.numbering import Zones, plan, zone_sets
from campaigns.lists.phones import GAPS, is_plain, usual_number
from campaigns.lists.texts import NumberText, clean_text

NULL = r"\N"
_ZONE_CODES: dict[Zones, str] = {zones: str(code) for code, zones in enumerate(zone_sets(), 1)}
# Made once: json.dumps makes an encoder for every call.
_encode = json.JSONEncoder(ensure_ascii=False).encode
_quoted = json.encoder.encode_basestring
# A file of all numbers of the world shall not fill the memory.
_WAYS_MOST = 50_000

# Phones of a row, apart by spaces; each is E.164, a tab, its place in `zone_sets()` from 1 or NULL.
# A text and no tuples: a million of these would keep Python's collector of garbage busy.
Numbers = str
# The rest of a row's line (name, company, time zone, region, attributes as JSON) without its end,
# and its phones.
RowLine = tuple[str, Numbers]


def line_of(row: Row) -> RowLine:
    """The line of a row that was read with all care."""
    cells = (
        _escaped(row.name),
        _escaped(row.company),
        NULL if row.time_zone is None else row.time_zone,
        NULL if row.region is None else _escaped(row.region),
        _escaped(_encode(row.attributes)) if row.attributes else "{}",
    )
    numbers = [f"{phone.e164}\t{_ZONE_CODES.get(phone.zones, NULL)}" for phone in row.phones]
    return "\t".join(cells), " ".join(numbers)


def phones_of(numbers: Numbers) -> list[str]:
    """E.164 of each."""
    return [number.partition("\t")[0] for number in numbers.split(" ")]


def codes_of(zone_ids: Sequence[int]) -> dict[str, str]:
    """Code of a zone set in `Numbers` -> what COPY stores; `zone_ids`: ids of `zone_sets()`."""
    return {NULL: NULL} | {str(code): str(one) for code, one in enumerate(zone_ids, 1)}


class RowText:
    """The usual rows of one file."""

    def __init__(self, columns: Columns, region: str) -> None:
        self._columns = columns
        self._region = region
        self._width = len(columns.names)
        self._keys = [(index, f"{_encode(columns.names[index])}: ") for index in columns.attributes]
        self._pick = _picker(columns.attributes)
        pairs = ", ".join(key.replace("%", "%%") + '"%s"' for _, key in self._keys)
        self._full = "{" + pairs + "}" if "\\" not in pairs else None
        self._plan = plan(region)
        # First signs and length of a number -> signs to leave out, tab and code of the zones.
        self._ways: dict[tuple[str, int], tuple[int, str] | None] = {}

    def usual(self, cells: Sequence[str]) -> RowLine | None:
        """What `line_of(read_row(...))` gives; None where the row is not of the usual kind."""
        whole = "".join(cells)
        plain = whole.isprintable() and "  " not in whole and "\\" not in whole
        if not plain or len(cells) != self._width or len(whole) > CELL_CHARS:
            return None
        numbers = self._numbers(cells)
        if numbers is None:
            return None
        columns, time_zone = self._columns, NULL
        cells = [cell.strip() for cell in cells]
        if columns.time_zone is not None and (text := cells[columns.time_zone]):
            found = parse_time_zone(text) if len(text) <= 64 else None
            if found is None:
                return None
            time_zone = found
        name = self._name(cells)
        company = "" if columns.company is None else cells[columns.company]
        region = NULL if columns.region is None else cells[columns.region] or NULL
        attributes = self._attributes(cells, '"' not in whole)
        return f"{name}\t{company}\t{time_zone}\t{region}\t{attributes}", numbers

    def _name(self, cells: Sequence[str]) -> str:
        indexes = self._columns.name
        if len(indexes) == 1:
            return cells[indexes[0]]
        name = " ".join([cells[index] for index in indexes]).strip()
        return clean_text(name) if "  " in name else name

    def consent(self, cells: Sequence[str], now: datetime) -> Consent | BadConsent | None:
        """What a row that is `usual` says of consent."""
        columns = self._columns
        text = "" if columns.time_zone is None else cells[columns.time_zone].strip()
        return read_consent(cells, columns, parse_time_zone(text) if text else None, now)

    def _numbers(self, cells: Sequence[str]) -> Numbers | None:
        found = ""
        for index in self._columns.phones:
            cell = cells[index]
            if not cell:
                continue
            number = self._number(cell)
            if number is None or (isinstance(cell, NumberText) and cell.is_rounded()):
                return None
            # Equal phones have equal zones.
            if not found:
                found = number
            elif number not in found:
                found = f"{found} {number}"
        return found or None

    def _number(self, cell: str) -> str | None:
        """A usual number and the code of its zones, as `Numbers` has them."""
        digits = cell if cell.isdecimal() else GAPS.sub("", cell)
        try:
            way = self._ways[digits[: self._plan.head], len(digits)]
        except KeyError:
            way = self._find_way(digits)
        # What is cut off is in the beginning that the way is known by.
        if way is not None and (national := digits[way[0] :]).isdecimal() and national.isascii():
            return None if cell.endswith(".0") else f"{self._plan.plus}{national}{way[1]}"
        read = usual_number(cell, self._region)
        return None if read is None else f"{read[0]}\t{_ZONE_CODES.get(read[1], NULL)}"

    def _find_way(self, digits: str) -> tuple[int, str] | None:
        if not self._plan.known or not is_plain(digits):
            return None
        way = self._plan.way(digits)
        coded = None if way is None else (way.cut, f"\t{_ZONE_CODES.get(way.zones, NULL)}")
        if len(self._ways) >= _WAYS_MOST:
            self._ways.clear()
        self._ways[digits[: self._plan.head], len(digits)] = coded
        return coded

    def _attributes(self, cells: Sequence[str], unquoted: bool) -> str:
        if unquoted and self._full is not None and all(texts := self._pick(cells)):
            return self._full % texts
        pairs = [key + _quoted(text) for index, key in self._keys if (text := cells[index])]
        text = "{" + ", ".join(pairs) + "}"
        return _escaped(text) if "\\" in text else text


def _picker(indexes: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """The cells at `indexes`, always as a tuple."""
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda cells: tuple(cells[index] for index in indexes)


def _escaped(text: str) -> str:
    """The texts of a row have no control characters; a backslash is what is left to escape."""
    return text.replace("\\", "\\\\")
