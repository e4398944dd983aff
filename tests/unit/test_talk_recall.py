"""Where a person is, read from the node: the trunk that a called number's leg goes over."""

from __future__ import annotations

from uuid import UUID

import pytest

from dialer.asterisk.events import LiveChannel
from dialer.calls import Conversing, Lead, Placed
from dialer.talk.model import Consulting
from dialer.talk.recall import Places, place_of, trunk_of

ATTEMPT = UUID(int=7)


@pytest.mark.parametrize(
    ("channel", "trunk"),
    [
        ("PJSIP/trunk-second-0000002a", "second"),
        ("PJSIP/trunk-a-b-00000001", "a-b"),
        ("PJSIP/op-t1-00000001", ""),
        ("Local/refused@prozvon-tone-00000001;1", ""),
    ],
)
def test_a_channel_names_its_trunk(channel: str, trunk: str) -> None:
    assert trunk_of(channel) == trunk


def test_a_called_number_is_booked_on_the_trunk_it_goes_over() -> None:
    """Given a person called over `first`, when the node shows advice asked over `second`."""
    third = f"th-{ATTEMPT}-12345678"
    live = {
        str(ATTEMPT): channel(str(ATTEMPT), "PJSIP/trunk-first-1", "prozvon-music", "consult"),
        third: channel(third, "PJSIP/trunk-second-2", "prozvon-third", "s"),
    }
    talk = place_of(conversing(), Places(live, {}), None, 100.0)
    assert isinstance(talk, Consulting)
    assert (talk.third.trunk, talk.third.call_id, talk.third.rang) == ("second", third, True)


def channel(uid: str, name: str, context: str, exten: str) -> LiveChannel:
    return LiveChannel(uid, uid, name, 6, "bridge", exten, context, "", 5.0)


def conversing() -> Conversing:
    placed = Placed(
        id=ATTEMPT, campaign_id=1, lead=Lead(1, 1, "+79990000000", 0, 0, 4), trunk="first",
        placed_at=90.0, mode="progressive",
    )  # fmt: skip
    return placed.answered(95.0).bridged(95.1, "t1")
