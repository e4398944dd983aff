"""A broadcast's settings: what is refused, what the dialplan is told, how it is paced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.broadcast.model import read, variables
from campaigns.broadcast.sounds import missing_sound
from campaigns.campaign import settings as registry
from campaigns.campaign.kinds import Wrong
from campaigns.campaign_file.model import read as read_file
from campaigns.campaign_file.model import write
from dialer.pacers import pacer_of
from dialer.pacing import Floor, PredictivePacer

QUESTION: dict[str, Any] = {
    "code": "service",
    "sound": "/sounds/service",
    "keys": [{"key": "4", "answer": "good"}, {"key": "5", "answer": "bad"}],
}
HELLO: dict[str, Any] = {"code": "hello", "sound": "/sounds/hello"}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"steps": []}, ("steps",)),
        ({"steps": [{"code": "hello"}]}, ("steps", 0)),
        ({"steps": [{"code": "hello", "sound": "hello"}]}, ("steps", 0, "sound")),
        ({"steps": [{"code": "a", "sound": "/x,Hangup()"}]}, ("steps", 0, "sound")),
        ({"steps": [HELLO, HELLO]}, ("steps", 1, "code")),
        ({"operator_key": "*", "steps": [HELLO]}, ("operator_key",)),
        ({"operator_key": "1", "opt_out_key": "1", "steps": [HELLO]}, ("opt_out_key",)),
        ({"opt_out_key": "5", "steps": [QUESTION]}, ("steps", 0, "keys", 1, "key")),
        ({"repeats": 0, "steps": [HELLO]}, ("repeats",)),
    ],
)
def test_wrong_broadcasts_are_refused_with_the_place(value: Any, path: tuple[Any, ...]) -> None:
    with pytest.raises(Wrong) as caught:
        read(value)
    assert caught.value.path == path
    assert caught.value.sentence.ru != caught.value.sentence.en


def test_the_mode_needs_steps_and_answers_known_dispositions() -> None:
    with pytest.raises(registry.BadSettings, match="needs steps"):
        registry.complete(registry.read({"mode": "broadcast"}))
    unknown = {"key": "4", "answer": "good", "disposition": "nobody_knows"}
    broadcast = {"steps": [{**QUESTION, "keys": [unknown]}]}
    with pytest.raises(registry.BadSettings, match="no disposition nobody_knows"):
        registry.complete(registry.read({"mode": "broadcast", "broadcast": broadcast}))


def test_the_dialplan_listens_at_questions_and_where_a_key_may_still_come() -> None:
    told = variables(read({"steps": [HELLO, QUESTION, {**HELLO, "code": "bye"}]}))
    assert [told[f"PROZVON_LISTENS_{step}"] for step in (1, 2, 3)] == ["0", "1", "0"]
    assert (told["PROZVON_KEY_2_4"], told.get("PROZVON_KEY_2_6")) == ("1", None)
    told = variables(read({"opt_out_key": "9", "steps": [HELLO]}))
    assert (told["PROZVON_LISTENS_1"], told["PROZVON_OPERATOR_KEY"]) == ("1", "none")


def test_a_file_keeps_it() -> None:
    whole = registry.complete(
        registry.read({"mode": "broadcast", "broadcast": {"steps": [HELLO, QUESTION]}})
    )
    for kind in ("toml", "yaml"):
        file = read_file(write("x", whole, kind), kind, "x")
        assert registry.complete(file.settings) == whole


def test_a_missing_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").touch()
    there, gone = str(tmp_path / "hello"), str(tmp_path / "gone")
    step = {"code": "a", "sound": there}
    assert missing_sound(read({"steps": [step]})) == ""
    assert missing_sound(read({"steps": [step, {"code": "b", "sound": gone}]})) == gone


@given(st.integers(0, 500), st.integers(0, 50))
def test_it_takes_what_the_lines_leave_and_no_operator(lines: int, idle: int) -> None:
    pacer = pacer_of("broadcast", PredictivePacer())
    decision = pacer.explain(Floor(0.0, idle, (), (), (1.0,), 2, lines))
    assert (decision.calls, decision.limited_by) == (lines, "lines")
