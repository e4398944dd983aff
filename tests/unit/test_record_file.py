"""Files that are no whole record: which line, and what is wrong with it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.asterisk.cel import BridgeStay, ChannelHistory, UserEvent
from dialer.cli import invoke
from dialer.replay.compare import SAME_S, differences
from dialer.replay.history import as_fields, from_fields
from dialer.replay.record import RESULTS, Line, RecordError, read_record
from dialer.replay.recorder import FORMAT, Recorder

ATTEMPT = "01a21397-aa7b-78d1-b805-a9fb6e1a91ef"
HEADER = {
    "format": FORMAT,
    "started_at": 1.5,
    "floor": {},
    "trunks": [{"name": "carrier", "lines": 5, "calls_per_second": 5}],
}
PLACE = {
    "attempt": ATTEMPT,
    "campaign": 1,
    "trunk": "carrier",
    "phone": "+999000000001",
    "approaches": 0,
    "failures": 0,
    "max_approaches": 4,
}
Lines = list[tuple[float, str, dict[str, Any]]]
WHOLE: Lines = [
    (0, "header", HEADER),
    (1, "place", PLACE),
    (2, "outcome", {"attempt": ATTEMPT}),
    (2, "end", {"lines": 3}),
]


def text_of(lines: Lines) -> bytes:
    made = ({"t": t, "kind": kind, "fields": fields} for t, kind, fields in lines)
    return b"".join(json.dumps(line).encode() + b"\n" for line in made)


def error_of(path: Path, data: bytes) -> RecordError:
    path.write_bytes(data)
    with pytest.raises(RecordError) as caught:
        read_record(path)
    return caught.value


def test_a_whole_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_bytes(gzip.compress(text_of(WHOLE)))
    record = read_record(path)
    assert [line.kind for line in record.lines] == ["place"]
    assert record.results["outcome"] == [{"attempt": ATTEMPT}]


@pytest.mark.parametrize(
    ("lines", "id", "says"),
    [
        ([], "bad_record", "line 1: the file does not begin"),
        (WHOLE[1:], "bad_record", "line 1: the file does not begin"),
        ([(0, "header", {**HEADER, "format": FORMAT + 1}), *WHOLE[1:]], "record_other_format", "1"),
        ([WHOLE[0], (1, "cel", {"channels": [{}]})], "bad_record", "line 2: cel"),
        (WHOLE[:-1], "record_truncated", "after line 3"),
        ([*WHOLE, (3, "stop", {})], "bad_record", "line 5: there is more"),
        ([*WHOLE[:2], (0.5, "stop", {})], "bad_record", "line 3: time goes back"),
        ([WHOLE[0], (1, "dance", {})], "bad_record", "line 2: there is no such kind"),
        ([WHOLE[0], (-1, "stop", {})], "bad_record", "line 2: t is no time"),
        ([WHOLE[0], (1, "agi_in", {"session": 1})], "bad_record", "line 2: agi_in: line"),
        ([WHOLE[0], (1, "place", {**PLACE, "attempt": "x"})], "bad_record", "line 2: attempt"),
        ([WHOLE[0], (1, "ami_in", {"Timestamp": "x"})], "bad_record", "line 2: Timestamp"),
        ([WHOLE[0], (1, "place", {**PLACE, "trunk": "t"}), *WHOLE[2:]], "bad_record", "line 2"),
        ([WHOLE[0], *WHOLE[2:]], "record_begins_late", ATTEMPT),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, lines: Lines, id: str, says: str
) -> None:
    error = error_of(tmp_path / "run", gzip.compress(text_of(lines)))
    assert error.id == id
    assert says in str(error)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "line 2: it is not JSON"),
        (b"[" * 100_000, "line 2: it is not JSON"),
        (b"\xff\xfe", "line 2: it is not JSON"),
        (b"[]", "line 2: it is not an object"),
        (b'{"t": NaN, "kind": "stop", "fields": {}}', "line 2: t is no time"),
        (b'{"t": 1, "kind": ["stop"], "fields": {}}', "line 2: there is no such kind"),
        (b" " * (4 << 20), "line 2: it is too long"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: bytes, says: str) -> None:
    data = gzip.compress(text_of(WHOLE[:1]) + line + b"\n")
    assert says in str(error_of(tmp_path / "run", data))


@given(st.integers(1, 200))
def test_a_file_that_is_cut_off_is_never_whole(tmp_path_factory: Any, cut: int) -> None:
    data = gzip.compress(text_of(WHOLE), mtime=0)
    path = tmp_path_factory.mktemp("cut") / "run"
    error = error_of(path, data[: max(0, len(data) - cut)])
    assert error.id in ("record_truncated", "bad_record")


def test_the_command_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    path.write_bytes(b"not gzip")
    assert invoke(["replay", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["id"] == "bad_record"
    assert "line 1: it is not gzip" in told["message"]
    assert invoke(["replay", str(tmp_path / "none"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["id"] == "system_error"


def test_a_record_without_its_last_line_is_readable_up_to_there(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.note("header", HEADER)
        recorder.note("stop", {})
    with pytest.raises(RecordError, match="after line 2"):
        read_record(tmp_path / "run")


@given(
    st.sampled_from(["outcome", "answered_s", "operator"]), st.floats(0, 0.3), st.floats(0, 0.15)
)
def test_only_times_may_differ_a_little(name: str, little: float, late_s: float) -> None:
    """And where the recorded controller was late by itself, by as much more."""
    empty: dict[str, list[Any]] = {kind: [] for kind in RESULTS}
    row = {"attempt": ATTEMPT, "outcome": "answered", "answered_s": 2.0, "operator": "anna"}
    other = {**row, name: 2.0 + little if name == "answered_s" else "else"}
    one, two = {**empty, "outcome": [row]}, {**empty, "outcome": [other]}
    found = differences(one, two, [], [], late_s)
    differs = abs(2.0 - (2.0 + little)) > SAME_S + late_s
    assert bool(found) == (name != "answered_s" or differs)


@given(st.floats(0, 1e6), st.none() | st.floats(1e9, 2e9))
def test_what_a_cel_file_told_comes_back_later(later_s: float, hangup_at: float | None) -> None:
    stay = BridgeStay("b", 1e9, None)
    told = ChannelHistory(
        *(ATTEMPT, ATTEMPT, "PJSIP/x-1", "s", "c", 1e9, None), (stay,), hangup_at, 16, "",
        (UserEvent("KEY", 1e9 + 1, "1"),),
    )  # fmt: skip
    kept = json.loads(json.dumps(as_fields({ATTEMPT: told})))
    [back] = from_fields(kept, later_s).values()
    assert back.hangup_at == (None if hangup_at is None else hangup_at + later_s)
    assert back.bridged == (BridgeStay("b", 1e9 + later_s, None),)
    assert back.user_events[0].at == 1e9 + 1 + later_s
    assert from_fields(kept, 0.0) == {ATTEMPT: told}


@pytest.mark.parametrize(("asked_at", "differs"), [(4.95, False), (4.0, True)])
def test_a_hang_up_of_who_is_gone_at_that_moment_is_no_difference(
    asked_at: float, differs: bool
) -> None:
    """Given a person who hung up at 5, when only one side still asked the node for it."""
    empty: dict[str, list[Any]] = {kind: [] for kind in RESULTS}
    gone = Line(2, 5.0, "ami_in", {"Event": "Hangup", "Uniqueid": ATTEMPT, "Channel": "c"})
    asked = Line(1, asked_at, "ami_out", {"Action": "Hangup", "Channel": ATTEMPT})
    for one, other in (([gone], [asked]), ([asked, gone], [])):
        assert bool(differences(empty, empty, one, other)) == differs
    assert differences(empty, empty, [asked, gone], [asked]) == []
