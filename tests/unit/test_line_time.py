"""Line time counted as it passes: right at any moment, whatever is learned late."""

from __future__ import annotations

import itertools
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.board import Board
from dialer.calls import Committing, Lead, Placed
from dialer.line_time import LineTime
from dialer.operators import Connecting, Dialing, Ready, Seat, StateChange, Talking
from dialer.outcomes import EndedBy
from monitoring import metrics
from monitoring.families import REGISTRY

NOW = 1_790_000_000.0
LEAD = Lead(1, 1, "+79031234567", 0, 0, 4)
_numbers = itertools.count(1)


class Floor:
    """One operator and one trunk with names of their own, because counters are the process's."""

    def __init__(self, since: float = 0.0) -> None:
        number = next(_numbers)
        self.login, self.trunk = f"line-time-{number}", f"trunk-{number}"
        self.board = Board(1, 1)
        self.line_time = LineTime(self.board, since)

    def seat(self, at: float = NOW) -> Seat:
        seat = Seat(1, self.login, uuid4(), at, self.line_time.state_changed, Connecting(at))
        self.board.seats[self.login] = seat
        self.line_time.state_changed(StateChange(seat.shift_id, self.login, 0, None, seat.state))
        return seat

    def call(self, at: float = NOW) -> Placed:
        attempt = Committing(
            id=uuid4(), campaign_id=1, lead=LEAD, trunk=self.trunk, placed_at=at
        ).placed()
        self.board.attempts[attempt.id] = attempt
        return attempt

    def end(self, attempt: Placed, at: float) -> None:
        del self.board.attempts[attempt.id]
        self.line_time.attempt_ended(attempt.ended(at, cause=17, sip_code=486, by=EndedBy.NETWORK))

    def line_s(self) -> float:
        return metrics.value("prozvon_operator_line_seconds_total", operator=self.login)

    def state_s(self, state: str) -> float:
        return metrics.value(
            "prozvon_operator_state_seconds_total", operator=self.login, state=state
        )

    def trunk_s(self) -> float:
        return metrics.value("prozvon_trunk_line_seconds_total", trunk=self.trunk)


def test_line_time_is_dialing_and_talking_and_nothing_else() -> None:
    floor = Floor()
    seat, attempt = floor.seat(), uuid4()
    seat.become(Ready(NOW + 2))
    seat.become(Dialing(NOW + 5, attempt, NOW + 2))
    seat.become(Talking(NOW + 15, attempt))
    seat.become(Talking(NOW + 15, attempt).ended(NOW + 45))
    floor.line_time.signed_out(floor.login, seat.state, NOW + 50)
    assert floor.line_s() == 40
    spent = {state: floor.state_s(state) for state in ("connecting", "ready", "dialing", "talking")}
    assert spent == {"connecting": 2, "ready": 3, "dialing": 10, "talking": 30}
    assert floor.state_s("wrap_up") == 5


def test_the_series_is_there_from_the_sign_in_on() -> None:
    floor = Floor()
    floor.seat()
    name = "prozvon_operator_line_seconds_total"
    assert REGISTRY.get_sample_value(name, {"operator": floor.login}) == 0


def test_a_talk_and_a_call_count_while_they_last() -> None:
    floor = Floor()
    seat = floor.seat()
    seat.become(Talking(NOW, uuid4()))
    attempt = floor.call()
    for seconds in (1, 2, 2, 7):
        floor.line_time.up_to(NOW + seconds)
        assert (floor.line_s(), floor.trunk_s()) == (seconds, seconds)
    floor.end(attempt, NOW + 9)
    assert floor.trunk_s() == 9


def test_a_call_that_is_not_placed_yet_has_no_line() -> None:
    floor = Floor()
    attempt = Committing(id=uuid4(), campaign_id=1, lead=LEAD, trunk=floor.trunk, placed_at=NOW)
    floor.board.attempts[attempt.id] = attempt
    floor.line_time.up_to(NOW + 5)
    assert floor.trunk_s() == 0


def test_an_end_that_is_learned_late_is_taken_off_what_follows() -> None:
    """The link was lost for 30 s; the call and the talk had ended 10 s after it began."""
    floor = Floor()
    seat, attempt = floor.seat(), floor.call()
    seat.become(Talking(NOW, uuid4()))
    floor.line_time.up_to(NOW + 40)
    floor.end(attempt, NOW + 10)
    seat.become(Talking(NOW, uuid4()).ended(NOW + 10))
    assert (floor.trunk_s(), floor.line_s()) == (40, 40)  # a counter never goes down

    second = floor.call(NOW + 40)
    seat.become(Talking(NOW + 40, uuid4()))
    floor.line_time.up_to(NOW + 100)
    floor.end(second, NOW + 100)
    assert (floor.trunk_s(), floor.line_s()) == (70, 70)
    assert floor.state_s("wrap_up") == 30


def test_what_was_before_this_process_is_not_counted_again() -> None:
    floor = Floor(since=NOW)
    attempt = floor.call(NOW - 100)
    floor.board.seats[floor.login] = Seat(
        1,
        floor.login,
        uuid4(),
        NOW - 500,
        floor.line_time.state_changed,
        Talking(NOW - 90, uuid4()),
    )
    floor.line_time.up_to(NOW + 3)
    assert (floor.trunk_s(), floor.line_s()) == (3, 3)
    floor.end(attempt, NOW - 50)  # its end was read from the journal: before this process too
    floor.end(floor.call(NOW + 3), NOW + 10)
    assert floor.trunk_s() == 7


def test_a_clock_set_back_takes_nothing_away() -> None:
    floor = Floor()
    floor.seat().become(Talking(NOW, uuid4()))
    floor.call()
    floor.line_time.up_to(NOW + 10)
    floor.line_time.up_to(NOW - 3600)
    floor.line_time.up_to(NOW + 12)
    assert (floor.line_s(), floor.trunk_s()) == (12, 12)


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["look", "next"])), max_size=30))
def test_the_states_add_up_to_the_shift(steps: list[tuple[float, str]]) -> None:
    floor = Floor()
    seat, now = floor.seat(), NOW
    for wait_s, what in steps:
        now += wait_s
        if what == "look":
            floor.line_time.up_to(now)
        elif isinstance(seat.state, Talking):
            seat.become(seat.state.ended(now))
        else:
            seat.become(Talking(now, uuid4()))
    floor.line_time.signed_out(floor.login, seat.state, now + 1)
    counted = sum(floor.state_s(name) for name in ("connecting", "talking", "wrap_up"))
    assert counted == pytest.approx(now + 1 - NOW)
    assert floor.line_s() == pytest.approx(floor.state_s("talking"))
