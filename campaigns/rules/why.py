"""Why a lead or a campaign is not dialed: every rule that holds, and when that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from campaigns.refusals import Refusal, Sentence
from campaigns.rules.effective import Effective, doubts, effective
from campaigns.rules.model import RULES, Block
from campaigns.rules.service import SQL, CampaignRules, Judged, RulesService
from campaigns.rules.wider import wider

SAMPLE = 1000
"""Leads that are due and judged one by one for a campaign's counts."""


class WhyError(Refusal):
    """There is nothing to explain."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that holds. `changes_at` None: when somebody changes something."""

    rule: str
    en: str
    ru: str
    changes_at: datetime | None = None
    phone_position: int | None = None


@dataclass(frozen=True, slots=True)
class LeadWhy:
    """One lead; `dialable`: nothing keeps it, it is dialed as soon as it is its turn."""

    lead: int
    campaign: str
    status: str
    dialable: bool
    again_at: datetime | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class CampaignWhy:
    """Leads by the rule that keeps them (`dialable`: none does), and what keeps the campaign.

    `sampled`: so many due leads were judged one by one; the counts of others are those of the last
    time each was judged. `changes_at` by rule: the earliest."""

    campaign: str
    status: str
    reasons: tuple[Reason, ...]
    leads: dict[str, int] = field(default_factory=dict)
    changes_at: dict[str, datetime] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    sampled: int = 0
    effective: tuple[Effective, ...] = ()
    warnings: tuple[Reason, ...] = ()
    """What does not keep it from dialing, and should be looked at."""


class WhyService:
    """Explains, changes nothing."""

    def __init__(self, rules: RulesService) -> None:
        self._rules = rules

    async def leads(
        self, *, lead_id: int | None = None, phone: str | None = None, now: datetime | None = None
    ) -> list[LeadWhy]:
        """A lead by id, or every lead of a phone. Raises WhyError `unknown_lead`."""
        moment = now or datetime.now(UTC)
        rows = await self._rules.pool.fetch(SQL.find_lead, self._rules.floor_id, lead_id, phone)
        if not rows:
            raise WhyError("unknown_lead", "there is no such lead", "такого лида нет", status=404)
        return [await self._lead(row, moment) for row in rows]

    async def _lead(self, row: Any, now: datetime) -> LeadWhy:
        [campaign] = await self._rules.campaigns(now, row["campaign_id"])
        staff = await self._rules.staff()
        [judged] = await self._rules.judge(campaign, [row["id"]], staff, now)
        reasons = [*of_campaign(campaign), *_reasons(judged)]
        return LeadWhy(
            row["id"],
            campaign.name,
            judged.lead.status,
            not reasons,
            judged.verdict.again_at,
            tuple(reasons),
        )

    async def effective(self, name: str, now: datetime | None = None) -> tuple[Effective, ...]:
        """Every rule in force for a campaign, merged; none for a name that is unknown."""
        found = await self._rules.pool.fetchval(SQL.find_campaign, self._rules.floor_id, name)
        if found is None:
            return ()
        [campaign] = await self._rules.campaigns(now or datetime.now(UTC), found)
        return tuple(effective(campaign.policy, campaign.row))

    async def campaign(self, name: str, now: datetime | None = None) -> CampaignWhy:
        """Raises WhyError `unknown_campaign`."""
        moment, pool = now or datetime.now(UTC), self._rules.pool
        found = await pool.fetchval(SQL.find_campaign, self._rules.floor_id, name)
        if found is None:
            raise WhyError(
                "unknown_campaign",
                f"there is no campaign {name!r}",
                f"нет кампании {name!r}",
                status=404,
            )
        [campaign] = await self._rules.campaigns(moment, found)
        most = campaign.policy.max_approaches
        rows = await pool.fetch(SQL.blocked_counts, found, moment, most, timeout=60)
        done = await pool.fetch(SQL.done_counts, found, timeout=60)
        sample = await pool.fetch(SQL.sample_due, found, moment, SAMPLE)
        staff = await self._rules.staff()
        judged = await self._rules.judge(campaign, [r["id"] for r in sample], staff, moment)
        leads, changes = _counts(rows, judged)
        by_how = {row["how"]: row["leads"] for row in done}
        return CampaignWhy(
            name,
            campaign.status,
            of_campaign(campaign),
            leads,
            changes,
            by_how,
            len(judged),
            tuple(effective(campaign.policy, campaign.row)),
            warnings(campaign, moment),
        )


def of_campaign(campaign: CampaignRules) -> tuple[Reason, ...]:
    """What keeps every lead of a campaign."""
    found = []
    if campaign.status != "running":
        found.append(_reason(Block("campaign_not_running")))
    for wrong in campaign.contradictions:
        found.append(Reason(wrong.id, wrong.sentence.en, wrong.sentence.ru))
    return tuple(found)


def warnings(campaign: CampaignRules, now: datetime) -> tuple[Reason, ...]:
    """Settings of the campaign that do not count, and a calendar that is not sure."""
    policy = campaign.policy
    loose = wider(policy.profile, policy.schedule, campaign.row["limits"])
    found = [Reason(each.id, each.sentence.en, each.sentence.ru) for each in loose]
    for told in doubts(policy.schedule.calendar, now.date()):
        found.append(Reason("calendar", told.en, told.ru))
    return tuple(found)


def _reasons(judged: Judged) -> list[Reason]:
    positions = {phone.e164: phone.position for phone in judged.lead.phones}
    return [_reason(block, positions.get(block.phone or "")) for block in judged.verdict.blocks]


def _reason(block: Block, position: int | None = None) -> Reason:
    sentence = RULES.get(block.rule, Sentence(block.rule, block.rule))
    return Reason(block.rule, sentence.en, sentence.ru, block.until, position)


def _counts(
    rows: Sequence[Any], judged: Sequence[Judged]
) -> tuple[dict[str, int], dict[str, datetime]]:
    counts: Counter[str] = Counter()
    changes: dict[str, datetime] = {}
    due = 0
    for row in rows:
        rule = _rule_of(row)
        if rule == "due":
            due += row["leads"]
            continue
        counts[rule] += row["leads"]
        if row["changes_at"] is not None:
            known = changes.get(rule, row["changes_at"])
            changes[rule] = min(known, row["changes_at"])
    for each in judged:
        rule = each.verdict.rule or "dialable"
        counts[rule] += 1
        if each.verdict.again_at is not None:
            known = changes.get(rule, each.verdict.again_at)
            changes[rule] = min(known, each.verdict.again_at)
    if due > len(judged):
        counts["not_judged_yet"] += due - len(judged)
    return dict(counts.most_common()), changes


def _rule_of(row: Any) -> Any:
    if row["status"] in ("done", "dialing"):
        return "done" if row["status"] == "done" else "in_call"
    if row["due"]:
        return "due"
    if row["spent"]:
        return "approaches_spent"
    return row["blocked_by"] or "retry_pause"
