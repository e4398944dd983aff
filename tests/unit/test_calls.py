"""One attempt: its states, and one outcome whatever order the events come in.

The second half drives the real controller, hand-over and seating without a node and a database: the
manager link is down and the journal is never emptied, so what would be written can be counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiSettings
from dialer.attempts import Attempts
from dialer.board import Board, Campaign
from dialer.calls import (
    Answered,
    Attempt,
    Committing,
    Conversing,
    Dialing,
    Ended,
    Lead,
    Placed,
)
from dialer.controller import Controller
from dialer.handover import Handover
from dialer.journal import Journal
from dialer.line_time import LineTime
from dialer.lines import Trunk
from dialer.operators import (
    IN_CALL,
    Connecting,
    OperatorState,
    Paused,
    Ready,
    Reserved,
    Seat,
    WrapUp,
)
from dialer.operators import Dialing as SeatDialing
from dialer.outcomes import EndedBy, Outcome
from dialer.pacing import PredictivePacer
from dialer.phone_legs import PhoneLegs
from dialer.seating import HOLDING, Seating
from dialer.store import SQL, Store
from dialer.tasks import Tasks

NOW = 1_790_000_000.0
LEAD = Lead(7, 1, "+79031234567", 0, 0, 4)
CHANNEL = "PJSIP/trunk-carrier-00000001"


def placed(attempt_id: UUID | None = None, operator: str | None = "anna") -> Placed:
    return Committing(
        id=attempt_id or uuid4(),
        campaign_id=1,
        lead=LEAD,
        trunk="carrier",
        placed_at=NOW,
        dial_operator=operator,
    ).placed()


def hung_up(attempt: Attempt, at: float, cause: int = 16, sip: int | None = None) -> Ended:
    return attempt.seen(CHANNEL).ended(at, cause=cause, sip_code=sip, by=EndedBy.PERSON)


# The states


def test_a_conversation_keeps_its_times() -> None:
    talking = placed().seen(CHANNEL).ringing(NOW + 2).answered(NOW + 9).assigned("anna")
    conversing = talking.bridged(NOW + 9.25, "anna")
    assert conversing.answer_to_operator_s == 0.25
    ended = hung_up(conversing, NOW + 60)
    assert (ended.outcome, ended.ended_by, ended.operator) == ("answered", "person", "anna")
    assert (ended.line_s, ended.ring_s, ended.talk_s) == (60, 7, 50.75)
    assert (ended.id, ended.lead, ended.channel) == (conversing.id, LEAD, CHANNEL)


def test_a_call_that_rang_out_has_no_talk() -> None:
    ringing = placed().ringing(NOW + 2).wants_end(EndedBy.RING_TIMEOUT)
    ended = hung_up(ringing, NOW + 27, cause=19, sip=480)
    assert (ended.outcome, ended.ended_by) == ("no_answer", "ring_timeout")
    assert (ended.ring_s, ended.talk_s) == (25, None)


def test_one_that_never_rang_has_no_ringing_and_failed() -> None:
    ended = hung_up(placed(), NOW + 35, cause=19, sip=480)
    assert (ended.outcome, ended.ring_s) == ("failed", None)


def test_early_media_is_a_sign_of_life() -> None:
    assert hung_up(placed().network_alive(NOW + 1), NOW + 35, cause=19).outcome == "no_answer"


def test_a_refusal_is_the_networks_word() -> None:
    ended = hung_up(placed().dial_ended("BUSY"), NOW + 1, cause=17, sip=486)
    assert (ended.outcome, ended.sip_code, ended.cause) == ("busy", 486, 17)


def test_the_first_who_wanted_the_end_is_named() -> None:
    attempt = placed().wants_end(EndedBy.DIALER).wants_end(EndedBy.OPERATOR)
    assert hung_up(attempt, NOW + 3).ended_by is EndedBy.DIALER


def test_nobody_there_is_abandoned_unless_an_operator_came_after_all() -> None:
    alone = placed().answered(NOW + 5).left_alone()
    assert hung_up(alone, NOW + 12).outcome is Outcome.ABANDONED
    assert hung_up(alone.bridged(NOW + 8, "anna"), NOW + 12).outcome is Outcome.ANSWERED
    assert hung_up(placed().answered(NOW + 5), NOW + 6).outcome is Outcome.ANSWERED


def test_a_missed_operator_leaves_the_person_waiting() -> None:
    waiting = placed().answered(NOW + 5).assigned("anna").missed()
    assert type(waiting) is Answered
    assert waiting.answered_at == NOW + 5


@pytest.mark.parametrize(
    ("attempt", "outcome"),
    [
        (placed(), Outcome.UNKNOWN),
        (placed().ringing(NOW + 1), Outcome.UNKNOWN),
        (placed().answered(NOW + 1), Outcome.ABANDONED),
        (placed().answered(NOW + 1).bridged(NOW + 2, "anna"), Outcome.ANSWERED),
    ],
)
def test_what_was_lost_keeps_what_was_known(attempt: Attempt, outcome: Outcome) -> None:
    lost = attempt.lost(NOW + 9, known_dead=True)
    assert (lost.outcome, lost.ended_by, lost.cause) == (outcome, EndedBy.NODE, None)
    ours = attempt.wants_end(EndedBy.OPERATOR).lost(NOW + 9, known_dead=False)
    assert ours.ended_by is EndedBy.OPERATOR


def test_no_call_lasts_less_than_nothing() -> None:
    assert hung_up(placed(), NOW - 3600).line_s == 0


# Any order of events


class Ends(LineTime):
    """Notes the ends it is told of."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.ended: list[Ended] = []

    def attempt_ended(self, ended: Ended) -> None:
        self.ended.append(ended)
        super().attempt_ended(ended)


@dataclass
class OfflineFloor:
    """Two operators, one attempt that is being dialed for the first; no node, no database."""

    tasks: Tasks
    now: float = NOW
    attempt_id: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        board = self.board = Board(1, 1, recovered=True)
        board.trunks["carrier"] = Trunk("carrier", 1, 10, 10.0)
        board.campaigns[1] = campaign()
        self.journal = Journal(cast(Any, None))
        self.ends = Ends(board)
        store, clock = Store(cast(Any, None), 1, 1), lambda: self.now
        self.ami = AmiClient(
            AmiSettings(host="127.0.0.1", port=9, username="x", secret="x"),
            on_event=lambda event: None,
            on_up=lambda: None,
            on_down=lambda reason: None,
        )
        common = (board, store, self.journal, self.ami, self.tasks)
        seating = Seating(*common, self.ends, clock, legs=PhoneLegs(board, clock, 20))
        handover = Handover(board, seating, clock)
        attempts = Attempts(*common, seating, handover, self.ends, clock)
        self.controller = Controller(
            *common, seating, handover, attempts, clock, recordings_dir=Path(), min_free_bytes=0
        )
        self.anna, self.boris = self._seat("anna"), self._seat("boris")
        self.anna.become(SeatDialing(NOW, self.attempt_id, NOW))
        board.attempts[self.attempt_id] = placed(self.attempt_id)
        board.trunks["carrier"].place()

    def _seat(self, login: str) -> Seat:
        shift_id = uuid4()
        seat = Seat(1, login, shift_id, NOW, lambda change: None, Ready(NOW))
        seat.leg_id, seat.channel = f"op-{shift_id}", f"PJSIP/op-{login}-00000001"
        self.controller.seating.restore(seat)
        return seat

    def close(self) -> None:
        self.controller.seating.close()
        self.controller.attempts.close()
        self.tasks.cancel_all()

    def on(self, event: ev.Event) -> None:
        self.controller.on_event(event)

    def user(self, name: str, **fields: str) -> None:
        fields = {"Attempt": str(self.attempt_id), **fields}
        self.on(ev.UserEvent(self.now, name, fields, None))

    def channel(self, state: int) -> None:
        uid = str(self.attempt_id)
        self.on(ev.ChannelState(self.now, uid, uid, CHANNEL, state))

    def dial(self, kind: type[ev.DialEnded] | type[ev.DialStateChanged], status: str) -> None:
        self.on(kind(self.now, str(self.attempt_id), CHANNEL, None, status))

    def originated(self, reason: int) -> None:
        uid = str(self.attempt_id)
        self.on(ev.OriginateResponse(self.now, uid, reason == 4, uid, reason, CHANNEL))

    def bridge(self, kind: type[ev.BridgeEntered] | type[ev.BridgeLeft], who: str) -> None:
        uid, bridge_id, technology = str(self.attempt_id), "talk", "simple_bridge"
        channel = CHANNEL
        if who != "person":
            seat = self.anna if who.startswith("anna") else self.boris
            uid, channel = seat.leg_id or "op-gone", seat.channel
        if who.endswith("waits"):
            bridge_id, technology = "ops", HOLDING
        self.on(kind(self.now, uid, uid, channel, bridge_id, "base", technology, 1))

    def hang_up(self, cause: int, tech_cause: str) -> None:
        uid = str(self.attempt_id)
        self.on(ev.Hangup(self.now, uid, uid, CHANNEL, 6, cause, "", tech_cause))

    def phone_gone(self, seat: Seat) -> None:
        uid = seat.leg_id or "op-gone"
        self.on(ev.Hangup(self.now, uid, uid, seat.channel, 6, 16, "", ""))

    def lost(self) -> None:
        attempt = self.board.attempts.get(self.attempt_id)
        if attempt is not None:
            self.controller.attempts.end(attempt.lost(self.now, known_dead=False))

    def we_hang_up(self, by: EndedBy) -> None:
        attempt = self.board.attempts.get(self.attempt_id)
        if attempt is not None:
            self.controller.attempts.hang_up(attempt, by)

    def written(self, what: str) -> int:
        return sum(waiting.row.sql == SQL[what] for waiting in self.journal._rows)


def campaign() -> Campaign:
    return Campaign(
        id=1,
        name="offline",
        mode="progressive",
        language="en",
        caller_ids=(),
        trunks=("carrier",),
        ring_timeout_s=25,
        post_dial_delay_s=10,
        wrap_up_limit_s=60,
        recording=False,
        max_approaches=4,
        max_abandon_rate=0.03,
        engine=PredictivePacer(),
    )


Happening = Callable[[OfflineFloor], object]

HAPPENINGS: dict[str, Happening] = {
    "created": lambda f: f.on(
        ev.ChannelCreated(f.now, str(f.attempt_id), str(f.attempt_id), CHANNEL, 0, "s", "x")
    ),
    "ringing": lambda f: f.channel(5),
    "answered": lambda f: f.channel(6),
    "progress": lambda f: f.dial(ev.DialStateChanged, "PROGRESS"),
    "dial_answer": lambda f: f.dial(ev.DialEnded, "ANSWER"),
    "dial_busy": lambda f: f.dial(ev.DialEnded, "BUSY"),
    "originate_done": lambda f: f.originated(4),
    "originate_refused": lambda f: f.originated(0),
    "originate_rang_out": lambda f: f.originated(3),
    "asterisk_asks": lambda f: f.controller.handover.ask(f.attempt_id),
    "asterisk_gives_up": lambda f: f.controller.handover.give_up(f.attempt_id),
    "taken": lambda f: f.user("ProzvonTaken", Operator=f.anna.channel),
    "missed": lambda f: f.user("ProzvonMissed", Operator=f.anna.channel),
    "message": lambda f: f.user("ProzvonAbandoned"),
    "opt_out": lambda f: f.user("ProzvonOptOut"),
    "nonsense": lambda f: f.user("ProzvonMissed", Attempt="${EXTEN}"),
    "person_meets": lambda f: f.bridge(ev.BridgeEntered, "person"),
    "anna_meets": lambda f: f.bridge(ev.BridgeEntered, "anna"),
    "boris_meets": lambda f: f.bridge(ev.BridgeEntered, "boris"),
    "anna_waits": lambda f: f.bridge(ev.BridgeEntered, "anna waits"),
    "boris_waits": lambda f: f.bridge(ev.BridgeEntered, "boris waits"),
    "anna_parts": lambda f: f.bridge(ev.BridgeLeft, "anna"),
    "anna_gone": lambda f: f.phone_gone(f.anna),
    "boris_gone": lambda f: f.phone_gone(f.boris),
    "desk_hangs_up": lambda f: f.we_hang_up(EndedBy.OPERATOR),
    "rang_out": lambda f: f.we_hang_up(EndedBy.RING_TIMEOUT),
    "anna_pauses": lambda f: f.controller.seating.pause(f.anna, "lunch"),
    "anna_ready": lambda f: f.controller.seating.ready(f.anna),
    "hung_up": lambda f: f.hang_up(16, ""),
    "hung_up_busy": lambda f: f.hang_up(17, "486"),
    "lost": lambda f: f.lost(),
}
ENDS = ("hung_up", "hung_up_busy", "lost", "originate_refused")

stories = st.lists(
    st.tuples(st.sampled_from(sorted(HAPPENINGS)), st.floats(0, 5)), min_size=1, max_size=25
)


def is_found(board: Board) -> None:
    """What is looked up by campaign, channel and state is what a look at all would find."""
    calls, every = board.attempts.of_campaign(1), dict(board.attempts.items())
    assert calls.all == every
    flies = {id: a for id, a in every.items() if isinstance(a, Committing | Dialing)}
    assert calls.in_flight == calls.promised == flies
    assert calls.waiting == {id: a for id, a in every.items() if type(a) is Answered}
    assert all(board.attempt_of_channel(str(id)) is a for id, a in every.items())
    assert len(board.attempts.by_campaign()) == bool(every)
    for kind in (*IN_CALL, Ready, SeatDialing, Reserved, WrapUp, Paused, Connecting):
        wanted = {s.login for s in board.seats.values() if type(s.state) is kind}
        assert {s.login for s in board.seats_in(kind)} == wanted


def play(story: list[tuple[str, float]], check: Callable[[OfflineFloor], None]) -> None:
    async def floor() -> None:
        async with asyncio.TaskGroup() as group:
            offline = OfflineFloor(Tasks(group))
            for name, after_s in story:
                offline.now += after_s
                HAPPENINGS[name](offline)
                await asyncio.sleep(0)
                is_found(offline.board)
                assert len(offline.ends.ended) == offline.written("finish_attempts") <= 1
            offline.hang_up(16, "")
            await asyncio.sleep(0)
            check(offline)
            offline.close()

    asyncio.run(floor())


def has_one_outcome(floor: OfflineFloor) -> None:
    [ended] = floor.ends.ended
    assert floor.written("finish_attempts") == 1
    assert floor.board.attempts == {} == floor.board.bridges
    assert floor.board.trunks["carrier"].used == 0
    for seat in (floor.anna, floor.boris):
        if seat.state.attempt == floor.attempt_id:
            assert seat.state.kind is OperatorState.WRAP_UP
    assert (ended.bridged_at is not None) == (floor.written("attempt_bridged") > 0)
    if ended.bridged_at is not None:
        assert ended.outcome is Outcome.ANSWERED
    if ended.answered_at is not None:
        assert ended.outcome in (Outcome.ANSWERED, Outcome.ABANDONED)
    for seconds in (ended.line_s, ended.ring_s, ended.talk_s):
        assert seconds is None or seconds >= 0


@settings(max_examples=300, deadline=None)
@given(stories)
def test_any_order_of_events_gives_exactly_one_outcome(story: list[tuple[str, float]]) -> None:
    play(story, has_one_outcome)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("again", ENDS)
def test_a_second_end_changes_nothing(end: str, again: str) -> None:
    outcomes: list[Outcome] = []
    for story in ([(end, 1.0)], [(end, 1.0), (again, 1.0)]):
        play(story, lambda floor: outcomes.append(floor.ends.ended[0].outcome))
    assert outcomes[0] is outcomes[1]


STORIES: dict[str, tuple[list[str], Outcome, bool]] = {
    "a talk": (
        ["created", "ringing", "answered", "asterisk_asks", "person_meets", "anna_meets"],
        Outcome.ANSWERED,
        True,
    ),
    "asterisk asks before the answer is known": (
        ["created", "ringing", "asterisk_asks", "answered", "anna_meets", "person_meets"],
        Outcome.ANSWERED,
        True,
    ),
    "the guard refused, the second one took it": (
        ["answered", "asterisk_asks", "missed", "anna_gone", "person_meets", "boris_meets"],
        Outcome.ANSWERED,
        True,
    ),
    "nobody in time": (["answered", "asterisk_gives_up", "message"], Outcome.ABANDONED, False),
    "hung up while asking": (["answered"], Outcome.ANSWERED, False),
    "rang out": (["created", "ringing", "originate_rang_out"], Outcome.NO_ANSWER, False),
    "a silent trunk": (["created", "originate_rang_out"], Outcome.FAILED, False),
    "an unreachable endpoint": (["originate_refused"], Outcome.FAILED, False),
    "refused before its Hangup": (
        ["created", "dial_busy", "originate_refused", "hung_up_busy"],
        Outcome.BUSY,
        False,
    ),
    "early media, then busy": (
        ["created", "progress", "dial_busy", "hung_up_busy"],
        Outcome.BUSY,
        False,
    ),
    "lost before the answer": (["created", "ringing", "lost"], Outcome.UNKNOWN, False),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_has_its_outcome(name: str) -> None:
    story, outcome, conversed = STORIES[name]

    def ended_so(floor: OfflineFloor) -> None:
        has_one_outcome(floor)
        assert floor.ends.ended[0].outcome is outcome
        assert (floor.ends.ended[0].bridged_at is not None) == conversed

    play([(step, 0.5) for step in story], ended_so)


def test_a_conversation_that_is_over_frees_nobody_twice() -> None:
    def settled(floor: OfflineFloor) -> None:
        assert floor.anna.state.kind is OperatorState.WRAP_UP
        assert isinstance(floor.boris.state, Ready)

    names = ["answered", "asterisk_asks", "person_meets", "anna_meets", "anna_waits", "anna_waits"]
    play([(name, 0.5) for name in names], settled)


def test_states_know_only_their_own_transitions() -> None:
    talking = placed().answered(NOW).bridged(NOW, "anna")
    assert isinstance(talking, Conversing)
    for name in ("ringing", "answered", "assigned", "left_alone", "placed"):
        assert not hasattr(talking, name)
