"""Phones in the browser: logins that end by themselves, are renewed by their page, and are audited.

A login is made for one operator; the one before stops working with it, and so does the operator's
SIP password until the phone is set back to SIP (`OperatorService.set_phone_kind`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from campaigns.operators.model import PhoneLogin, new_phone
from campaigns.operators.service import SQL
from dialer.asterisk.phones import PhoneKind
from dialer.database.pool import Pool
from dialer.refusal import Refusal

log = structlog.get_logger(__name__)


class BrowserPhoneError(Refusal):
    """A browser phone's login cannot be made or is not accepted."""


class NodePhones(Protocol):
    """What is needed of `dialer.asterisk.phones.PhoneProvisioner`."""

    async def add(self, login: str, *, ha1: str, kind: PhoneKind) -> None: ...

    async def remove(self, login: str) -> None: ...


@dataclass(frozen=True, slots=True)
class BrowserLogin:
    """What the page registers with. The password is kept nowhere: it is shown once."""

    login: str
    phone: PhoneLogin
    expires_at: datetime


class BrowserPhones:
    """Use cases of one floor's browser phones. `actor` is who asks, for the audit."""

    def __init__(
        self, pool: Pool, floor_id: int, lifetime_s: float, clock: Callable[[], datetime]
    ) -> None:
        self._pool, self._floor_id, self._clock = pool, floor_id, clock
        self._lifetime = timedelta(seconds=lifetime_s)

    async def issue(self, login: str, actor: str, phones: NodePhones) -> BrowserLogin:
        """A new login, working on the node at once; the one before does not work any more.

        Raises BrowserPhoneError `unknown_operator`, and what the node raises: then the new login
        begins to work when the node is back.
        """
        made = BrowserLogin(login, new_phone(login), self._clock() + self._lifetime)
        async with self._pool.acquire() as connection, connection.transaction():
            operator_id = await connection.fetchval(SQL.use_browser, self._floor_id, login)
            if operator_id is None:
                raise BrowserPhoneError(
                    "unknown_operator",
                    404,
                    f"there is no operator {login}",
                    f"нет оператора {login}",
                )
            await connection.execute(SQL.end_browser_login, operator_id)
            values = (operator_id, made.phone.ha1, actor, made.expires_at)
            await connection.execute(SQL.add_browser_login, *values)
            details = {"expires_at": made.expires_at.isoformat()}
            await self._note(connection, actor, "browser_phone_issued", login, details)
        await phones.add(login, ha1=made.phone.ha1, kind=PhoneKind.BROWSER)
        log.info("browser_phone_issued", login=login, expires_at=made.expires_at.isoformat())
        return made

    async def check(self, login: str, password: str) -> None:
        """That this is the operator's living login. Raises BrowserPhoneError `phone_login`."""
        given = PhoneLogin(f"op-{login}", password).ha1
        known = await self._pool.fetchval(SQL.browser_login, self._floor_id, login, self._clock())
        if not hmac.compare_digest(given, known or ""):
            raise BrowserPhoneError(
                "phone_login",
                401,
                "this phone's login is not known or its time is over; ask for a new link",
                "вход этого телефона неизвестен или истёк; попросите новую ссылку",
            )

    async def expire(self, phones: NodePhones) -> list[str]:
        """Takes phones whose login's time is over from the node; a call in progress goes on.

        Returns whose they were. Raises what the node raises; safe to repeat.
        """
        rows = await self._pool.fetch(SQL.expired_browser_logins, self._floor_id, self._clock())
        for row in rows:
            await phones.remove(row["login"])
            async with self._pool.acquire() as connection, connection.transaction():
                if await connection.fetchval(SQL.end_expired_login, row["id"]) is not None:
                    await self._note(
                        connection, "expiry", "browser_phone_expired", row["login"], {}
                    )
            log.info("browser_phone_expired", login=row["login"])
        return [row["login"] for row in rows]

    async def _note(
        self, connection: Any, actor: str, action: str, login: str, details: dict[str, Any]
    ) -> None:
        await connection.execute(SQL.note, actor, action, f"operator {login}", details)
