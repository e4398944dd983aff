"""Writes a run of the controller to a file: gzipped JSON lines, no secrets, nobody's number.

    {"t": 12.345678, "kind": "ami_in", "fields": {"Event": "Newchannel", ...}}

`t`: seconds since the record began, by a clock that never goes back. The kinds and their fields are
in docs/reference/records.md. Every number of seven digits or more becomes an invented one, the same
in the whole file (+999000000001 ...), so that who was called twice can still be seen.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

FORMAT = 2
READABLE = (1, 2)
"""Format 1 has no requests in calls, no parts of conversations, no broadcasts."""
FLUSH_S = 1.0
SECRETS = frozenset({"secret", "password", "passworddigest", "md5cred", "key", "refreshtoken"})
NAMES = frozenset(
    {
        "calleridname", "connectedlinename", "destcalleridname", "destconnectedlinename",
        "agi_calleridname",
    }
)  # fmt: skip
A_KEY = 1
"""Letters: a key of a telephone, which is no secret."""
IDS = frozenset(
    {
        "actionid", "uniqueid", "linkedid", "destuniqueid", "destlinkedid", "bridgeuniqueid",
        "channelid", "timestamp", "sequencenumber", "sessionid", "agi_uniqueid",
    }
)  # fmt: skip
"""Headers that are made of digits and name nobody."""

_NUMBER = re.compile(r"(?<![\w.-])\+?\d{7,15}(?![\w.-])")
HIDDEN = "***"


class Masks:
    """Numbers of people -> invented ones, the same for the same number with or without a plus."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def field(self, key: str, value: str) -> str:
        """One header as it may be kept."""
        name = key.lower()
        if name in SECRETS and not (name == "key" and len(value) <= A_KEY):
            return HIDDEN
        if name in NAMES:
            return HIDDEN if value and value != "<unknown>" else value
        return value if name in IDS else _NUMBER.sub(self._mask, value)

    def anything(self, key: str, value: object) -> object:
        """The same for what is JSON already."""
        if isinstance(value, str):
            return self.field(key, value)
        if isinstance(value, Mapping):
            return {k: self.anything(str(k), v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.anything(key, item) for item in value]
        return value

    def _mask(self, match: re.Match[str]) -> str:
        digits = match[0].removeprefix("+")
        mask = self._known.setdefault(digits, f"999{len(self._known) + 1:09d}")
        return f"+{mask}" if match[0].startswith("+") else mask


class Sink(Protocol):
    """Who is told what happens in a run that began at `started_at` (epoch seconds)."""

    started_at: float

    def note(self, kind: str, fields: Mapping[str, object]) -> None: ...

    def end(self) -> None: ...


class Recorder:
    """An open record. What cannot be written (a full disk) ends the record, never the dialing."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises OSError; a file that is there is not touched (FileExistsError)."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._raw = os.fdopen(handle, "wb")
        self._file = gzip.GzipFile(filename="", fileobj=self._raw, mode="wb", mtime=0)
        self._masks, self._clock = Masks(), clock
        self._began = self._flushed = clock()
        self.started_at = time.time()
        self.path, self.problem, self._lines = path, "", 0

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def note(self, kind: str, fields: Mapping[str, object]) -> None:
        """One thing that happened, in the order it did."""
        if self._raw.closed:
            return
        now = self._clock()
        kept = {key: self._masks.anything(key, value) for key, value in fields.items()}
        if _is_persons_key(kept):
            kept["Digit"] = "0"
        line = {"t": round(now - self._began, 6), "kind": kind, "fields": kept}
        try:
            self._write(line, now)
        except OSError as error:
            self.problem = f"{self.path} cannot be written ({error.strerror}); the record ends here"
            self.close()

    def _write(self, line: Mapping[str, Any], now: float) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")
        self._lines += 1
        if now - self._flushed >= FLUSH_S:  # what a killed process leaves behind can be read
            self._flushed = now
            self._file.flush()
            self._raw.flush()

    def end(self) -> None:
        """The last line: the record is whole."""
        self.note("end", {"lines": self._lines})
        self.close()

    def close(self) -> None:
        for file in (self._file, self._raw):
            try:
                file.close()
            except OSError as error:  # the rest of the buffer on a full disk
                self.problem = self.problem or str(error)


def _is_persons_key(fields: Mapping[str, object]) -> bool:
    """A key that a person pressed, or that is sent to a voice menu: perhaps one of a card's number.

    Operators' own keys are `*` codes.
    """
    if fields.get("Action") == "PlayDTMF":
        return True
    pressed = str(fields.get("Event", "")).startswith("DTMF")
    return pressed and not str(fields.get("Uniqueid", "")).startswith("op-")
