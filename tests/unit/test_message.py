"""The message to abandoned people: how it is kept, and where its sound is looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from campaigns.campaign.kinds import Wrong
from campaigns.message.model import names, outside, read, sound
from campaigns.message.sounds import contradictions, missing, no_file, trouble
from dialer.board import Campaign
from dialer.calls import Lead, Placed
from dialer.lines import Trunk
from dialer.originate import person_request
from dialer.pacing import PredictivePacer


def test_a_message_of_the_nodes_own_may_be_confirmed() -> None:
    kept = read({"names": ["company", "number", "company"]})
    assert kept == {"sound": None, "names": ["company", "number"]}
    assert (names(kept), sound(kept)) == (frozenset(("company", "number")), "")
    assert outside(kept) == {"names": ["company", "number"]}
    assert (read(None), names(None), sound(None)) == (None, frozenset(), "")


@pytest.mark.parametrize(
    "value",
    ["/a", {"names": ["price"]}, {"sound": "relative"}, {"sound": "/a,b"}, {"sounds": "/a"}],
)
def test_wrong_messages_are_refused(value: Any) -> None:
    with pytest.raises(Wrong):
        read(value)


def test_a_sound_is_looked_for_as_asterisk_does(tmp_path: Path) -> None:
    message = read({"sound": str(tmp_path / "ours")})
    assert missing(message, "ru") == str(tmp_path / "ours")
    assert trouble(message, "ru") == no_file(str(tmp_path / "ours"))
    [found] = contradictions(message, "ru")
    assert found.id == "message_missing" and found.sentence.en != found.sentence.ru
    (tmp_path / "ru").mkdir()
    (tmp_path / "ru/ours.wav").write_bytes(b"")
    assert (missing(message, "ru"), contradictions(message, "ru")) == ("", [])
    assert missing(message, "en")
    (tmp_path / "ours.gsm").write_bytes(b"")
    assert missing(message, "en") == ""
    # Another machine's folder cannot be looked into.
    assert missing(read({"sound": "/not/of/this/machine/ours"}), "ru") == ""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (None, ""),
        ({"sound": None, "names": ["company"]}, ""),
        ({"sound": "/sounds/ours", "names": []}, "/sounds/ours"),
    ],
)
def test_a_call_carries_its_campaigns_message(message: Any, told: str) -> None:
    trunk = Trunk("a", 1, 2, 100.0)
    call = Placed(
        id=uuid4(), campaign_id=1, lead=Lead(7, 1, "+71", 0, 0, 4), trunk="a", placed_at=0.0
    )
    campaign = Campaign(
        id=1, name="c", mode="predictive", language="ru", caller_ids=(), trunks=(),
        ring_timeout_s=25, post_dial_delay_s=10, wrap_up_limit_s=60, recording=False,
        max_approaches=4, max_abandon_rate=0.03, engine=PredictivePacer(), message=message,
    )  # fmt: skip
    assert person_request(campaign, call, trunk).variables["PROZVON_MESSAGE"] == told
