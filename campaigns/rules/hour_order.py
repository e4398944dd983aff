"""The order `best_hour` on a database: ranks of leads, what was learned, the next leads by it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from campaigns.hours.zones import zones_of
from campaigns.list_health.model import BestHours
from campaigns.list_health.service import ListHealthService
from campaigns.rules.best_hour import FIRST_RANK, LAST_RANK, Zones, places, rank_of
from campaigns.rules.service import SQL, CampaignRules
from dialer.database.pool import Pool

BEST_HOUR = "best_hour"
QUARTER_S = 900
"""Zones are whole quarters of an hour apart: hours change nowhere in between."""
LEARN_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What a look found: places by rank; the (priority, rank) that open leads have."""

    mark: object = None
    places: Mapping[int, int] = field(default_factory=dict)
    slots: tuple[tuple[int, int], ...] = ()


class HourOrder:
    """Of one floor. What was learned is kept in memory; without it every hour is as good."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id
        self._health = ListHealthService(pool, floor_id)
        self._learned: dict[int, BestHours] = {}
        self._learned_at: dict[int, float] = {}
        self._turns: dict[int, Turn] = {}
        self._zones: dict[int, Zones] = {}

    async def learn(self) -> list[int]:
        """Looks at the answers for running campaigns of this order, each once an hour.

        Takes seconds where there are millions of attempts: not to be called by what fills queues.
        Returns the ids of campaigns that were looked at.
        """
        rows = await self._pool.fetch(SQL.campaigns, self._floor_id, None)
        ids = [row["id"] for row in rows if row["lead_order"] == BEST_HOUR]
        now = time.monotonic()
        due = [id for id in ids if now - self._learned_at.get(id, -LEARN_EVERY_S) >= LEARN_EVERY_S]
        if due:
            floor = await self._health.best_hours()
            for id in due:
                self._learned[id] = await self._health.best_hours(campaign_id=id, towards=floor)
                self._learned_at[id] = now
        return due

    async def turn(self, campaign: CampaignRules, now: datetime) -> bool:
        """Looks which zones there are and what the hour makes of them.

        True when leads that were put in the queue before have another place now.
        """
        args = (campaign.id, LAST_RANK, FIRST_RANK)
        slots = [(r["priority"], r["rank"]) for r in await self._pool.fetch(SQL.slots, *args)]
        learned = self._learned.get(campaign.id)
        mark = (
            int(now.timestamp()) // QUARTER_S,
            campaign.fingerprint,
            self._learned_at.get(campaign.id),
        )
        before = self._turns.get(campaign.id, Turn())
        ranks = {rank for _, rank in slots}
        by_rank = before.places
        if learned is not None and (mark != before.mark or ranks - by_rank.keys()):
            zone_sets = await self._zone_sets(ranks)
            by_rank = places(zone_sets, learned, campaign.policy.schedule, now)
        self._turns[campaign.id] = Turn(mark, by_rank, tuple(slots))
        return any(before.places.get(rank, 0) != by_rank.get(rank, 0) for rank in ranks)

    def place(self, campaign_id: int, rank: int) -> int:
        """Of a lead, as the last `turn` found it."""
        return self._turns[campaign_id].places.get(rank, 0)

    async def head(self, campaign_id: int, now: datetime, count: int) -> list[Any]:
        """The first `count` leads that are due, without those in the queue already."""
        turn = self._turns[campaign_id]
        columns = ([p for p, _ in turn.slots], [rank for _, rank in turn.slots])
        by_slot = [turn.places.get(rank, 0) for _, rank in turn.slots]
        args = (campaign_id, now, count, *columns, by_slot)
        return list(await self._pool.fetch(SQL.head_of_slots, *args))

    async def rank_some(self, campaign_id: int, begun: int, count: int) -> int | None:
        """Gives leads after id `begun` their zones' rank; returns the last id, None: no more."""
        rows = await self._pool.fetch(SQL.places_of_leads, campaign_id, begun, count)
        if not rows:
            return None
        zones = [zones_of(r["time_zone"], r["region"], r["e164"] or "") for r in rows]
        numbers = await self._numbers(set(zones) - {()})
        ranks = [rank_of(numbers.get(each, 0)) for each in zones]
        await self._pool.execute(SQL.set_ranks, [row["id"] for row in rows], ranks)
        last: int = rows[-1]["id"]
        return last

    async def _zone_sets(self, ranks: set[int]) -> dict[int, Zones]:
        wanted = {FIRST_RANK - rank for rank in ranks} - self._zones.keys()
        if wanted:
            rows = await self._pool.fetch(SQL.zone_sets, list(wanted))
            self._zones |= {row["id"]: tuple(row["zones"]) for row in rows}
        numbers = (FIRST_RANK - rank for rank in ranks)
        return {number: self._zones[number] for number in numbers if number in self._zones}

    async def _numbers(self, wanted: set[Zones]) -> dict[Zones, int]:
        """Ids of sets of zones; what is missing is made."""
        texts = [",".join(zones) for zones in sorted(wanted)]
        rows = await self._pool.fetch(SQL.number_zone_sets, texts)
        missing = wanted - {tuple(row["zones"]) for row in rows}
        if missing:
            texts = [",".join(zones) for zones in sorted(missing)]
            rows += await self._pool.fetch(SQL.add_zone_sets, texts)
        return {tuple(row["zones"]): row["id"] for row in rows}
