"""Do-not-call of a floor: add, import, look, remove. Effective for the next dial everywhere: the
statement that commits an attempt asks it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.dnc.model import DncError, Entry, Scope, read
from campaigns.lists.phones import BadPhone, parse_phones
from dialer.database.pool import Connection, Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Session = Connection | PoolConnectionProxy[asyncpg.Record]

SQL = Queries.load("campaigns.dnc")
QUERY_TIMEOUT_S = 30.0
IMPORT_TIMEOUT_S = 900.0
BATCH = 20_000
REGISTER_NAME = 32


@dataclass(frozen=True, slots=True)
class Where:
    """How far an entry goes: `campaign` is a campaign's name."""

    scope: Scope = "floor"
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """`numbers` good ones in the file, `added` of them new, `rejected`: texts that are none."""

    numbers: int
    added: int
    rejected: int
    dropped: int = 0


class DncService:
    """Use cases of do-not-call. Wrong requests raise DncError."""

    def __init__(self, pool: Pool, floor_id: int, region: str = "RU") -> None:
        self._pool, self._floor_id, self._region = pool, floor_id, region

    async def add(
        self,
        text: str,
        actor: str,
        *,
        where: Where = Where(),
        reason: str = "",
        until: datetime | None = None,
    ) -> Entry:
        """A number, prefix or pattern nobody may call. Raises DncError `bad_entry`,
        `unknown_campaign`."""
        entry = read(text, self._region)
        async with self._session() as connection, connection.transaction():
            floor, campaign = await self._ids(connection, where)
            if entry.kind == "number":
                await connection.fetchval(
                    SQL.add_numbers,
                    floor, campaign, [entry.mask], "command", reason, actor, until, None,
                )  # fmt: skip
            else:
                await connection.fetchval(
                    SQL.add_mask,
                    *(floor, campaign, entry.kind, entry.written, entry.mask),
                    *("command", reason, actor, until),
                )
            await self._note(connection, actor, "dnc_added", where, {"kind": entry.kind})
        return entry

    async def remove(self, text: str, actor: str, *, where: Where = Where()) -> Entry:
        """Allowed again; leads that it had closed are open again. Raises DncError `not_there`."""
        entry = read(text, self._region)
        query = SQL.remove_numbers if entry.kind == "number" else SQL.remove_mask
        async with self._session() as connection, connection.transaction():
            floor, campaign = await self._ids(connection, where)
            if not await connection.fetch(query, floor, campaign, entry.mask):
                raise DncError(
                    "not_there",
                    "there is no such entry in this scope; see prozvon dnc list",
                    "такой записи в этой области нет; см. prozvon dnc list",
                    status=404,
                )
            await connection.execute(
                SQL.reopen, floor, campaign, entry.mask, timeout=IMPORT_TIMEOUT_S
            )
            await self._note(connection, actor, "dnc_removed", where, {"kind": entry.kind})
        return entry

    async def load(
        self,
        cells: Iterable[str],
        actor: str,
        *,
        where: Where = Where(),
        reason: str = "",
        register: str | None = None,
    ) -> Imported:
        """Numbers of a file, all or none. With a `register` its date is kept, and numbers that it
        no longer has in this scope are allowed again. Raises DncError `unknown_campaign`,
        `nothing_to_import`."""
        numbers, rejected = self._numbers(cells)
        if not numbers:
            raise DncError(
                "nothing_to_import",
                "the file has no phone number; one number a line, or a column of them",
                "в файле нет ни одного номера; нужен один номер в строке",
                status=422,
            )
        async with self._session() as connection, connection.transaction():
            floor, campaign = await self._ids(connection, where)
            added = 0
            for begin in range(0, len(numbers), BATCH):
                batch = numbers[begin : begin + BATCH]
                added += await connection.fetchval(
                    SQL.add_numbers,
                    *(floor, campaign, batch, "import", reason, actor, None, register),
                    timeout=IMPORT_TIMEOUT_S,
                )
            dropped = 0
            if register is not None:
                dropped = await self._drop(connection, (floor, campaign), register, numbers)
                await connection.execute(
                    SQL.imported, self._floor_id, register, len(numbers), actor
                )
            details = {"numbers": len(numbers), "added": added, "register": register}
            await self._note(connection, actor, "dnc_imported", where, details)
        return Imported(len(numbers), added, rejected, dropped)

    async def entries(self, number: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Newest first; for one number everything that forbids it. Raises DncError `bad_entry`."""
        mask = read(number, self._region).mask if number else None
        rows = await self._pool.fetch(SQL.entries, self._floor_id, mask, limit)
        return [dict(row) for row in rows]

    def _numbers(self, cells: Iterable[str]) -> tuple[list[str], int]:
        found: dict[str, None] = {}
        rejected = 0
        for cell in cells:
            for phone in parse_phones(cell, self._region):
                if isinstance(phone, BadPhone):
                    rejected += 1
                else:
                    found[phone.e164] = None
        return list(found), rejected

    async def _drop(
        self,
        connection: Session,
        scope: tuple[int | None, int | None],
        register: str,
        numbers: list[str],
    ) -> int:
        """Allow what the register no longer has; leads that it had closed are open again."""
        rows = await connection.fetch(
            SQL.drop_left, *scope, register, numbers, timeout=IMPORT_TIMEOUT_S
        )
        dropped = [row["e164"] for row in rows]
        if dropped:
            await connection.execute(SQL.reopen_numbers, *scope, dropped, timeout=IMPORT_TIMEOUT_S)
        return len(dropped)

    async def _ids(self, connection: Session, where: Where) -> tuple[int | None, int | None]:
        if where.scope == "system":
            return None, None
        if where.scope == "floor":
            return self._floor_id, None
        found = await connection.fetchval(SQL.find_campaign, self._floor_id, where.campaign or "")
        if found is None:
            raise DncError(
                "unknown_campaign",
                f"there is no campaign {where.campaign!r}",
                f"нет кампании {where.campaign!r}",
                status=404,
            )
        return self._floor_id, found

    def _session(self) -> Any:
        return self._pool.acquire(timeout=QUERY_TIMEOUT_S)

    async def _note(
        self, connection: Session, actor: str, action: str, where: Where, details: dict[str, Any]
    ) -> None:
        subject = f"do_not_call {where.scope} {where.campaign or ''}".strip()
        await connection.execute(SQL.note, actor, action, subject, details)
