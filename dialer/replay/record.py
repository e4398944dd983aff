"""Reads what `dialer.replay.recorder` wrote, and says in which line it is broken."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from agi.answered import SILENCED, WAITING
from campaigns.refusals import Refusal
from dialer.replay.history import from_fields
from dialer.replay.recorder import READABLE

MOST_BYTES = 2 << 30
"""Of the unpacked text: a small file can be made that unpacks to more than any disk holds."""
LONGEST_LINE = 4 << 20
RESULTS = ("campaign", "operator", "outcome", "state", "part", "supervision")
NEEDED: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "header": {"format": int, "started_at": (int, float), "floor": dict, "trunks": list},
    "ami_in": {},
    "ami_out": {"Action": str, "ActionID": str},
    "ami_lost": {"reason": str},
    "agi_head": {"session": int, "agi_uniqueid": str},
    "agi_in": {"session": int, "line": str},
    "agi_out": {"session": int, "line": str},
    "agi_end": {"session": int},
    "cel": {"channels": list},
    "desk": {"request": str, "login": str},
    "sign_in": {"login": str, "shift": str},
    "place": {
        "attempt": str,
        "campaign": int,
        "trunk": str,
        "phone": str,
        "approaches": int,
        "failures": int,
        "max_approaches": int,
    },
    "withdraw": {"attempt": str},
    "lag": {"seconds": (int, float)},
    "share": {"campaigns": dict},
    "talk": {"request": str, "login": str, "given": dict},
    "third": {"attempt": str, "trunk": str},
    "card": {"what": str, "login": str},
    "phone": {"what": str, "login": str},
    "supervise": {"request": str, "supervisor": str},
    "recording": {"request": str, "login": str},
    "id": {"of": str, "id": str},
    "stop": {},
    "campaign": {"id": int, "mode": str},
    "operator": {"id": int, "login": str},
    "outcome": {"attempt": str},
    "state": {"shift": str, "seq": int, "state": str},
    "part": {"attempt": str, "number": int},
    "supervision": {"id": str, "seq": int},
    "end": {"lines": int},
}
"""Kinds of lines, and fields without which nothing can be done with them."""
SOUNDS = tuple(f"EXEC {name}" for name in (SILENCED, *(how[0] for how in WAITING.values() if how)))


class RecordError(Refusal):
    """A file that is no whole record; the text names the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened `t` seconds after the record began."""

    number: int
    t: float
    kind: str
    fields: Mapping[str, Any]


@dataclass
class Record:
    """A run: its lines in order, and what came of it."""

    header: Mapping[str, Any]
    lines: list[Line] = field(default_factory=list)
    results: dict[str, list[Mapping[str, Any]]] = field(
        default_factory=lambda: {kind: [] for kind in RESULTS}
    )


def read_record(path: Path) -> Record:
    """Raises RecordError, OSError."""
    lines = _lines(path)
    first = next(lines, None)
    if first is None or first.kind != "header":
        raise _broken(1, "the file does not begin with a record's header", "нет заголовка записи")
    _same_format(first.fields)
    record, whole = Record(first.fields), False
    for line in lines:
        if whole:
            raise _broken(line.number, "there is more after the end", "после конца есть ещё строки")
        if line.kind == "end":
            whole = True
        elif line.kind in RESULTS:
            record.results[line.kind].append(line.fields)
        else:
            record.lines.append(line)
    if not whole:
        raise _truncated(_last(record))
    _known_trunks(record)
    _from_the_beginning(record)
    return record


def _last(record: Record) -> int:
    return 1 + len(record.lines) + sum(map(len, record.results.values()))


def _truncated(last: int) -> RecordError:
    return RecordError(
        "record_truncated",
        f"the record ends after line {last} without its last line: the controller was killed, or "
        "the disk was full; only a run that was stopped in order can be replayed",
        f"запись обрывается после строки {last}: нет последней строки",
    )


def _lines(path: Path) -> Iterator[Line]:
    number = size = 0
    last_t = 0.0
    with gzip.open(path, "rb") as file:
        while True:
            number += 1
            try:
                text = file.readline(LONGEST_LINE)
            except EOFError:
                raise _truncated(number - 1) from None
            except (gzip.BadGzipFile, zlib.error) as error:
                text_en, text_ru = f"it is not gzip ({error})", "это не gzip"
                raise _broken(number, text_en, text_ru) from error
            size += len(text)
            if not text:
                return
            if size > MOST_BYTES or len(text) >= LONGEST_LINE:
                raise _broken(number, "it is too long", "слишком длинная")
            if not text.endswith(b"\n"):
                raise _broken(number, "it is cut off", "оборвана")
            line = _line(number, text)
            if line.t < last_t:
                raise _broken(number, "time goes back", "время идёт назад")
            last_t = line.t
            yield line


def _line(number: int, text: bytes) -> Line:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise _broken(number, "it is not JSON", "это не JSON") from None
    if not isinstance(value, dict):
        raise _broken(number, "it is not an object", "это не объект")
    t, kind, fields = value.get("t"), value.get("kind"), value.get("fields")
    if not isinstance(t, int | float) or isinstance(t, bool) or not 0 <= t < 1e8:
        raise _broken(number, "t is no time", "t: не время")
    if not isinstance(kind, str) or kind not in NEEDED or not isinstance(fields, dict):
        raise _broken(number, "there is no such kind of line", "нет такого вида строк")
    for key, wanted in NEEDED[kind].items():
        if not isinstance(fields.get(key), wanted):
            raise _broken(number, f"{kind}: {key} is missing or wrong", f"{kind}: неверное {key}")
    _check_values(number, fields)
    if kind == "cel":
        _check_history(number, fields)
    if kind == "id":
        _check_values(number, {"attempt": fields["id"]})
    return Line(number, float(t), kind, fields)


def _check_values(number: int, fields: Mapping[str, Any]) -> None:
    """What is taken apart later: ids of ours, and times of the node's."""
    for key, made in (("attempt", UUID), ("shift", UUID), ("Timestamp", float)):
        try:
            if fields.get(key) is not None:
                made(fields[key])
        except (ValueError, TypeError, AttributeError):
            raise _broken(number, f"{key} is wrong", f"неверное {key}") from None


def _check_history(number: int, fields: Mapping[str, Any]) -> None:
    try:
        from_fields(fields, 0.0)
    except (KeyError, TypeError, AttributeError):
        raise _broken(number, "cel: channels are wrong", "cel: неверные каналы") from None


def _same_format(fields: Mapping[str, Any]) -> None:
    if fields["format"] not in READABLE:
        known = ", ".join(map(str, READABLE))
        raise RecordError(
            "record_other_format",
            f"line 1: the record has format {fields['format']}, this version reads {known}; "
            "replay it with the version that made it",
            f"строка 1: формат записи {fields['format']}, эта версия читает {known}",
        )


def _known_trunks(record: Record) -> None:
    names = [t.get("name") for t in record.header["trunks"] if isinstance(t, dict)]
    for line in record.lines:
        if line.kind in ("place", "third") and line.fields["trunk"] not in names:
            trunk = line.fields["trunk"]
            raise _broken(
                line.number, f"the header knows no trunk {trunk}", f"нет транка {trunk} в заголовке"
            )


def _from_the_beginning(record: Record) -> None:
    """Calls and shifts of a controller before this one are not in the record."""
    placed = {line.fields["attempt"] for line in record.lines if line.kind == "place"}
    begun = {line.fields["shift"] for line in record.lines if line.kind == "sign_in"}
    strange = [o["attempt"] for o in record.results["outcome"] if o["attempt"] not in placed]
    strange += [s["shift"] for s in record.results["state"] if s["shift"] not in begun]
    if strange:
        raise RecordError(
            "record_begins_late",
            f"the record does not say how {strange[0]} began: it must begin with the controller",
            f"в записи нет начала {strange[0]}: она должна начинаться вместе с программой",
        )


def _broken(number: int, english: str, russian: str) -> RecordError:
    return RecordError("bad_record", f"line {number}: {english}", f"строка {number}: {russian}")


def is_sound(command: str) -> bool:
    """Whether a FastAGI command only begins or ends what a person hears who waits."""
    return command.startswith(SOUNDS)
