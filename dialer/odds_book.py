"""What the pacer is told of single leads: odds of calls that ring and of the next ones. PURE."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from dialer.calls import Lead
from dialer.lead_choice import OVERDUE_S
from dialer.lead_odds import Features, LeadOdds, features
from dialer.pacing import Leads

MOST_NEXT = 64


class OddsBook:
    """One campaign's model and the odds that its calls in flight were placed with.

    The pacer must hear the odds of a call's end that it was told at its beginning.
    """

    def __init__(self, model: LeadOdds | None = None) -> None:
        self.model = model if model is not None else LeadOdds()
        self._placed: dict[UUID, tuple[Features, float]] = {}
        self._seen: dict[int, float] = {}

    def placed(self, attempt: UUID, lead: Lead, now: float) -> None:
        """A call to `lead` begins at `now` (epoch seconds)."""
        known = _features(lead, now)
        self._placed[attempt] = known, self.model.odds(known) if self.model.trusted else 1.0

    def ended(self, attempt: UUID, *, answered: bool) -> float:
        """The call was answered by a person or failed; the odds it was placed with."""
        known, odds = self._placed.pop(attempt, (None, 1.0))
        if known is not None:
            self.model.ended(known, answered)
        return odds

    def forget(self, attempt: UUID) -> None:
        """The call ended without telling anything (it was withdrawn, or cancelled by us)."""
        self._placed.pop(attempt, None)

    def leads(self, ringing: Iterable[UUID], buffer: deque[Lead], now: float) -> Leads | None:
        """For a decision: `ringing` in the order of `Floor.ringing`, and the leads at hand with
        what their order leaves open. None while the model is not trusted: all are ordinary.

        Leads that were passed over for long come to the front of their own standing.
        """
        self._seen = {lead.id: self._seen.get(lead.id, now) for lead in buffer}
        if not self.model.trusted:
            return None
        runs = list(_runs(buffer, [now - self._seen[lead.id] > OVERDUE_S for lead in buffer]))
        leads = [lead for run in runs for lead in run]
        buffer.clear()
        buffer.extend(leads)
        told = tuple(self._placed.get(id, (None, 1.0))[1] for id in ringing)
        odds = tuple(self.model.odds(_features(lead, now)) for lead in leads[:MOST_NEXT])
        numbers = [number for number, run in enumerate(runs) for _ in run]
        return Leads(told, odds, tuple(numbers[:MOST_NEXT]))


def chosen(buffer: deque[Lead], picks: Sequence[int]) -> None:
    """Brings the leads at these places to the front of `buffer`, in this order."""
    if not picks:
        return
    leads, first = list(buffer), set(picks)
    buffer.clear()
    buffer.extend(leads[i] for i in picks)
    buffer.extend(lead for i, lead in enumerate(leads) if i not in first)


def _runs(leads: Iterable[Lead], overdue: Sequence[bool]) -> Iterator[list[Lead]]:
    """Leads that may change places, run by run, in the order to dial.

    A lead without a standing (a callback, one that is dialed again at once, one promised to an
    operator) is a run of its own, and so is one that is `overdue`.
    """
    for standing, group in groupby(zip(leads, overdue, strict=True), lambda x: _standing(x[0])):
        pairs = list(group)
        free = [lead for lead, late in pairs if not late]
        yield from ([lead] for lead, late in pairs if late or standing is None)
        if free and standing is not None:
            yield free


def _standing(lead: Lead) -> tuple[int, int] | None:
    pinned = lead.operator_id is not None or lead.callback_id is not None
    return None if pinned else lead.standing


def _features(lead: Lead, now: float) -> Features:
    """The hour is that of UTC: what matters is that it is the same one for all leads."""
    at = datetime.fromtimestamp(now, UTC)
    return features(lead.phone, lead.approaches, at.hour, at.weekday(), lead.facts.get("list"))
