"""Use cases of a campaign's pacing: why it dials so, and what it may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from campaigns.campaign.service import CampaignService
from campaigns.legal.model import Rules, problems
from campaigns.legal.service import LegalService
from campaigns.pacing.model import DecisionLine, LedgerView, Limits, PacingError, Why, changed
from campaigns.refusals import joined
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.pacing")
QUERY_TIMEOUT_S = 30.0
MOST_DECISIONS = 1000


class PacingService:
    """Pacing of the campaigns of one floor. `actor` is who asks, for the audit."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id
        self._legal = LegalService(pool, floor_id)

    async def why(self, name: str, last: int = 10) -> Why:
        """Limits, ledger and the `last` decisions. Raises PacingError `unknown_campaign`."""
        row = await self.find(name)
        profile = await self._legal.profile(row["legal_profile"])
        window = profile.abandonment.window_s
        ledger = await self._pool.fetchrow(SQL.ledger, row["id"], window)
        assert ledger is not None
        count = max(1, min(last, MOST_DECISIONS))
        decisions = await self._pool.fetch(SQL.decisions, row["id"], count)
        limits = await self._pool.fetch(SQL.limited_by, row["id"])
        cap = min(row["max_abandon_rate"], profile.abandonment.max_rate)
        return Why(
            name=row["name"],
            status=row["status"],
            mode=row["mode"],
            legal_profile=row["legal_profile"],
            limits=_limits(row),
            ledger=LedgerView(window, cap, ledger["answered"], ledger["abandoned"]),
            limited_by={r["limited_by"]: r["count"] for r in limits},
            decisions=tuple(DecisionLine(**row) for row in decisions),
        )

    async def set_limits(self, name: str, changes: Mapping[str, Any], actor: str) -> Limits:
        """Sets what `changes` names, as a version of the campaign; in force within a second.

        Raises PacingError `unknown_campaign`, `bad_value`, `legal_abandonment`, `legal_ring`;
        CampaignError `wrong_state` for one that is archived.
        """
        row = await self.find(name)
        limits = changed(_limits(row), changes)
        await self._check_legal(row, limits)
        given = {key: getattr(limits, key) for key in changes}
        if "skills" in given:
            given["skills"] = list(limits.skills)
        # No trunk is looked for by an edit that changes none, so that it needs no node.
        await CampaignService(self._pool, self._floor_id, "").edit(name, given, actor)
        return limits

    async def set_skills(self, login: str, skills: Sequence[str], actor: str) -> tuple[str, ...]:
        """An operator's skills, in force from the next sign-in.

        Raises PacingError `unknown_operator`, `bad_value`.
        """
        sound = changed(Limits(), {"skills": list(skills)}).skills
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            found = await connection.fetchval(SQL.set_skills, self._floor_id, login, list(sound))
            if found is None:
                raise PacingError(
                    "unknown_operator",
                    f"there is no operator {login}; see `prozvon operator list`",
                    f"нет оператора {login}; см. `prozvon operator list`",
                    status=404,
                )
            details = {"skills": list(sound)}
            await connection.execute(
                SQL.note, actor, "operator_skills", f"operator {login}", details
            )
        return sound

    async def find(self, name: str) -> asyncpg.Record:
        """The campaign's row. Raises PacingError `unknown_campaign`."""
        row = await self._pool.fetchrow(SQL.find, self._floor_id, name)
        if row is None:
            raise PacingError(
                "unknown_campaign",
                f"there is no campaign {name!r}; see `prozvon campaign status`",
                f"нет кампании {name!r}; см. `prozvon campaign status`",
                status=404,
            )
        return row

    async def _check_legal(self, row: asyncpg.Record, limits: Limits) -> None:
        profile = await self._legal.profile(row["legal_profile"])
        rules = Rules(
            mode=row["mode"],
            ring_timeout_s=limits.ring_timeout_s,
            max_abandon_rate=limits.max_abandon_rate,
        )
        found = [
            p for p in problems(profile, rules) if p.key in ("ring_timeout_s", "max_abandon_rate")
        ]
        if found:
            sentence = joined(p.sentence for p in found)
            raise PacingError(found[0].id, sentence.en, sentence.ru, status=422)


def _limits(row: asyncpg.Record) -> Limits:
    return Limits(
        weight=row["weight"],
        skills=tuple(row["skills"]),
        max_lines=row["max_lines"],
        lines_per_operator=row["lines_per_operator"],
        max_abandon_rate=row["max_abandon_rate"],
        ring_timeout_s=row["ring_timeout_s"],
    )
