"""Which of the leads at hand is dialed now, where their order leaves a choice. PURE.

A call to a lead with chance p, placed while the next answer would find no operator with chance r,
abandons p x r people. All leads are dialed in the end, so what can be chosen is which p meets which
r, and the sum of p x r is least when the surest leads meet the lowest risks and the most doubtful
ones the highest (the rearrangement inequality). Fewer people abandoned are budget, and budget is
calls. So that neither kind is left over at hand, the risk at which the choice turns is the median
of the risks met.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

LEAST_AT_HAND = 40
OVERDUE_S = 600.0
"""A lead that was passed over for so long goes first: choosing must not make anybody wait."""
STEP = 0.005
"""By how much one choice moves the turn, in shares of the level allowed."""


def at_hand(operators: int) -> int:
    """Leads that a campaign keeps at hand: enough to choose from, and for a big floor, which dials
    many between two looks."""
    return max(LEAST_AT_HAND, 2 * operators)


class Turn:
    """The risk, as a share of the level allowed, up to which the surest lead is dialed."""

    def __init__(self) -> None:
        self.at = 0.3

    def wants_sure(self, share: float) -> bool:
        return share <= self.at

    def chose(self, sure: bool) -> None:
        """Moves so that half the choices are sure ones; a little below 0 where most risks are 0."""
        self.at = min(1.0, max(-STEP, self.at + (-STEP if sure else STEP)))


class Hand:
    """The leads at hand, taken one by one. `runs`: leads that follow each other with the same
    number may change places; without it none may."""

    def __init__(self, odds: Sequence[float], runs: Sequence[int]) -> None:
        numbers = runs if len(runs) == len(odds) else range(len(odds))
        self._groups = [
            sorted(places, key=odds.__getitem__, reverse=True)
            for _, places in groupby(range(len(odds)), numbers.__getitem__)
        ][::-1]

    def take(self, turn: Turn, share: float) -> int | None:
        """The place of the next lead to dial, at a risk of `share` of the level; None: no more."""
        if not self._groups:
            return None
        group = self._groups[-1]
        if len(group) == 1:
            return self._groups.pop()[0]
        sure = turn.wants_sure(share)
        turn.chose(sure)
        return group.pop(0 if sure else -1)
