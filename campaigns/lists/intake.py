"""A CSV file -> batches ready for COPY, and the rejects file. Blocking: run it in a thread."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from campaigns.lists.csvfile import CsvFile
from campaigns.lists.model import REJECTS_KEPT, ListFileError, Reject, Row, map_columns, read_row
from campaigns.lists.numbering import zone_sets

BATCH_ROWS = 5_000
# Rows can be long: a batch ends also after this much of the file.
BATCH_BYTES = 4 << 20
# Enough to find the value in the file; the file itself is the person's own.
VALUE_CHARS = 200
# Made once: json.dumps makes an encoder for every call.
_ZONE_CODES = {zones: code for code, zones in enumerate(zone_sets(), 1)}
_to_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class Batch:
    """For COPY: line, name, company, time zone, region, attributes as JSON; and line, position,
    E.164, its place in `zone_sets()` from 1."""

    rows: list[tuple[int, str, str, str | None, str | None, str]] = field(default_factory=list)
    phones: list[tuple[int, int, str, int | None]] = field(default_factory=list)


class Intake:
    """One file being read; `good` and `rejected` count rows so far, `rejects` keeps the first ones.

    Raises ListFileError from the constructor and `batches`.
    """

    def __init__(self, stream: BinaryIO, region: str, rejects: RejectsFile) -> None:
        self._region = region
        self._rejects = rejects
        self.good = 0
        self.rejected = 0
        self._csv = CsvFile(stream)
        self._columns = map_columns(self._csv.header.cells, self._csv.header.line)
        rejects.delimiter = self._csv.delimiter if self._csv.delimiter in ",;" else ","
        self._rows = self._read()

    @property
    def rows(self) -> int:
        return self.good + self.rejected

    @property
    def bytes_done(self) -> int:
        return self._csv.bytes_done

    @property
    def bytes_total(self) -> int:
        return self._csv.bytes_total

    def next_batch(self) -> Batch | None:
        """The next rows with a good phone, None at the end of the file."""
        try:
            return self._batch()
        except OSError as error:
            raise unreadable(error) from error

    def _batch(self) -> Batch | None:
        batch = Batch()
        start, bytes_limit = self.rows, self._csv.bytes_done + BATCH_BYTES
        for row in self._rows:
            self._take(row, batch)
            if self.rows - start >= BATCH_ROWS or self._csv.bytes_done >= bytes_limit:
                return batch
        if not self.rows:
            raise ListFileError("there is a header and no row; export the list again", line=1)
        return batch if self.rows > start else None

    def _read(self) -> Iterator[Row]:
        for record in self._csv.records():
            if record.problem:
                reject = Reject(record.line, "", "", record.problem)
                yield Row(record.line, rejects=(reject,))
            else:
                yield read_row(record.line, record.cells, self._columns, self._region)

    def _take(self, row: Row, batch: Batch) -> None:
        for reject in row.rejects:
            self._rejects.add(reject)
        if not row.phones:
            self.rejected += 1
            return
        self.good += 1
        attributes = _to_json(row.attributes) if row.attributes else "{}"
        place = (row.time_zone, row.region)
        batch.rows.append((row.line, row.name, row.company, *place, attributes))
        for position, phone in enumerate(row.phones):
            zones = _ZONE_CODES.get(phone.zones)
            batch.phones.append((row.line, position, phone.e164, zones))


def unreadable(error: OSError) -> ListFileError:
    """The error of a file that cannot be opened or read on."""
    return ListFileError(f"the file cannot be read ({error.strerror}); check its name and rights")


class RejectsFile:
    """The CSV of what was left out, made when there is something to write.

    Columns: line, column, value, reason. It appears under its name by `publish` alone; `discard`
    leaves nothing. Raises ListFileError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.delimiter = ","
        self.first: list[Reject] = []
        self._part = path.with_name(path.name + ".part")
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, reject: Reject) -> None:
        """Write one entry."""
        value = reject.value[:VALUE_CHARS]
        if len(self.first) < REJECTS_KEPT:
            self.first.append(Reject(reject.line, reject.column, value, reject.reason))
        with self._explained():
            if self._writer is None:
                self._open()
            cells = (reject.column, value, reject.reason)
            self._writer.writerow((reject.line, *map(_no_formula, cells)))

    def publish(self) -> Path | None:
        """Give the file its name; None where there was nothing to write."""
        if self._file is None:
            return None
        with self._explained():
            self._file.close()
            self._part.replace(self.path)
        self._file = None
        return self.path

    def discard(self) -> None:
        """Remove what was not published."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
            self._file = None

    def _open(self) -> None:
        # With a mark, or Excel shows Russian letters as something else.
        self._file = self._part.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, delimiter=self.delimiter)
        self._writer.writerow(("line", "column", "value", "reason"))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ListFileError(
                f"the rejects file {self.path} cannot be written ({error.strerror}); "
                "choose another place for it"
            ) from error


def _no_formula(text: str) -> str:
    """A spreadsheet takes a cell that starts so for a formula and runs it."""
    text = text.replace("\0", "")
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
