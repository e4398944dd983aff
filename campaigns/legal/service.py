"""Legal profiles of a floor: the shipped ones, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from campaigns.legal.model import LegalError, Profile, in_force, read
from campaigns.legal.shipped import shipped
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.legal")
OWN = "own"
QUERY_TIMEOUT_S = 30.0


class LegalService:
    """Use cases of legal profiles of one floor. Wrong requests raise LegalError."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def versions(self, name: str) -> Mapping[int, Profile]:
        """All versions of a profile. Raises LegalError `unknown_profile`."""
        everything = await self._everything()
        if name not in everything:
            names = ", ".join(everything)
            raise LegalError(
                "unknown_profile",
                f"there is no legal profile {name!r}; choose one of: {names}",
                f"нет правового профиля {name!r}; возможны: {names}",
                status=404,
            )
        return everything[name]

    async def profile(self, name: str, on: date | None = None) -> Profile:
        """The version in force on `on` (default: today). Raises LegalError `unknown_profile`."""
        found = in_force(await self.versions(name), on or datetime.now(UTC).date())
        if found is None:
            raise LegalError(
                "unknown_profile",
                f"the legal profile {name!r} is not in force yet",
                f"правовой профиль {name!r} ещё не действует",
            )
        return found

    async def profiles(self, on: date | None = None) -> dict[str, Profile]:
        """Every profile in force on `on` (default: today), by name."""
        day = on or datetime.now(UTC).date()
        found = ((n, in_force(v, day)) for n, v in (await self._everything()).items())
        return {name: profile for name, profile in found if profile is not None}

    async def define(self, document: Mapping[str, Any], actor: str) -> Profile:
        """A new version of the floor's own profile, in force at once; effective for the next dial.

        `document` has the keys of a shipped profile; `name`, `version` and `in_force_from` are
        given by the floor. Raises LegalError `bad_profile`.
        """
        today = datetime.now(UTC).date()
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await connection.execute(SQL.lock_floor, self._floor_id)
            rows = await connection.fetch(SQL.own_versions, self._floor_id)
            version = max((r["version"] for r in rows), default=max(shipped()[OWN])) + 1
            whole = {**document, "name": OWN, "version": version, "in_force_from": today}
            profile = read(whole, "the definition")
            stored = profile.model_dump(mode="json")
            await connection.execute(SQL.define_own, self._floor_id, version, stored, actor)
            details = {"version": version}
            await connection.execute(SQL.note, actor, "legal_defined", "legal own", details)
        return profile

    async def _everything(self) -> dict[str, Mapping[int, Profile]]:
        everything = dict(shipped())
        rows = await self._pool.fetch(SQL.own_versions, self._floor_id)
        own = {r["version"]: read(r["definition"], f"own, version {r['version']}") for r in rows}
        everything[OWN] = {**everything[OWN], **own}
        return everything
