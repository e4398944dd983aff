"""Rows of text -> a CSV or XLSX file that no spreadsheet takes for formulas. Blocking."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import xlsxwriter

from campaigns.export.model import XLSX_ROWS, Format
from campaigns.lists.errors import ListError
from campaigns.lists.intake import no_formula


class Writer(Protocol):
    """A file being written, row by row; `close` makes it whole."""

    def rows(self, rows: Sequence[Sequence[str]]) -> None: ...

    def close(self) -> None: ...


def open_writer(path: Path, kind: Format) -> Writer:
    """Raises OSError where the file cannot be made."""
    return XlsxWriter(path) if kind == "xlsx" else CsvWriter(path)


class CsvWriter:
    """UTF-8 with a mark and semicolons, as Russian Excel opens it. Cells that begin like a
    formula get an apostrophe before them, which the import takes away from phones again."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, delimiter=";")

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        self._writer.writerows([no_formula(cell) for cell in row] for row in rows)

    def close(self) -> None:
        self._file.close()


class XlsxWriter:
    """Every cell is stored as a text, so there are no formulas, links or numbers to lose digits."""

    def __init__(self, path: Path) -> None:
        # Rows go to a temporary file at once: memory does not grow with them.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        path.touch()
        self._book: Any = xlsxwriter.Workbook(str(path), options)
        self._sheet: Any = self._book.add_worksheet()
        self._number = 0

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            if self._number > XLSX_ROWS:
                raise ListError("many_rows")
            for column, cell in enumerate(row):
                if cell:
                    self._sheet.write_string(self._number, column, cell)
            self._number += 1

    def close(self) -> None:
        self._book.close()
