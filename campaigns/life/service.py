"""Campaigns that begin, pause and end by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from campaigns.campaign.model import FINISH, PAUSE, START, CampaignError, CampaignStatus
from campaigns.campaign.service import CampaignService
from campaigns.life.model import Due, Plan, Progress, due
from dialer.database.pool import Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg

log = structlog.get_logger(__name__)

SQL = Queries.load("campaigns.life")
ACTOR = "prozvon"
"""Who changes statuses in the audit when nobody asked for it."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of a running campaign's goals, and its attempts without an outcome."""

    campaign_id: int
    left: int
    open: tuple[UUID, ...]


class LifeService:
    """Schedule and goals of one floor whose clocks show the time of `zone`."""

    def __init__(
        self, pool: Pool, floor_id: int, campaigns: CampaignService, zone: ZoneInfo
    ) -> None:
        self._pool, self._floor_id = pool, floor_id
        self._campaigns, self._zone = campaigns, zone
        self._told: dict[str, str] = {}

    async def turn(self, now: datetime, trunks: Sequence[str]) -> list[tuple[str, Due]]:
        """Does what is due at `now` (aware): (campaign, what was done)."""
        done = []
        for row in await self._pool.fetch(SQL.lives, self._floor_id):
            status = CampaignStatus(row["status"])
            what = due(status, row["status_since"], _plan(row), _progress(row), now, self._zone)
            if what is not None and await self._do(row["name"], what, trunks):
                done.append((row["name"], what))
        return done

    async def rooms(self) -> list[Room]:
        """What goals of numbers leave to running campaigns."""
        rows = await self._pool.fetch(SQL.rooms, self._floor_id)
        return [Room(row["id"], _left(row), tuple(row["open"])) for row in rows]

    async def _do(self, name: str, what: Due, trunks: Sequence[str]) -> bool:
        """False when it is refused (nothing to dial, no trunk), or somebody was faster."""
        try:
            if what.transition is START:
                await self._campaigns.start(name, ACTOR, trunks, what.reason)
            elif what.transition is PAUSE:
                await self._campaigns.pause(name, ACTOR, what.reason)
            else:
                assert what.transition is FINISH
                await self._campaigns.finish(name, ACTOR, what.reason)
        except CampaignError as error:
            if self._told.get(name) != error.id:
                self._told[name] = error.id
                log.warning("campaign_not_changed", campaign=name, problem=str(error))
            return False
        self._told.pop(name, None)
        log.info("campaign_changed", campaign=name, to=what.transition.new, reason=what.reason)
        return True


def _plan(row: asyncpg.Record) -> Plan:
    return Plan(
        row["schedule_start"],
        row["schedule_stop"],
        row["goal_date"],
        row["goal_conversations"],
        row["goal_decision_makers"],
        row["goal_list_end"],
    )


def _progress(row: asyncpg.Record) -> Progress:
    return Progress(row["conversations"], row["decision_makers"], row["has_leads"], row["has_work"])


def _left(row: asyncpg.Record) -> int:
    goals = (
        (row["goal_conversations"], row["conversations"]),
        (row["goal_decision_makers"], row["decision_makers"]),
    )
    left: int = min(goal - done for goal, done in goals if goal is not None)
    return max(0, left)
