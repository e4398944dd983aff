"""What the controller reads and writes in PostgreSQL: epoch seconds outside, UTC inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from campaigns.dispositions.model import Disposal
from campaigns.leads.model import NextStep
from dialer.calls import Attempt, Conversing, Ended, Lead
from dialer.database.queries import Queries
from dialer.journal import Row
from dialer.operators import StateChange
from dialer.pacing import Decision

if TYPE_CHECKING:
    from dialer.journal import Connection

SQL = Queries.load("dialer")
ROWS = {
    **dict.fromkeys(("open_shift", "change_state", "close_shift"), 0),
    "call_created": 1,
    "call_ended": 2,
    "log_decision": 3,
}
"""Statements of the journal's rows, and which may not come before which (`Row.order`).

What belongs to shifts keeps the order it came in: an operator has one open shift at most, so one
must be closed before the next is opened."""
ATTEMPT_ROWS = 4
"""The order of what belongs to one attempt: it may name a shift that has just been opened."""


class LeaseHeld(Exception):
    """Another controller has the floor."""


@dataclass(frozen=True, slots=True)
class Dial:
    """What is committed together with an attempt besides the attempt itself."""

    trunk_id: int
    dial_operator_id: int | None
    dial_interval_s: float | None
    operator_dial_interval_s: float | None


def utc(at: float | None) -> datetime | None:
    """Epoch seconds to what PostgreSQL takes."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def attempt_row(attempt_id: UUID, sql: str, *values: object, together: bool = False) -> Row:
    """A statement about one attempt; its id is the first value."""
    return Row(ATTEMPT_ROWS, sql, (attempt_id, *values), attempt_id, together)


def _row(name: str, *values: object) -> Row:
    return Row(ROWS[name], SQL[name], values)


def _together(name: str, key: Hashable, *values: object) -> Row:
    """Of a statement that takes many at once; `key` tells those of one thing."""
    return Row(ROWS[name], SQL[name], values, key, together=True)


class Store:
    """Named queries of one floor under one lease. `fence` is set by `lease`."""

    def __init__(self, pool: asyncpg.Pool, floor_id: int, node_id: int) -> None:
        self.pool = pool
        self.floor_id, self.node_id = floor_id, node_id
        self.fence = 0
        self.rules_clock: Callable[[], float] = time.time
        """Epoch seconds: the time that rules go by."""

    async def lease(self, holder: str, ttl_s: float, dead_holders: Sequence[str]) -> None:
        """Takes the floor. Raises LeaseHeld that names who has it and until when."""
        fence = await self.pool.fetchval(
            SQL["lease_floor"], self.floor_id, holder, ttl_s, [holder, *dead_holders]
        )
        if fence is None:
            row = await self.pool.fetchrow(SQL["lease_holder"], self.floor_id)
            assert row is not None
            raise LeaseHeld(
                f"the floor is held by {row['lease_holder']} until "
                f"{row['lease_expires_at']:%H:%M:%S} UTC; "
                "stop that controller or wait until its lease ends"
            )
        self.fence = fence

    async def lease_holder(self) -> tuple[str | None, float | None]:
        """(who holds the floor, until when)."""
        row = await self.pool.fetchrow(SQL["lease_holder"], self.floor_id)
        expires_at = row["lease_expires_at"] if row else None
        return (row["lease_holder"] if row else None), expires_at and expires_at.timestamp()

    async def renew_lease(self, ttl_s: float) -> bool:
        """False when another controller took the floor over."""
        row = await self.pool.fetchval(SQL["renew_lease"], self.floor_id, self.fence, ttl_s)
        return row is not None

    async def holds_lease(self, connection: Connection) -> bool:
        """Whether nobody took the floor over since `lease`, also when the lease has run out."""
        fence = await connection.fetchval(SQL["lease_fence"], self.floor_id)
        return bool(fence == self.fence)

    async def release_lease(self) -> None:
        await self.pool.execute(SQL["release_lease"], self.floor_id, self.fence)

    async def running_campaigns(self) -> list[asyncpg.Record]:
        return await self.pool.fetch(SQL["running_campaigns"], self.floor_id)

    async def claim(
        self, campaign_id: int, count: int, max_approaches: int, operators: Sequence[int] = ()
    ) -> list[Lead]:
        """The next leads of a campaign that are ready, claimed for this lease: those for anyone,
        and those promised to one of `operators` (ids)."""
        rows = await self.pool.fetch(
            SQL["claim_leads"],
            campaign_id,
            count,
            self.fence,
            utc(self.rules_clock()),
            self.floor_id,
            list(operators),
        )
        return [
            Lead(
                r["id"],
                campaign_id,
                r["phone"],
                r["approaches"],
                r["failures"],
                max_approaches,
                r["operator_id"],
                r["callback_id"],
                r["facts"],
                (r["priority"], r["rank"]) if r["cold"] else None,
            )
            for r in rows
        ]

    async def release_leads(self, lead_ids: Sequence[int]) -> None:
        await self.pool.execute(SQL["release_leads"], list(lead_ids), self.fence)

    async def postpone_lead(self, lead_id: int, seconds: float) -> None:
        """Gives a claimed lead back, due again after `seconds`."""
        await self.pool.execute(SQL["postpone_lead"], lead_id, self.fence, seconds)

    async def release_lost_claims(self, known: Sequence[int]) -> None:
        """Gives back leads that are claimed for this lease and not among `known`."""
        await self.pool.execute(SQL["release_lost_claims"], self.floor_id, self.fence, list(known))

    async def release_stale_leads(self) -> None:
        await self.pool.execute(SQL["release_stale_leads"], self.floor_id, self.fence)

    async def next_due(
        self, campaign_id: int, max_approaches: int
    ) -> tuple[float | None, int, str | None]:
        """(when the next lead may be dialed, how many are left, the rule that keeps that one)."""
        row = await self.pool.fetchrow(SQL["next_due"], campaign_id, max_approaches)
        assert row is not None
        due = row["next_at"]
        return (due.timestamp() if due else None), row["leads"], row["kept_by"]

    async def commit_attempt(self, attempt: Attempt, dial: Dial) -> bool:
        """Commits before dialing. False: the race for the lead was lost; do not dial."""
        return attempt.id in await self.commit_attempts([(attempt, dial)])

    async def commit_attempts(self, wanted: Sequence[tuple[Attempt, Dial]]) -> set[UUID]:
        """Commits attempts of one campaign; the ids of those that may be dialed."""
        try:
            return await self._commit(wanted)
        except asyncpg.UniqueViolationError:
            if len(wanted) == 1:
                return set()  # another campaign has just begun to dial this phone
        found: set[UUID] = set()
        for one in wanted:
            found |= await self.commit_attempts([one])
        return found

    async def _commit(self, wanted: Sequence[tuple[Attempt, Dial]]) -> set[UUID]:
        columns = zip(
            *(
                (
                    attempt.id,
                    attempt.lead.id,
                    attempt.lead.phone,
                    attempt.lead.approaches,
                    attempt.lead.failures,
                    dial.trunk_id,
                    dial.dial_operator_id,
                    dial.dial_interval_s,
                    dial.operator_dial_interval_s,
                    utc(attempt.placed_at),
                    attempt.recording,
                    attempt.mode,
                )
                for attempt, dial in wanted
            ),
            strict=True,
        )
        rows = await self.pool.fetch(
            SQL["commit_attempts"],
            self.floor_id,
            self.fence,
            utc(self.rules_clock()),
            wanted[0][0].campaign_id,
            self.node_id,
            *columns,
        )
        return {row["id"] for row in rows}

    async def why_not_committed(self, lead: Lead) -> dict[str, Any]:
        row = await self.pool.fetchrow(
            SQL["why_not_committed"], lead.id, lead.phone, utc(self.rules_clock())
        )
        return dict(row) if row else {"lead_status": "gone"}

    async def operator(self, login: str) -> asyncpg.Record | None:
        return await self.pool.fetchrow(SQL["operator_by_login"], self.floor_id, login)

    async def open_shifts(self) -> list[asyncpg.Record]:
        return await self.pool.fetch(SQL["open_shifts"], self.floor_id)

    async def open_attempts(self) -> list[asyncpg.Record]:
        return await self.pool.fetch(SQL["open_attempts"], self.floor_id)

    async def last_dials(self) -> dict[int, float]:
        rows = await self.pool.fetch(SQL["last_dials"], self.floor_id)
        return {r["campaign_id"]: r["placed_at"].timestamp() for r in rows}

    async def dispositions(self) -> list[asyncpg.Record]:
        return await self.pool.fetch(SQL["dispositions"], self.floor_id)

    async def forget_decisions(self) -> None:
        await self.pool.execute(SQL["forget_decisions"])

    # --- what the journal writes, each idempotent

    async def withdraw(self, connection: Connection, attempt: Attempt) -> None:
        async with connection.transaction():
            await connection.execute(SQL["lock_lead"], attempt.lead.id)
            gone = await connection.fetchval(SQL["withdraw_attempt"], attempt.id)
            await connection.execute(
                SQL["withdraw_lead"], attempt.lead.id, self.fence, gone is not None
            )

    def bridged(self, attempt: Conversing, operator_id: int, shift_id: UUID) -> Row:
        times = (utc(attempt.rang_at), utc(attempt.answered_at), utc(attempt.bridged_at))
        return attempt_row(attempt.id, SQL["attempt_bridged"], *times, operator_id, shift_id)

    def finish(
        self, ended: Ended, operator_id: int | None, shift_id: UUID | None, step: NextStep
    ) -> Row:
        return attempt_row(
            ended.id,
            SQL["finish_attempts"],
            utc(ended.rang_at),
            utc(ended.answered_at),
            utc(ended.bridged_at),
            utc(ended.ended_at),
            operator_id,
            shift_id,
            ended.outcome.value,
            ended.ended_by.value,
            ended.cause,
            ended.sip_code,
            step.status,
            step.approaches,
            step.failures,
            step.after_s,
            step.phone,
            together=True,
        )

    async def pass_on(self, connection: Connection, lead: Lead) -> bool:
        """Claims again a lead whose call no trunk took up. False: something else came first."""
        done = await connection.fetchval(
            SQL["pass_on"],
            *(lead.id, self.floor_id, self.fence, lead.phone, dict(lead.facts)),
            *(lead.callback_id, lead.operator_id, datetime.now(UTC)),
        )
        return done is not None

    def call_created(
        self,
        call_id: str,
        channel: str,
        at: float,
        *,
        attempt_id: UUID | None = None,
        shift_id: UUID | None = None,
        trunk_id: int | None = None,
    ) -> Row:
        direction = "operator" if attempt_id is None else "out"
        ids = (attempt_id, shift_id, trunk_id)
        values = (call_id, self.node_id, direction, *ids, channel, utc(at))
        return _together("call_created", call_id, *values)

    def call_ended(
        self, call_id: str, answered_at: float | None, at: float, cause: int | None
    ) -> Row:
        values = (self.node_id, call_id, utc(answered_at), utc(at), cause)
        return _together("call_ended", call_id, *values)

    def open_shift(
        self, shift_id: UUID, operator_id: int, at: float, state: str = "connecting"
    ) -> Row:
        """`state`: the first one; a phone that is rung for each call needs no connecting."""
        where = (self.floor_id, self.node_id)
        return _row("open_shift", shift_id, operator_id, *where, utc(at), state)

    def change_state(self, change: StateChange) -> Row:
        new = change.new
        entered = (new.kind.value, new.why, new.attempt, utc(new.since))
        return _row("change_state", change.shift_id, change.seq, *entered)

    def close_shift(self, shift_id: UUID, at: float) -> Row:
        return _row("close_shift", shift_id, utc(at))

    def log_decision(self, campaign_id: int, at: float, decision: Decision) -> Row:
        reason = decision.reason
        why = (decision.calls, decision.limited_by, reason.en, reason.ru, decision.asked)
        return _together("log_decision", (campaign_id, at), campaign_id, utc(at), *why)

    async def dispose(
        self,
        connection: Connection,
        attempt_id: UUID,
        disposal: Disposal,
        at: float,
    ) -> None:
        await connection.execute(
            SQL["dispose"],
            attempt_id,
            self.floor_id,
            disposal.code,
            utc(at),
            disposal.note,
            dict(disposal.answers or {}),
            disposal.callback_at,
            disposal.callback_same_operator,
        )

    async def opt_out(self, connection: Connection, attempt_id: UUID) -> None:
        await connection.execute(SQL["opt_out"], attempt_id)

    def keep_key(self, attempt_id: UUID, step: str, key: str) -> Row:
        return attempt_row(attempt_id, SQL["keep_key"], step, key)

    async def pacer_state(self, campaign_id: int) -> dict[str, Any] | None:
        """What the campaign's pacing had learned when it was last kept."""
        state: dict[str, Any] | None = await self.pool.fetchval(SQL["pacer_state"], campaign_id)
        return state

    async def keep_pacer_state(
        self, connection: Connection, campaign_id: int, at: float, state: dict[str, Any] | None
    ) -> None:
        await connection.execute(SQL["keep_pacer_state"], campaign_id, utc(at), state)

    async def ledger_truth(
        self, campaign_id: int, since: float, step_s: float
    ) -> list[asyncpg.Record]:
        """(at, answered, abandoned) of ended attempts, oldest first."""
        return await self.pool.fetch(SQL["ledger_truth"], campaign_id, utc(since), step_s)
