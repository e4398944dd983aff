"""Operators' states: no gap whatever is asked and whatever the clock does; whose turn it is."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dialer.operators import (
    LINE_STATES,
    AnyState,
    Connecting,
    Dialing,
    InCall,
    OperatorState,
    Paused,
    Ready,
    Reserved,
    Seat,
    State,
    StateChange,
    Talking,
    WrapUp,
    longest_ready,
    who_takes,
)

NOW = 1_790_000_000.0
ATTEMPT, OTHER = UUID(int=1), UUID(int=2)


def seat(login: str, state: AnyState, channel: str = "PJSIP/op-1") -> Seat:
    return Seat(1, login, uuid4(), NOW, lambda change: None, state, channel=channel)


class Shift(RuleBasedStateMachine):
    """One operator's shift under any sequence of requests that its states allow."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.log: list[StateChange] = []
        first = Connecting(NOW)
        self.seat = Seat(1, "anna", uuid4(), NOW, self.log.append, first)
        self.log.append(StateChange(self.seat.shift_id, "anna", 0, None, first))
        self.dialed_at: float | None = None

    def _in(self, *states: type[State]) -> bool:
        return isinstance(self.seat.state, states)

    def _become(self, new: AnyState) -> None:
        self.seat.become(new)

    @rule(seconds=st.floats(0, 1000))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.floats(0, 100_000))
    def the_clock_is_set_back(self, seconds: float) -> None:
        self.now -= seconds

    @rule()
    @precondition(lambda self: self._in(Connecting))
    def the_phone_comes_up(self) -> None:
        self.seat.channel = "PJSIP/op-anna-1"
        state = self.seat.state
        assert isinstance(state, Connecting)
        self._become(state.phone_up(self.now))

    @rule()
    @precondition(lambda self: bool(self.seat.channel))
    def the_phone_vanishes(self) -> None:
        self.seat.channel = ""
        state = self.seat.state
        if isinstance(state, Ready | Dialing | Reserved):
            self._become(state.phone_lost(self.now))
        elif isinstance(state, Talking):
            self._become(state.ended(self.now))

    @rule()
    @precondition(lambda self: self._in(Ready) and self.seat.can_take)
    def a_dial_is_placed(self) -> None:
        state = self.seat.state
        assert isinstance(state, Ready)
        self._become(state.dial(self.now, uuid4()))
        interval = self.seat.dial_interval(self.now)
        assert (interval is None) == (self.dialed_at is None)
        assert interval is None or interval >= 0
        self.dialed_at = self.now

    @rule()
    @precondition(lambda self: self.seat.can_take)
    def a_person_is_given(self) -> None:
        state = self.seat.state
        assert isinstance(state, Ready | Dialing)
        reserved = state.reserve(self.now, uuid4())
        assert reserved.free_since == state.free_since
        self._become(reserved)

    @rule()
    @precondition(lambda self: self._in(Dialing, Reserved))
    def it_came_to_nothing(self) -> None:
        state = self.seat.state
        assert isinstance(state, Dialing | Reserved)
        waited_since = state.free_since
        self._become(state.released(self.now))
        assert isinstance(self.seat.state, Ready)
        assert self.seat.state.free_since == waited_since

    @rule()
    @precondition(lambda self: self._in(Reserved))
    def they_talk(self) -> None:
        state = self.seat.state
        assert isinstance(state, Reserved)
        self._become(state.bridged(self.now, state.attempt_id))

    @rule(what=st.sampled_from(["hold", "consult", "talk"]))
    @precondition(lambda self: self._in(InCall))
    def the_call_changes(self, what: str) -> None:
        state = self.seat.state
        assert isinstance(state, InCall)
        changed: dict[str, AnyState] = {
            "hold": state.hold(self.now),
            "consult": state.consult(self.now),
            "talk": state.talk(self.now),
        }
        self._become(changed[what])
        assert self.seat.state.attempt == state.attempt
        assert self.seat.state.kind in LINE_STATES

    @rule()
    @precondition(lambda self: self._in(InCall))
    def they_hang_up(self) -> None:
        state = self.seat.state
        assert isinstance(state, InCall)
        self._become(state.ended(self.now))
        assert self.seat.state.attempt == state.attempt

    @rule()
    @precondition(lambda self: self._in(WrapUp))
    def the_disposition_is_in(self) -> None:
        state = self.seat.state
        assert isinstance(state, WrapUp)
        self._become(state.finished(self.now, phone_up=bool(self.seat.channel)))

    @rule(reason=st.sampled_from(["lunch", "training"]))
    @precondition(lambda self: not self._in(InCall, Reserved))
    def a_pause_begins(self, reason: str) -> None:
        state = self.seat.state
        assert not isinstance(state, InCall | Reserved)
        self._become(state.pause(self.now, reason))
        assert self.seat.state.why == reason

    @rule()
    @precondition(lambda self: self._in(Paused))
    def the_pause_ends(self) -> None:
        state = self.seat.state
        assert isinstance(state, Paused)
        self._become(state.resume(self.now, phone_up=bool(self.seat.channel)))

    @invariant()
    def the_log_has_no_gap(self) -> None:
        assert [change.seq for change in self.log] == list(range(len(self.log)))
        assert self.log[-1].new is self.seat.state
        for before, after in zip(self.log, self.log[1:], strict=False):
            assert after.old is before.new
            assert after.new.since >= before.new.since

    @invariant()
    def the_states_add_up_to_the_shift(self) -> None:
        end = max(self.now, self.seat.state.since)
        spent: dict[OperatorState, float] = defaultdict(float)
        ends = [change.new.since for change in self.log[1:]] + [end]
        for change, until in zip(self.log, ends, strict=True):
            spent[change.new.kind] += until - change.new.since
        assert min(spent.values()) >= 0
        assert sum(spent.values()) == pytest.approx(end - self.seat.started_at, abs=1e-3)
        assert sum(spent[kind] for kind in LINE_STATES) <= end - self.seat.started_at + 1e-3

    @invariant()
    def only_a_free_operator_with_a_phone_can_take(self) -> None:
        if self.seat.can_take:
            assert self.seat.channel and self._in(Ready, Dialing)
            assert who_takes([self.seat], ATTEMPT) is self.seat
        else:
            assert who_takes([self.seat], ATTEMPT) is None


TestShift = Shift.TestCase


def test_dial_intervals_leave_pauses_out() -> None:
    anna = seat("anna", Ready(NOW))
    assert anna.dial_interval(NOW + 10) is None
    anna.become(Paused(NOW + 20, "lunch"))
    anna.become(Ready(NOW + 1820))
    assert anna.dial_interval(NOW + 1840) == 30
    assert anna.dial_interval(NOW + 1845) == 5


def test_a_dial_while_the_clock_is_set_back_has_no_negative_interval() -> None:
    anna = seat("anna", Ready(NOW))
    anna.dial_interval(NOW)
    assert anna.dial_interval(NOW - 3600) == 0


@pytest.mark.parametrize(
    ("states", "taker"),
    [
        # Whose dial it is comes first, however short they wait.
        ({"own": Dialing(NOW, ATTEMPT, NOW), "long": Ready(NOW - 900)}, "own"),
        # Else the longest ready.
        ({"short": Ready(NOW - 5), "long": Ready(NOW - 9)}, "long"),
        # A dial that failed does not send its operator to the end.
        ({"short": Ready(NOW - 5), "back": Ready(NOW - 1, NOW - 60)}, "back"),
        # Who waits without a dial comes before those whose dial still rings.
        ({"rings": Dialing(NOW - 1, OTHER, NOW - 900), "ready": Ready(NOW)}, "ready"),
        ({"rings": Dialing(NOW - 1, OTHER, NOW - 900), "busy": Talking(NOW, OTHER)}, "rings"),
        # Nobody is taken out of a pause, a wrap-up, a talk or from another person.
        (
            {
                "away": Paused(NOW - 900, "lunch"),
                "writes": WrapUp(NOW - 900, OTHER),
                "talks": Talking(NOW - 900, OTHER),
                "taken": Reserved(NOW - 900, OTHER, NOW - 900),
                "signs_in": Connecting(NOW - 900),
            },
            None,
        ),
        # Equal waits: by login, so that the same floor gives the same answer.
        ({"b": Ready(NOW), "a": Ready(NOW)}, "a"),
    ],
)
def test_who_takes_an_answered_person(states: dict[str, AnyState], taker: str | None) -> None:
    found = who_takes([seat(login, state) for login, state in states.items()], ATTEMPT)
    assert (found.login if found else None) == taker


def test_nobody_without_a_phone_takes_a_call() -> None:
    seats = [seat("down", Ready(NOW - 900), channel=""), seat("up", Ready(NOW))]
    for found in (who_takes(seats, ATTEMPT), longest_ready(seats)):
        assert found is seats[1]


def test_the_next_dial_is_for_the_longest_ready() -> None:
    seats = [
        seat("rings", Dialing(NOW - 900, OTHER, NOW - 900)),
        seat("short", Ready(NOW)),
        seat("long", Ready(NOW - 1, NOW - 60)),
    ]
    found = longest_ready(seats)
    assert found is seats[2]
    assert longest_ready(seats[:1]) is None


waits = st.floats(0, 10_000)
ready = st.builds(Ready, waits.map(lambda s: NOW - s))
dialing = st.builds(
    Dialing,
    st.just(NOW),
    st.sampled_from([ATTEMPT, OTHER, UUID(int=3)]),
    waits.map(lambda s: NOW - s),
)
busy = st.sampled_from([Talking(NOW, OTHER), Paused(NOW, "lunch"), WrapUp(NOW, OTHER)])


@given(st.lists(st.tuples(st.one_of(ready, dialing, busy), st.booleans()), max_size=12))
def test_the_turn_is_always_fair(floor: list[tuple[AnyState, bool]]) -> None:
    seats = [
        seat(f"op{number}", state, channel="PJSIP/x" if up else "")
        for number, (state, up) in enumerate(floor)
    ]
    taker = who_takes(seats, ATTEMPT)
    free = [s for s in seats if s.can_take]
    assert (taker is None) == (not free)
    if taker is None:
        return
    own = [s for s in free if s.state.attempt == ATTEMPT]
    waiting = [s for s in free if isinstance(s.state, Ready)]
    group = own or waiting or free
    assert taker in group
    assert _free_since(taker) == min(map(_free_since, group))


def _free_since(taker: Seat) -> float:
    assert isinstance(taker.state, Ready | Dialing)
    return taker.state.free_since


def test_who_dials_by_hand_gets_nobody_but_the_person_they_dialed() -> None:
    by_hand = seat("anna", Ready(NOW).dial_by_hand(NOW + 1, ATTEMPT))
    assert who_takes([by_hand], OTHER) is None
    assert who_takes([by_hand], ATTEMPT) is by_hand
    waiting = seat("boris", Ready(NOW + 5))
    assert who_takes([by_hand, waiting], OTHER) is waiting
    assert who_takes([by_hand, waiting], ATTEMPT) is by_hand


def test_who_reads_a_card_is_given_to_nobody_and_keeps_the_place_in_the_queue() -> None:
    reading = Ready(NOW).preview(NOW + 3)
    assert (reading.kind, reading.why) == (OperatorState.RESERVED, "preview")
    assert not seat("anna", reading).can_take
    assert longest_ready([seat("anna", reading)]) is None
    assert reading.released(NOW + 9).free_since == NOW
    assert reading.dial_by_hand(NOW + 9, ATTEMPT).released(NOW + 20).free_since == NOW
