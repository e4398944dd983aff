"""A list file -> batches ready for COPY, and the rejects file. Blocking: run it in a thread."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from campaigns.lists.columns import REJECT_COLUMNS, Field, guess_fields, map_columns, unique_names
from campaigns.lists.consents import BadConsent, Consent
from campaigns.lists.copytext import NULL, Numbers, RowLine, RowText, line_of, phones_of
from campaigns.lists.csvfile import Record
from campaigns.lists.errors import ListFileError
from campaigns.lists.model import REJECTS_KEPT, Look, Reject, Row, read_row
from campaigns.lists.table import open_table
from campaigns.lists.wishes import NO_WISH, Owners, Wish, read_wish
from campaigns.refusals import Language

# Each batch costs PostgreSQL some questions, and waiting for this thread to let go of Python.
BATCH_ROWS = 20_000
# Rows can be long: a batch ends also with this much text.
BATCH_CHARS = 8 << 20
# Enough to find the value in the file; the file itself is the person's own.
VALUE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Agreed:
    """Who may be called at `e164` agreed, as line `line` of the file says."""

    line: int
    e164: str
    consent: Consent


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows with a good phone: their lines in the file, and what `copytext.RowLine` says of each."""

    lines: Sequence[int]
    rows: Sequence[str]
    numbers: Sequence[Numbers]
    consents: tuple[Agreed, ...] = ()
    # Lines for COPY: line, phone, priority, owner.
    wishes: str = ""


class Reading(Protocol):
    """A file being read: where its header is, rows so far, bytes of it, the rows that come next."""

    header_line: int
    good: int
    rejected: int

    @property
    def rows(self) -> int: ...

    @property
    def bytes_done(self) -> int: ...

    @property
    def bytes_total(self) -> int: ...

    def next_batch(self) -> Batch | None:
        """The next rows with a good phone, None at the end of the file. Raises ListFileError."""


class Intake:
    """A Reading of one file in this process; `rejects` keeps the first rows that are not good.

    Raises ListFileError from the constructor and `next_batch`.
    """

    def __init__(
        self,
        stream: BinaryIO,
        region: str,
        rejects: RejectsFile,
        mapping: Mapping[str, Field] | None = None,
        sheet: str | None = None,
        owners: Owners | None = None,
    ) -> None:
        self._region = region
        self._rejects = rejects
        self.good = 0
        self.rejected = 0
        self._table = open_table(stream, sheet, mapping)
        header = self._table.header
        self.header_line = header.line
        self._columns = map_columns(header.cells, header.line, mapping)
        rejects.start(self._table.delimiter, self._columns.names)
        self._text = RowText(self._columns, region)
        self._records = self._table.records()
        self._consents = self._columns.consent_at is not None
        self._agreed: list[Agreed] = []
        self._owners = owners or {}
        self._wishful = (self._columns.priority, self._columns.owner) != (None, None)
        self._wishes: list[str] = []
        self._now = datetime.now(UTC)

    @property
    def rows(self) -> int:
        return self.good + self.rejected

    @property
    def bytes_done(self) -> int:
        return self._table.bytes_done

    @property
    def bytes_total(self) -> int:
        return self._table.bytes_total

    def next_batch(self, most: int | None = None) -> Batch | None:
        """The next rows with a good phone, of `most` (BATCH_ROWS) rows; None at the end."""
        try:
            return self._batch(BATCH_ROWS if most is None else most)
        except OSError as error:
            raise unreadable(error) from error

    def _batch(self, most: int) -> Batch | None:
        lines: list[int] = []
        rows: list[str] = []
        numbers: list[Numbers] = []
        start, chars = self.rows, 0
        for record in islice(self._records, most):
            row = self._line(record)
            if row is None:
                self.rejected += 1
                continue
            self.good += 1
            text, its_numbers = row
            lines.append(record.line)
            rows.append(text)
            numbers.append(its_numbers)
            chars += len(text)
            if chars >= BATCH_CHARS:
                break
        if not self.rows:
            raise ListFileError("no_rows", line=self.header_line)
        if self.rows == start:
            return None
        agreed, self._agreed = tuple(self._agreed), []
        wishes, self._wishes = "".join(self._wishes), []
        return Batch(lines, rows, numbers, agreed, wishes)

    def _line(self, record: Record) -> RowLine | None:
        """The line of a row; what is wrong with it goes to the rejects. None: nothing is left."""
        line = self._text.usual(record.cells) if not record.problem else None
        if line is not None:
            wish = self._wish(record) if self._wishful else NO_WISH
            if not wish.bad and (not self._consents or self._agrees(record, line[1])):
                if self._wishful:
                    self._note(record.line, phones_of(line[1]), wish)
                return line
        row = self._read(record)
        if self._wishful:
            self._note(row.line, [phone.e164 for phone in row.phones], row.wish)
        if row.rejects:
            self._rejects.add(row.rejects, record.cells)
        if row.consent is not None:
            self._agreed += [Agreed(row.line, phone.e164, row.consent) for phone in row.phones]
        return line_of(row) if row.phones else None

    def _agrees(self, record: Record, numbers: Numbers) -> bool:
        """Note what a usual row says of consent; False where that is for the rejects."""
        consent = self._text.consent(record.cells, self._now)
        if isinstance(consent, Consent):
            self._agreed += [Agreed(record.line, e164, consent) for e164 in phones_of(numbers)]
        return not isinstance(consent, BadConsent)

    def _wish(self, record: Record) -> Wish:
        return read_wish(record.cells, self._columns, self._owners)

    def _note(self, line: int, phones: Sequence[str], wish: Wish) -> None:
        """Rows that wish nothing too: of rows of one contact one counts."""
        said = "\t".join(
            NULL if value is None else str(value) for value in (wish.priority, wish.owner)
        )
        self._wishes += [f"{line}\t{e164}\t{said}\n" for e164 in phones]

    def _read(self, record: Record) -> Row:
        if record.problem:
            return Row(record.line, rejects=(Reject(record.line, "", "", record.problem),))
        return read_row(
            record.line, record.cells, self._columns, self._region, self._now, self._owners
        )


def unreadable(error: OSError) -> ListFileError:
    """The error of a file that cannot be opened or read on."""
    return ListFileError("unreadable_file", error=error.strerror)


def look(stream: BinaryIO, sheet: str | None = None, rows: int = 3) -> Look:
    """The beginning of a file, for who says which column holds what. Raises ListFileError."""
    table = open_table(stream, sheet)
    header = table.header.cells
    first = [record.cells for record, _ in zip(table.records(), range(rows), strict=False)]
    return Look(unique_names(header), tuple(guess_fields(header)), tuple(first))


class RejectsFile:
    """The CSV of what was left out, made when there is something to write.

    One line for a row: line, column, value, reason (a sentence in `language`), then the row as it
    was, so the file can be mended and imported again (the four are skipped then). It appears under
    its name by `publish` alone; `discard` leaves nothing. `path` None: only the first entries are
    kept, in memory. Another process may write it: that one says `finish`, this one `take`.
    Raises ListFileError where it cannot be written.
    """

    def __init__(self, path: Path | None, language: Language = "en") -> None:
        self.path = path
        self._language = language
        self.first: list[Reject] = []
        self._delimiter = ","
        self._names: Sequence[str] = ()
        self._file: IO[str] | None = None
        self.written = False
        self._published = False
        self._writer: Any = None

    def start(self, delimiter: str, names: Sequence[str]) -> None:
        """Say what the list file looks like."""
        self._delimiter = delimiter if delimiter in ",;" else ","
        self._names = names

    def add(self, rejects: Sequence[Reject], cells: Sequence[str] = ()) -> None:
        """Write what is wrong with one row; `cells` is the row."""
        for reject in rejects:
            if len(self.first) < REJECTS_KEPT:
                value = reject.value[:VALUE_CHARS]
                self.first.append(Reject(reject.line, reject.column, value, reject.reason))
        if self.path is None:
            return
        wrong = (
            "; ".join(reject.column for reject in rejects),
            "; ".join(reject.value[:VALUE_CHARS] for reject in rejects),
            "; ".join(dict.fromkeys(r.sentence.to(self._language) for r in rejects)),
        )
        skipped = len(REJECT_COLUMNS) if _is_rejects(self._names) else 0
        with self._explained():
            if self._writer is None:
                self._open(self.path)
            rest = [*wrong, *cells[skipped:]]
            self._writer.writerow((rejects[0].line, *map(no_formula, rest)))

    def finish(self) -> None:
        """Nothing more comes."""
        if self._file is not None:
            with self._explained():
                self._file.close()
            self._file = None

    def take(self, first: Sequence[Reject], written: bool) -> None:
        """What another process says of the file that it has finished under this path."""
        self.first, self.written = list(first), written

    def publish(self) -> Path | None:
        """Give the file its name; None where there was nothing to write."""
        if not self.written or self.path is None:
            return None
        self.finish()
        with self._explained():
            _part(self.path).replace(self.path)
        self.written, self._published = False, True
        return self.path

    def retract(self) -> None:
        """Remove what was published."""
        if self._published and self.path is not None:
            self.path.unlink(missing_ok=True)
            self._published = False

    def discard(self) -> None:
        """Remove what was not published, whoever wrote it."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self.path is not None:
            with suppress(OSError):
                _part(self.path).unlink(missing_ok=True)

    def _open(self, path: Path) -> None:
        # With a mark, or Excel shows Russian letters as something else.
        self._file = _part(path).open("w", encoding="utf-8-sig", newline="")
        self.written = True
        self._writer = csv.writer(self._file, delimiter=self._delimiter)
        names = self._names[len(REJECT_COLUMNS) :] if _is_rejects(self._names) else self._names
        self._writer.writerow((*REJECT_COLUMNS, *map(no_formula, names)))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ListFileError(
                "rejects_unwritable", path=self.path, error=error.strerror
            ) from error


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _is_rejects(names: Sequence[str]) -> bool:
    return tuple(names[: len(REJECT_COLUMNS)]) == REJECT_COLUMNS


def no_formula(text: str) -> str:
    """A spreadsheet takes a cell that starts so for a formula and runs it."""
    text = text.replace("\0", "")
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
