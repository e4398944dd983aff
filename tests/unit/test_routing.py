"""Which trunk a number goes over, and which number it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.routing import BROKEN, NoWay, Route, caller_id, choose, matching

MOSCOW = "+74951234567"
ALMATY = "+77271234567"


def open_lines(name: str) -> tuple[int, str]:
    return 10, "lines"


def rooms(**known: tuple[int, str]) -> Mapping[str, tuple[int, str]]:
    return known


def picked(routes: list[Route], number: str, draw: float = 0.0, **known: tuple[int, str]) -> str:
    """The trunk's name, or the kind of refusal."""
    found = choose(routes, (), (), number, lambda name: known.get(name, (10, "lines")), draw)
    return found.trunk if isinstance(found, Route) else found.kind


def test_the_longest_prefix_takes_the_number() -> None:
    routes = [Route("all"), Route("ru", "+7"), Route("msk", "+7495")]
    assert picked(routes, MOSCOW) == "msk"
    assert picked(routes, ALMATY) == "ru"
    assert picked(routes, "+442071234567") == "all"


def test_of_one_trunks_routes_the_longest_counts() -> None:
    routes = [Route("a", "", 0), Route("a", "+7495", 5), Route("b", "+7")]
    assert [r.prefix for r in matching(routes, (), (), MOSCOW)] == ["+7495", "+7"]


def test_a_full_tier_is_waited_for_and_a_broken_one_gives_way() -> None:
    routes = [Route("cheap", "+7"), Route("dear")]
    assert picked(routes, MOSCOW, cheap=(0, "lines")) == "full"
    assert picked(routes, MOSCOW, cheap=(0, "cps")) == "full"
    assert picked(routes, MOSCOW, cheap=(0, "breaker")) == "dear"
    assert picked(routes, MOSCOW, cheap=(0, "down")) == "dear"
    assert picked(routes, MOSCOW, cheap=(1, "breaker")) == "cheap"  # a probe
    assert picked(routes, MOSCOW, cheap=(0, "down"), dear=(0, "breaker")) == "broken"


def test_the_reserve_waits_until_nothing_else_works() -> None:
    routes = [Route("main", "", 1), Route("reserve", "", 0)]
    assert picked(routes, MOSCOW, 0.999) == "main"
    assert picked(routes, MOSCOW, main=(0, "lines")) == "full"
    assert picked(routes, MOSCOW, main=(0, "down")) == "reserve"


def test_nobody_takes_the_number() -> None:
    assert picked([Route("ru", "+7")], "+442071234567") == "no_route"
    assert picked([], MOSCOW) == "no_route"
    refusal = choose([Route("a")], ["b"], (), MOSCOW, open_lines, 0.5)
    assert refusal == NoWay("no_route")
    assert choose([Route("a")], (), {"a"}, MOSCOW, open_lines, 0.5) == NoWay("no_route")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_the_weights_share_the_calls_exactly(weights: list[int]) -> None:
    routes = [Route(f"t{i}", "", weight) for i, weight in enumerate(weights)]
    total = sum(weights)
    counts = Counter(picked(routes, MOSCOW, (k + 0.5) / total) for k in range(total))
    assert counts == {f"t{i}": weight for i, weight in enumerate(weights)}


names = st.sampled_from(["a", "b", "c", "d"])
prefixes = st.sampled_from(["", "+7", "+74", "+7495", "+44", "+749512"])
route = st.builds(Route, names, prefixes, st.integers(0, 3))
limits = st.tuples(st.integers(0, 2), st.sampled_from(["lines", "cps", "breaker", "down"]))
state = st.fixed_dictionaries(dict.fromkeys("abcd", limits))


@given(
    st.lists(route, max_size=8), st.sets(names), st.sets(names),
    st.sampled_from([MOSCOW, ALMATY, "+442071234567"]), state,
    st.floats(0, 1, exclude_max=True),
)  # fmt: skip
def test_what_is_chosen_may_be_chosen(
    routes: list[Route],
    allowed: set[str],
    tried: set[str],
    number: str,
    known: dict[str, tuple[int, str]],
    draw: float,
) -> None:
    found = choose(routes, allowed, tried, number, known.__getitem__, draw)
    candidates = matching(routes, allowed, tried, number)
    if isinstance(found, NoWay):
        assert {"no_route": not candidates, "full": True, "broken": bool(candidates)}[found.kind]
        assert all(known[name][0] == 0 for name in found.trunks)
        if found.kind == "broken":
            assert all(known[r.trunk] == (0, known[r.trunk][1]) for r in candidates)
            assert {known[r.trunk][1] for r in candidates} <= BROKEN
        return
    assert found in routes
    assert number.startswith(found.prefix)
    assert not allowed or found.trunk in allowed
    assert found.trunk not in tried
    assert known[found.trunk][0] > 0
    for other in candidates:  # nobody better works
        better = (-len(other.prefix), other.weight == 0) < (-len(found.prefix), found.weight == 0)
        if better:
            assert known[other.trunk][0] == 0
            assert known[other.trunk][1] in BROKEN


@pytest.mark.parametrize(
    ("own", "campaign", "shown"),
    [
        ((), (), [None, None]),
        ((), ("+71", "+72"), ["+71", "+72", "+71"]),
        (("+73", "+74"), (), ["+73", "+74", "+73"]),
        (("+73", "+74"), ("+71",), ["+73", "+74"]),
        (("+73", "+74"), ("+71", "+74"), ["+74", "+74"]),
    ],
)
def test_whose_number_is_shown(
    own: tuple[str, ...], campaign: tuple[str, ...], shown: list[str | None]
) -> None:
    way = Route("a", "", 1, own)
    assert [caller_id(way, campaign, turn) for turn in range(len(shown))] == shown
