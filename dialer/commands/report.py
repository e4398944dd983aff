"""`prozvon report`: what operators and campaigns did in a period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from dialer.commands.common import Json, Reply, run, table, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings
from monitoring.reports.model import CampaignReport, OperatorReport, Period, period
from monitoring.reports.service import ReportService

app = typer.Typer(no_args_is_help=True, help="What operators and campaigns did in a period.")
T = TypeVar("T")

OPERATOR_COLUMNS = (
    *("operator", "name", "dials", "conversations", "line s", "interval mean s", "median s"),
    *("p90 s", "shift s", "ready s", "talking s", "wrap-up s", "paused s"),
)
CAMPAIGN_COLUMNS = (
    *("campaign", "attempts", "conversations", "abandoned", "abandoned %", "outcomes"),
    *("interval mean s", "median s", "p90 s"),
)

From = Annotated[
    str | None,
    typer.Option("--from", help="Date or time in the floor's zone; default: today at midnight."),
]
To = Annotated[
    str | None, typer.Option("--to", help="Date (included) or time (not included); default: now.")
]


@app.command("operators")
def operators(
    context: typer.Context, since: From = None, until: To = None, as_json: Json = False
) -> Reply:
    """Dials, conversations, line time and intervals by operator."""
    settings = use_settings(context)
    when = period(since, until, settings.floor.time_zone, datetime.now(UTC))
    reports = run(_made(settings, lambda service: service.operators(when)))
    rows = [_operator_row(report) for report in reports]
    return _reply("operators", reports, when, table(OPERATOR_COLUMNS, rows, _title(when)))


@app.command("campaigns")
def campaigns(
    context: typer.Context, since: From = None, until: To = None, as_json: Json = False
) -> Reply:
    """Attempts, outcomes, conversations and abandoned share by campaign."""
    settings = use_settings(context)
    when = period(since, until, settings.floor.time_zone, datetime.now(UTC))
    reports = run(_made(settings, lambda service: service.campaigns(when)))
    rows = [_campaign_row(report) for report in reports]
    return _reply("campaigns", reports, when, table(CAMPAIGN_COLUMNS, rows, _title(when)))


async def _made(settings: Settings, make: Callable[[ReportService], Awaitable[T]]) -> T:
    async with open_floor(settings) as floor:
        return await make(ReportService(floor.pool, floor.floor_id))


def _reply(what: str, reports: list[Any], when: Period, shown: Any) -> Reply:
    data = {"from": when.since, "to": when.until, what: reports}
    return Reply(data, [shown if reports else f"No {what} yet."])


def _title(when: Period) -> str:
    return f"{when.since:%Y-%m-%d %H:%M} to {when.until:%Y-%m-%d %H:%M} UTC"


def _operator_row(report: OperatorReport) -> tuple[object, ...]:
    gaps, states = report.dial_interval_seconds, report.states
    return (
        report.login,
        report.name,
        report.dials,
        report.conversations,
        report.line_seconds,
        gaps.mean,
        gaps.median,
        gaps.p90,
        report.shift_seconds,
        *(states[name] for name in ("ready", "talking", "wrap_up", "paused")),
    )


def _campaign_row(report: CampaignReport) -> tuple[object, ...]:
    gaps, share = report.dial_interval_seconds, report.abandoned_share
    outcomes = ", ".join(f"{count} {name}" for name, count in report.outcomes.items() if count)
    return (
        report.campaign,
        report.attempts,
        report.conversations,
        report.abandoned,
        None if share is None else share * 100,
        outcomes,
        gaps.mean,
        gaps.median,
        gaps.p90,
    )
