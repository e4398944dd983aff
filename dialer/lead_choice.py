"""Which of the leads at hand is dialed now, where their order leaves a choice. PURE.

While fewer than two operators would be free for the answers to come, the surest leads go first:
one call brings the conversation, and the number of answers is hardly uncertain. While more are
free, the doubtful ones go: several people may answer then and all are served. A buffer is finite,
so over time its leads are dialed in the proportion in which they come; only the moment differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from dialer.calls import Lead

ENOUGH = 2.0
"""Operators free for answers to come, from which on doubtful leads are dialed."""


def wants_sure(free: float, chances: Iterable[float]) -> bool:
    """Of `free` operators (people who wait for one taken off) and the chances of an answer of the
    calls that ring."""
    return free - sum(chances) < ENOUGH


def in_order(odds: Sequence[float], *, sure: bool) -> list[int]:
    """Places of `odds`, the first to dial first; equal ones keep their order."""
    return sorted(range(len(odds)), key=odds.__getitem__, reverse=sure)


def arranged(
    leads: Sequence[Lead], odds: Sequence[float], overdue: Sequence[bool], *, sure: bool
) -> list[Lead]:
    """`leads` with those of one standing that follow each other in the order to dial.

    A lead without a standing (a callback, one that is dialed again at once, one promised to an
    operator) stays where it is. `overdue`: passed over for so long that it goes first.
    """
    out: list[Lead] = []
    for movable, places in _runs(leads):
        if not movable:
            out += [leads[i] for i in places]
            continue
        first = [i for i in places if overdue[i]]
        rest = [i for i in places if not overdue[i]]
        out += [leads[i] for i in first]
        out += [leads[rest[k]] for k in in_order([odds[i] for i in rest], sure=sure)]
    return out


def _runs(leads: Sequence[Lead]) -> Iterator[tuple[bool, list[int]]]:
    """(whether they may change places, their places) for leads of one standing in a row."""
    for standing, places in groupby(range(len(leads)), lambda i: _standing(leads[i])):
        yield standing is not None, list(places)


def _standing(lead: Lead) -> tuple[int, int] | None:
    pinned = lead.operator_id is not None or lead.callback_id is not None
    return None if pinned else lead.standing
