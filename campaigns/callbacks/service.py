"""Callbacks of a floor: agree on one, look, cancel, give to somebody else.

Used by commands and by the desk's disposition. The queue of what is next takes a callback before
cold leads, and dials it for its operator (`campaigns.rules.model.who`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from campaigns.refusals import Refusal
from dialer.database.pool import Connection, Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Session = Connection | PoolConnectionProxy[asyncpg.Record]

SQL = Queries.load("campaigns.callbacks")
QUERY_TIMEOUT_S = 30.0
LONGEST = timedelta(days=366)
OPEN = ("waiting", "dialing", "escalated")
STATUSES = (*OPEN, "done", "missed", "canceled")
ESCALATIONS = ("anyone", "supervisor")
GRACE_S = 600.0


class CallbackError(Refusal):
    """A callback cannot be agreed, found or changed."""


@dataclass(frozen=True, slots=True)
class NewCallback:
    """`operator` is a login, None: anyone. After `grace_s` seconds without that operator it goes
    to `anyone` or waits for the `supervisor`. `phone` None: the contact's phones in turn."""

    lead_id: int
    at: datetime
    operator: str | None = None
    phone: str | None = None
    grace_s: float = GRACE_S
    escalation: str = "anyone"
    note: str = ""


class CallbackService:
    """Use cases of callbacks. Wrong requests raise CallbackError."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def add(self, new: NewCallback, actor: str) -> int:
        """The callback's id; an earlier one of the lead is canceled.

        Raises CallbackError `bad_callback`, `unknown_lead`, `unknown_operator`.
        """
        async with self._session() as connection, connection.transaction():
            return await self.add_in(connection, new, actor)

    async def add_in(self, connection: Session, new: NewCallback, actor: str) -> int:
        """The same inside the caller's transaction."""
        _check(new)
        lead = await connection.fetchrow(SQL.of_lead, self._floor_id, new.lead_id)
        if lead is None:
            raise CallbackError(
                "unknown_lead", f"there is no lead {new.lead_id}", f"нет лида {new.lead_id}",
                status=404,
            )  # fmt: skip
        operator = await self._operator(connection, new.operator)
        await connection.execute(SQL.cancel_open, new.lead_id)
        found: int = await connection.fetchval(
            SQL.add,
            *(self._floor_id, lead["campaign_id"], new.lead_id, new.phone, new.at, operator),
            *(new.grace_s, new.escalation, new.note, actor),
        )
        await connection.execute(SQL.open_lead, new.lead_id, new.at)
        await connection.execute(SQL.forget_ready, new.lead_id)
        return found

    async def add_for_attempt(
        self,
        connection: Session,
        attempt_id: UUID,
        at: datetime,
        actor: str,
        *,
        operator: str | None = None,
        note: str = "",
    ) -> int:
        """Agreed in the conversation of this attempt, for the phone that was talked over."""
        row = await connection.fetchrow(SQL.lead_of_attempt, attempt_id, self._floor_id)
        if row is None:
            raise CallbackError(
                "unknown_attempt", f"there is no attempt {attempt_id}", f"нет набора {attempt_id}",
                status=404,
            )  # fmt: skip
        new = NewCallback(row["lead_id"], at, operator, row["phone"], note=note)
        return await self.add_in(connection, new, actor)

    async def cancel(self, callback_id: int, actor: str) -> None:
        """Raises CallbackError `unknown_callback`."""
        async with self._session() as connection, connection.transaction():
            lead = await connection.fetchval(SQL.cancel, self._floor_id, callback_id)
            if lead is None:
                raise _unknown(callback_id)
            subject = f"callback {callback_id}"
            await connection.execute(SQL.note, actor, "callback_canceled", subject, {"lead": lead})

    async def reassign(
        self, callback_id: int, operator: str | None, actor: str, at: datetime | None = None
    ) -> None:
        """To another operator or to anyone, by default now.

        Raises CallbackError `bad_callback`, `unknown_callback`, `unknown_operator`.
        """
        moment = at or datetime.now(UTC)
        _check_time(moment)
        async with self._session() as connection, connection.transaction():
            operator_id = await self._operator(connection, operator)
            lead = await connection.fetchval(
                SQL.reassign, self._floor_id, callback_id, operator_id, moment
            )
            if lead is None:
                raise _unknown(callback_id)
            await connection.execute(SQL.open_lead, lead, moment)
            await connection.execute(SQL.forget_ready, lead)
            details = {"lead": lead, "operator": operator, "at": moment.isoformat()}
            subject = f"callback {callback_id}"
            await connection.execute(SQL.note, actor, "callback_given", subject, details)

    async def callbacks(
        self, statuses: tuple[str, ...] = OPEN, operator: str | None = None, limit: int = 200
    ) -> list[dict[str, Any]]:
        """Callbacks in these statuses, the next first. Raises CallbackError `bad_value`."""
        if unknown := sorted(set(statuses) - set(STATUSES)):
            raise CallbackError(
                "bad_value",
                f"no status {', '.join(unknown)}; one of: {', '.join(STATUSES)}",
                f"нет статуса {', '.join(unknown)}; есть: {', '.join(STATUSES)}",
                status=422,
            )
        rows = await self._pool.fetch(
            SQL.callbacks, self._floor_id, list(statuses), operator, limit
        )
        return [dict(row) for row in rows]

    async def _operator(self, connection: Session, login: str | None) -> int | None:
        if login is None:
            return None
        found: int | None = await connection.fetchval(SQL.find_operator, self._floor_id, login)
        if found is None:
            raise CallbackError(
                "unknown_operator", f"no operator {login}", f"нет оператора {login}", status=404
            )
        return found

    def _session(self) -> Any:
        return self._pool.acquire(timeout=QUERY_TIMEOUT_S)


def _check_time(at: datetime) -> None:
    now = datetime.now(UTC)
    if not now - timedelta(days=1) <= at <= now + LONGEST:
        raise CallbackError(
            "bad_callback",
            "give a time from now to a year ahead",
            "время перезвона должно быть в пределах года от текущего момента",
            status=422,
        )


def _check(new: NewCallback) -> None:
    _check_time(new.at)
    if new.escalation not in ESCALATIONS or not 0 <= new.grace_s <= 7 * 86_400:
        raise CallbackError(
            "bad_callback",
            f"escalation is {' or '.join(ESCALATIONS)}, grace 0 to 604800 seconds",
            f"эскалация: {' или '.join(ESCALATIONS)}, отсрочка от 0 до 604800 секунд",
            status=422,
        )


def _unknown(callback_id: int) -> CallbackError:
    return CallbackError(
        "unknown_callback",
        f"there is no open callback {callback_id}; see prozvon callback list",
        f"нет открытого перезвона {callback_id}; см. prozvon callback list",
        status=404,
    )
