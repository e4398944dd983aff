"""The pacing engine: bounds and monotony for any floor after any events, and what it must learn."""

from __future__ import annotations

import copy
import math
import pickle
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.ledger import Ledger
from dialer.pacing import Floor, Leads, Pacer, PredictivePacer, ProgressivePacer
from dialer.pacing_model import Knowledge

quick = settings(deadline=None, max_examples=60)

ages = st.lists(st.floats(0.0, 400.0), max_size=40).map(tuple)
floors = st.builds(
    Floor,
    now=st.floats(0.0, 1e6),
    idle=st.integers(0, 30),
    talking=ages,
    wrapping=ages,
    ringing=ages,
    waiting=st.integers(0, 6),
    lines=st.integers(0, 200),
)
any_time = st.floats(-1e7, 1e7) | st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e300])
events = st.lists(
    st.tuples(
        st.sampled_from(["answer", "no", "talk", "wrap", "abandoned"]),
        any_time,
        st.floats(0.0, 200.0) | any_time,
    ),
    max_size=60,
)
honest = st.lists(
    st.tuples(
        st.sampled_from(["answer", "answer", "no", "no", "no", "talk", "wrap", "abandoned"]),
        st.floats(0.0, 30.0),
        st.floats(0.0, 120.0),
    ),
    max_size=120,
)


def teach(pacer: Pacer, kind: str, now: float, seconds: float) -> None:
    if kind in ("answer", "no"):
        pacer.attempt_ended(now, seconds, kind == "answer")
    elif kind == "talk":
        pacer.talk_ended(now, seconds)
    elif kind == "wrap":
        pacer.wrap_ended(now, seconds)
    else:
        pacer.abandoned(now)


def taught(moves: list[tuple[str, float, float]], cap: float = 0.03) -> PredictivePacer:
    pacer, now = PredictivePacer(cap), 0.0
    for kind, wait, seconds in moves:
        now += wait
        teach(pacer, kind, now, seconds)
    return pacer


def with_idle(floor: Floor, idle: int) -> Floor:
    return Floor(
        floor.now,
        idle,
        floor.talking,
        floor.wrapping,
        floor.ringing,
        floor.waiting,
        floor.lines,
    )


@pytest.mark.parametrize("make", [ProgressivePacer, PredictivePacer])
@quick
@given(floor=floors, moves=events)
def test_calls_are_never_negative_and_never_more_than_lines(
    make: Callable[[], Pacer], floor: Floor, moves: list[tuple[str, float, float]]
) -> None:
    pacer = make()
    for move in moves:
        teach(pacer, *move)
    calls = pacer.decide(floor)
    assert isinstance(calls, int)
    assert 0 <= calls <= floor.lines


@pytest.mark.parametrize("make", [ProgressivePacer, PredictivePacer])
@quick
@given(floor=floors, moves=honest)
def test_no_operator_signed_in_no_call(
    make: Callable[[], Pacer], floor: Floor, moves: list[tuple[str, float, float]]
) -> None:
    pacer = make()
    for move in moves:
        teach(pacer, *move)
    empty = Floor(floor.now, 0, (), (), floor.ringing, floor.waiting, floor.lines)
    assert pacer.decide(empty) == 0


@quick
@given(floor=floors, moves=honest, cap=st.sampled_from([0.0, 0.01, 0.03, 1.0]))
def test_more_free_operators_never_fewer_calls(
    floor: Floor, moves: list[tuple[str, float, float]], cap: float
) -> None:
    pacer = taught(moves, cap)
    before = 0
    for idle in range(floor.idle, floor.idle + 4):
        calls = copy.deepcopy(pacer).decide(with_idle(floor, idle))
        assert calls >= before
        before = calls


@quick
@given(moves=events, floor=floors)
def test_no_number_is_lost_after_any_events(
    moves: list[tuple[str, float, float]], floor: Floor
) -> None:
    pacer = PredictivePacer()
    for move in moves:
        teach(pacer, *move)
        pacer.decide(floor)
    assert math.isfinite(pacer.risk_level(floor.now))
    assert "nan" not in pacer.explain(floor).reason.en


@quick
@given(bad=st.lists(any_time, min_size=1, max_size=8).map(tuple), now=any_time)
def test_floors_that_cannot_be_are_survived(bad: tuple[float, ...], now: float) -> None:
    pacer = PredictivePacer()
    assert 0 <= pacer.decide(Floor(now, 2, bad, bad, bad, 1, 10)) <= 10
    assert 0 <= pacer.decide(Floor(1.0, -2, (5.0,), (), (), -1, 10)) <= 10
    assert pacer.decide(Floor(1.0, 2, (), (), (), 0, -3)) == 0


@quick
@given(moves=honest, after=honest, floor=floors)
def test_a_pickled_pacer_decides_the_same(
    moves: list[tuple[str, float, float]], after: list[tuple[str, float, float]], floor: Floor
) -> None:
    pacer = taught(moves)
    pacer.decide(floor)
    twin = pickle.loads(pickle.dumps(pacer))
    for kind, wait, seconds in after:
        for each in (pacer, twin):
            teach(each, kind, floor.now + wait, seconds)
        assert pacer.decide(floor) == twin.decide(floor)


@quick
@given(moves=honest, floor=floors)
def test_the_explanation_is_of_the_decision(
    moves: list[tuple[str, float, float]], floor: Floor
) -> None:
    pacer = taught(moves)
    calls = pacer.decide(floor)
    decision = pacer.explain(floor)
    assert decision.calls == calls == pacer.decide(floor)
    assert decision.reason.en.startswith(f"{floor.idle} free, ")
    assert decision.limited_by in ("operators", "budget", "lines")


def test_progressive_places_one_call_per_free_operator() -> None:
    floor = Floor(0.0, 5, (10.0,), (), (1.0, 2.0), 1, 50)
    assert ProgressivePacer().decide(floor) == 2
    assert ProgressivePacer().explain(floor).reason.en.startswith("5 free, 2 ringing, 1 waiting")


def test_odd_inputs_are_counted() -> None:
    pacer = PredictivePacer()
    pacer.attempt_ended(100.0, 5.0, True)
    pacer.talk_ended(50.0, 60.0)  # time goes backwards
    pacer.wrap_ended(101.0, 3 * 86_400.0)  # three days of wrap-up
    pacer.talk_ended(102.0, -1.0)
    pacer.attempt_ended(103.0, math.nan, False)
    assert pacer.odd_inputs == 4
    pacer.talk_ended(104.0, 0.0)  # no time at all is a duration
    assert pacer.odd_inputs == 4


def steady(pacer: PredictivePacer, chance: float, attempts: int, start: float = 0.0) -> float:
    """Attempts one after another, all alike; returns the time of the last."""
    luck = random.Random(7)
    now = start
    for _ in range(attempts):
        now += 3.0
        answered = luck.random() < chance
        pacer.attempt_ended(
            now, luck.uniform(4, 16) if answered else luck.uniform(25, 32), answered
        )
        if answered:
            pacer.talk_ended(now, luck.uniform(20, 120))
            pacer.wrap_ended(now, luck.uniform(10, 30))
    return now


def free_and_busy(now: float) -> Floor:
    return Floor(now, 4, (5.0,) * 10, (3.0,) * 3, (), 0, 500)


def test_a_list_that_answers_less_gets_more_calls() -> None:
    calls = {}
    for chance in (0.1, 0.3, 0.7):
        pacer = PredictivePacer()
        now = steady(pacer, chance, 400)
        calls[chance] = pacer.decide(free_and_busy(now))
    assert calls[0.1] > calls[0.3] > calls[0.7] >= 4


def test_a_list_that_turns_hot_is_noticed_within_fifty_attempts() -> None:
    pacer = PredictivePacer()
    now = steady(pacer, 0.1, 1000)
    cold = pacer.decide(free_and_busy(now))
    now = steady(pacer, 0.6, 50, now)
    assert pacer.decide(free_and_busy(now)) < 0.6 * cold


def test_a_dead_list_with_many_calls_in_flight_is_forgotten_when_it_comes_alive() -> None:
    """Memories are long while a hundred calls ring; they must not stay so when few do."""
    known, luck = Knowledge(), random.Random(3)

    def dialed(chance: float, attempts: int, ringing: int) -> float:
        for _ in range(attempts):
            known.saw_ringing(ringing)
            answered = luck.random() < chance
            seconds = luck.uniform(4, 16) if answered else luck.uniform(25, 32)
            known.answering.ended(seconds, answered)
            known.chance.ended(answered)
        usual, _, _ = known.answering.curves([])
        return known.chance.now(usual)[0]

    assert dialed(0.02, 10_000, 100) == pytest.approx(0.02, abs=0.01)
    for _ in range(8):
        assert dialed(0.3, 100, 5) == pytest.approx(0.3, abs=0.11)


def test_an_overdraft_makes_it_progressive() -> None:
    pacer = PredictivePacer()
    now = steady(pacer, 0.3, 300)
    for _ in range(20):
        pacer.abandoned(now)
    floor = free_and_busy(now)
    assert pacer.explain(floor).calls == 4
    assert pacer.explain(floor).limited_by == "budget"


def test_unspent_budget_raises_the_risk_and_an_overdraft_lowers_it() -> None:
    levels = []
    for abandoned in range(16):
        pacer = PredictivePacer()
        now = steady(pacer, 0.5, 600)
        for _ in range(abandoned):
            pacer.abandoned(now)
        levels.append(pacer.risk_level(now))
    assert levels == sorted(levels, reverse=True)
    assert levels[0] <= 3 * 0.03
    assert levels[-1] == 0.0


def test_no_cap_no_risk() -> None:
    pacer = PredictivePacer(0.0)
    now = steady(pacer, 0.3, 300)
    floor = free_and_busy(now)
    assert pacer.decide(floor) == ProgressivePacer().decide(floor)


def test_one_ledger_may_be_shared_with_the_product() -> None:
    ledger = Ledger(0.03, 30 * 86_400.0)
    pacer = PredictivePacer(0.03, ledger)
    pacer.attempt_ended(10.0, 8.0, True)
    assert ledger.totals(10.0) == (1, 0)


def test_what_was_known_yesterday_is_a_prior_today() -> None:
    pacer = PredictivePacer()
    now = steady(pacer, 0.1, 1000) + 14 * 3600.0
    steady(pacer, 0.5, 40, now)
    fresh = PredictivePacer()
    steady(fresh, 0.5, 40, now)
    floor = free_and_busy(now + 130.0)
    assert abs(pacer.decide(floor) - fresh.decide(floor)) <= 5


def test_leads_that_hardly_answer_leave_room_for_more_calls() -> None:
    pacer = PredictivePacer()
    now = steady(pacer, 0.3, 400)
    floor = Floor(now, 4, (5.0,) * 10, (3.0,) * 3, (2.0,) * 12, 0, 500)
    plain = copy.deepcopy(pacer).decide(floor)
    unlikely = copy.deepcopy(pacer).decide(floor, Leads(ringing=(0.2,) * 12))
    ordinary = copy.deepcopy(pacer).decide(floor, Leads(ringing=(1.0,) * 12))
    assert unlikely > plain == ordinary


def test_odds_that_cannot_be_are_survived() -> None:
    pacer = PredictivePacer()
    for odds in (math.nan, math.inf, -1.0, 0.0):
        pacer.attempt_ended(1.0, 5.0, True, odds)
        floor = Floor(2.0, 2, (5.0,), (), (1.0,), 0, 9)
        assert 0 <= pacer.decide(floor, Leads(ringing=(odds,), next=(odds, odds))) <= 9
