"""What the running campaigns dial next: campaigns as the database has them, leads claimed ahead.

Leads come in batches into a small buffer for each campaign, so that no decision waits for the
database; what a campaign that stops has not dialed is given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from campaigns.broadcast.sounds import trouble
from campaigns.campaign.modes import BROADCAST
from campaigns.message.sounds import trouble as message_trouble
from campaigns.pacing.words import LIMITED_BY
from campaigns.refusals import Sentence, joined
from campaigns.rules.preparer import Preparer
from dialer.board import Board, Campaign
from dialer.journal import CONNECTION_ERRORS
from dialer.lead_choice import at_hand
from dialer.operators import Paused
from dialer.pacing import PredictivePacer
from dialer.pacing_keep import PacingKeeper, Terms
from dialer.store import Store

log = structlog.get_logger(__name__)

CLAIM_RETRY_S = 1.0
CHECK_CLAIMS_S = 60.0
HOURS_CLOSED = "hours_closed"
FINISHED = Sentence("the list is finished", "база закончилась")
CAMPAIGN_KEYS = (
    "id",
    "name",
    "mode",
    "language",
    "caller_ids",
    "trunks",
    "ring_timeout_s",
    "post_dial_delay_s",
    "wrap_up_limit_s",
    "recording",
    "max_approaches",
    "weight",
    "max_lines",
    "lines_per_operator",
    "retry",
    "preview_limit_s",
    "preview_at_limit",
    "waiting_sound",
    "broadcast",
    "message",
)


class Feed:
    """Keeps the board's campaigns and their buffers as they should be."""

    def __init__(
        self,
        board: Board,
        store: Store,
        keeper: PacingKeeper,
        preparer: Preparer,
        clock: Callable[[], float],
    ) -> None:
        self._board, self._store, self._keeper, self._clock = board, store, keeper, clock
        self._preparer = preparer
        self._check_claims_at = 0.0
        self.on_change: Callable[[], None] = lambda: None

    async def watch(self, every_s: float = 0.5) -> None:
        """Follows what is running in the database; keeps each running campaign's buffer filled."""
        last: dict[int, float] = {}
        while True:
            try:
                if not last and not self._board.campaigns:
                    last = await self._store.last_dials()
                if self._clock() >= self._check_claims_at or self._board.database_error:
                    await self._release_lost_claims()
                await self._follow(await self._store.running_campaigns(), last)
                if not self._board.draining:
                    await self._preparer.fill()
                await self._fill_buffers()
                self._board.database_error = ""
            except CONNECTION_ERRORS as error:
                self._board.database_error = repr(error)
            await asyncio.sleep(every_s)

    async def _release_lost_claims(self) -> None:
        """A claim whose answer was lost on the way left leads that nobody would ever dial."""
        self._check_claims_at = self._clock() + CHECK_CLAIMS_S
        known = [lead.id for c in self._board.campaigns.values() for lead in c.buffer]
        known += [attempt.lead.id for attempt in self._board.attempts.values()]
        known += [lead for c in self._board.campaigns.values() for lead in c.stranded]
        known += self._board.passed_on
        known += [card.lead.id for card in self._board.cards.values()]
        await self._store.release_lost_claims(known)

    async def _follow(self, rows: list[Any], last: dict[int, float]) -> None:
        running = {row["id"] for row in rows}
        for campaign in self._board.campaigns.values():
            campaign.running = campaign.id in running
        for row in rows:
            await self._take_campaign(row, last)
        self.on_change()

    async def _take_campaign(self, row: Any, last: dict[int, float]) -> None:
        known = self._board.campaigns.get(row["id"])
        if row["trunks"] and not set(row["trunks"]) & self._board.trunks.keys():
            log.error("campaign_without_trunk", campaign=row["name"], trunks=row["trunks"])
            return
        values = {key: row[key] for key in CAMPAIGN_KEYS}
        values |= {key: tuple(row[key]) for key in ("caller_ids", "trunks")}
        values["skills"] = frozenset(row["skills"])
        terms = await self._keeper.terms(row)
        if known is None or known.abandon_window_s != terms.window_s:
            engine = await self._keeper.engine(row["id"], terms.cap, terms.window_s)
            before, known = known, self._new_campaign(known, values, terms, engine, last)
            known.odds = before.odds if before else await self._keeper.odds(known.id)
        if known.mode != row["mode"]:
            known.set_mode(row["mode"])
        known.set_cap(terms.cap)
        known.forbidden, known.minimum_ring_s = terms.forbidden, terms.minimum_ring_s
        if row["goal_conversations"] or row["goal_decision_makers"]:
            known.goal.wanted = True  # nothing is dialed before the first count
        for key, value in values.items():
            if key != "mode":
                setattr(known, key, value)
        known.sound_trouble = message_trouble(known.message, known.language)
        if known.mode == BROADCAST:
            known.sound_trouble = trouble(known.broadcast)

    def _new_campaign(
        self,
        known: Campaign | None,
        values: dict[str, Any],
        terms: Terms,
        engine: PredictivePacer,
        last: dict[int, float],
    ) -> Campaign:
        """On the board from now on; `known`: the same campaign under another window."""
        campaign = Campaign(
            **values,
            max_abandon_rate=terms.cap,
            abandon_window_s=terms.window_s,
            engine=engine,
        )
        campaign.last_dial_at = known.last_dial_at if known else last.get(campaign.id)
        if known is not None:
            campaign.buffer = known.buffer
        self._board.campaigns[campaign.id] = campaign
        return campaign

    async def _fill_buffers(self) -> None:
        for campaign in tuple(self._board.campaigns.values()):
            await self._postpone_stranded(campaign)
            await self._give_back_promised(campaign)
            low = campaign.free_leads() < at_hand(len(self._board.seats)) // 2
            if campaign.id in self._preparer.fresh:  # what has just become ready is not waited for
                campaign.claim_again_at = 0.0
            if not campaign.running or self._board.draining or campaign.mode == "manual":
                await self._empty_buffer(campaign)
            elif low and self._clock() >= campaign.claim_again_at:
                await self._claim(campaign)

    async def _postpone_stranded(self, campaign: Campaign) -> None:
        """Leads that no trunk takes now go back for a while, and others are claimed."""
        for lead, pause_s in tuple(campaign.stranded.items()):
            await self._store.postpone_lead(lead, pause_s)
            del campaign.stranded[lead]

    async def release_buffers(self) -> None:
        """Gives back what was claimed and not dialed."""
        for campaign in self._board.campaigns.values():
            await self._postpone_stranded(campaign)
            await self._empty_buffer(campaign)

    async def _empty_buffer(self, campaign: Campaign) -> None:
        leads = [lead.id for lead in campaign.buffer]
        campaign.buffer.clear()  # first: what is being given back must not be dialed
        for lead in leads:
            self._board.passed_on.pop(lead, None)
        if leads:
            await self._store.release_leads(leads)

    async def _claim(self, campaign: Campaign) -> None:
        promised = self._without_promise(campaign)
        leads = await self._store.claim(
            campaign.id, at_hand(len(self._board.seats)), campaign.max_approaches, promised
        )
        campaign.buffer.extend(leads)
        if leads:
            campaign.leads_limit, campaign.leads_note = "leads", None
            self.on_change()
        else:
            await self._note_no_leads(campaign)

    def _without_promise(self, campaign: Campaign) -> list[int]:
        """Operators at work who have no lead of their own in the buffer."""
        waiting = {lead.operator_id for lead in campaign.buffer}
        seats = [s for s in self._board.seats.values() if not isinstance(s.state, Paused)]
        return [seat.operator_id for seat in seats if seat.operator_id not in waiting]

    async def _give_back_promised(self, campaign: Campaign) -> None:
        """Leads of operators who have left: the rules decide anew who gets them."""
        here = {seat.operator_id for seat in self._board.seats.values()}
        lost = [
            x for x in campaign.buffer if x.operator_id is not None and x.operator_id not in here
        ]
        for lead in lost:
            campaign.buffer.remove(lead)
        if lost:
            await self._store.release_leads([lead.id for lead in lost])

    async def _note_no_leads(self, campaign: Campaign) -> None:
        campaign.claim_again_at = self._clock() + CLAIM_RETRY_S
        due, left, kept_by = await self._store.next_due(campaign.id, campaign.max_approaches)
        barred = self._preparer.contradictions.get(campaign.id)
        closed = kept_by == HOURS_CLOSED and due is not None and due > self._clock()
        campaign.leads_limit = "rules" if barred else "hours" if closed else "leads"
        if barred:
            campaign.leads_note = barred
        elif due is None:
            campaign.leads_note = FINISHED
        else:
            minutes = f"{max(0.0, due - self._clock()) / 60:.0f}"
            wait = Sentence(
                f"{left} leads wait, the next is due in {minutes} min",
                f"ждут лиды: {left}, следующий через {minutes} мин",
            )
            campaign.leads_note = joined((wait, LIMITED_BY["hours"]), ", ") if closed else wait
