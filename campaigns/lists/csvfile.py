"""PURE. Bytes of a CSV file -> records with their line numbers, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, cast

from campaigns.lists.columns import Field
from campaigns.lists.errors import ListFileError
from campaigns.lists.header import HEADER_LINES, find_header
from campaigns.lists.reasons import said
from campaigns.refusals import Sentence

LINE_CHARS = 1_000_000
_SAMPLE_BYTES = 65_536
_CHUNK_BYTES = 1 << 20

# Ids of reasons, as `campaigns.lists.reasons` has them.
EMPTY, QUOTES, NUL = "empty_file", "quotes", "nul"
LINE_TOO_LONG, CELL_TOO_LONG = "long_line", "endless_cell"

_MAGIC = (
    (
        b"PK\x03\x04",
        Sentence(
            "an Excel workbook (xlsx) or another zip archive",
            "книга Excel (xlsx) или другой архив zip",
        ),
    ),
    (b"\xd0\xcf\x11\xe0", Sentence("an old Excel workbook (xls)", "старая книга Excel (xls)")),
    (b"%PDF", Sentence("a PDF document", "документ PDF")),
    (b"\x1f\x8b", Sentence("a gzip archive", "архив gzip")),
    (b"Rar!", Sentence("a rar archive", "архив rar")),
    (b"7z\xbc\xaf", Sentence("a 7z archive", "архив 7z")),
    (b"\x89PNG", Sentence("a picture", "картинка")),
    (b"\xff\xd8\xff", Sentence("a picture", "картинка")),
    (b"{\\rtf", Sentence("an RTF document", "документ RTF")),
)
_BINARY = Sentence("a binary file", "двоичный файл")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f]")
_SAYS_DELIMITER = re.compile(r'"?sep=([;,\t|])"?\s*\Z', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_OPENS = re.compile(r'(?:\A|[;,\t|])"')
_RUSSIAN = re.compile("[А-Яа-яЁё№«»–— ]")


class Record(NamedTuple):
    """One record: its cells and its first line (from 1); `problem`, a reason's id, where it
    cannot be read."""

    line: int
    cells: tuple[str, ...]
    problem: str | None = None


class CsvFile:
    """A CSV file as a stream of records; the caller opens and closes `stream` (seekable).

    Encodings: UTF-8, UTF-16 (with or without mark), Windows-1251. Separators: semicolon, comma,
    tab. `mapping` helps to find the header below titles. Raises ListFileError for a file that is no
    such table.
    """

    def __init__(self, stream: BinaryIO, mapping: Mapping[str, Field] | None = None) -> None:
        self._stream = stream
        self.bytes_total = stream.seek(0, os.SEEK_END)
        self.encoding = _encoding(stream, self.bytes_total)
        stream.seek(0)
        text = io.TextIOWrapper(_unclosed(stream), encoding=self.encoding, newline="")
        self._lines = _Lines(text)
        said = self._said_delimiter()
        self.delimiter = self._pass_titles(said, mapping)
        self.header = Record(1, ())
        self._records = self._read()
        self.header = self._header()

    @property
    def bytes_done(self) -> int:
        """Bytes read so far; runs ahead of the records by a buffer."""
        return min(self._stream.tell(), self.bytes_total)

    def records(self) -> Iterator[Record]:
        """The records after the header, blank ones left out. Raises ListFileError."""
        return self._records

    def _said_delimiter(self) -> str:
        """What a first line `sep=;` says, as Excel has it; that line is passed over."""
        said_in = _SAYS_DELIMITER.match(self._lines.first())
        if said_in is None:
            return ""
        next(self._lines)
        return said_in[1]

    def _pass_titles(self, said: str, mapping: Mapping[str, Field] | None) -> str:
        """Go to the line of the header; what separates its cells, `said` or as it looks."""
        self._lines.first()
        lines = _whole(self._lines.peek(HEADER_LINES))
        written = [(number, line) for number, line in lines if line.strip(" \t\r\n\f;,")]
        if not written:
            return said or ";"
        delimiters = [said or _delimiter(line) for _, line in written]
        rows = [_cells(line, each) for (_, line), each in zip(written, delimiters, strict=True)]
        index = find_header(rows, mapping)
        self._lines.skip(written[index][0])
        return delimiters[index]

    def _header(self) -> Record:
        header = next(self._records, None)
        if header is None:
            raise ListFileError(EMPTY)
        if header.problem or "\0" in "".join(header.cells):
            problem = said(header.problem or NUL)
            raise ListFileError("bad_header", line=header.line, problem=problem)
        return header

    def _read(self) -> Iterator[Record]:
        reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
        while True:
            line = self._lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._unread(line, str(error))
                continue
            if self._lines.cut_since(line):
                yield Record(line, (), LINE_TOO_LONG)
            elif not (whole := "".join(cells)).isspace() and whole:
                yield Record(line, tuple(cells))

    def _unread(self, line: int, error: str) -> Record:
        """What to do with a record that breaks the rules of quoting."""
        if self._lines.cut_since(line):
            return Record(line, (), LINE_TOO_LONG)
        if self._lines.number > line or "unexpected end" in error:
            raise ListFileError("open_quote", line=line)
        if "field larger" in error:
            return Record(line, (), CELL_TOO_LONG)
        # "Рога" и копыта: quotes not doubled, but harmless when the cells still come out right.
        cells = next(csv.reader([self._lines.last], delimiter=self.delimiter), [])
        if len(cells) == len(self.header.cells):
            return Record(line, tuple(cells))
        return Record(line, (), QUOTES)


class _Unclosed(io.BufferedIOBase):
    """The caller's stream without its close, which a TextIOWrapper calls when it dies."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read1(self, size: int | None = -1, /) -> bytes:
        return self._stream.read(_SAMPLE_BYTES if size is None or size < 0 else size)


def _unclosed(stream: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, _Unclosed(stream))


class _Lines:
    """Lines of a text, each cut at LINE_CHARS; counts them and remembers which were cut."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        # Read already; None was cut.
        self._pending: deque[str | None] = deque()
        self._cut_line = 0
        self.number = 0
        self.last = ""

    def first(self) -> str:
        """The first line that is not blank; it will be read again as a record."""
        for line in self:
            if self._cut_line:
                raise ListFileError("no_list", line=self.number, problem=said(LINE_TOO_LONG))
            if line.strip():
                self._pending.appendleft(line)
                self.number -= 1
                return line
        raise ListFileError(EMPTY)

    def peek(self, most: int) -> list[str]:
        """Up to `most` next lines, which will be read again; none from one that is cut on."""
        lines: list[str] = []
        chars = 0
        while len(lines) < most and chars < LINE_CHARS:
            if len(lines) == len(self._pending):
                self._pending.append(self._whole_line())
            line = self._pending[len(lines)]
            if not line:
                break
            lines.append(line)
            chars += len(line)
        return lines

    def skip(self, most: int) -> None:
        """Pass over lines that were seen."""
        for _ in range(most):
            next(self)

    def cut_since(self, line: int) -> bool:
        return self._cut_line >= line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._pending.popleft() if self._pending else self._whole_line()
        if line == "":
            raise StopIteration
        self.number += 1
        if line is None:
            self._cut_line = self.number
            return "\n"
        self.last = line
        return line

    def _whole_line(self) -> str | None:
        """The next line, "" at the end; None for one that is too long, which is passed over."""
        line = self._readline()
        if len(line) < LINE_CHARS or line[-1] in "\r\n":
            return line
        while line and line[-1] not in "\r\n":
            line = self._readline()
        return None

    def _readline(self) -> str:
        try:
            return self._text.readline(LINE_CHARS)
        except UnicodeError as error:
            raise ListFileError(
                "bad_encoding",
                line=self.number + 1,
                encoding=self._text.encoding,
                error=error,
            ) from error


def _whole(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Lines with their index; those of one record, with line breaks in quotes, as one."""
    found: list[tuple[int, str]] = []
    index = 0
    while index < len(lines):
        ends = range(index + 1, len(lines) + 1)
        closed = (end for end in ends if not _is_open("".join(lines[index:end])))
        end = next(closed, index + 1)  # a quote that nothing closes is a sign like others
        found.append((index, "".join(lines[index:end])))
        index = end
    return found


def _is_open(text: str) -> bool:
    """Whether a quote at the beginning of a cell is not closed."""
    return _OPENS.search(_QUOTED.sub("", text)) is not None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _delimiter(line: str) -> str:
    """The separator that the header has most often outside quotes; semicolon before comma."""
    bare = _QUOTED.sub("", line)
    best = max(";\t,", key=bare.count)
    # One column: no separator may cut "8 903 ..., 8 904 ..." in two.
    return best if best in bare else "\t"


def _encoding(stream: BinaryIO, total: int) -> str:
    stream.seek(0)
    sample = stream.read(_SAMPLE_BYTES)
    if not sample:
        raise ListFileError(EMPTY)
    for magic, kind in _MAGIC:
        if sample.startswith(magic):
            raise ListFileError("no_csv", kind=kind)
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if encoding := _utf_16_without_mark(sample):
        return encoding
    if len(_CONTROL.findall(sample)) + sample.count(0) > len(sample) // 20 + 1:
        raise ListFileError("no_csv", kind=_BINARY)
    return _utf_8_or_1251(stream)


def _utf_16_without_mark(sample: bytes) -> str:
    """Separators, digits and line ends are ASCII: every second byte of them is NUL."""
    enough = max(len(sample) // 10, 2)
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd >= enough and even * 10 < odd:
        return "utf-16-le"
    return "utf-16-be" if even >= enough and odd * 10 < even else ""


def _utf_8_or_1251(stream: BinaryIO) -> str:
    """Read the whole file once: names may start late in it."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, more = 1, True
    while more:
        chunk = stream.read(_CHUNK_BYTES)
        more = bool(chunk)
        try:
            decoder.decode(chunk, final=not more)
        except UnicodeDecodeError as error:
            return _windows_1251(error, line + error.object.count(b"\n", 0, error.start))
        line += chunk.count(b"\n")
    return "utf-8"


def _windows_1251(error: UnicodeDecodeError, line: int) -> str:
    """Windows-1251 where the bytes around the error read as Russian, else an error."""
    around = error.object[max(0, error.start - 4096) : error.start + _SAMPLE_BYTES]
    letters = bytes(byte for byte in around if byte >= 0x80).decode("cp1251", "replace")
    as_utf_8 = around.decode("utf-8", "replace")
    bad = as_utf_8.count("\ufffd")
    good = sum(char > "\x7f" for char in as_utf_8) - bad
    if len(_RUSSIAN.findall(letters)) * 10 < len(letters) * 7 or good > bad:
        start = error.object.rfind(b"\n", 0, error.start) + 1
        raise ListFileError(
            "unknown_encoding",
            line=line,
            column=error.start - start + 1,
        )
    return "cp1251"
