"""Writes a run of the manager link to a file: a JSON object a line, no secrets, nobody's number.

    {"t": 1790000000.123456, "dir": "in", "fields": {"Event": "Newchannel", ...}}

`t`: epoch seconds; `dir`: `in` an event, an answer or an item of a list, `out` an action, `link`
the link's end. Every number of seven digits or more becomes an invented one, the same in the whole
file (+999000000001 ...), so that who was called twice can still be seen.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal

Direction = Literal["in", "out", "link"]

SECRETS = frozenset({"secret", "password", "passworddigest", "md5cred", "key", "refreshtoken"})
NAMES = frozenset(
    {"calleridname", "connectedlinename", "destcalleridname", "destconnectedlinename"}
)
IDS = frozenset(
    {
        "actionid", "uniqueid", "linkedid", "destuniqueid", "destlinkedid", "bridgeuniqueid",
        "channelid", "timestamp", "sequencenumber", "sessionid",
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
        if name in SECRETS:
            return HIDDEN
        if name in NAMES:
            return HIDDEN if value and value != "<unknown>" else value
        return value if name in IDS else _NUMBER.sub(self._mask, value)

    def _mask(self, match: re.Match[str]) -> str:
        digits = match[0].removeprefix("+")
        mask = self._known.setdefault(digits, f"999{len(self._known) + 1:09d}")
        return f"+{mask}" if match[0].startswith("+") else mask


class Recorder:
    """An open record. What cannot be written (a full disk) ends the record, never the dialing."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Raises OSError; a file that is there is not touched (FileExistsError)."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8", buffering=1)
        self._masks, self._clock = Masks(), clock
        self.path, self.problem = path, ""

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def note(self, direction: Direction, fields: Mapping[str, object]) -> None:
        """One message, in the order of the wire."""
        if self._file.closed:
            return
        kept = {key: self._kept(key, value) for key, value in fields.items()}
        line = {"t": round(self._clock(), 6), "dir": direction, "fields": kept}
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            self.problem = f"{self.path} cannot be written ({error.strerror}); the record ends here"
            self.close()

    def _kept(self, key: str, value: object) -> str | list[str]:
        if isinstance(value, list | tuple):
            return [self._masks.field(key, str(item)) for item in value]
        return self._masks.field(key, str(value))

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # the rest of the buffer on a full disk
            self.problem = self.problem or str(error)
