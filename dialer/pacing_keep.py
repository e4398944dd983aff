"""A campaign's pacing over restarts and nights: knowledge kept as a row, the ledger from attempts.

The truth about abandoned people is in `attempt`; the ledger is counted from there at every start.
What the engine learned is kept every minute and at the end of the process.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from campaigns.legal.model import Profile, Rules, problems
from campaigns.legal.service import LegalService
from campaigns.refusals import Sentence
from dialer.board import Board, Campaign
from dialer.calls import Answered, Assigned, Conversing
from dialer.journal import Journal
from dialer.lead_odds import restored
from dialer.ledger import DAY_S, Ledger
from dialer.odds_book import OddsBook
from dialer.pacing import PredictivePacer
from dialer.pacing_memory import BadMemory, recall, remember
from dialer.store import Store

log = structlog.get_logger(__name__)

KEEP_S = 60.0
PROFILES_S = 2.0
FLUSH_S = 5.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the law leaves a campaign: share of answered people who may be abandoned in a window.

    `minimum_ring_s`: what rings is given up no earlier. `forbidden`: why it may not dial as it is
    set, None when it may.
    """

    cap: float
    window_s: float
    minimum_ring_s: float
    forbidden: Sentence | None = None


class PacingKeeper:
    """Makes engines for campaigns that begin to run, and keeps what they have learned."""

    def __init__(
        self, board: Board, store: Store, journal: Journal, clock: Callable[[], float]
    ) -> None:
        self._board, self._store, self._journal, self._clock = board, store, journal, clock
        self._legal = LegalService(store.pool, store.floor_id)
        self._profiles: dict[str, Profile] = {}
        self._profiles_at = -math.inf

    async def terms(self, row: Any) -> Terms:
        """Of a campaign's row: its own cap, or its legal profile's where that is lower."""
        now = self._clock()
        if not 0.0 <= now - self._profiles_at < PROFILES_S:
            self._profiles, self._profiles_at = await self._legal.profiles(), now
        profile = self._profiles.get(row["legal_profile"])
        if profile is None:
            name = row["legal_profile"]
            no_profile = Sentence(
                f"there is no legal profile {name}", f"нет правового профиля {name}"
            )
            return Terms(row["max_abandon_rate"], DAY_S, row["ring_timeout_s"], no_profile)
        cap = min(row["max_abandon_rate"], profile.abandonment.max_rate)
        forbidden = None
        if row["mode"] not in profile.modes:
            [found] = [p for p in problems(profile, Rules(mode=row["mode"])) if p.key == "mode"]
            forbidden = found.sentence
        return Terms(cap, profile.abandonment.window_s, profile.minimum_ring_s, forbidden)

    async def engine(self, campaign_id: int, cap: float, window_s: float) -> PredictivePacer:
        """What the campaign knew, with the ledger that its attempts give."""
        await self._journal.flushed(FLUSH_S)  # ends on their way to the database belong to it
        ledger = await self._ledger(campaign_id, cap, window_s)
        kept = await self._store.pacer_state(campaign_id)

        def make() -> PredictivePacer:
            return PredictivePacer(cap, ledger)

        if kept is None:
            return make()
        try:
            return recall(kept, make)
        except BadMemory as error:
            log.warning("pacer_state_not_used", campaign=campaign_id, reason=str(error))
            return make()

    async def odds(self, campaign_id: int) -> OddsBook:
        """What the campaign knew of who answers."""
        kept = await self._store.pacer_state(campaign_id)
        if kept is None or "odds" not in kept:
            return OddsBook()
        try:
            return OddsBook(restored(kept["odds"]))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("lead_odds_not_used", campaign=campaign_id, reason=repr(error))
            return OddsBook()

    async def _ledger(self, campaign_id: int, cap: float, window_s: float) -> Ledger:
        ledger = Ledger(cap, window_s)
        since = self._clock() - window_s
        rows = await self._store.ledger_truth(campaign_id, since, window_s / 1440.0)
        for row in rows:
            ledger.answered(row["at"], row["answered"])
            ledger.abandoned(row["at"], row["abandoned"])
        live = [
            attempt
            for attempt in self._board.attempts.values()
            if attempt.campaign_id == campaign_id
            and isinstance(attempt, Answered | Assigned | Conversing)
        ]
        for attempt in sorted(live, key=lambda a: a.answered_at):
            ledger.answered(attempt.answered_at)
        return ledger

    async def run(self) -> None:
        """Keeps what running campaigns have learned, for ever."""
        while True:
            await asyncio.sleep(KEEP_S)
            self.keep(c for c in self._board.campaigns.values() if c.running)

    def keep(self, campaigns: Iterable[Campaign]) -> None:
        """Queues the state of these campaigns for the database."""
        now = self._clock()
        for campaign in campaigns:
            state = None if campaign.failed else copy.deepcopy(remember(campaign.engine))
            if state is not None:
                state["odds"] = campaign.odds.model.state
            self._journal.write("pacer_state", self._write(campaign.id, now, state))

    def _write(self, campaign_id: int, now: float, state: dict[str, Any] | None) -> Any:
        return lambda c: self._store.keep_pacer_state(c, campaign_id, now, state)
