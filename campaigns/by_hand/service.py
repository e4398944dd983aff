"""What dialing by hand reads and writes: claims of one lead, typed numbers, cards, skips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from campaigns.by_hand.model import (
    ByHandError,
    LeadLook,
    PastAttempt,
    PastSkip,
    asked_by_hand,
    ruled_out,
    why_not,
)
from campaigns.leads.model import after_skip
from campaigns.rules.model import Staff, judge
from campaigns.rules.service import Judged, RulesService, kept_facts
from dialer.calls import Lead
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.store import SQL as STORE_SQL
from dialer.store import Store, utc

if TYPE_CHECKING:
    from dialer.journal import Connection

SQL = Queries.load("campaigns.by_hand")
RELEASE_LEADS = STORE_SQL["release_leads"]
QUERY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class CardDetails:
    """What the database knows of a lead."""

    contact: Mapping[str, Any]
    history: tuple[PastAttempt, ...]
    skips: tuple[PastSkip, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """A card that was not dialed: `read_s` seconds it was open, `at` epoch seconds."""

    id: UUID
    lead: Lead
    operator_id: int
    at: float
    reason: str
    read_s: float


class ByHandService:
    """Use cases in the database, under the lease of the floor's store."""

    def __init__(self, pool: Pool, store: Store) -> None:
        self._pool, self._store = pool, store

    async def campaign(self, name: str) -> Mapping[str, Any] | None:
        """id, mode and status of a campaign of this floor."""
        async with self._session() as connection:
            row: Mapping[str, Any] | None = await connection.fetchrow(
                SQL.campaign_by_name, self._store.floor_id, name
            )
        return row

    async def claim_lead(self, campaign_id: int, lead_id: int) -> Lead:
        """Claims one lead. Raises ByHandError that says why it cannot be dialed."""
        async with self._session() as connection, connection.transaction():
            row = await connection.fetchrow(SQL.look_by_id, campaign_id, lead_id)
            if row is None:
                raise ByHandError(
                    "unknown_lead",
                    404,
                    "this campaign has no such lead",
                    "в этой кампании нет такого лида",
                )
            return await self._claim(connection, campaign_id, LeadLook(**row), typed=False)

    async def claim_number(self, campaign_id: int, e164: str) -> Lead:
        """Claims the lead that has this number, or makes one. Raises ByHandError."""
        async with self._session() as connection, connection.transaction():
            await connection.execute(SQL.one_typist, campaign_id)
            row = await connection.fetchrow(SQL.look_by_number, campaign_id, e164)
            look = LeadLook(**row) if row else await self._make(connection, campaign_id, e164)
            return await self._claim(connection, campaign_id, look, typed=True)

    async def details(self, lead_id: int) -> CardDetails:
        """Contact and history of a lead."""
        async with self._session() as connection:
            contact = await connection.fetchrow(SQL.card, lead_id)
            history = await connection.fetch(SQL.history, lead_id)
            skips = await connection.fetch(SQL.skips, lead_id)
        return CardDetails(
            dict(contact) if contact else {},
            tuple(PastAttempt(**row) for row in history),
            tuple(PastSkip(**row) for row in skips),
        )

    async def skip(self, connection: Connection, skip: Skip) -> None:
        """For the journal."""
        lead = skip.lead
        step = after_skip(approaches=lead.approaches, failures=lead.failures)
        await connection.execute(
            SQL.skip_lead,
            skip.id,
            lead.campaign_id,
            lead.id,
            skip.operator_id,
            utc(skip.at),
            skip.reason,
            skip.read_s,
            self._store.fence,
            step.status,
            step.approaches,
            step.failures,
            step.after_s,
        )

    async def give_back(self, connection: Connection, lead_id: int) -> None:
        """For the journal: a claimed lead that was not dialed, as if it had not been shown."""
        await connection.execute(RELEASE_LEADS, [lead_id], self._store.fence)

    async def revealed(self, login: str, lead_id: int) -> None:
        """An operator asked to see a number: into the audit, before it is shown."""
        async with self._session() as connection:
            await connection.execute(
                SQL.note, login, "number_revealed", f"lead {lead_id}", {"where": "card"}
            )

    def _session(self) -> Any:
        return self._pool.acquire(timeout=QUERY_TIMEOUT_S)

    async def _claim(
        self, connection: Any, campaign_id: int, look: LeadLook, *, typed: bool
    ) -> Lead:
        problem = why_not(look, typed=typed)
        if problem is not None:
            raise problem
        asked_at = datetime.now(UTC)
        judged, needs_consent = await self._judge(connection, campaign_id, look)
        verdict = judged.verdict
        assert verdict.phone is not None
        facts = await connection.fetchval(
            SQL.claim_one,
            look.id,
            self._store.floor_id,
            self._store.fence,
            look.status,
            look.approaches,
            verdict.callback_id,
            verdict.phone.e164,
            kept_facts(judged, needs_consent=needs_consent),
            needs_consent,
            asked_at,
            verdict.open_until,
        )
        if facts is None:
            raise ByHandError(
                "lead_busy",
                409,
                "somebody else has just taken this lead",
                "этот лид только что взял другой",
            )
        return Lead(
            id=look.id,
            campaign_id=campaign_id,
            phone=verdict.phone.e164,
            approaches=look.approaches,
            failures=look.failures,
            max_approaches=look.max_approaches,
            callback_id=verdict.callback_id,
            facts=facts,
        )

    async def _judge(
        self, connection: Any, campaign_id: int, look: LeadLook
    ) -> tuple[Judged, bool]:
        """Every rule of the campaign, and whether it needs consent. Raises ByHandError.

        In the claim's transaction: a lead that was made for a typed number is seen by it alone.
        """
        now = datetime.fromtimestamp(self._store.rules_clock(), UTC)
        service = RulesService(cast(Pool, connection), self._store.floor_id)
        [rules] = await service.campaigns(now, campaign_id)
        [judged] = await service.judge(rules, [look.id], Staff(), now)
        facts = asked_by_hand(judged.lead, look.phone, now)
        verdict = judge(facts, rules.policy, Staff(), now)
        if verdict.phone is None:
            raise ruled_out(verdict)
        return replace(judged, lead=facts, verdict=verdict), rules.needs_consent

    async def _make(self, connection: Any, campaign_id: int, e164: str) -> LeadLook:
        list_id = await connection.fetchval(SQL.typed_list, self._store.floor_id, campaign_id)
        made = await connection.fetchval(SQL.typed_lead, campaign_id, list_id, e164)
        if made is None:
            raise ByHandError(
                "lead_busy",
                409,
                "somebody else has just taken this number",
                "этот номер только что взял другой",
            )
        row = await connection.fetchrow(SQL.look_by_id, campaign_id, made)
        return LeadLook(**row, phone=e164)
