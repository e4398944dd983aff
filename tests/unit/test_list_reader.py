"""A list file read in a process of its own gives what reading it here gives, and dies with us."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from campaigns.lists import reader
from campaigns.lists.errors import ListFileError
from campaigns.lists.intake import Batch, Intake, Reading, RejectsFile
from campaigns.lists.reader import Reader, Task, is_worth

HEADER = "ФИО;Телефон;Второй телефон;Дата согласия;Источник согласия;Город;Приоритет;Менеджер\n"
OWNERS = {"anna": 7}


def file_of(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "a.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def rows_of(count: int) -> Iterator[str]:
    for number in range(count):
        second = f"8495{2000000 + number}" if number % 3 == 0 else ""
        phone = "нет" if number % 50 == 7 else f"8903{1000000 + number}"
        consent = "01.11.2025;сайт" if number % 5 == 0 else ";"
        wish = f"{number % 7 or ''};{('anna', '', 'кто')[number % 3]}"
        yield f"Иван\u2028{number};{phone};{second};{consent};Тверь;{wish}"


def whole(reading: Reading) -> list[Batch]:
    batches = []
    while (batch := reading.next_batch()) is not None:
        batches.append(batch)
    return batches


def told(batches: list[Batch]) -> list[tuple[int, str, str]]:
    return [row for one in batches for row in zip(one.lines, one.rows, one.numbers, strict=True)]


def task(rejects: Path | None = None, sheet: str | None = None) -> Task:
    return Task("RU", {}, sheet, rejects, "ru", OWNERS)


def test_it_reads_what_is_read_here(tmp_path: Path) -> None:
    path = file_of(tmp_path, *rows_of(25_000), header=f"Выгрузка за ноябрь\n\n{HEADER}")
    mine, theirs = (RejectsFile(tmp_path / name, "ru") for name in ("mine.csv", "theirs.csv"))
    with path.open("rb") as stream:
        here = Intake(stream, "RU", mine, owners=OWNERS)
        expected = whole(here)
        apart = Reader(stream, task(theirs.path), theirs).start()
        try:
            assert apart.bytes_total == here.bytes_total > 0
            assert apart.header_line == here.header_line == 3
            found = whole(apart)
        finally:
            apart.close()
    assert told(found) == told(expected) and len(told(found)) == 24_667
    agreed = [
        [(one.line, one.e164) for each in x for one in each.consents] for x in (found, expected)
    ]
    assert agreed[0] == agreed[1] != []
    wished = ["".join(each.wishes for each in batches) for batches in (found, expected)]
    assert wished[0] == wished[1] and "5\t+79031000001\t1\t\\N\n" in wished[0]
    assert (apart.good, apart.rejected, apart.bytes_done) == (
        *(here.good, here.rejected, here.bytes_total),
    )
    assert theirs.first == mine.first
    assert (mine.publish(), theirs.publish()) == (mine.path, theirs.path)
    assert (tmp_path / "mine.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.csv", "mine.csv", "theirs.csv"]


@pytest.mark.parametrize(
    ("content", "sheet"),
    [
        (b"", None),
        (b"name,phone\n", None),
        (b"name,city\nx,y\n", None),
        (b"%PDF-1.7", None),
        (b"PK\x03\x04" + b"\0" * 100, None),
        (b"name,phone\n" + b'x,8903123456"7\n' * 9 + b'"x', None),
    ],
)
def test_its_errors_are_the_same(tmp_path: Path, content: bytes, sheet: str | None) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    errors = []
    with path.open("rb") as stream:
        apart = Reader(stream, task(), RejectsFile(None))
        for start in (lambda: Intake(stream, "RU", RejectsFile(None)), apart.start):
            with pytest.raises(ListFileError) as caught:
                whole(start())
            errors.append(caught.value)
        apart.close()
    mine, theirs = errors
    assert (theirs.id, theirs.line, theirs.column) == (mine.id, mine.line, mine.column)
    assert theirs.sentence == mine.sentence


def test_one_that_is_killed_is_told(tmp_path: Path) -> None:
    path = file_of(tmp_path, *rows_of(60_000))
    with path.open("rb") as stream:
        apart = Reader(stream, task(), RejectsFile(None)).start()
        assert apart.next_batch() is not None
        [child] = children()
        child.send_signal(signal.SIGKILL)
        with pytest.raises(ListFileError) as caught:
            whole(apart)
        apart.close()
    assert caught.value.id == "reader_gone" and "SIGKILL" in str(caught.value)


def test_it_ends_when_it_is_closed_in_the_middle(tmp_path: Path) -> None:
    path = file_of(tmp_path, *rows_of(60_000))
    rejects = RejectsFile(tmp_path / "r.csv")
    with path.open("rb") as stream:
        apart = Reader(stream, task(rejects.path), rejects).start()
        assert apart.next_batch() is not None
        [child] = children()
        apart.close()
    assert not child.is_running()
    rejects.discard()
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


PARENT = """
import sys, time
from pathlib import Path
from campaigns.lists.intake import RejectsFile
from campaigns.lists.reader import Reader, Task
rejects = Path(sys.argv[1]).with_name("r.csv")
reader = Reader(open(sys.argv[1], "rb"), Task("RU", {}, None, rejects, "en"), RejectsFile(rejects))
reader.start().next_batch()
print(reader._process.pid, flush=True)
time.sleep(60)
"""


def test_it_does_not_outlive_a_killed_import(tmp_path: Path) -> None:
    path = file_of(tmp_path, *rows_of(60_000))
    parent = subprocess.Popen([sys.executable, "-c", PARENT, path], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert (tmp_path / "r.csv.part").exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it goes on for nobody"
        time.sleep(0.05)
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_a_temporary_file_is_read_from_its_beginning() -> None:
    with tempfile.TemporaryFile() as stream:
        stream.write((HEADER + "\n".join(rows_of(100))).encode())
        apart = Reader(stream, task(), RejectsFile(None)).start()
        assert len(told(whole(apart))) == 99
        apart.close()


def test_small_files_and_files_of_memory_are_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(tmp_path, *rows_of(10))
    with path.open("rb") as stream:
        assert not is_worth(stream)
        monkeypatch.setattr(reader, "WORTH_BYTES", path.stat().st_size)
        assert is_worth(stream)
    assert not is_worth(io.BytesIO(path.read_bytes()))


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process(os.getpid()).children() if reader.MAIN in one.cmdline()]
