"""Who is far off the others on the same list."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.reports.signals import (
    ENOUGH,
    ENOUGH_HANG_UPS,
    MEASURES,
    PEERS,
    Measure,
    Worked,
    figure,
    is_far,
    signals,
)

USUAL = Worked(
    0, 1, dials=100, told=90, not_reached=54, given_up_rang=8, given_up_ring_s=21.0, hasty=2,
    conversations=36, short=2, leads=80, first_touch=4,
)  # fmt: skip


def people(*changes: dict[str, float]) -> list[Worked]:
    """Four usual operators, and one more with each of the changes."""
    everybody = [{}, {}, {}, {}, *changes]
    return [replace(USUAL, operator_id=n, **change) for n, change in enumerate(everybody)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "far"),
    [
        ({}, ()),
        ({"not_reached": 80}, ("not_reached",)),
        ({"not_reached": 62}, ()),  # less than 10 points above
        ({"told": 21, "not_reached": 17}, ()),  # of 21 dials that may be luck
        ({"not_reached": 10}, ()),  # the better way
        ({"given_up_ring_s": 10.0}, ("given_up_ring",)),
        ({"given_up_ring_s": 10.0, "given_up_rang": 4}, ()),
        ({"given_up_ring_s": 11.0}, ()),
        ({"short": 15}, ("short",)),
        ({"conversations": 19, "short": 19}, ()),
        ({"hasty": 30, "first_touch": 40}, ("hasty", "first_touch")),
    ],
)
def test_what_is_far_off(change: dict[str, float], far: tuple[Measure, ...]) -> None:
    found = signals(people(change))
    assert [one.far for one in found] == [(), (), (), (), far]
    assert {one.peers for one in found} == {5}


def test_two_operators_are_nobodys_median() -> None:
    worst = replace(USUAL, operator_id=9, not_reached=90, hasty=100)
    two = signals([USUAL, worst])
    assert [one.far for one in two] == [(), ()]
    assert set(two[0].medians.values()) == {None}
    assert two[1].own["not_reached"] == 1.0


def test_only_those_on_the_same_list_are_compared() -> None:
    """All of a bad list reach few people: nobody is marked there, and no one elsewhere for it."""
    bad = [replace(one, list_id=2, not_reached=85) for one in people()]
    assert all(not one.far for one in signals([*people(), *bad]))


def test_who_hardly_dialed_has_no_say_in_the_median() -> None:
    few = [replace(USUAL, operator_id=n, told=3, not_reached=3) for n in range(10, 20)]
    (first, *_) = signals([*people(), *few])
    assert first.medians["not_reached"] == pytest.approx(0.6)


@st.composite
def worked(draw: st.DrawFn, list_id: int) -> Worked:
    def pair(least: int) -> tuple[int, int]:
        base = draw(st.integers(0, 4 * least))
        return base, draw(st.integers(0, base))

    (told, missed), (talks, short), (leads, closed) = (pair(ENOUGH) for _ in range(3))
    dials, hasty = pair(ENOUGH)
    rang = draw(st.integers(0, 3 * ENOUGH_HANG_UPS))
    ring = draw(st.floats(0, 60)) if rang else None
    return Worked(draw(st.integers(1, 9)), list_id, dials, told, missed, rang, ring, hasty, talks,
                  short, leads, closed)  # fmt: skip


@given(st.lists(worked(1), max_size=9), st.lists(worked(2), max_size=4))
def test_the_rule_holds_whatever_they_did(first: list[Worked], second: list[Worked]) -> None:
    found = signals([*first, *second])
    assert [one.worked for one in found] == [*first, *second]
    assert found == signals(first) + signals(second)
    assert signals(first[::-1]) == signals(first)[::-1]
    for one in found:
        peers = first if one.worked.list_id == 1 else second
        for measure in MEASURES:
            least = ENOUGH_HANG_UPS if measure == "given_up_ring" else ENOUGH
            said = [v for v, base in (figure(p, measure) for p in peers)
                    if v is not None and base >= least]  # fmt: skip
            middle, own = one.medians[measure], one.own[measure]
            assert middle == (median(said) if len(said) >= PEERS else None)
            if measure in one.far:
                assert own is not None and middle is not None
                assert figure(one.worked, measure)[1] >= least
                assert own <= middle / 2 if measure == "given_up_ring" else own >= middle + 0.1


@given(st.integers(0, 200), st.floats(0, 1), st.integers(0, 200), st.integers(0, 200))
def test_more_of_it_is_never_less_far(base: int, middle: float, one: int, other: int) -> None:
    less, more = (min(n, base) / base if base else 0.0 for n in sorted((one, other)))
    assert is_far("short", more, base, middle) or not is_far("short", less, base, middle)
