"""A workbook (XLSX, XLS, ODS) -> the same records as a CSV file gives. Blocking."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, ZipError

from campaigns.lists.columns import Field
from campaigns.lists.csvfile import EMPTY, Record
from campaigns.lists.errors import ListFileError
from campaigns.lists.header import HEADER_LINES, find_header
from campaigns.lists.texts import NumberText

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def is_workbook(stream: BinaryIO) -> bool:
    """True for what begins as a zip archive or as an old Office file."""
    stream.seek(0)
    begin = stream.read(4)
    stream.seek(0)
    return begin in (_ZIP, _OLE)


class SheetFile:
    """One sheet of a workbook: `sheet`, or the first visible one with cells.

    The whole sheet is in memory (Excel's own limit is 1,048,576 rows). Numbers lose the `.0` that
    workbooks give to whole ones, so phones kept as numbers stay phones; dates are ISO 8601.
    `mapping` helps to find the header below titles. Raises ListFileError for a file that is no such
    table.
    """

    delimiter = ";"

    def __init__(
        self,
        stream: BinaryIO,
        sheet: str | None = None,
        mapping: Mapping[str, Field] | None = None,
    ) -> None:
        try:
            book = CalamineWorkbook.from_filelike(stream)
            found = _find(book, sheet)
        except (CalamineError, ZipError, OSError, ValueError) as error:
            raise ListFileError("bad_workbook", error=error) from error
        rows = _rows(found)
        self.bytes_total = found.height
        self.bytes_done = 0
        first = list(islice(rows, HEADER_LINES))
        if not first:
            raise ListFileError(EMPTY)
        index = find_header([record.cells for record in first], mapping)
        self.header = first[index]
        self._rows = chain(first[index + 1 :], rows)

    def records(self) -> Iterator[Record]:
        """The records after the header, blank ones left out."""
        for record in self._rows:
            self.bytes_done += 1
            yield record


def _find(book: CalamineWorkbook, name: str | None) -> CalamineSheet:
    if name is not None and name not in book.sheet_names:
        names = ", ".join(book.sheet_names)
        raise ListFileError("unknown_sheet", name=name, names=names[:200])
    visible = [meta.name for meta in book.sheets_metadata if "Visible" in str(meta.visible)]
    for candidate in [name] if name is not None else visible or book.sheet_names:
        sheet = book.get_sheet_by_name(candidate)
        if sheet.start is not None:
            return sheet
    raise ListFileError(EMPTY)


def _rows(sheet: CalamineSheet) -> Iterator[Record]:
    # Empty rows above the first cell are given too, so lines are those of the sheet.
    for line, row in enumerate(sheet.iter_rows(), 1):
        cells = tuple(_text(cell) for cell in row)
        if any(cell and not cell.isspace() for cell in cells):
            yield Record(line, cells)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e16
        return NumberText(int(value)) if whole else repr(value)
    if isinstance(value, int):
        return NumberText(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
