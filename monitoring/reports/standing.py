"""How leads stand now: what share of a base was reached, how good a list is, how long it lasts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from campaigns.list_health.model import Health, Leads, health_of, share_of
from campaigns.list_health.service import PACE_DAYS
from dialer.outcomes import Outcome
from monitoring.reports.catalog import By
from monitoring.reports.source import SQL, TOTAL, Facts, Found, Scope, Source

NEVER = date.max
COUNTS = ("leads", "contacts", "touched", "reached", "closed", "first_touch")


async def reach_of(source: Source, scope: Scope, by: By | None) -> Found:
    """Counts of leads by list or campaign, and all together."""
    key = "list_id" if by == "list" else "campaign_id"
    found: dict[str | None, Counter[str]] = defaultdict(Counter)
    for row in await source.leads(scope, NEVER):
        counts = {name: row[name] for name in COUNTS}
        found[str(row[key])].update(counts)
        found[TOTAL].update(counts)
    return {name: _with_shares(counts) for name, counts in found.items()}


def _with_shares(counts: Mapping[str, int]) -> Facts:
    not_reached = share_of(counts["touched"] - counts["reached"], counts["touched"])
    first_touch = share_of(counts["first_touch"], counts["closed"])
    return {**counts, "not_reached_share": not_reached, "first_touch_share": first_touch}


async def healths_of(source: Source, scope: Scope) -> list[Health]:
    """Lists as `campaigns.list_health` describes them, but for their best hours and days."""
    names = source.names.lists
    ids = [id for id in names if scope.lists is None or id in scope.lists]
    days = _by_list(await source.list_days(scope, PACE_DAYS))
    since = min((row["day"] for rows in days.values() for row in rows if row["day"]), default=NEVER)
    leads = _by_list(await source.leads(Scope(lists=scope.lists), since))
    rows = await source.connection.fetch(SQL.list_contacts, ids)
    contacts = {row["list_id"]: row["contacts"] for row in rows}
    return [_health(names[id], contacts.get(id, 0), days[id], leads[id]) for id in ids]


def _by_list(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["list_id"]].append(row)
    return found


def _health(name: str, contacts: int, days: list[Any], leads: list[Any]) -> Health:
    """`days`: outcomes of the last days of dialing, and of all before without a day."""
    active = [row["day"] for row in days if row["day"]]
    first = min(active, default=NEVER)
    recent = [row for row in leads if row["closed_on"] and row["closed_on"] >= first]
    totals = Counter[str]()
    for row in leads:
        totals.update({name: row[name] for name in COUNTS})
    standing = Leads(
        contacts=contacts,
        without_lead=contacts - totals["contacts"],
        open=totals["leads"] - totals["closed"],
        closed=totals["closed"],
        touched=totals["touched"],
        reached=totals["reached"],
        first_touch=totals["first_touch"],
    )
    outcomes = Counter[str]()
    for row in days:
        outcomes.update({one.value: row[one.value] for one in Outcome})
    closed = sum(row["closed"] for row in recent)
    return health_of(name, outcomes, standing, closed=closed, active_days=len(active))
