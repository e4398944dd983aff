"""Consent of persons to be called: add, withdraw, look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.refusals import Refusal
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.consent")
QUERY_TIMEOUT_S = 30.0


class ConsentError(Refusal):
    """A consent cannot be recorded or found."""


@dataclass(frozen=True, slots=True)
class NewConsent:
    """`evidence` says how it can be proved (a form's number, a recording, a page); `campaign` by
    name, None: for every campaign."""

    phone: str
    source: str
    evidence: str
    given_at: datetime
    campaign: str | None = None
    until: datetime | None = None


class ConsentService:
    """Use cases of consent of one floor. Wrong requests raise ConsentError."""

    def __init__(self, pool: Pool, floor_id: int, region: str = "RU") -> None:
        self._pool, self._floor_id, self._region = pool, floor_id, region

    async def add(self, new: NewConsent, actor: str) -> int:
        """The record's id. Raises ConsentError `bad_consent`, `unknown_campaign`."""
        e164 = self._phone(new.phone)
        self._check(new)
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            campaign = None
            if new.campaign is not None:
                campaign = await connection.fetchval(
                    SQL.find_campaign, self._floor_id, new.campaign
                )
                if campaign is None:
                    raise ConsentError(
                        "unknown_campaign",
                        f"there is no campaign {new.campaign!r}",
                        f"нет кампании {new.campaign!r}",
                        status=404,
                    )
            found: int = await connection.fetchval(
                SQL.add,
                *(self._floor_id, campaign, e164, new.source, new.evidence),
                *(new.given_at, new.until, actor),
            )
            await connection.execute(SQL.wake, self._floor_id, [e164])
            await connection.execute(SQL.note, actor, "consent_added", f"consent {found}", {})
        return found

    async def withdraw(self, phone: str, actor: str) -> int:
        """How many records ended. Effective for the next dial. Raises ConsentError `no_consent`."""
        e164 = self._phone(phone)
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            ended = await connection.fetch(SQL.withdraw, self._floor_id, e164, datetime.now(UTC))
            if not ended:
                raise ConsentError(
                    "no_consent",
                    "this number has no consent in force; see prozvon consent list",
                    "для этого номера нет действующего согласия; см. prozvon consent list",
                    status=404,
                )
            for row in ended:
                subject = f"consent {row['id']}"
                await connection.execute(SQL.note, actor, "consent_withdrawn", subject, {})
        return len(ended)

    async def records(self, phone: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Newest first, withdrawn ones too: they prove that earlier calls were lawful."""
        e164 = self._phone(phone) if phone else None
        rows = await self._pool.fetch(SQL.records, self._floor_id, e164, limit)
        return [dict(row) for row in rows]

    def _phone(self, text: str) -> str:
        phone = parse_phone(text, self._region)
        if isinstance(phone, BadPhone):
            raise _bad(f"phone: {phone.sentence.en}", f"телефон: {phone.sentence.ru}")
        return phone.e164

    def _check(self, new: NewConsent) -> None:
        if not new.source.strip() or not new.evidence.strip():
            raise _bad(
                "say where the consent comes from (source) and how it is proved (evidence)",
                "укажите источник согласия (source) и чем оно подтверждается (evidence)",
            )
        if new.given_at > datetime.now(UTC):
            raise _bad("a consent cannot be given in the future", "дата согласия ещё не наступила")
        if new.until is not None and new.until <= new.given_at:
            raise _bad("it ends before it is given", "согласие кончается раньше, чем дано")


def _bad(en: str, ru: str) -> ConsentError:
    return ConsentError("bad_consent", en, ru, status=422)
