"""Prepares what is next ahead of time: asks the rules of leads in the campaign's order, and keeps a
queue of those that may be dialed, so that a claim is a short look into an index.

One preparer a floor. What it makes can be thrown away at any time: whatever was changed since is
asked again by the statement that commits an attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from campaigns.refusals import Sentence, joined
from campaigns.rules.hour_order import BEST_HOUR, HourOrder
from campaigns.rules.model import Staff
from campaigns.rules.service import SQL, CampaignRules, Judged, RulesService, kept_facts
from dialer.database.pool import Pool

log = structlog.get_logger(__name__)

READY_LEADS = 300
"""Leads of one campaign kept ready: more than are dialed until the next look."""
BATCH_LEADS = 500
PASS_S = 0.5
"""A campaign whose leads are all kept back is given so much time of one pass."""
RANK_BATCH = 5000
LONGEST_READY_S = 300.0
NEVER = timedelta(days=365)


class Preparer:
    """Fills the queue of one floor. `clock` gives epoch seconds: the time that rules go by."""

    def __init__(
        self,
        pool: Pool,
        floor_id: int,
        clock: Callable[[], float] = time.time,
        *,
        ready_leads: int = READY_LEADS,
        pass_s: float = PASS_S,
    ) -> None:
        self.rules = RulesService(pool, floor_id)
        self.hours = HourOrder(pool, floor_id)
        self.clock = clock
        self._pool, self._floor_id = pool, floor_id
        self._ready_leads, self._pass_s = ready_leads, pass_s
        self._known: dict[int, str] = {}
        self.contradictions: dict[int, Sentence | None] = {}
        """Why a running campaign may not dial at all, by its id."""
        self.fresh: frozenset[int] = frozenset()
        """Ids of campaigns for which the last pass found leads."""

    async def fill(self) -> int:
        """One pass over all running campaigns; returns how many leads came into the queue."""
        now = self._now()
        campaigns = await self.rules.campaigns(now)
        await self._forget(campaigns, now)
        staff = await self.rules.staff() if campaigns else None
        added: dict[int, int] = {}
        for campaign in campaigns:
            await self._follow_changes(campaign, now)
            wrong = [c.sentence for c in campaign.contradictions]
            self.contradictions[campaign.id] = joined(wrong) if wrong else None
            if not wrong and staff is not None:
                added[campaign.id] = await self._fill(campaign, staff)
        self.fresh = frozenset(id for id, leads in added.items() if leads)
        return sum(added.values())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    async def _forget(self, campaigns: Sequence[CampaignRules], now: datetime) -> None:
        long_ago = now - timedelta(seconds=LONGEST_READY_S)
        await self._pool.execute(SQL.forget_expired, self._floor_id, now, long_ago)
        running = [c.id for c in campaigns if not c.contradictions]
        await self._pool.execute(SQL.forget_stopped, self._floor_id, running)
        for gone in self._known.keys() - {c.id for c in campaigns}:
            del self._known[gone]
            self.contradictions.pop(gone, None)

    async def _follow_changes(self, campaign: CampaignRules, now: datetime) -> None:
        """Settings, profile or calendar changed: what they kept back is asked again."""
        if self._known.get(campaign.id) != campaign.fingerprint:
            await self._pool.execute(SQL.forget_campaign, campaign.id)
            asked = await self._pool.fetch(SQL.ask_again, campaign.id, now, RANK_BATCH)
            if len(asked) < RANK_BATCH:
                self._known[campaign.id] = campaign.fingerprint
        await self._rank(campaign)
        if _by_hour(campaign) and await self.hours.turn(campaign, now):
            await self._pool.execute(SQL.forget_campaign, campaign.id)

    async def _rank(self, campaign: CampaignRules) -> None:
        row = campaign.row
        weights = row["list_weights"]
        wanted = f"mix {sorted(weights.items())}" if weights else row["lead_order"]
        if wanted == row["ranked_as"] == "waiting":
            return
        begun = row["ranked_to"] if row["ranked_as"] == wanted else 0
        last = await self._pool.fetchval(SQL.last_lead, campaign.id)
        if begun >= last:
            return
        if weights:
            await self._pool.execute(SQL.rank_mix, campaign.id, timeout=900)
        elif wanted == BEST_HOUR:
            last = await self.hours.rank_some(campaign.id, begun, RANK_BATCH) or last
        else:
            args = (campaign.id, begun, wanted, RANK_BATCH)
            last = await self._pool.fetchval(SQL.rank_some, *args) or last
        await self._pool.execute(SQL.ranked, campaign.id, wanted, last)
        await self._pool.execute(SQL.forget_campaign, campaign.id)

    async def _fill(self, campaign: CampaignRules, staff: Staff) -> int:
        """Until enough leads are ready, none is due, or the pass's time is over."""
        deadline, added, now = time.monotonic() + self._pass_s, 0, self._now()
        due = await self._pool.fetch(SQL.due_callbacks, campaign.id, now, BATCH_LEADS)
        while True:
            now = self._now()
            head = await self._head(campaign, now)
            ids = list(dict.fromkeys(row["id"] for row in (*due, *head)))[:BATCH_LEADS]
            due = []
            if not ids:
                return added
            judged = await self.rules.judge(campaign, ids, staff, now)
            fresh = await self._sort(campaign, judged, now)
            added += fresh
            if fresh == len(ids) < BATCH_LEADS or time.monotonic() > deadline:
                return added

    async def _head(self, campaign: CampaignRules, now: datetime) -> Sequence[Any]:
        if _by_hour(campaign):
            return await self.hours.head(campaign.id, now, self._ready_leads)
        return await self._pool.fetch(SQL.head, campaign.id, now, self._ready_leads)

    async def _sort(self, campaign: CampaignRules, judged: Sequence[Judged], now: datetime) -> int:
        good = [j for j in judged if j.verdict.phone is not None]
        bad = [j for j in judged if j.verdict.phone is None]
        if bad:
            await self._keep_back(bad, now)
        if good:
            await self._enqueue(campaign, good)
        return len(good)

    async def _enqueue(self, campaign: CampaignRules, good: Sequence[Judged]) -> None:
        def place(rank: int) -> int:
            return self.hours.place(campaign.id, rank) if _by_hour(campaign) else rank

        columns = zip(*(_ready_row(j, campaign.needs_consent, place) for j in good), strict=True)
        await self._pool.execute(
            SQL.enqueue,
            self._floor_id,
            campaign.id,
            campaign.needs_consent,
            self._now(),
            *(list(column) for column in columns),
        )

    async def _keep_back(self, bad: Sequence[Judged], now: datetime) -> None:
        escalated = [j.lead.callback.id for j in bad if j.verdict.escalates and j.lead.callback]
        if escalated:
            log.warning("callbacks_escalated", callbacks=escalated)
            await self._pool.execute(SQL.escalate, escalated)
        closed = [j for j in bad if j.verdict.closes]
        if closed:
            rules = [j.verdict.closes for j in closed]
            await self._pool.execute(SQL.close_leads, [j.lead.id for j in closed], rules)
        rest = [j for j in bad if not j.verdict.closes]
        if rest:
            await self._pool.execute(
                SQL.postpone,
                [j.lead.id for j in rest],
                [j.verdict.again_at or now + NEVER for j in rest],
                [j.verdict.rule for j in rest],
                [j.lead.next_at for j in rest],
            )


def _by_hour(campaign: CampaignRules) -> bool:
    return bool(campaign.row["lead_order"] == BEST_HOUR and not campaign.row["list_weights"])


def _ready_row(
    judged: Judged, needs_consent: bool, place: Callable[[int], int]
) -> tuple[object, ...]:
    """`place`: of a lead's rank in the queue."""
    row, verdict, lead = judged.row, judged.verdict, judged.lead
    assert verdict.phone is not None
    due = lead.callback.at if verdict.callback_id and lead.callback else lead.next_at
    return (
        lead.id,
        verdict.callback_id,
        row["priority"],
        place(row["rank"]),
        due,
        verdict.phone.e164,
        kept_facts(judged, needs_consent=needs_consent),
        lead.approaches,
        row["failures"],
        verdict.operator_id,
        verdict.open_until,
    )
