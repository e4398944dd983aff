"""The CEL journal of a node: what Asterisk itself wrote down about every channel.

Asterisk forgets a channel when it ends. The journal is what tells, after a crash of the
controller or of Asterisk, how a call ended and whether it was answered or bridged.

**What a killed Asterisk leaves** (seen with strace on 22.10): every event is one `write` of a
whole line to a file opened for appending and closed again. Lines are whole, a rename is
rotation enough, and a SIGKILL loses only the events still queued inside Asterisk: milliseconds
of work in normal load. Channels alive at that moment never get a HANGUP line.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

JOURNAL_FILE = "prozvon.csv"
"""Name inside `<astlogdir>/cel-custom/`, the same on the PBX and on the carrier."""

JOURNAL_COLUMNS: tuple[tuple[str, str], ...] = (
    ("event", "${eventtype}"),
    ("at", "${eventtime}"),
    ("unique_id", "${CHANNEL(uniqueid)}"),
    ("linked_id", "${CHANNEL(linkedid)}"),
    ("channel", "${CHANNEL(channame)}"),
    ("exten", "${CHANNEL(exten)}"),
    ("context", "${CHANNEL(context)}"),
    ("peer", "${CHANNEL(peer)}"),
    ("extra", "${eventextra}"),
    ("user_event", "${userdeftype}"),
)

JOURNAL_MAPPING = ",".join(f"${{CSV_QUOTE({variable})}}" for _, variable in JOURNAL_COLUMNS)
"""Right-hand side of the one line in `cel_custom.conf`: `prozvon.csv => <this>`.

Only CSV_QUOTE, CHANNEL and special variables are used: Asterisk 22 turns such a mapping into
a compiled one by itself, Asterisk 20 and 21 know no other form.
"""

JOURNAL_EVENTS = (
    "CHAN_START",
    "CHAN_END",
    "ANSWER",
    "HANGUP",
    "BRIDGE_ENTER",
    "BRIDGE_EXIT",
    "USER_DEFINED",
)
"""Value of `events` in `cel.conf`, joined by commas. `dateformat` must stay unset: the default
is epoch seconds with six decimals, free of time zones."""

_SLACK_S = 10.0
"""Threads of Asterisk write their events on their own: neighbours in the file can be a little
out of order, so the search for a moment starts this much earlier."""

_PROBE_BYTES = 4096

_RECORD_START = re.compile(r'"[A-Z_0-9]+","\d{9,}\.\d+","')


class CelKind(StrEnum):
    """The event types of the journal."""

    CHAN_START = "CHAN_START"
    CHAN_END = "CHAN_END"
    ANSWER = "ANSWER"
    HANGUP = "HANGUP"
    BRIDGE_ENTER = "BRIDGE_ENTER"
    BRIDGE_EXIT = "BRIDGE_EXIT"
    USER_DEFINED = "USER_DEFINED"


_PLAIN_KINDS = frozenset(CelKind) - {CelKind.USER_DEFINED}


@dataclass(frozen=True)
class CelEvent:
    """One line of the journal; `at` is Unix time in seconds, with microseconds."""

    kind: CelKind
    at: float
    unique_id: str
    linked_id: str
    channel: str
    exten: str
    context: str
    peer: str
    extra: Mapping[str, object]
    user_event: str

    @property
    def text(self) -> str:
        """What the dialplan gave to CELGenUserEvent after the event's name."""
        return _text(self.extra, "extra")


def parse_line(line: str) -> CelEvent | None:
    """One line as an event, None if it is torn, damaged or of another mapping.

    A record that was appended to a torn one (disk full, then room again) is still found.
    """
    event = _parse_record(line)
    if event is None:
        starts = [match.start() for match in _RECORD_START.finditer(line)]
        if starts and starts[-1] > 0:
            event = _parse_record(line[starts[-1] :])
    return event


def _parse_record(line: str) -> CelEvent | None:
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != len(JOURNAL_COLUMNS):
        return None
    fields = dict(zip((name for name, _ in JOURNAL_COLUMNS), rows[0], strict=True))
    kind = _kind(fields.pop("event"), fields["user_event"])
    try:
        at = float(fields.pop("at"))
    except ValueError:
        return None
    if kind is None:
        return None
    return CelEvent(kind=kind, at=at, extra=_extra(fields.pop("extra")), **fields)


def _kind(name: str, user_event: str) -> CelKind | None:
    # For a user event `eventtype` is the event's own name (Asterisk 20 to 23).
    if user_event:
        return CelKind.USER_DEFINED
    return CelKind(name) if name in _PLAIN_KINDS else None


def _extra(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text) if text else {}
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


class CelJournal:
    """Reads a journal while Asterisk writes it. Rotated parts (`path.1`, `path.2`) count too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, since: float | None = None) -> Iterator[CelEvent]:
        """Events at or after `since` (Unix time, None: all), in the order of writing.

        Only the part after `since` is read, by bisection, so the last minutes of a large file
        cost little. A last line still without its end is left for the next reading. A journal
        that is not there yet is empty. Blocking: call it in a thread.
        """
        with contextlib.ExitStack() as stack:
            for part in self._open_parts(since, stack):
                if since is not None:
                    _seek(part, since - _SLACK_S)
                for event in _events(part):
                    if since is None or event.at >= since:
                        yield event

    def _open_parts(self, since: float | None, stack: contextlib.ExitStack) -> list[BinaryIO]:
        """The parts to read, oldest first, opened newest first: a rotation between two opens
        can then show a part twice, which is dropped by its inode, but never skip one."""
        parts: list[BinaryIO] = []
        inodes: set[int] = set()
        for number in itertools.count():
            name = self.path.with_name(f"{self.path.name}.{number}") if number else self.path
            try:
                part = stack.enter_context(name.open("rb"))
            except FileNotFoundError:
                # Between a rotation and the next event there is no file without a number.
                if number:
                    break
                continue
            inode = os.fstat(part.fileno()).st_ino
            if inode not in inodes:
                inodes.add(inode)
                parts.append(part)
            if since is not None and _begins_before(part, since - _SLACK_S):
                break
        return parts[::-1]


def _events(part: BinaryIO) -> Iterator[CelEvent]:
    for line in part:
        if not line.endswith(b"\n"):
            return
        event = parse_line(line.decode(errors="replace").rstrip("\r\n"))
        if event is not None:
            yield event


def _begins_before(part: BinaryIO, moment: float) -> bool:
    part.seek(0)
    first = next(_events(part), None)
    part.seek(0)
    return first is not None and first.at < moment


def _seek(part: BinaryIO, moment: float) -> None:
    """Put `part` at a line's start with no event at or after `moment` before it."""
    low, high = 0, part.seek(0, os.SEEK_END)
    while high - low > _PROBE_BYTES:
        middle = (low + high) // 2
        part.seek(middle)
        part.readline()
        event = next(_events(part), None)
        if event is None or event.at >= moment:
            high = middle
        else:
            low = middle
    part.seek(low)
    if low:
        part.readline()


@dataclass(frozen=True)
class BridgeStay:
    """A channel's stay in one bridge; a time is None where the journal read does not tell it."""

    bridge_id: str
    entered_at: float | None
    left_at: float | None


@dataclass(frozen=True)
class UserEvent:
    """One CELGenUserEvent of the dialplan."""

    name: str
    at: float
    text: str


@dataclass(frozen=True)
class ChannelHistory:
    """What the journal tells about one channel. Times are Unix seconds.

    `cause` is the Q.850 cause. `hangup_source` is the channel that hung up, `dialplan/...` for
    the node's own dialplan, or empty. No `hangup_at`: alive, or Asterisk was killed.
    `exten` and `context` are those of the first event: where an incoming call was sent.
    """

    unique_id: str
    linked_id: str
    channel: str
    exten: str
    context: str
    created_at: float | None
    answered_at: float | None
    bridged: tuple[BridgeStay, ...]
    hangup_at: float | None
    cause: int | None
    hangup_source: str
    user_events: tuple[UserEvent, ...]

    def user_event(self, name: str) -> UserEvent | None:
        """The first user event of that name."""
        return next((event for event in self.user_events if event.name == name), None)


def summarise(events: Iterable[CelEvent]) -> dict[str, ChannelHistory]:
    """Fold events, in any order, into one history per channel, by unique id."""
    channels: dict[str, list[CelEvent]] = {}
    for event in events:
        channels.setdefault(event.unique_id, []).append(event)
    return {unique_id: _history(found) for unique_id, found in channels.items()}


def _history(events: list[CelEvent]) -> ChannelHistory:
    events.sort(key=lambda event: event.at)
    hangup = _first(events, CelKind.HANGUP)
    cause = hangup.extra.get("hangupcause") if hangup else None
    return ChannelHistory(
        unique_id=events[0].unique_id,
        linked_id=events[-1].linked_id,
        channel=events[0].channel,
        exten=events[0].exten,
        context=events[0].context,
        created_at=_time(_first(events, CelKind.CHAN_START)),
        answered_at=_time(_first(events, CelKind.ANSWER)),
        bridged=_stays(events),
        hangup_at=_time(hangup),
        cause=cause if isinstance(cause, int) else None,
        hangup_source=_text(hangup.extra, "hangupsource") if hangup else "",
        user_events=tuple(
            UserEvent(event.user_event, event.at, event.text)
            for event in events
            if event.kind is CelKind.USER_DEFINED
        ),
    )


def _stays(events: Iterable[CelEvent]) -> tuple[BridgeStay, ...]:
    stays: list[BridgeStay] = []
    for event in events:
        bridge_id = _text(event.extra, "bridge_id")
        if event.kind is CelKind.BRIDGE_ENTER:
            stays.append(BridgeStay(bridge_id, event.at, None))
        elif event.kind is CelKind.BRIDGE_EXIT:
            last = stays[-1] if stays else None
            if last is not None and last.bridge_id == bridge_id and last.left_at is None:
                stays[-1] = replace(last, left_at=event.at)
            else:
                stays.append(BridgeStay(bridge_id, None, event.at))
    return tuple(stays)


def _first(events: Iterable[CelEvent], kind: CelKind) -> CelEvent | None:
    return next((event for event in events if event.kind is kind), None)


def _time(event: CelEvent | None) -> float | None:
    return event.at if event else None


def _text(extra: Mapping[str, object], key: str) -> str:
    value = extra.get(key)
    return value if isinstance(value, str) else ""
