"""Plans of one floor: set, end, look."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from dialer.database.pool import Pool
from dialer.database.queries import Queries
from monitoring.plans.model import Plan, PlanError, check

SQL = Queries.load("monitoring.plans")
QUERY_TIMEOUT_S = 10.0


class PlanService:
    """Use cases. Wrong requests raise PlanError."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def set(self, plan: Plan, actor: str) -> None:
        """From `plan.since` on it replaces what was planned for the same before.

        Raises PlanError `bad_plan`, `unknown_operator`, `unknown_team`, `unknown_campaign`.
        """
        check(plan)
        same = (self._floor_id, plan.kind, plan.subject, plan.measure)
        session: Any = self._pool.acquire(timeout=QUERY_TIMEOUT_S)
        async with session as connection, connection.transaction():
            if not await connection.fetchval(SQL.known, *same[:3]):
                raise _unknown(plan.kind, plan.subject)
            await connection.execute(SQL.forget_later, *same, plan.since)
            await connection.execute(SQL.end, *same, plan.since)
            how = (list(plan.weekdays), plan.checkpoint, plan.checkpoint_share)
            await connection.execute(SQL.add, *same, plan.amount, plan.since, *how, actor)
            details = {key: str(value) for key, value in asdict(plan).items()}
            await connection.execute(SQL.note, actor, "plan_set", _about(plan), details)

    async def end(self, kind: str, subject: str, measure: str, day: date, actor: str) -> None:
        """Nothing is planned from `day` on. Raises PlanError `unknown_plan`."""
        same = (self._floor_id, kind, subject, measure, day)
        session: Any = self._pool.acquire(timeout=QUERY_TIMEOUT_S)
        async with session as connection, connection.transaction():
            later = await connection.execute(SQL.forget_later, *same)
            if not await connection.fetch(SQL.end, *same) and later == "DELETE 0":
                raise PlanError(
                    "unknown_plan",
                    f"no plan of {kind} {subject!r} for {measure} then; see prozvon plan list",
                    f"нет такого плана: {kind} {subject!r}, {measure}; см. prozvon plan list",
                    status=404,
                )
            about = f"plan {kind} {subject} {measure}"
            await connection.execute(SQL.note, actor, "plan_end", about, {"until": str(day)})

    async def plans(self, first: date | None = None, last: date | None = None) -> list[Plan]:
        """Those that hold some time from `first` to `last`, both counted in; None: ever."""
        return await read_plans(self._pool, self._floor_id, first, last)


async def read_plans(
    connection: Any, floor_id: int, first: date | None, last: date | None
) -> list[Plan]:
    """The same out of a pool, or a session that the caller holds."""
    rows = await connection.fetch(SQL.plans, floor_id, first, last)
    return [Plan(**{**row, "weekdays": tuple(row["weekdays"])}) for row in rows]


def _about(plan: Plan) -> str:
    return f"plan {plan.kind} {plan.subject} {plan.measure}"


def _unknown(kind: str, subject: str) -> PlanError:
    return PlanError(
        f"unknown_{kind}",
        f"there is no {kind} {subject!r}; see prozvon "
        + ("campaign status" if kind == "campaign" else "operator list"),
        f"{kind} {subject!r}: нет такого имени",
        status=404,
    )
