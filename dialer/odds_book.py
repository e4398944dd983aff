"""What the pacer is told of single leads: odds of calls that ring and of the next ones. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from dialer.calls import Lead
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


def _features(lead: Lead, now: float) -> Features:
    """The hour is that of UTC: what matters is that it is the same one for all leads."""
    at = datetime.fromtimestamp(now, UTC)
    return features(lead.phone, lead.approaches, at.hour, at.weekday())
