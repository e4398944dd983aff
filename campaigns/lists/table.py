"""A file of any kind that people keep lists in -> records. Blocking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

from campaigns.lists.columns import Field
from campaigns.lists.csvfile import CsvFile, Record
from campaigns.lists.sheetfile import SheetFile, is_workbook


class TableFile(Protocol):
    """Records of a file, one by one, from the header on."""

    header: Record

    @property
    def delimiter(self) -> str:
        """What separates cells in a CSV that the same person can open."""

    @property
    def bytes_total(self) -> int: ...

    @property
    def bytes_done(self) -> int: ...

    def records(self) -> Iterator[Record]:
        """The records after the header, blank ones left out. Raises ListFileError."""


def open_table(
    stream: BinaryIO, sheet: str | None = None, mapping: Mapping[str, Field] | None = None
) -> TableFile:
    """CSV, XLSX, XLS or ODS, by the content; `stream` is seekable. Raises ListFileError."""
    if is_workbook(stream):
        return SheetFile(stream, sheet, mapping)
    return CsvFile(stream, mapping)
