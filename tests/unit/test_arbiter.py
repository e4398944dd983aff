"""The arbiter: nobody works for two, skills are kept, shares follow the weights, nobody starves."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.arbiter import (
    FADE_S,
    LONGEST_STEP_S,
    Arbiter,
    Caller,
    Claim,
    Hand,
    Placed,
    fair_room,
    turns,
)

SKILLS = ("english", "sales", "debt")
skills = st.frozensets(st.sampled_from(SKILLS))
weights = st.floats(0.1, 100.0)
claims = st.lists(
    st.builds(Claim, st.integers(1, 6), weights, skills, st.sampled_from((0, 1, 3, 1000))),
    max_size=5,
    unique_by=lambda c: c.id,
)
hands = st.lists(
    st.builds(
        Hand,
        st.text("abc", min_size=1, max_size=4),
        skills,
        st.none() | st.integers(1, 7),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda h: h.login,
)
callers_given = st.builds(
    Caller, st.integers(1, 9), weights, st.integers(0, 100), st.floats(0, 99), st.booleans()
)
times = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(times, claims, hands), min_size=1, max_size=6))
def test_everybody_of_use_has_one_home_that_fits(
    rounds: list[tuple[float, list[Claim], list[Hand]]],
) -> None:
    arbiter = Arbiter()
    for now, asked, floor in rounds:
        shares = arbiter.share(now, asked, floor)
        assert set(shares) == {claim.id for claim in asked}
        homes = Counter(login for logins in shares.values() for login in logins)
        assert all(count == 1 for count in homes.values())
        by_id = {claim.id: claim for claim in asked}
        for hand in floor:
            home = next((c for c, logins in shares.items() if hand.login in logins), None)
            if hand.bound and hand.works_for in by_id:
                assert home == hand.works_for
            elif home is not None:
                assert by_id[home].can_use(hand)
                assert len(shares[home]) <= max(by_id[home].most, _bound(floor, home))
            else:
                able = [c for c in asked if c.can_use(hand)]
                assert all(len(shares[c.id]) >= c.most for c in able)


def _bound(floor: list[Hand], campaign: int) -> int:
    return sum(1 for hand in floor if hand.bound and hand.works_for == campaign)


def over_time(asked: list[Claim], floor: list[Hand], seconds: int) -> Counter[int]:
    """Operator-seconds by campaign, decided every four seconds."""
    arbiter, had = Arbiter(), Counter[int]()
    for second in range(0, seconds, 4):
        for campaign, logins in arbiter.share(float(second), asked, floor).items():
            had[campaign] += 4 * len(logins)
    return had


@pytest.mark.parametrize("operators", [1, 2, 3, 4, 7])
def test_shares_follow_the_weights_over_time_on_any_floor(operators: int) -> None:
    floor = [Hand(f"o{i}") for i in range(operators)]
    had = over_time([Claim(1, 3.0), Claim(2, 1.0)], floor, 3600)
    assert had[1] / had[2] == pytest.approx(3.0, rel=0.1)


@settings(deadline=None, max_examples=15)
@given(st.lists(weights, min_size=2, max_size=4), st.integers(1, 6))
def test_nobody_starves(given_weights: list[float], operators: int) -> None:
    asked = [Claim(i, max(w, max(given_weights) / 20.0)) for i, w in enumerate(given_weights)]
    had = over_time(asked, [Hand(f"o{i}") for i in range(operators)], 1800)
    assert all(had[claim.id] > 0 for claim in asked)


def test_rare_skills_are_kept_for_who_needs_them() -> None:
    floor = [Hand("a", frozenset({"english"})), Hand("b"), Hand("c")]
    asked = [Claim(1), Claim(2, skills=frozenset({"english"}))]
    assert Arbiter().share(0.0, asked, floor) == {1: {"b", "c"}, 2: {"a"}}


def test_a_campaign_for_a_rare_skill_has_its_share_of_the_whole_floor() -> None:
    """Weights 3, 1, 1: who alone has the skill works for the campaign that needs it."""
    floor = [Hand("e", frozenset({"english"})), *(Hand(f"o{i}") for i in range(4))]
    asked = [Claim(1, 3.0), Claim(2, 1.0), Claim(3, 1.0, frozenset({"english"}))]
    had = over_time(asked, floor, 1200)
    assert had[3] / 1200 == pytest.approx(1.0, abs=0.05)
    assert had[1] / had[2] == pytest.approx(3.0, rel=0.1)


def test_what_one_campaign_cannot_use_the_others_get_at_once() -> None:
    floor = [Hand(f"o{i}") for i in range(4)]
    shares = Arbiter().share(0.0, [Claim(1, 3.0, most=0), Claim(2)], floor)
    assert shares == {1: frozenset(), 2: {"o0", "o1", "o2", "o3"}}


def test_a_campaign_that_was_not_hungry_is_owed_nothing() -> None:
    arbiter, floor = Arbiter(), [Hand("a"), Hand("b")]
    for second in range(600):
        arbiter.share(float(second), [Claim(1, most=0), Claim(2)], floor)
    assert arbiter.behind_s(1) == 0.0
    assert len(arbiter.share(601.0, [Claim(1), Claim(2)], floor)[1]) == 1


@given(st.floats(0.0, 60.0), st.integers(1, 40))
def test_what_is_owed_outlives_an_empty_buffer_and_fades_within_a_minute(
    seconds: float, steps: int
) -> None:
    """Given a campaign that is owed time, when it has no leads for so long, then little is lost in
    a moment, and next to nothing left after a minute."""
    arbiter, floor = Arbiter(), [Hand("a", works_for=2, bound=True)]
    for second in range(100):
        arbiter.share(float(second), [Claim(1), Claim(2)], floor)
    owed = arbiter.behind_s(1)
    assert owed > 40.0
    for step in range(1, steps + 1):
        arbiter.share(99.0 + seconds * step / steps, [Claim(1, most=0), Claim(2)], floor)
    left = arbiter.behind_s(1)
    assert 0.0 <= left <= owed
    if seconds / steps <= LONGEST_STEP_S:
        assert left == pytest.approx(owed * math.exp(-seconds / FADE_S))
    if seconds <= 1.0:
        assert left > 0.9 * owed
    if seconds == 60.0 and steps >= 12:
        assert left < 0.06 * owed


@pytest.mark.parametrize("bound", range(4))
def test_operators_whose_dials_are_bound_count_among_what_is_due(bound: int) -> None:
    """Three to one on a floor of four, however many of the three are dialed for just now."""
    floor = [Hand(f"o{i}", works_for=1, bound=i < bound) for i in range(3)] + [Hand("o3")]
    shares = Arbiter().share(0.0, [Claim(1, 3.0), Claim(2)], floor)
    assert [len(shares[campaign]) for campaign in (1, 2)] == [3, 1]


def test_homes_do_not_change_for_nothing() -> None:
    arbiter = Arbiter()
    floor = [Hand(f"o{i}") for i in range(8)]
    asked = [Claim(1), Claim(2)]
    first = arbiter.share(0.0, asked, floor)
    assert all(arbiter.share(s / 20, asked, floor) == first for s in range(1, 500))


@given(
    st.integers(0, 200),
    st.integers(0, 200),
    st.lists(callers_given, min_size=1, max_size=6, unique_by=lambda c: c.id),
)
def test_room_is_within_what_is_free_and_all_of_it_when_nobody_else_wants(
    free: int, lines: int, callers: list[Caller]
) -> None:
    mine, others = callers[0], callers[1:]
    room = fair_room(free, lines, mine, others)
    assert 0 <= room <= free
    if not any(other.wants for other in others):
        assert room == free


def test_a_trunk_is_shared_by_weight_when_both_want_more() -> None:
    """Each takes all it is given; lines end up as the weights say."""
    lines, held = 40, {1: 0, 2: 0}
    weight = {1: 3.0, 2: 1.0}
    for _ in range(20):
        callers = [Caller(c, weight[c], held[c]) for c in held]
        for c in turns(callers):
            mine = next(x for x in callers if x.id == c)
            free = lines - sum(held.values())
            held[c] += fair_room(free, lines, mine, callers)
    assert held == {1: 30, 2: 10}


def test_single_calls_go_in_turn() -> None:
    """One call at a time, as calls per second allow: three to one over time."""
    placed, calls, weight = Placed(), Counter[int](), {1: 3.0, 2: 1.0}
    for step in range(1000):
        lately = placed.of(step / 10)
        first = turns(Caller(c, weight[c], 0, lately.get(c, 0.0)) for c in (1, 2))[0]
        placed.add(first, step / 10, 1)
        calls[first] += 1
    assert calls[1] / calls[2] == pytest.approx(3.0, rel=0.05)
