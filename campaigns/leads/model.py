"""PURE. What an attempt's outcome does to its lead.

Defaults: at most 4 approaches, a repeat in 2 days; busy sooner; what trunk or node did costs no
approach and is tried again soon, ever more gently, for two days: an outage of the provider costs
no lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dialer.outcomes import CANCELS, EndedBy, Outcome, costs_approach

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S

# 0 is usual, the higher comes first.
MOST_PRIORITY = 1000

PAUSE_S: dict[Outcome, float] = {
    Outcome.NO_ANSWER: 4 * HOUR_S,
    Outcome.BUSY: HOUR_S / 2,
    Outcome.REJECTED: 2 * DAY_S,
    Outcome.MACHINE: 4 * HOUR_S,
    Outcome.ANSWERED: 2 * DAY_S,  # answered, hung up before an operator: no conversation
    Outcome.ABANDONED: 3 * DAY_S,  # Ofcom: no repeat within 72 h of an abandoned call
    Outcome.UNKNOWN: 4 * HOUR_S,
}
FIRST_FAILURE_PAUSE_S = 60.0
SKIP_PAUSE_S = 4 * HOUR_S
LONGEST_FAILURE_PAUSE_S = 4 * HOUR_S
MAX_FAILURES = 20

LeadStatus = Literal["retry", "done"]


@dataclass(frozen=True, slots=True)
class NextStep:
    """What becomes of the lead: `after_s` is the pause before the next dial (0 when done);
    `phone` the position of the contact's phone to dial then, None: the same one."""

    status: LeadStatus
    approaches: int
    failures: int
    after_s: float
    phone: int | None = None


def after_outcome(
    outcome: Outcome,
    *,
    conversed: bool,
    ended_by: EndedBy | None,
    approaches: int,
    failures: int,
    max_approaches: int,
) -> NextStep:
    """The lead's next step after an attempt with `outcome`.

    `approaches` and `failures` are the counts before this attempt.
    """
    if costs_approach(outcome, ended_by):
        return _approached(outcome, conversed, approaches + 1, failures, max_approaches)
    if ended_by in CANCELS:  # taken back by us: not the lead's nor the trunk's doing
        return NextStep("retry", approaches, failures, FIRST_FAILURE_PAUSE_S)
    return _failed(approaches, failures + 1)


def after_skip(*, approaches: int, failures: int) -> NextStep:
    """The lead's next step when an operator read its card and did not dial: nobody was called."""
    return NextStep("retry", approaches, failures, SKIP_PAUSE_S)


def _approached(
    outcome: Outcome, conversed: bool, approaches: int, failures: int, max_approaches: int
) -> NextStep:
    final = outcome is Outcome.INVALID or (outcome is Outcome.ANSWERED and conversed)
    if final or approaches >= max_approaches:
        return NextStep("done", approaches, failures, 0.0)
    return NextStep("retry", approaches, failures, PAUSE_S[outcome])


def _failed(approaches: int, failures: int) -> NextStep:
    if failures >= MAX_FAILURES:
        return NextStep("done", approaches, failures, 0.0)
    pause = min(FIRST_FAILURE_PAUSE_S * 2 ** (failures - 1), LONGEST_FAILURE_PAUSE_S)
    return NextStep("retry", approaches, failures, pause)
