"""A floor with a running campaign, as tests of the store and of the journal need it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from campaigns.dispositions.model import Disposal
from campaigns.leads.model import HOUR_S, NextStep
from campaigns.legal.service import LegalService
from campaigns.rules.preparer import Preparer
from dialer.calls import Attempt, Committing, Ended, Lead, Placed
from dialer.database.pool import Pool
from dialer.demo.rules import OPEN_PROFILE
from dialer.ids import new_id
from dialer.operators import StateChange
from dialer.store import SQL, Dial, Store
from tests.database.staff import TestFloor

NOW = float(int(time.time()))
DONE = NextStep("done", 1, 0, 0.0)
LATER = NextStep("retry", 1, 0, 4 * HOUR_S)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


@dataclass
class Floor:
    """A running campaign with leads, and the store of the controller that holds the floor."""

    rows: TestFloor
    store: Store
    campaign_id: int

    @property
    def pool(self) -> Pool:
        return self.rows.pool

    async def add_leads(self, count: int) -> list[int]:
        first = await self.pool.fetchval("select count(*) from contact")
        await self.rows.add_list(f"list {first}", count, first)
        made = await self.pool.fetch(
            "insert into lead (campaign_id, contact_id) select $1, id from contact "
            "where id not in (select contact_id from lead where campaign_id = $1) returning id",
            self.campaign_id,
        )
        return [row["id"] for row in made]

    async def claim(self, count: int = 100, store: Store | None = None) -> list[Lead]:
        """Out of the queue, prepared to the last lead that is due."""
        await self.prepare()
        return await (store or self.store).claim(self.campaign_id, count, 4)

    async def prepare(self) -> int:
        return await Preparer(self.pool, self.rows.id, ready_leads=1000).fill()

    async def is_claimed(self, lead_id: int) -> bool:
        found: bool = await self.pool.fetchval(
            "select exists (select from ready where lead_id = $1 and claimed_fence is not null)",
            lead_id,
        )
        return found

    async def claimed_lead(self) -> Lead:
        await self.add_leads(1)
        [lead] = await self.claim(1)
        return lead

    def attempt(self, lead: Lead, recording: str | None = None) -> Committing:
        return Committing(
            id=new_id(NOW),
            campaign_id=self.campaign_id,
            lead=lead,
            trunk="carrier",
            placed_at=NOW,
            recording=recording,
        )

    async def commit(self, attempt: Attempt, store: Store | None = None) -> bool:
        dial = Dial(self.rows.trunk_id, None, 1.5, None)
        return await (store or self.store).commit_attempt(attempt, dial)

    async def dialed(self, recording: str | None = None) -> Placed:
        """A new lead's attempt, committed."""
        attempt = self.attempt(await self.claimed_lead(), recording)
        assert await self.commit(attempt)
        return attempt.placed()

    async def write(self, work: Callable[[Any], Awaitable[None]]) -> None:
        async with self.pool.acquire() as connection:
            await work(connection)

    async def finish(self, ended: Ended, step: NextStep = LATER) -> None:
        await self.write(self.store.finish(ended, None, None, step))

    async def dispose(self, attempt: Attempt, code: str, at: float = NOW + 70) -> None:
        await self.write(lambda c: self.store.dispose(c, attempt.id, Disposal(code, "a note"), at))

    async def lead(self, lead_id: int) -> asyncpg.Record:
        row = await self.pool.fetchrow("select * from lead where id = $1", lead_id)
        assert row is not None
        return row

    async def attempt_row(self, attempt: Attempt) -> asyncpg.Record | None:
        return await self.pool.fetchrow("select * from attempt where id = $1", attempt.id)

    async def forbid(self, phone: str) -> None:
        await self.pool.execute(
            "insert into do_not_call (floor_id, e164, source) values ($1, $2, 'import')",
            self.rows.id,
            phone,
        )

    async def sign_in(self, login: str, at: float = NOW) -> tuple[int, UUID]:
        """(operator, shift), both new."""
        operator_id, shift_id = await self.rows.add_operator(login), new_id(at)
        await self.write(self.store.open_shift(shift_id, operator_id, at))
        return operator_id, shift_id

    async def change_state(self, change: StateChange) -> None:
        await self.write(self.store.change_state(change))

    async def states(self, shift_id: UUID) -> list[tuple[Any, ...]]:
        rows = await self.pool.fetch(
            "select seq, state, reason, started_at, ended_at from shift_state "
            "where shift_id = $1 order by seq",
            shift_id,
        )
        return [tuple(row) for row in rows]


async def running_floor(pool: Pool) -> Floor:
    """Held by the controller named first; its rules allow a call at any hour."""
    rows = await TestFloor.make(pool)
    await LegalService(pool, rows.id).define(OPEN_PROFILE, "tester")
    await pool.execute(SQL["ensure_dispositions"], rows.id)
    campaign_id = await pool.fetchval(
        "insert into campaign (floor_id, trunk_id, name, status) values ($1, $2, 'c', 'running') "
        "returning id",
        rows.id,
        rows.trunk_id,
    )
    store = Store(pool, rows.id, rows.node_id)
    await store.lease("first", 15, [])
    return Floor(rows, store, campaign_id)
