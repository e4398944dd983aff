"""PURE. Numbers of a file: one a line, or the first column of a CSV."""

from __future__ import annotations

import csv
import io

from campaigns.dnc.model import DncError

LOOK_CHARACTERS = 4096


def cells_of(data: bytes) -> list[str]:
    """The first cell of each line that has one. Raises DncError `bad_file`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DncError(
            "bad_file",
            "the file is not in UTF-8; save it as UTF-8",
            "файл не в UTF-8; сохраните его в UTF-8",
            status=422,
        ) from None
    delimiter = max(";\t,", key=text[:LOOK_CHARACTERS].count)
    try:
        return [row[0] for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise DncError(
            "bad_file",
            f"the file is no CSV: {error}",
            f"файл не похож на CSV: {error}",
            status=422,
        ) from None
