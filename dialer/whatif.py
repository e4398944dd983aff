"""What would other operators, hours or another mode give: the same engine in virtual time. PURE.

A `Plan` is one question; `trial` runs one replication of it; `outlook_of` turns replications into
means with 95 % confidence intervals (Student's t).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dialer.ledger import Ledger
from dialer.pacing import Pacer, PredictivePacer, ProgressivePacer
from dialer.pacing_sim import Scenario, Shift, Simulation

MODES = ("progressive", "predictive")
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign as it would be worked.

    `leads` wait to be dialed and take `dials_per_lead` dials each until they are done (0 leads:
    nothing is said of the end of the list); `cap` is the share of answered people who may be
    abandoned within `window_s`.
    """

    scenario: Scenario
    mode: str = "predictive"
    cap: float = 0.03
    window_s: float = 86_400.0
    leads: int = 0
    dials_per_lead: float = 1.0

    def with_operators(self, operators: int) -> Plan:
        return replace(self, scenario=replace(self.scenario, operators=operators))

    def in_mode(self, mode: str) -> Plan:
        return replace(self, mode=mode)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and half the width of its 95 % confidence interval (None with one replication)."""

    mean: float
    half_width: float | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan would give. Seconds; `abandoned` and `utilisation` are shares."""

    operators: int
    mode: str
    replications: int
    conversations_per_operator_hour: Estimate
    wait_s: Estimate
    utilisation: Estimate
    abandoned: Estimate
    over_cap: int
    lines_needed: int
    days_to_finish: Estimate | None


def pacer_for(plan: Plan) -> Pacer:
    """The product's own pacers."""
    if plan.mode == "progressive":
        return ProgressivePacer(plan.cap)
    return PredictivePacer(plan.cap, Ledger(plan.cap, plan.window_s))


def trial(plan: Plan, seed: int, told: Callable[[float], None] = lambda seconds: None) -> Shift:
    """One replication; `told` hears the virtual seconds done, once for every decision."""
    simulation = Simulation(plan.scenario, pacer_for(plan), seed)
    for seconds in simulation.run():
        told(seconds)
    return simulation.shift


def outlook_of(plan: Plan, shifts: Sequence[Shift]) -> Outlook:
    """Means over replications of one plan. Raises ValueError without any."""
    if not shifts:
        raise ValueError("no replications")
    return Outlook(
        operators=plan.scenario.operators,
        mode=plan.mode,
        replications=len(shifts),
        conversations_per_operator_hour=estimate([shift.per_hour for shift in shifts]),
        wait_s=estimate([shift.wait_s for shift in shifts]),
        utilisation=estimate([shift.utilisation for shift in shifts]),
        abandoned=estimate([shift.abandon_rate for shift in shifts]),
        over_cap=sum(shift.abandon_rate > plan.cap for shift in shifts),
        lines_needed=max(shift.most_lines for shift in shifts),
        days_to_finish=_days(plan, shifts),
    )


def _days(plan: Plan, shifts: Sequence[Shift]) -> Estimate | None:
    dials = plan.leads * plan.dials_per_lead
    if not dials or not all(shift.placed for shift in shifts):
        return None
    return estimate([dials / shift.placed for shift in shifts])


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and half the width of Student's 95 % interval."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(mean)
    t = _T95[len(values) - 2] if len(values) - 2 < len(_T95) else 1.96
    return Estimate(mean, t * statistics.stdev(values) / math.sqrt(len(values)))


def dials_per_lead(answered: float, approaches: int) -> float:
    """Dials of a lead until it is answered or `approaches` are made, each with this chance."""
    if answered <= 0.0:
        return float(approaches)
    return (1.0 - (1.0 - answered) ** approaches) / answered
