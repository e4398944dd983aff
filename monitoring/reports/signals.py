"""PURE. Operators who are far off the others on the same list: the rule of the report `signals`.

Two operators on one list meet the same people, so what differs is how they dial. Each figure of an
operator is set beside the median of all operators on that list, the operator included.

A lead is of the operator whose first touch it was: the first dial that says anything of it. Leads
of everybody who ever dialed them would not add up over days, and who dials what others have tried
before would look patient: such leads are not closed after one approach.

An operator has a say in a median with a base of at least ENOUGH (own hang-ups: ENOUGH_HANG_UPS);
there is a median where at least PEERS operators have. Then the operator is marked as far off when

- a share (not reached, short conversations, dials without waiting, leads closed after the first
  touch) is at least FAR_SHARE above the median m, and more than SIGMAS standard errors of a share
  among n: sqrt(p (1 - p) / n) with p = (m n + 1) / (n + 2), Laplace's rule of succession, so that a
  median of 0 is no certainty;
- ringing before own hang-ups is at most FAR_RING of the median.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Literal, get_args

PEERS = 3
ENOUGH, ENOUGH_HANG_UPS = 20, 5
FAR_SHARE, SIGMAS = 0.1, 3.0
FAR_RING = 0.5
HASTY_S = 10.0
"""An own hang-up sooner than this, s of ringing, is a dial without waiting; the migration that made
`report_hasty` has it too."""

Measure = Literal["not_reached", "given_up_ring", "short", "hasty", "first_touch"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, slots=True)
class Worked:
    """What one operator did on one list. `given_up_ring_s`: median s of ringing before own
    hang-ups, of which `given_up_rang` rang; all else are counts, `leads` of those touched first."""

    operator_id: int
    list_id: int
    dials: int = 0
    told: int = 0
    not_reached: int = 0
    given_up_rang: int = 0
    given_up_ring_s: float | None = None
    hasty: int = 0
    conversations: int = 0
    short: int = 0
    leads: int = 0
    first_touch: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """Own figures and the list's medians by measure (None: nothing to say), and what is far off.

    `peers`: operators who worked on the list in the period, this one included.
    """

    worked: Worked
    own: Mapping[Measure, float | None]
    medians: Mapping[Measure, float | None]
    far: tuple[Measure, ...]
    peers: int


def signals(everybody: Iterable[Worked]) -> list[Signal]:
    """One for each operator and list, in the order given."""
    rows = list(everybody)
    on: dict[int, list[Worked]] = defaultdict(list)
    for row in rows:
        on[row.list_id].append(row)
    medians = {list_id: _medians(peers) for list_id, peers in on.items()}
    return [_signal(row, medians[row.list_id], len(on[row.list_id])) for row in rows]


def figure(row: Worked, measure: Measure) -> tuple[float | None, int]:
    """An operator's own figure (a share 0..1, or s) and of how many it is."""
    if measure == "given_up_ring":
        return row.given_up_ring_s, row.given_up_rang
    part, base = {
        "not_reached": (row.not_reached, row.told),
        "short": (row.short, row.conversations),
        "hasty": (row.hasty, row.dials),
        "first_touch": (row.first_touch, row.leads),
    }[measure]
    return (part / base if base else None), base


def is_far(measure: Measure, value: float, base: int, middle: float) -> bool:
    """Whether a figure of `base` is far off the median `middle`, by the rule above."""
    if base < _enough(measure):
        return False
    if measure == "given_up_ring":
        return value <= FAR_RING * middle
    p = (middle * base + 1) / (base + 2)
    off = value - middle
    return off >= FAR_SHARE and off > SIGMAS * sqrt(p * (1 - p) / base)


def _enough(measure: Measure) -> int:
    return ENOUGH_HANG_UPS if measure == "given_up_ring" else ENOUGH


def _medians(peers: Sequence[Worked]) -> dict[Measure, float | None]:
    found: dict[Measure, float | None] = {}
    for measure in MEASURES:
        figures = [figure(one, measure) for one in peers]
        said = [value for value, base in figures if value is not None and base >= _enough(measure)]
        found[measure] = median(said) if len(said) >= PEERS else None
    return found


def _signal(row: Worked, medians: Mapping[Measure, float | None], peers: int) -> Signal:
    own: dict[Measure, float | None] = {}
    far = []
    for measure in MEASURES:
        value, base = figure(row, measure)
        middle, own[measure] = medians[measure], value
        if value is not None and middle is not None and is_far(measure, value, base, middle):
            far.append(measure)
    return Signal(row, own, medians, tuple(far), peers)
