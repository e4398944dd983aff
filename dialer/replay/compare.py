"""PURE. Two records of one run: what came of calls and shifts, and what was asked of the node."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from dialer.replay.record import Line, is_sound

SAME_S = 0.1
"""Seconds that may differ: the time that PostgreSQL and the node took is none in a replay."""
TIMES = ("rang_s", "answered_s", "ended_s", "conversation_s", "seconds")
KEYS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("attempt",),
    "state": ("shift", "seq"),
    "part": ("attempt", "number"),
    "supervision": ("id", "seq"),
}
"""Results that are compared row by row, and what tells the rows."""
OF_CALLS = ("Originate", "Hangup", "Redirect", "Setvar")
"""Actions that decide what becomes of a call; others only ask."""

Results = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Difference:
    """`what`: outcome, state, part, supervision, commands or answer; `key`: whose; then both."""

    what: str
    key: str
    recorded: object
    replayed: object


def differences(
    recorded: Results,
    replayed: Results,
    asked: Sequence[Line],
    asked_again: Sequence[Line],
    late_s: float = 0.0,
) -> list[Difference]:
    """Empty when the replay came to the same. `late_s`: how late the recorded controller was.

    The times of `asked_again` are on the record's clock.
    """
    gone = _gone(asked, late_s)
    rows = (_of_rows(what, recorded[what], replayed[what], KEYS[what], late_s) for what in KEYS)
    return [
        *chain.from_iterable(rows),
        *_of_commands(asked, asked_again, gone),
        *_of_lists("answer", _answers(asked), _answers(asked_again)),
    ]


def _of_rows(
    what: str,
    recorded: Iterable[Mapping[str, Any]],
    replayed: Iterable[Mapping[str, Any]],
    keys: tuple[str, ...],
    late_s: float,
) -> Iterator[Difference]:
    ours = {tuple(row[k] for k in keys): row for row in recorded}
    theirs = {tuple(row[k] for k in keys): row for row in replayed}
    for key in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(key), theirs.get(key)
        if one is None or other is None:
            yield Difference(what, " ".join(map(str, key)), one, other)
            continue
        for name in one:  # a record of an earlier version may know less
            if not _same(name, one.get(name), other.get(name), SAME_S + late_s):
                whose = f"{' '.join(map(str, key))} {name}"
                yield Difference(what, whose, one.get(name), other.get(name))


def _same(name: str, one: object, other: object, limit_s: float) -> bool:
    if name in TIMES and isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= limit_s
    return one == other


def _of_commands(
    asked: Sequence[Line], asked_again: Sequence[Line], gone: Callable[[str, float], bool]
) -> Iterator[Difference]:
    """Hang-ups of what was gone at that moment are no difference: one side may have had no time."""
    one, other = _commands(asked), _commands(asked_again)
    differ = {key for key in (*one, *other) if one.get(key) != other.get(key)}
    ours, theirs = _commands(asked, gone), _commands(asked_again, gone)
    yield from _of_lists(
        "commands",
        {key: value for key, value in ours.items() if key in differ},
        {key: value for key, value in theirs.items() if key in differ},
    )


def _commands(
    lines: Iterable[Line], in_vain: Callable[[str, float], bool] = lambda channel, t: False
) -> dict[str, list[str]]:
    """By channel, in order, without hang-ups that were `in_vain`."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        fields = line.fields
        if line.kind == "ami_out" and fields["Action"] in OF_CALLS:
            channel = str(fields.get("ChannelId") or fields.get("Channel") or "(global)")
            name = _variable(fields.get("Variable")) if fields["Action"] == "Setvar" else ""
            if fields["Action"] != "Hangup" or not in_vain(channel, line.t):
                found[channel].append(f"{fields['Action']} {name}".strip())
    # The node's own copies of what was pressed are deleted when they are written, at any moment.
    return {key: sorted(value) if key == "(global)" else value for key, value in found.items()}


def _gone(lines: Iterable[Line], late_s: float) -> Callable[[str, float], bool]:
    """Whether a channel ended so near to a moment that a hang-up may have come before or after."""
    ends: dict[str, float] = {}
    for line in lines:
        if line.kind == "ami_in" and line.fields.get("Event") == "Hangup":
            for key in ("Uniqueid", "Channel"):
                ends[str(line.fields.get(key, ""))] = line.t
    return lambda channel, t: ends.get(channel, math.inf) <= t + late_s + SAME_S


def _variable(value: object) -> str:
    return value if isinstance(value, str) else ""


def _answers(lines: Iterable[Line]) -> dict[str, list[str]]:
    """What FastAGI sessions were told but for sounds, by their number and channel."""
    heads: dict[int, str] = {}
    found: dict[str, list[str]] = {}
    for line in lines:
        session = line.fields.get("session", 0)
        if line.kind == "agi_head":
            script = line.fields.get("agi_network_script", "")
            heads[session] = f"{session} {script} {line.fields['agi_uniqueid']}"
            found[heads[session]] = []
        elif line.kind == "agi_out" and session in heads and not is_sound(line.fields["line"]):
            found[heads[session]].append(line.fields["line"])
    return found


def _of_lists(
    what: str, recorded: Mapping[str, list[str]], replayed: Mapping[str, list[str]]
) -> Iterator[Difference]:
    for key in dict.fromkeys((*recorded, *replayed)):
        pairs = zip_longest(recorded.get(key, []), replayed.get(key, []))
        for one, other in pairs:
            if one != other:
                yield Difference(what, key, one, other)
