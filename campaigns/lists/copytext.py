"""PURE. Rows -> lines of PostgreSQL's COPY text format, most of them without a detour.

`RowText.usual` writes what is in the cells at once where nothing in the row needs thought, which
takes a third of the time of `read_row`; it answers None for all other rows, and tests prove that it
never says anything else than `read_row` would.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from campaigns.lists.columns import Columns
from campaigns.lists.consents import BadConsent, Consent, read_consent
from campaigns.lists.model import CELL_CHARS, Row, parse_time_zone
from campaigns.lists.numbering import Zones, zone_sets
from campaigns.lists.phones import usual_number
from campaigns.lists.texts import NumberText, clean_text

NULL = r"\N"
_ZONE_CODES: dict[Zones, str] = {zones: str(code) for code, zones in enumerate(zone_sets(), 1)}
# Made once: json.dumps makes an encoder for every call.
_encode = json.JSONEncoder(ensure_ascii=False).encode
_quoted = json.encoder.encode_basestring

# Phones of a row: E.164 and its place in `zone_sets()` from 1, or NULL.
Numbers = tuple[tuple[str, str], ...]
# The rest of a row's line (name, company, time zone, region, attributes as JSON), and its phones.
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
    numbers = tuple((phone.e164, _ZONE_CODES.get(phone.zones, NULL)) for phone in row.phones)
    return "\t".join(cells) + "\n", numbers


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
        if columns.time_zone is not None and (text := cells[columns.time_zone].strip()):
            found = parse_time_zone(text) if len(text) <= 64 else None
            if found is None:
                return None
            time_zone = found
        name = " ".join([cells[index] for index in columns.name]).strip()
        if "  " in name:
            name = clean_text(name)
        company = "" if columns.company is None else cells[columns.company].strip()
        region = NULL if columns.region is None else cells[columns.region].strip() or NULL
        attributes = self._attributes(cells)
        return f"{name}\t{company}\t{time_zone}\t{region}\t{attributes}\n", numbers

    def consent(self, cells: Sequence[str], now: datetime) -> Consent | BadConsent | None:
        """What a row that is `usual` says of consent."""
        columns = self._columns
        text = "" if columns.time_zone is None else cells[columns.time_zone].strip()
        return read_consent(cells, columns, parse_time_zone(text) if text else None, now)

    def _numbers(self, cells: Sequence[str]) -> Numbers | None:
        found: Numbers = ()
        for index in self._columns.phones:
            cell = cells[index]
            if not cell:
                continue
            number = usual_number(cell, self._region)
            if number is None or (isinstance(cell, NumberText) and cell.is_rounded()):
                return None
            e164, zones = number
            # Equal phones have equal zones.
            if (coded := (e164, _ZONE_CODES.get(zones, NULL))) not in found:
                found = (*found, coded)
        return found or None

    def _attributes(self, cells: Sequence[str]) -> str:
        pairs = [key + _quoted(text) for index, key in self._keys if (text := cells[index].strip())]
        text = "{" + ", ".join(pairs) + "}"
        return _escaped(text) if "\\" in text else text


def _escaped(text: str) -> str:
    """The texts of a row have no control characters; a backslash is what is left to escape."""
    return text.replace("\\", "\\\\")
