"""Campaigns: make one from lists, start, pause, stop, and see how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from campaigns.campaign.model import (
    LEAD_STATUSES,
    OUTCOMES,
    PAUSE,
    START,
    STOP,
    CampaignError,
    CampaignState,
    CampaignStatus,
    Created,
    LastDecision,
    NewCampaign,
    Transition,
    check,
    counts,
    refusal,
)
from dialer.database.pool import Connection, Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    # Generic in the stubs alone, as dialer.database.pool has it.
    Session = Connection | PoolConnectionProxy[asyncpg.Record]

SQL = Queries.load("campaigns.campaign")
QUERY_TIMEOUT_S = 30.0
ANY_TRUNK = "any"
# A lead for each of some millions of contacts, in one statement.
LEADS_TIMEOUT_S = 900.0


class CampaignService:
    """Use cases of campaigns of one floor, dialed on the node named `node`.

    `actor` is who asks, for the audit. Wrong requests raise CampaignError.
    """

    def __init__(self, pool: Pool, floor_id: int, node: str) -> None:
        self._pool, self._floor_id, self._node = pool, floor_id, node

    async def create(self, new: NewCampaign, actor: str) -> Created:
        """Makes the campaign, in draft, and a lead for every contact of its lists, or nothing.

        Raises CampaignError `bad_value`, `unknown_list`, `unknown_trunk`, `campaign_exists`.
        """
        check(new)
        async with self._session() as connection, connection.transaction():
            await connection.execute(SQL.allow_long_work, f"{LEADS_TIMEOUT_S * 1000:.0f}")
            lists = await self._list_ids(connection, new.lists)
            campaign_id = await self._insert(connection, new)
            await connection.execute(SQL.use_lists, campaign_id, lists)
            for position, trunk in enumerate(new.further_trunks, 1):
                trunk_id = await self._trunk_id(connection, trunk)
                await connection.execute(SQL.use_trunk, campaign_id, trunk_id, position)
            leads = await connection.fetchval(SQL.make_leads, campaign_id, timeout=LEADS_TIMEOUT_S)
            details = {"lists": list(new.lists), "leads": leads}
            await self._note(connection, actor, "campaign_created", new.name, details)
        return Created(campaign_id, new.name, leads)

    async def start(self, name: str, actor: str, trunks: Sequence[str]) -> CampaignStatus:
        """From draft, paused or stopped to running. `trunks`: names that the settings have.

        Raises CampaignError `unknown_campaign`, `wrong_state`, `no_leads`, `no_trunk`.
        """
        async with self._session() as connection, connection.transaction():
            row = await self._find(connection, name)
            if row["status"] in START.old:
                _check_startable(name, row, trunks)
            return await self._change(connection, name, START, actor)

    async def pause(self, name: str, actor: str) -> CampaignStatus:
        """From running to paused: no new calls; conversations go on."""
        return await self._move(name, PAUSE, actor)

    async def stop(self, name: str, actor: str) -> CampaignStatus:
        """From running or paused to stopped. It may be started again."""
        return await self._move(name, STOP, actor)

    async def status(self, name: str | None = None) -> list[CampaignState]:
        """How the campaigns stand, oldest first. Raises CampaignError `unknown_campaign`."""
        async with self._session() as connection:
            rows = await connection.fetch(SQL.campaigns, self._floor_id, name)
            if name is not None and not rows:
                raise _unknown(name)
            ids = [row["id"] for row in rows]
            leads = await connection.fetch(SQL.leads_by_status, ids)
            attempts = await connection.fetch(SQL.attempts_by_outcome, ids)
            decisions = await connection.fetch(SQL.last_decisions, ids)
        return [
            _state(row, _of(row, leads), _of(row, attempts), _of(row, decisions)) for row in rows
        ]

    def _session(self) -> Any:
        return self._pool.acquire(timeout=QUERY_TIMEOUT_S)

    async def _list_ids(self, connection: Session, names: Sequence[str]) -> list[int]:
        rows = await connection.fetch(SQL.find_lists, self._floor_id, list(names))
        unknown = sorted(set(names) - {row["name"] for row in rows})
        if unknown:
            raise CampaignError(
                "unknown_list",
                f"there is no list named {' or '.join(map(repr, unknown))}; see "
                "`prozvon list show`, or import one: prozvon list import FILE",
            )
        return [row["id"] for row in rows]

    async def _insert(self, connection: Session, new: NewCampaign) -> int:
        trunk_id = await self._trunk_id(connection, new.trunk) if new.trunk else None
        values = (new.mode, new.language, new.caller_id, new.ring_timeout_s, new.post_dial_delay_s)
        limits = (new.wrap_up_limit_s, new.recording, new.max_approaches)
        further = list(new.further_caller_ids)
        campaign_id: int | None = await connection.fetchval(
            SQL.make_campaign, self._floor_id, trunk_id, new.name, *values, *limits, further
        )
        if campaign_id is None:
            raise CampaignError(
                "campaign_exists", f"there is a campaign {new.name!r} already; choose another name"
            )
        return campaign_id

    async def _trunk_id(self, connection: Session, name: str) -> int:
        trunk_id: int | None = await connection.fetchval(SQL.find_trunk, self._node, name)
        if trunk_id is None:
            raise CampaignError(
                "unknown_trunk",
                f"the node {self._node!r} has no trunk {name!r}; name one of the settings' "
                "[[trunks]]",
            )
        return trunk_id

    async def _move(self, name: str, transition: Transition, actor: str) -> CampaignStatus:
        async with self._session() as connection, connection.transaction():
            await self._find(connection, name)
            return await self._change(connection, name, transition, actor)

    async def _find(self, connection: Session, name: str) -> asyncpg.Record:
        row = await connection.fetchrow(SQL.find_campaign, self._floor_id, name)
        if row is None:
            raise _unknown(name)
        return row

    async def _change(
        self, connection: Session, name: str, transition: Transition, actor: str
    ) -> CampaignStatus:
        old, new = list(transition.old), transition.new
        changed = await connection.fetchval(SQL.change_status, self._floor_id, name, old, new)
        if changed is None:
            row = await self._find(connection, name)
            raise refusal(name, row["status"], transition)
        await self._note(connection, actor, f"campaign_{new}", name, {})
        return new

    async def _note(
        self, connection: Session, actor: str, action: str, name: str, details: dict[str, Any]
    ) -> None:
        await connection.execute(SQL.note, actor, action, f"campaign {name}", details)


def _check_startable(name: str, row: asyncpg.Record, trunks: Sequence[str]) -> None:
    named = row["trunks"]
    if not trunks or (named and not set(named) & set(trunks)):
        over = f"the trunk {' or '.join(map(repr, named))}" if named else "any trunk"
        raise CampaignError(
            "no_trunk",
            f"the campaign {name!r} dials over {over}, which the settings do not have; add it to "
            "[[trunks]]",
        )
    if not row["has_leads"]:
        raise CampaignError(
            "no_leads", f"the campaign {name!r} has no leads: its lists were empty when it was made"
        )
    if not row["has_work"]:
        raise CampaignError(
            "no_leads", f"every lead of the campaign {name!r} is done; make one with another list"
        )


def _unknown(name: str) -> CampaignError:
    return CampaignError(
        "unknown_campaign", f"there is no campaign {name!r}; see `prozvon campaign status`"
    )


def _of(campaign: asyncpg.Record, rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    return [row for row in rows if row["campaign_id"] == campaign["id"]]


def _state(
    row: asyncpg.Record,
    leads: list[asyncpg.Record],
    attempts: list[asyncpg.Record],
    decisions: list[asyncpg.Record],
) -> CampaignState:
    outcomes = {r["outcome"]: r["count"] for r in attempts}
    return CampaignState(
        name=row["name"],
        status=CampaignStatus(row["status"]),
        mode=row["mode"],
        trunk=", ".join(row["trunks"]) or ANY_TRUNK,
        lists=tuple(row["lists"]),
        leads=counts({r["status"]: r["count"] for r in leads}, LEAD_STATUSES),
        attempts=sum(outcomes.values()),
        in_progress=outcomes.pop(None, 0),
        outcomes=counts(outcomes, OUTCOMES),
        conversations=sum(r["conversations"] for r in attempts),
        last_decision=_decision(decisions[0]) if decisions else None,
    )


def _decision(row: asyncpg.Record) -> LastDecision:
    return LastDecision(row["at"], row["placed"], row["limited_by"], row["reason"])
