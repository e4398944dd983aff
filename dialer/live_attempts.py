"""Attempts on the line, found by id, channel and campaign without a look at all. Memory only.

Every change of an attempt is an assignment here, so that what is counted by campaign is always
right: a decision for thousands of calls must not read thousands of calls five times.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, ValuesView
from dataclasses import dataclass, field
from uuid import UUID

from campaigns.campaign.modes import BY_HAND
from dialer.calls import Answered, Assigned, Attempt, Committing, Conversing, Dialing

MOST_ENDED = 2000
"""Attempts that have ended and whose operators may still wrap up: more than operators."""
OWN_OPERATOR = frozenset({*BY_HAND, "progressive"})
"""Modes whose calls ring for an operator of their own."""


@dataclass(slots=True)
class CampaignCalls:
    """One campaign's attempts by id, in the order they were placed.

    `in_flight`: not answered yet; of these `promised` are those that ring for an operator of their
    own. `waiting`: answered, and nobody named yet.
    """

    all: dict[UUID, Attempt] = field(default_factory=dict)
    in_flight: dict[UUID, Attempt] = field(default_factory=dict)
    promised: dict[UUID, Attempt] = field(default_factory=dict)
    waiting: dict[UUID, Attempt] = field(default_factory=dict)

    def put(self, attempt: Attempt) -> None:
        self.all[attempt.id] = attempt
        if isinstance(attempt, Committing | Dialing):
            self.in_flight[attempt.id] = attempt
            if attempt.mode in OWN_OPERATOR:
                self.promised[attempt.id] = attempt
            return
        self.in_flight.pop(attempt.id, None)
        self.promised.pop(attempt.id, None)
        if isinstance(attempt, Answered):
            self.waiting[attempt.id] = attempt
        else:
            self.waiting.pop(attempt.id, None)

    def drop(self, attempt_id: UUID) -> None:
        for calls in (self.all, self.in_flight, self.promised, self.waiting):
            calls.pop(attempt_id, None)


NO_CALLS = CampaignCalls()


class LiveAttempts(MutableMapping[UUID, Attempt]):
    """Attempt by id."""

    def __init__(self) -> None:
        self._all: dict[UUID, Attempt] = {}
        self._ids: dict[str, UUID] = {}
        self._by_campaign: dict[int, CampaignCalls] = {}
        self._ended: dict[UUID, int] = {}

    def of_campaign(self, campaign_id: int) -> CampaignCalls:
        """To be read only."""
        return self._by_campaign.get(campaign_id, NO_CALLS)

    def by_campaign(self) -> tuple[tuple[int, CampaignCalls], ...]:
        """Every campaign that has calls."""
        return tuple(self._by_campaign.items())

    def of_channel(self, unique_id: str) -> Attempt | None:
        """The attempt whose id is this channel's Uniqueid."""
        attempt_id = self._ids.get(unique_id)
        return None if attempt_id is None else self._all[attempt_id]

    def __setitem__(self, attempt_id: UUID, attempt: Attempt) -> None:
        if attempt_id not in self._all:
            self._ids[str(attempt_id)] = attempt_id
        self._all[attempt_id] = attempt
        self._by_campaign.setdefault(attempt.campaign_id, CampaignCalls()).put(attempt)

    def __delitem__(self, attempt_id: UUID) -> None:
        attempt = self._all.pop(attempt_id)
        del self._ids[str(attempt_id)]
        self._remember(attempt)
        calls = self._by_campaign[attempt.campaign_id]
        calls.drop(attempt_id)
        if not calls.all:
            del self._by_campaign[attempt.campaign_id]

    def campaign_of(self, attempt_id: UUID) -> int | None:
        """The campaign of an attempt that is here, or was connected and ended a while ago."""
        attempt = self._all.get(attempt_id)
        return attempt.campaign_id if attempt is not None else self._ended.get(attempt_id)

    def _remember(self, attempt: Attempt) -> None:
        """Wrap-up goes on when the attempt is over."""
        if not isinstance(attempt, Assigned | Conversing):
            return
        self._ended[attempt.id] = attempt.campaign_id
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    # The rest is what a dict does, for all that is asked often.

    def __getitem__(self, attempt_id: UUID) -> Attempt:
        return self._all[attempt_id]

    def get(  # type: ignore[override]
        self, attempt_id: UUID, default: Attempt | None = None
    ) -> Attempt | None:
        return self._all.get(attempt_id, default)

    def __contains__(self, attempt_id: object) -> bool:
        return attempt_id in self._all

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def values(self) -> ValuesView[Attempt]:
        return self._all.values()
