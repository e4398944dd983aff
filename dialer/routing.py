"""PURE. Which trunk a number is dialed over, and which number the called person sees.

A trunk has routes: each takes the numbers that begin with its prefix ("" takes all). Of a trunk's
routes the longest prefix counts. Trunks are tried in tiers: the longest prefix first, and of one
prefix those with a weight before those with weight 0, the reserve. In a tier the weights share the
calls among the trunks that have room. A tier whose trunks are merely full is waited for: it is
there because it is cheaper, or wanted. Only a tier of which nothing works gives way to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

BROKEN = frozenset({"breaker", "down"})
"""What limits a trunk that does not work, as `Trunk.room` names it."""

Room = Callable[[str], tuple[int, str]]
"""Name of a trunk -> (calls it takes now, what limits it)."""


@dataclass(frozen=True, slots=True)
class Route:
    """Numbers that begin with `prefix` (as +7495, or empty: all) may go over `trunk`.

    `weight` is the share within its tier, 0 for a reserve. `caller_ids`: the numbers that this way
    may show; none: the campaign's.
    """

    trunk: str
    prefix: str = ""
    weight: int = 1
    caller_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoWay:
    """Why a number cannot be dialed now: no trunk takes it, all are full, or none works."""

    kind: Literal["no_route", "full", "broken"]
    trunks: tuple[str, ...] = ()


def matching(
    routes: Iterable[Route], allowed: Collection[str], tried: Collection[str], number: str
) -> list[Route]:
    """The best route of each trunk for `number`; `allowed` empty: any trunk."""
    best: dict[str, Route] = {}
    for route in routes:
        if (allowed and route.trunk not in allowed) or route.trunk in tried:
            continue
        known = best.get(route.trunk)
        if number.startswith(route.prefix) and (
            known is None or len(route.prefix) > len(known.prefix)
        ):
            best[route.trunk] = route
    return sorted(best.values(), key=_tier)


def choose(
    routes: Iterable[Route],
    allowed: Collection[str],
    tried: Collection[str],
    number: str,
    room: Room,
    draw: float,
) -> Route | NoWay:
    """The route for one call. `draw`: uniform in [0, 1), decides by the weights."""
    found = matching(routes, allowed, tried, number)
    for _, tier in groupby(found, key=_tier):
        rooms = [(route, *room(route.trunk)) for route in tier]
        free = [route for route, calls, _ in rooms if calls > 0]
        if free:
            return _drawn(free, draw)
        full = tuple(route.trunk for route, _, limit in rooms if limit not in BROKEN)
        if full:
            return NoWay("full", full)
    return NoWay("broken" if found else "no_route", tuple(route.trunk for route in found))


def _tier(route: Route) -> tuple[int, bool]:
    return -len(route.prefix), route.weight == 0


def _drawn(routes: Sequence[Route], draw: float) -> Route:
    """By weight; in a tier of reserves all weigh the same."""
    weights = [route.weight or 1 for route in routes]
    left = draw * sum(weights)
    for route, weight in zip(routes, weights, strict=True):
        left -= weight
        if left < 0:
            return route
    return routes[-1]


def caller_id(route: Route, campaign: Sequence[str], turn: int) -> str | None:
    """The number to show, the `turn`-th of those that may be shown; None: the trunk's own.

    A way that has numbers of its own shows only these (a provider refuses others, or the law does):
    those of them that the campaign has too, if there are any.
    """
    shown: Sequence[str] = campaign
    if route.caller_ids:
        shown = [number for number in campaign if number in route.caller_ids] or route.caller_ids
    return shown[turn % len(shown)] if shown else None
