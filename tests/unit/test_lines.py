"""Trunks: lines, calls per second, the circuit breaker."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.lines import FIRST_PAUSE_S, LONGEST_PAUSE_S, TRIP_AFTER, Breaker, Trunk

NOW = 1_790_000_000.0


def trunk(lines: int = 10, calls_per_second: float = 5.0) -> Trunk:
    return Trunk("carrier", 1, lines, calls_per_second)


def tripped(now: float = NOW) -> Breaker:
    breaker = Breaker()
    for _ in range(TRIP_AFTER):
        breaker.dead(now)
    return breaker


def test_lines_limit_and_come_back() -> None:
    line = trunk(lines=2, calls_per_second=100)
    assert line.room(NOW) == (2, "lines")
    line.place()
    line.place()
    assert line.room(NOW) == (0, "lines")
    line.release()
    assert line.room(NOW) == (1, "lines")
    for _ in range(3):
        line.release()
    assert line.used == 0


def test_calls_per_second_limit_after_the_burst() -> None:
    line = trunk(lines=100, calls_per_second=5)
    assert line.room(NOW) == (5, "cps")
    for _ in range(5):
        line.place()
    assert line.room(NOW) == (0, "cps")
    assert line.room(NOW + 0.4) == (2, "cps")
    assert line.room(NOW + 60) == (5, "cps")


def test_less_than_a_call_a_second_still_gives_calls() -> None:
    line = trunk(calls_per_second=0.5)
    assert line.room(NOW)[0] == 1
    line.place()
    assert line.room(NOW + 1.9)[0] == 0
    assert line.room(NOW + 2.0)[0] == 1


def test_a_clock_set_back_stops_nothing_for_long() -> None:
    line = trunk(lines=100, calls_per_second=5)
    line.calls_now(NOW)
    for _ in range(5):
        line.place()
    assert line.calls_now(NOW - 3600) == 0
    assert line.calls_now(NOW - 3600 + 1) == 5


@given(
    rate=st.floats(0.1, 50),
    waits=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 30)), max_size=40),
)
def test_never_more_calls_than_rate_times_time_and_one_burst(
    rate: float, waits: list[tuple[float, int]]
) -> None:
    line = trunk(lines=10_000, calls_per_second=rate)
    now, placed = NOW, 0
    for wait_s, wanted in waits:
        now += wait_s
        calls = min(wanted, line.calls_now(now))
        for _ in range(calls):
            line.place()
        placed += calls
        assert placed <= (now - NOW) * rate + max(1.0, rate) + 1e-3
        assert line.tokens > -1e-6


@given(
    rate=st.floats(0.1, 50),
    jumps=st.lists(st.floats(-1e6, 1e6), max_size=40),
)
def test_whatever_the_clock_does_no_burst_is_larger(rate: float, jumps: list[float]) -> None:
    line = trunk(lines=10_000, calls_per_second=rate)
    now = NOW
    for jump_s in jumps:
        now += jump_s
        calls = line.calls_now(now)
        assert 0 <= calls <= math.floor(max(1.0, rate) + 1e-6)
        for _ in range(calls):
            line.place()


def test_the_breaker_opens_after_dead_attempts_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(TRIP_AFTER - 1):
        assert not breaker.dead(NOW)
    assert breaker.allows(NOW) and not breaker.open
    assert breaker.dead(NOW)
    assert breaker.open and not breaker.allows(NOW)


def test_a_sign_of_life_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(TRIP_AFTER - 1):
            breaker.dead(NOW)
        breaker.alive()
    assert not breaker.open


def test_one_probe_after_the_pause_and_its_life_closes() -> None:
    breaker = tripped()
    assert not breaker.allows(NOW + FIRST_PAUSE_S - 0.01)
    assert breaker.allows(NOW + FIRST_PAUSE_S)
    breaker.placed()
    assert not breaker.allows(NOW + FIRST_PAUSE_S)
    breaker.alive()
    assert breaker.allows(NOW + FIRST_PAUSE_S) and not breaker.open


def test_every_dead_probe_doubles_the_pause_up_to_a_limit() -> None:
    breaker, now = tripped(), NOW
    pauses = []
    for _ in range(7):
        pauses.append(breaker.pause_s)
        now += breaker.pause_s
        assert breaker.allows(now)
        breaker.placed()
        assert breaker.dead(now)
        assert not breaker.allows(now)
    assert pauses == [5, 10, 20, 40, 80, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_calls_from_before_it_opened_do_not_lengthen_the_pause() -> None:
    breaker = tripped()
    for _ in range(20):
        assert breaker.dead(NOW + 1)
    assert breaker.pause_s == FIRST_PAUSE_S
    assert breaker.allows(NOW + FIRST_PAUSE_S)


def test_a_probe_that_we_cancelled_makes_room_for_another() -> None:
    breaker = tripped()
    breaker.placed()
    breaker.forgotten()
    assert breaker.open and breaker.allows(NOW + FIRST_PAUSE_S)


def test_a_clock_set_back_does_not_keep_it_open() -> None:
    breaker = tripped()
    assert breaker.allows(NOW - 3600)


def test_an_open_breaker_leaves_room_for_one_probe() -> None:
    line = trunk()
    line.breaker = tripped()
    assert line.room(NOW) == (0, "breaker")
    assert line.room(NOW + FIRST_PAUSE_S) == (1, "breaker")
    line.place()
    assert line.room(NOW + FIRST_PAUSE_S) == (0, "breaker")
    line.breaker.alive()
    assert line.room(NOW + FIRST_PAUSE_S)[1] != "breaker"


@pytest.mark.parametrize("lines", [0, 1])
def test_a_probe_needs_a_line_too(lines: int) -> None:
    line = trunk(lines=lines)
    line.breaker = tripped()
    assert line.room(NOW + FIRST_PAUSE_S)[0] == lines


@given(st.lists(st.sampled_from(["dead", "alive", "forgotten", "placed", "wait"]), max_size=60))
def test_it_is_never_stuck(steps: list[str]) -> None:
    breaker, now = Breaker(), NOW
    for step in steps:
        if step == "dead":
            breaker.dead(now)
        elif step == "placed":
            if breaker.allows(now):
                breaker.placed()
        elif step == "wait":
            now += 7
        else:
            getattr(breaker, step)()
        assert 0 <= breaker.pause_s <= LONGEST_PAUSE_S
        assert not breaker.open or breaker.pause_s >= FIRST_PAUSE_S
    assert breaker.probing or breaker.allows(now + LONGEST_PAUSE_S)
    breaker.alive()
    assert breaker.allows(now)
