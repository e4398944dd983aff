"""What the controller missed, told again as events: from live channels and the node's journal."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.asterisk import events as ev
from dialer.asterisk.cel import CelEvent, CelKind, ChannelHistory, summarise
from dialer.attempts import UP
from dialer.recovery import NodeTruth, missed_events
from dialer.seating import HOLDING

NOW = 1_790_000_000.0
PERSON = str(UUID(int=1))
LEG = f"op-{UUID(int=2)}"
TALK, WAIT = "bridge-talk", "bridge-wait"
LINES = {PERSON: "PJSIP/trunk-carrier-00000001", LEG: "PJSIP/op-anna-00000001"}


def cel(
    kind: CelKind, after_s: float, uid: str = PERSON, *, user: str = "", **extra: object
) -> CelEvent:
    return CelEvent(kind, NOW + after_s, uid, uid, LINES[uid], "s", "x", "", extra, user)


def created(after_s: float, uid: str = PERSON) -> CelEvent:
    return cel(CelKind.CHAN_START, after_s, uid)


def answered(after_s: float, uid: str = PERSON) -> CelEvent:
    return cel(CelKind.ANSWER, after_s, uid)


def entered(after_s: float, bridge: str, uid: str = PERSON) -> CelEvent:
    return cel(CelKind.BRIDGE_ENTER, after_s, uid, bridge_id=bridge)


def left(after_s: float, bridge: str, uid: str = PERSON) -> CelEvent:
    return cel(CelKind.BRIDGE_EXIT, after_s, uid, bridge_id=bridge)


def hung_up(after_s: float, cause: int = 16, uid: str = PERSON) -> CelEvent:
    return cel(CelKind.HANGUP, after_s, uid, hangupcause=cause, hangupsource="")


def live(
    uid: str, state: int = UP, bridge: str | None = None, lasts_s: float = 30.0
) -> ev.LiveChannel:
    return ev.LiveChannel(uid, uid, LINES[uid], state, bridge, "s", "x", "AppDial", lasts_s)


def node(*past: CelEvent, alive: tuple[ev.LiveChannel, ...] = (), at_s: float = 100.0) -> NodeTruth:
    history: dict[str, ChannelHistory] = summarise(past)
    return NodeTruth({channel.unique_id: channel for channel in alive}, history, NOW + at_s)


def told(truth: NodeTruth, **since: float) -> list[tuple[float, str]]:
    """(seconds after NOW, what happened), in the order in which the controller hears it."""
    known = (
        {PERSON: 0.0}
        if not since
        else {
            {"person": PERSON, "leg": LEG}[name]: NOW + after_s for name, after_s in since.items()
        }
    )
    return [(event.at - NOW, what(event)) for event in missed_events(known, truth)]


def what(event: ev.Event) -> str:
    if isinstance(event, ev.ChannelState):
        return f"state {event.state}"
    if isinstance(event, ev.BridgeEntered):
        return "waits" if event.technology == HOLDING else "talks"
    if isinstance(event, ev.UserEvent):
        return event.name
    if isinstance(event, ev.Hangup):
        return f"hangup {event.cause}"
    assert isinstance(event, ev.ChannelCreated)
    return "created"


def test_a_call_that_came_and_went_is_told_from_beginning_to_end() -> None:
    past = [created(0), answered(7), entered(7.1, TALK), left(40, TALK), hung_up(40.1)]
    assert told(node(*past)) == [
        (0, "created"),
        (7, f"state {UP}"),
        (pytest.approx(7.1), "talks"),
        (pytest.approx(40.1), "hangup 16"),
    ]


def test_a_call_that_was_busy_has_its_cause() -> None:
    assert told(node(created(0), hung_up(1, 17))) == [(0, "created"), (1, "hangup 17")]


def test_a_talk_that_goes_on_is_told_without_an_end() -> None:
    truth = node(created(0), answered(7), entered(8, TALK), alive=(live(PERSON, bridge=TALK),))
    assert told(truth)[-1] == (8, "talks")
    assert not any(name.startswith("hangup") for _, name in told(truth))


def test_a_live_channel_without_a_journal_is_told_as_it_is_now() -> None:
    truth = node(alive=(live(PERSON, state=5, lasts_s=12),))
    assert told(truth) == [(88, "created"), (100, "state 5")]
    talks = node(alive=(live(PERSON, bridge=TALK),))
    assert told(talks) == [(70, "created"), (100, f"state {UP}"), (100, "talks")]


def test_a_call_in_neither_is_not_told_at_all() -> None:
    assert told(node()) == []


def test_a_call_cut_by_the_nodes_death_has_no_hang_up() -> None:
    assert told(node(created(0), answered(5), entered(6, TALK))) == [
        (0, "created"),
        (5, f"state {UP}"),
        (6, "talks"),
    ]


def test_the_message_is_told() -> None:
    message = cel(CelKind.USER_DEFINED, 9, user="PROZVON_ABANDONED")
    other = cel(CelKind.USER_DEFINED, 8, user="PROZVON_TAKEN")
    [event] = [
        event
        for event in missed_events({PERSON: 0.0}, node(answered(7), other, message, hung_up(14)))
        if isinstance(event, ev.UserEvent)
    ]
    assert (event.name, event.fields, event.at) == (
        "ProzvonAbandoned",
        {"Attempt": PERSON},
        NOW + 9,
    )


def test_a_hang_up_without_a_cause_is_a_hang_up() -> None:
    end = cel(CelKind.HANGUP, 5)
    assert told(node(created(0), end))[-1] == (5, "hangup 0")


def test_an_operators_leg_waits_or_talks_by_who_is_in_the_bridge() -> None:
    truth = node(
        entered(1, WAIT, LEG),
        left(7, WAIT, LEG),
        entered(7, TALK, LEG),
        entered(7, TALK),
        left(30, TALK, LEG),
        hung_up(30),
        entered(30.5, WAIT, LEG),
        alive=(live(LEG, bridge=WAIT),),
    )
    mine = [(at, name) for at, name in told(truth, leg=0.5) if name in ("waits", "talks")]
    # The bridge it is in now is told from the live channel too: the same fact, harmless twice.
    assert list(dict.fromkeys(mine)) == [(1, "waits"), (7, "talks"), (30.5, "waits")]


def test_what_the_controller_knows_of_a_leg_is_not_told_again() -> None:
    truth = node(
        entered(1, WAIT, LEG),
        entered(7, TALK, LEG),
        entered(7, TALK),
        alive=(live(LEG, bridge=TALK), live(PERSON, bridge=TALK)),
    )
    assert (1, "waits") not in told(truth, leg=7.2)
    assert (7, "talks") in told(truth, leg=7.2)


def test_a_leg_whose_phone_vanished_is_told() -> None:
    truth = node(entered(1, WAIT, LEG), hung_up(20, 44, LEG))
    assert told(truth, leg=5) == [(20, "hangup 44")]


def test_events_of_others_are_not_told() -> None:
    assert told(node(created(0), hung_up(1)), leg=0) == []


moments = st.floats(0, 90).map(lambda seconds: round(seconds, 3))
pieces = st.one_of(
    st.builds(created, moments),
    st.builds(answered, moments),
    st.builds(entered, moments, st.sampled_from([TALK, WAIT])),
    st.builds(left, moments, st.sampled_from([TALK, WAIT])),
    st.builds(hung_up, moments, st.integers(0, 127)),
)


@given(
    st.lists(pieces, max_size=12),
    st.booleans(),
    st.sampled_from([None, TALK]),
    st.floats(0, 90),
)
def test_whatever_the_journal_lost_the_story_is_in_order(
    past: list[CelEvent], alive: bool, bridge: str | None, known_s: float
) -> None:
    channels = (live(PERSON, bridge=bridge),) if alive else ()
    truth = node(*past, alive=channels)
    events = missed_events({PERSON: NOW + known_s}, truth)
    assert all(one.at <= two.at for one, two in itertools.pairwise(events))
    ends = [event for event in events if isinstance(event, ev.Hangup)]
    assert len(ends) <= 1
    if alive:
        assert not ends
    if not alive:
        assert all(event.at > NOW + known_s for event in events)
