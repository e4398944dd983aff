"""PURE. Who of the floor works for which campaign, and whose turn it is at a trunk.

Every operator has one home among the campaigns that need no skill the operator lacks. The floor's
time is due to campaigns by their weights (`fair_split`); each operator goes to the campaign that
lacks most of what is due, those whom only few campaigns can use first. What a campaign got too
little of, in operator-seconds, is remembered, so that shares hold over time where they cannot hold
at once (three to one on a floor of two). A home is for pacing: an answered person may be taken by
any free operator who has the skills.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

QUANTUM_S = 60.0
"""Operator-seconds behind that weigh as much as one operator."""
MOST_BEHIND_S = 300.0
MEMORY_S = 7200.0
FADE_S = 20.0
"""What a campaign is owed fades so fast while it cannot use operators: a buffer that is empty for a
moment costs nothing, after a minute 5 % are left."""
LONGEST_STEP_S = 5.0
ROUNDS = 60
STAY = 0.5  # of an operator: keeps homes from changing for nothing


@dataclass(frozen=True, slots=True)
class Hand:
    """An operator at work. `works_for`: the campaign of the dial, person or wrap-up, if any.

    `bound`: a dial of `works_for` is made for this operator, who stays there until it is over.
    """

    login: str
    skills: frozenset[str] = frozenset()
    works_for: int | None = None
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A running campaign; `most`: operators of use to it (none without leads and lines)."""

    id: int
    weight: float = 1.0
    skills: frozenset[str] = frozenset()
    most: int = 1_000_000

    @property
    def hungry(self) -> bool:
        return self.most > 0

    def can_use(self, hand: Hand) -> bool:
        return self.skills <= hand.skills


Skills = frozenset[str]
Split = dict[Skills, dict[int, float]]
"""By skills: the share of an operator's time that is due to each campaign; adds up to 1."""


class Arbiter:
    """Deals operators to campaigns. Deterministic: the same calls give the same homes."""

    def __init__(self) -> None:
        self._behind: dict[int, float] = {}
        self._homes: dict[str, int] = {}
        self._at: float | None = None

    def share(
        self, now: float, claims: Sequence[Claim], hands: Sequence[Hand]
    ) -> dict[int, frozenset[str]]:
        """Logins by campaign id; every claim has an entry, no login stands in two.

        An operator of use to any campaign has a home; one bound by a dial has it there.
        `now` is a clock in seconds; one that goes backwards counts as no time passed.
        """
        hungry = [claim for claim in claims if claim.hungry]
        counts = Counter(hand.skills for hand in hands)
        able = {skills: tuple(c for c in hungry if c.skills <= skills) for skills in counts}
        split = fair_split(able, counts)
        self._account(now, claims, hands, split)
        dealt: dict[int, list[str]] = {claim.id: [] for claim in claims}
        for hand in hands:
            if hand.bound and hand.works_for in dealt:
                dealt[hand.works_for].append(hand.login)
        loose = [h for h in hands if not (h.bound and h.works_for in dealt)]
        due = dict.fromkeys(dealt, 0.0)
        for hand in hands:  # the bound ones too: they count among what a campaign has
            for campaign, share in split[hand.skills].items():
                due[campaign] += share
        self._deal(dealt, [(h, able[h.skills]) for h in loose], due)
        self._homes = {login: home for home, logins in dealt.items() for login in logins}
        return {home: frozenset(logins) for home, logins in dealt.items()}

    def all_went(self, now: float, homes: Mapping[str, int]) -> None:
        """The only campaign had all it could use: nothing comes to be owed meanwhile."""
        self._at, self._homes = now, dict(homes)

    def behind_s(self, campaign: int) -> float:
        """Operator-seconds that a campaign is owed (negative: has had too many)."""
        return self._behind.get(campaign, 0.0)

    def _deal(
        self,
        dealt: dict[int, list[str]],
        options: list[tuple[Hand, tuple[Claim, ...]]],
        due: Mapping[int, float],
    ) -> None:
        options.sort(key=lambda x: (len(x[1]), x[0].login not in self._homes, x[0].login))
        for hand, usable in options:
            able = [claim for claim in usable if len(dealt[claim.id]) < claim.most]
            if len(able) > 1:
                able = [min(able, key=lambda c: self._order(c, due, len(dealt[c.id]), hand))]
            for claim in able:
                dealt[claim.id].append(hand.login)

    def _order(
        self, claim: Claim, due: Mapping[int, float], has: int, hand: Hand
    ) -> tuple[float, int, int]:
        """Smallest: who lacks most of what is due; then who has fewest."""
        stay = STAY if self._homes.get(hand.login) == claim.id else 0.0
        lacks = due[claim.id] - has + self.behind_s(claim.id) / QUANTUM_S + stay
        return (-round(lacks, 9), has, claim.id)

    def _account(
        self, now: float, claims: Sequence[Claim], hands: Sequence[Hand], split: Split
    ) -> None:
        """What everybody should have had since the last time, less what they had."""
        passed = 0.0 if self._at is None else min(max(0.0, now - self._at), LONGEST_STEP_S)
        self._at = now
        behind = {claim.id: _kept(self.behind_s(claim.id), claim, passed) for claim in claims}
        for hand in hands:
            due = split[hand.skills]
            for campaign, share in due.items():
                behind[campaign] += passed * share
            user = hand.works_for if hand.works_for is not None else self._homes.get(hand.login)
            if due and user in behind:
                behind[user] -= passed
        for claim in claims:
            behind[claim.id] = max(-MOST_BEHIND_S, min(MOST_BEHIND_S, behind[claim.id]))
        self._behind = behind


def _kept(behind_s: float, claim: Claim, passed: float) -> float:
    """What is left of it after `passed` seconds; what a campaign cannot use is soon not owed."""
    fades = behind_s > 0.0 and not claim.hungry
    return behind_s * math.exp(-passed / (FADE_S if fades else MEMORY_S))


def fair_split(able: Mapping[Skills, tuple[Claim, ...]], counts: Mapping[Skills, int]) -> Split:
    """How the time of operators with the same skills is due to the campaigns they can work for.

    `counts`: how many operators have these skills. Weighted proportional fairness (Kelly 1997): the
    sum of weight x log(time) is largest, so a campaign that only one operator can serve has that
    operator until it has its share of the floor. Found by steps of expectation maximisation.
    """
    split = {skills: _by_weight({c.id: c.weight for c in able[skills]}) for skills in counts}
    weight = {claim.id: claim.weight for claims in able.values() for claim in claims}
    for _ in range(ROUNDS if len(counts) > 1 else 0):
        has = dict.fromkeys(weight, 1e-12)
        for skills, count in counts.items():
            for campaign, share in split[skills].items():
                has[campaign] += count * share
        for skills, shares in split.items():
            split[skills] = _by_weight({c: s * weight[c] / has[c] for c, s in shares.items()})
    return split


def _by_weight(weights: dict[int, float]) -> dict[int, float]:
    total = sum(weights.values())
    return {campaign: weight / total for campaign, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Caller:
    """A campaign at a trunk: lines it holds now, calls it has placed lately, and its weight.

    `wants`: it asked for more calls than it was allowed.
    """

    id: int
    weight: float = 1.0
    lines: int = 0
    placed: float = 0.0
    wants: bool = True


def turns(callers: Iterable[Caller]) -> list[int]:
    """Who calls first: who holds the fewest lines and placed the fewest calls for its weight."""
    order = sorted(callers, key=lambda c: ((c.lines + c.placed) / c.weight, c.id))
    return [caller.id for caller in order]


def fair_room(free: int, lines: int, mine: Caller, others: Iterable[Caller]) -> int:
    """Of `free` lines (of `lines` in all) how many this campaign may take now.

    Each campaign that wants more is kept its share by weight; what the others do not want is
    anybody's. With nobody else wanting: all that is free.
    """
    wanting = [other for other in others if other.wants and other.id != mine.id]
    total = mine.weight + sum(other.weight for other in wanting)
    kept = sum(max(0, int(lines * o.weight / total) - o.lines) for o in wanting)
    own = int(lines * mine.weight / total) - mine.lines
    return max(0, min(free, max(free - kept, own)))


class Placed:
    """Calls placed lately by campaign, halved every `half_s` seconds, for `turns`."""

    half_s = 10.0

    def __init__(self) -> None:
        self._calls: dict[int, float] = {}
        self._at = -math.inf

    def add(self, campaign: int, now: float, calls: int) -> None:
        self._fade(now)
        self._calls[campaign] = self._calls.get(campaign, 0.0) + calls

    def of(self, now: float) -> Mapping[int, float]:
        self._fade(now)
        return self._calls

    def _fade(self, now: float) -> None:
        passed = now - self._at
        if passed > 0.0:
            keep = 0.5 ** (passed / self.half_s)
            self._calls = {c: n * keep for c, n in self._calls.items() if n * keep > 1e-3}
        self._at = max(now, self._at)
