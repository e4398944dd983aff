"""Reports of a floor, made when they are opened, for any period."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import asyncpg

from campaigns.legal.service import LegalService
from dialer.database.pool import Pool, open_pool
from monitoring.reports.catalog import KINDS, ReportKind, Request
from monitoring.reports.forms import FORMS
from monitoring.reports.maker import Maker, too_large
from monitoring.reports.sheet import Report, with_before
from monitoring.reports.source import SQL
from monitoring.rollups.service import SQL as ROLLED

Role = Literal["operator", "supervisor"]
ACQUIRE_TIMEOUT_S, LIMIT_S = 30.0, 20.0


async def reports_pool(dsn: str) -> Pool:
    """Connections for reports alone, so that none waits for dialing, nor dialing for it."""
    return await open_pool(
        dsn,
        min_size=0,
        max_size=2,
        statement_timeout_s=LIMIT_S,
        application_name="prozvon reports",
    )


class ReportService:
    """Reports of one floor. A report whose queries take longer than `limit_s` is given up.

    Beside dialing, give it a pool of its own (`reports_pool`): a long report holds a connection.
    """

    def __init__(self, pool: Pool, floor_id: int, limit_s: float = LIMIT_S) -> None:
        self._pool, self._floor_id, self._limit_s = pool, floor_id, limit_s

    async def make(self, request: Request, now: datetime) -> Report:
        """One report; with `request.compare`, each row beside what it was then.

        All numbers are of one moment. Raises ReportError `unknown_operator`, `unknown_campaign`,
        `unknown_list`, `unknown_team`, `no_report_yet`, `too_large`.
        """
        profiles = await LegalService(self._pool, self._floor_id).profiles()
        session: Any = self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        try:
            async with (
                session as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await connection.execute(SQL.limit_statements, f"{self._limit_s}s")
                await connection.execute(ROLLED.limits)
                maker = Maker(connection, self._floor_id, profiles, now)
                report = await maker.make(request)
                if request.compare is None:
                    return report
                earlier = replace(request, period=request.compare, compare=None)
                return with_before(report, await maker.make(earlier))
        except asyncpg.QueryCanceledError:
            raise too_large(request.period) from None

    async def role(self, login: str) -> Role | None:
        """What somebody on the staff is; None for everybody else."""
        found: Role | None = await self._pool.fetchval(SQL.role, self._floor_id, login)
        return found

    async def note_export(self, report: Report, form: str, actor: str) -> None:
        """Writes into the audit who took which numbers out, and as what."""
        since, until = report.period.local
        details = {
            "format": form,
            "from": since.isoformat(),
            "to": until.isoformat(),
            "by": report.by,
            "filters": {kind: list(names) for kind, names in report.filters.items()},
        }
        subject = f"report {report.name}"
        await self._pool.execute(SQL.note, actor, "report_export", subject, details)


def catalogue() -> list[ReportKind]:
    """The reports that can be made, as the catalog has them."""
    return [kind for name, kind in KINDS.items() if name in FORMS]
