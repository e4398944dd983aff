"""Workbooks as the office programs write them: XLSX, XLS and ODS with the same cells."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import xlsxwriter
import xlwt

Cells = Sequence[Sequence[str | float | None]]


def write_book(path: Path, rows: Cells, *, first_row: int = 0, sheet: str = "База") -> Path:
    """A workbook of the kind that the suffix says, with an empty sheet before `sheet`."""
    kinds = {".xlsx": _xlsx, ".xls": _xls, ".ods": _ods}
    kinds[path.suffix](path, rows, first_row, sheet)
    return path


def _xlsx(path: Path, rows: Cells, first_row: int, name: str) -> None:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        book.add_worksheet("Пусто")
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows, first_row):
            sheet.write_row(number, 0, row)


def _xls(path: Path, rows: Cells, first_row: int, name: str) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    book.add_sheet("Пусто")
    sheet = book.add_sheet(name)
    for number, row in enumerate(rows, first_row):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(number, column, cell)
    book.save(str(path))


_MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" '
    'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
    "</manifest:manifest>"
)
_CONTENT = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    "<office:body><office:spreadsheet>{sheets}</office:spreadsheet></office:body>"
    "</office:document-content>"
)


def _ods(path: Path, rows: Cells, first_row: int, name: str) -> None:
    above: Cells = [[None]] * first_row
    sheets = _ods_sheet("Пусто", []) + _ods_sheet(name, [*above, *rows])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr("content.xml", _CONTENT.format(sheets=sheets))


def _ods_sheet(name: str, rows: Cells) -> str:
    lines = "".join(
        f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows
    )
    return f'<table:table table:name="{escape(name)}">{lines}</table:table>'


def _ods_cell(value: str | float | None) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        text = escape(value)
        return (
            f'<table:table-cell office:value-type="string"><text:p>{text}</text:p>'
            "</table:table-cell>"
        )
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
