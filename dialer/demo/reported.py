"""The reports against what was counted elsewhere: the carrier's record and `/metrics`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dialer.database.pool import open_pool
from dialer.outcomes import Outcome
from monitoring import metrics
from monitoring.families import REGISTRY
from monitoring.reports.catalog import request
from monitoring.reports.period import Period
from monitoring.reports.service import ReportService
from monitoring.reports.sheet import Report

WHOLE_FLOOR = {
    "dials": "prozvon_dials_total",
    "calls answered": "prozvon_answered_total",
    "conversations": "prozvon_conversations_total",
    "conversations by campaign": "prozvon_campaign_conversations_total",
    "attempts by campaign": "prozvon_campaign_attempts_total",
    "attempts by trunk": "prozvon_trunk_attempts_total",
    "trunk line seconds": "prozvon_trunk_line_seconds_total",
}
"""Metrics of which all series together are the floor's."""
SUMS_DIFFER_S = 0.01
"""Sums of microseconds in PostgreSQL and of floats here."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What the reports say of a floor and its operators. `line_s`: seconds by login; `trunk_s`: of
    all calls."""

    dials: int
    outcomes: Mapping[str, int]
    conversations: int
    by_operator: Mapping[str, tuple[int, int]]
    line_s: Mapping[str, float]
    trunk_s: float


def counted(logins: Sequence[str]) -> dict[str, float]:
    """`/metrics` as they are now."""
    found = {o.value: metrics.value("prozvon_attempts_total", outcome=o.value) for o in Outcome}
    for login in logins:
        for what in ("dials", "conversations", "line_seconds"):
            name = f"prozvon_operator_{what}_total"
            found[f"{what} {login}"] = metrics.value(name, operator=login)
    wanted = {name: what for what, name in WHOLE_FLOOR.items()}
    found |= dict.fromkeys(WHOLE_FLOOR, 0.0)
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name in wanted:
                found[wanted[sample.name]] += sample.value
    return found


async def reported(dsn: str, floor_id: int, since: float) -> Reported:
    """The reports of what was done since `since` (epoch seconds)."""
    now = datetime.now(UTC)
    period = Period(datetime.fromtimestamp(since, UTC), now, ZoneInfo("UTC"))
    pool = await open_pool(dsn, min_size=1, max_size=1, application_name="prozvon demo")
    try:
        service = ReportService(pool, floor_id)
        told = await service.make(request("outcomes", period), now)
        talks = await service.make(request("conversion", period, by="campaign"), now)
        work = await service.make(request("productivity", period), now)
    finally:
        await pool.close()
    totals, calls = _totals(told, "outcomes"), _totals(talks, "conversion")
    people = _rows(work, "work")
    return Reported(
        dials=totals.get("dials", 0),
        outcomes={o.value: totals.get(o.value, 0) for o in Outcome},
        conversations=calls.get("conversations", 0),
        by_operator={row["operator"]: (row["dials"], row["conversations"]) for row in people},
        line_s={row["operator"]: row["line_s"] for row in people},
        trunk_s=_totals(work, "work").get("trunk_s") or 0.0,
    )


def _rows(report: Report, table: str) -> list[dict[str, Any]]:
    keys = [column.key for column in report.table(table).form.columns]
    return [dict(zip(keys, row.cells, strict=True)) for row in report.table(table).rows]


def _totals(report: Report, table: str) -> dict[str, Any]:
    found = report.table(table)
    if found.totals is None:
        return {}
    keys = [column.key for column in found.form.columns]
    return dict(zip(keys, found.totals.cells, strict=True))


def disagreements(
    said: Reported,
    calls: int,
    answered: int,
    outcomes: Mapping[str, int],
    conversations: int,
    before: Mapping[str, float],
    now: Mapping[str, float],
) -> list[str]:
    """PURE. Where the reports, the carrier (`calls`, of which `answered`), the rows and `/metrics`
    since `before` do not say the same."""
    found = []
    if said.dials != calls:
        found.append(f"the report has {said.dials} dials, the carrier {calls} calls")
    if said.conversations != conversations:
        found.append(f"the report has {said.conversations} conversations, the rows {conversations}")
    grown = {name: value - before.get(name, 0.0) for name, value in now.items()}
    ended = sum(said.outcomes.values())
    whole = {
        "dials": calls, "calls answered": answered,
        "conversations": conversations, "conversations by campaign": conversations,
        "attempts by campaign": ended, "attempts by trunk": ended,
    }  # fmt: skip
    found += [
        f"{name}: {round(grown[name])} in the metrics, {count} elsewhere"
        for name, count in whole.items()
        if round(grown[name]) != count
    ]
    if abs(said.trunk_s - grown["trunk line seconds"]) > SUMS_DIFFER_S:
        found.append(
            f"trunk line time {said.trunk_s:.3f} s in the report, "
            f"{grown['trunk line seconds']:.3f} s in the metrics"
        )
    for outcome, count in said.outcomes.items():
        counts = (outcomes.get(outcome, 0), round(grown[outcome]))
        if (count, count) != counts:
            found.append(f"the report has {count} {outcome}, rows and metrics {counts}")
    for login, seconds in said.line_s.items():
        if f"dials {login}" not in grown:  # of another day's demo
            continue
        measured = (round(grown[f"dials {login}"]), round(grown[f"conversations {login}"]))
        if said.by_operator[login] != measured:
            found.append(
                f"{login}: dials and conversations {said.by_operator[login]} in the report, "
                f"{measured} in the metrics"
            )
        if abs(seconds - grown[f"line_seconds {login}"]) > SUMS_DIFFER_S:
            found.append(
                f"{login}: line time {seconds:.3f} s in the report, "
                f"{grown[f'line_seconds {login}']:.3f} s in the metrics"
            )
    return found
