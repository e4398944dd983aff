"""Reports of a floor, made when they are opened, for any period."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg

from campaigns.legal.service import LegalService
from dialer.database.pool import Pool, open_pool
from monitoring.reports.catalog import Request
from monitoring.reports.maker import SQL, Maker, too_large
from monitoring.reports.model import (
    OUTCOMES,
    STATES,
    CampaignReport,
    Intervals,
    OperatorReport,
    Period,
    abandoned_share,
    line_seconds,
)
from monitoring.reports.sheet import Report, with_before

ACQUIRE_TIMEOUT_S, LIMIT_S = 30.0, 20.0
NO_INTERVALS = Intervals(0, None, None, None)


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

    async def operators(self, period: Period) -> list[OperatorReport]:
        """One line for each of the staff, by login, and for former ones who worked then."""
        names = ("operators", "state_seconds", "operator_dials", "operator_conversations")
        people, seconds, dials, talks = await self._read(period, *names)
        states: dict[int, dict[str, float]] = {}
        for row in seconds:
            states.setdefault(row["operator_id"], {})[row["state"]] = row["seconds"]
        dials_of = {row["operator_id"]: row for row in dials}
        talks_of = {row["operator_id"]: row["conversations"] for row in talks}
        return [
            _operator(
                row, states.get(row["id"], {}), dials_of.get(row["id"]), talks_of.get(row["id"], 0)
            )
            for row in people
        ]

    async def campaigns(self, period: Period) -> list[CampaignReport]:
        """One line for each campaign of the floor, oldest first."""
        campaigns, outcomes = await self._read(period, "campaigns", "outcomes")
        found: dict[int, dict[str | None, int]] = {}
        for row in outcomes:
            found.setdefault(row["campaign_id"], {})[row["outcome"]] = row["count"]
        return [_campaign(row, found.get(row["id"], {})) for row in campaigns]

    async def make(self, request: Request, now: datetime) -> Report:
        """One report; with `request.compare`, each row beside what it was then.

        All numbers are of one moment. Raises ReportError `unknown_operator`, `unknown_campaign`,
        `unknown_list`, `no_teams`, `no_report_yet`, `too_large`.
        """
        profiles = await LegalService(self._pool, self._floor_id).profiles()
        session: Any = self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        try:
            async with (
                session as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await connection.execute(SQL.limit_statements, f"{self._limit_s}s")
                maker = Maker(connection, self._floor_id, profiles, now)
                report = await maker.make(request)
                if request.compare is None:
                    return report
                earlier = replace(request, period=request.compare, compare=None)
                return with_before(report, await maker.make(earlier))
        except asyncpg.QueryCanceledError:
            raise too_large(request.period) from None

    async def _read(self, period: Period, *names: str) -> list[list[asyncpg.Record]]:
        """The answers to several queries as of one moment, so that their numbers agree."""
        arguments = (self._floor_id, period.since, period.until)
        session: Any = self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        async with (
            session as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return [await connection.fetch(SQL[name], *arguments) for name in names]


def _operator(
    row: asyncpg.Record, seconds: dict[str, float], dials: asyncpg.Record | None, talks: int
) -> OperatorReport:
    states = {state: round(seconds.get(state, 0.0), 3) for state in STATES}
    return OperatorReport(
        login=row["login"],
        name=row["name"],
        dials=dials["dials"] if dials else 0,
        conversations=talks,
        line_seconds=round(line_seconds(seconds), 3),
        shift_seconds=round(sum(seconds.values(), 0.0), 3),
        dial_interval_seconds=_intervals(dials) if dials else NO_INTERVALS,
        states=states,
    )


def _campaign(row: asyncpg.Record, found: dict[str | None, int]) -> CampaignReport:
    outcomes = {name: found.get(name, 0) for name in OUTCOMES}
    abandoned = outcomes["abandoned"]
    return CampaignReport(
        campaign=row["name"],
        attempts=row["attempts"],
        in_progress=found.get(None, 0),
        outcomes=outcomes,
        conversations=row["conversations"],
        abandoned=abandoned,
        abandoned_share=abandoned_share(abandoned, row["conversations"], outcomes["answered"]),
        dial_interval_seconds=_intervals(row),
    )


def _intervals(row: asyncpg.Record) -> Intervals:
    return Intervals(row["count"], _ms(row["mean"]), _ms(row["median"]), _ms(row["p90"]))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
