"""A large file read in a process of its own. Blocking: run it in a thread.

Reading and validating is most of what an import does in Python. In the importing process it would
compete with the event loop for one core: with what feeds PostgreSQL, and in the controller with
calls. The two talk through a socket; whichever dies, the other sees its end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from campaigns.lists import intake
from campaigns.lists.columns import Field
from campaigns.lists.errors import ListFileError
from campaigns.lists.intake import Agreed, Batch, Intake, RejectsFile
from campaigns.lists.model import Reject
from campaigns.lists.wishes import Owners
from campaigns.refusals import Language, Sentence

# The process needs half a second to start; so much is read in that time.
WORTH_BYTES = 4 << 20
# Not `-m`: messages would be of classes of `__main__` then.
MAIN = f"from {__name__} import main; main()"
# To unpack a part holds Python up for some 3 ms.
PART_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Task:
    """What is read, and how: arguments of `Intake` and `RejectsFile`."""

    region: str
    mapping: Mapping[str, Field]
    sheet: str | None
    rejects_path: Path | None
    language: Language
    owners: Owners = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Opened:
    header_line: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class _Part:
    """The next rows as a `Batch` has them, its texts joined: two go quicker than thousands."""

    lines: Sequence[int]
    rows: str
    numbers: str
    consents: tuple[Agreed, ...]
    wishes: str
    good: int
    rejected: int
    bytes_done: int


@dataclass(frozen=True, slots=True)
class _End:
    good: int
    rejected: int
    bytes_done: int
    rejects: Sequence[Reject]
    written: bool


@dataclass(frozen=True, slots=True)
class _Refused:
    """A ListFileError on its way; its values may be such that they cannot go themselves."""

    id: str
    line: int | None
    column: int | None
    values: Mapping[str, str | int | Sentence]


@dataclass(frozen=True, slots=True)
class _Failed:
    report: str


_Message = _Opened | _Part | _End | _Refused | _Failed


def is_worth(stream: BinaryIO) -> bool:
    """Whether the file is large enough, and one that another process can read."""
    try:
        return os.fstat(stream.fileno()).st_size >= WORTH_BYTES
    except OSError:
        return False


class Reader:
    """A Reading of `stream` (seekable, with a descriptor) by another process.

    `start` before all else, `close` at the end in any case. `rejects` learns at the end of the file
    what was written under its path. Raises ListFileError, also `reader_gone` where that process was
    killed.
    """

    def __init__(self, stream: BinaryIO, task: Task, rejects: RejectsFile) -> None:
        self._stream, self._task, self._rejects = stream, task, rejects
        self._connection: Connection[Task, _Message] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self.good = self.rejected = self.bytes_done = self.bytes_total = 0
        self.header_line = 1

    @property
    def rows(self) -> int:
        return self.good + self.rejected

    def start(self) -> Reader:
        """Returns when the header is read."""
        self._stream.seek(0)  # what was written to a temporary file is in it then
        self._connection, theirs = Pipe()
        with theirs:
            passed = (self._stream.fileno(), theirs.fileno())
            # -P: nothing is imported from the folder that happens to be the current one. Signals
            # of the terminal are for the importing process alone.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", MAIN, *map(str, passed)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=passed,
                start_new_session=True,
            )
        self._connection.send(self._task)
        opened = self._receive()
        assert isinstance(opened, _Opened), opened
        self.header_line, self.bytes_total = opened.header_line, opened.bytes_total
        return self

    def next_batch(self) -> Batch | None:
        """The next rows with a good phone, None at the end of the file."""
        lines: list[int] = []
        rows: list[str] = []
        numbers: list[str] = []
        consents: list[Agreed] = []
        wishes: list[str] = []
        chars = 0
        while not self._ended and len(lines) < intake.BATCH_ROWS and chars < intake.BATCH_CHARS:
            message = self._receive()
            assert isinstance(message, _Part | _End), message
            self.good, self.rejected = message.good, message.rejected
            self.bytes_done = message.bytes_done
            if isinstance(message, _End):
                self._ended = True
                self._rejects.take(message.rejects, message.written)
            elif message.lines:
                lines += message.lines
                rows += message.rows.split("\n")
                numbers += message.numbers.split("\n")
                consents += message.consents
                wishes.append(message.wishes)
                chars += len(message.rows)
        if not lines:
            return None
        return Batch(lines, rows, numbers, tuple(consents), "".join(wishes))

    def close(self) -> None:
        """The process ends, wherever it is."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _receive(self) -> _Message:
        assert self._connection is not None, "start() comes first"
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            self._explain()
        if isinstance(message, _Refused):
            values: dict[str, Any] = {**message.values}
            raise ListFileError(message.id, line=message.line, column=message.column, **values)
        if isinstance(message, _Failed):
            raise RuntimeError(f"reading the file failed\n{message.report}")
        return message

    def _explain(self) -> NoReturn:
        assert self._process is not None
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise ListFileError("reader_gone", how=how) from None


def main() -> None:
    """The other process: reads and tells until all is told or nobody listens."""
    file, connection = map(int, sys.argv[1:])
    with os.fdopen(file, "rb") as stream, Connection(connection) as ours:
        task: Task = ours.recv()
        with closing(_read(stream, task)) as messages, suppress(ConnectionError):
            # An error of the connection is an import that was killed.
            for message in messages:
                ours.send(message)


def _read(stream: BinaryIO, task: Task) -> Generator[_Message]:
    rejects = RejectsFile(task.rejects_path, task.language)
    try:
        reading = Intake(stream, task.region, rejects, task.mapping, task.sheet, task.owners)
        yield _Opened(reading.header_line, reading.bytes_total)
        while (batch := reading.next_batch(PART_ROWS)) is not None:
            yield _Part(
                batch.lines, "\n".join(batch.rows), "\n".join(batch.numbers), batch.consents,
                batch.wishes, reading.good, reading.rejected, reading.bytes_done,
            )  # fmt: skip
        rejects.finish()
        yield _End(
            reading.good, reading.rejected, reading.bytes_done, rejects.first, rejects.written
        )
    except ListFileError as error:
        values = {
            key: value if isinstance(value, str | int | Sentence) else str(value)
            for key, value in error.values.items()
        }
        yield _Refused(error.id, error.line, error.column, values)
    except GeneratorExit:
        rejects.discard()
    except Exception:
        yield _Failed(traceback.format_exc())
