"""A run in a file: whole, in order, without secrets and numbers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.replay.recorder import HIDDEN, Masks, Recorder
from tests.unit.ami_peer import (
    Peer,
    answer,
    in_step,
    newstate,
    peer_fixture,
    request,
    running,
    until,
)

__all__ = ["peer_fixture"]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


async def test_what_goes_over_the_link_is_in_the_file(peer: Peer, tmp_path: Path) -> None:
    peer.answers["Originate"] = answer
    with Recorder(tmp_path / "run.jsonl") as recorder:
        async with running(peer, ready=False) as floor:
            floor.client.recorder = recorder
            await floor.client.wait_ready(5)
            await floor.client.originate(request())
            peer.send(newstate("u-1", 5, "PJSIP/+79001234567@trunk-1"))
            await in_step(floor, peer)
            peer.hang_up()
            await until(lambda: floor.downs)
    found = lines(recorder.path)
    text = gzip.decompress(recorder.path.read_bytes()).decode()
    assert "s3cret" not in text
    assert "9001234567" not in text
    actions = [x["fields"]["Action"] for x in found if x["kind"] == "ami_out"]
    assert [a for a in actions if a != "Ping"][:2] == ["Login", "Originate"]
    placed = next(x["fields"] for x in found if x["fields"].get("Action") == "Originate")
    assert placed["Channel"] == "PJSIP/999000000001@trunk"
    rings = next(x["fields"] for x in found if x["fields"].get("Event") == "Newstate")
    assert rings["Channel"] == "PJSIP/+999000000001@trunk-1"
    assert any(x["kind"] == "ami_lost" for x in found)
    assert [x["t"] for x in found] == sorted(x["t"] for x in found)
    assert recorder.path.stat().st_mode & 0o777 == 0o600


@given(st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), st.sampled_from(["", "+"]))
def test_a_number_is_always_the_same_other_number(digits: str, plus: str) -> None:
    masks = Masks()
    for shape in ("{}", "PJSIP/{}@trunk-a", '"x" <{}>', "sip:{}@192.0.2.1:5060", "a={},b"):
        kept = masks.field("Channel", shape.format(plus + digits))
        assert kept == shape.format(f"{plus}999000000001")


def test_ids_and_times_stay_and_secrets_and_names_go() -> None:
    masks = Masks()
    uuid = "01a2107d-e223-7c81-b05d-123456789012"
    for key, value in (
        ("Uniqueid", "1795573243.218125"),
        ("Timestamp", "1795573243.218125"),
        ("Variable", f"__PROZVON_ATTEMPT={uuid}"),
        ("Channel", "PJSIP/op-t1-00000001"),
        ("Cause", "16"),
    ):
        assert masks.field(key, value) == value
    assert masks.field("Secret", "x") == HIDDEN
    assert masks.field("Password", "x") == HIDDEN
    assert masks.field("CallerIDName", "Anna") == HIDDEN
    assert masks.field("CallerIDName", "<unknown>") == "<unknown>"


def test_a_record_never_replaces_a_file_and_its_end_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    with pytest.raises(FileExistsError):
        Recorder(tmp_path / "there")
    full = Recorder(tmp_path / "full")
    with Path("/dev/full").open("wb", buffering=0) as device:
        full._file.fileobj = device
        full._flushed = -1e9
        full.note("ami_in", {"Event": "x"})
        assert "the record ends here" in full.problem
        full.note("ami_in", {"Event": "y"})
        full.close()


def test_keys_of_persons_are_zeros_and_those_of_operators_are_codes(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        for leg in ("op-1", "1795573243.218125"):
            recorder.note("ami_in", {"Event": "DTMFEnd", "Uniqueid": leg, "Digit": "7"})
        recorder.note("ami_out", {"Action": "PlayDTMF", "Channel": "x", "Digit": "7"})
    assert [line["fields"]["Digit"] for line in lines(recorder.path)] == ["7", "0", "0"]
