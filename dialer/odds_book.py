"""What the pacer is told of single leads: odds of calls that ring and of the next ones. PURE."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from dialer.calls import Lead
from dialer.lead_choice import arranged, wants_sure
from dialer.lead_odds import Features, LeadOdds, features
from dialer.pacing import Leads

MOST_NEXT = 64
OVERDUE_S = 180.0
"""A lead that was passed over for so long goes first: choosing must not make anybody wait."""


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

    def leads(self, ringing: Iterable[UUID], following: Iterable[Lead], now: float) -> Leads | None:
        """For a decision: `ringing` in the order of `Floor.ringing`, `following` as they would be
        dialed. None while the model is not trusted: all leads are ordinary."""
        if not self.model.trusted:
            return None
        told = tuple(self._placed.get(id, (None, 1.0))[1] for id in ringing)
        near = (lead for lead, _ in zip(following, range(MOST_NEXT), strict=False))
        return Leads(told, tuple(self.model.odds(_features(lead, now)) for lead in near))

    def arrange(
        self, buffer: deque[Lead], ringing: Sequence[UUID], free: float, now: float
    ) -> None:
        """Puts `buffer` in the order to dial now, within what its campaign's order leaves open.

        `free`: operators free, people who wait taken off. Nothing changes until the model is
        trusted.
        """
        self._seen = {lead.id: self._seen.get(lead.id, now) for lead in buffer}
        if not self.model.trusted:
            return
        told = [self._placed.get(id, (None, 1.0)) for id in ringing]
        chances = (self.model.chance(known) for known, _ in told if known is not None)
        leads = tuple(buffer)
        odds = [self.model.odds(_features(lead, now)) for lead in leads]
        overdue = [now - self._seen[lead.id] > OVERDUE_S for lead in leads]
        buffer.clear()
        buffer.extend(arranged(leads, odds, overdue, sure=wants_sure(free, chances)))


def _features(lead: Lead, now: float) -> Features:
    """The hour is that of UTC: what matters is that it is the same one for all leads."""
    at = datetime.fromtimestamp(now, UTC)
    return features(lead.phone, lead.approaches, at.hour, at.weekday())
