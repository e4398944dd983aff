"""Facts from the database to verdicts: used by what prepares the queue and by `why`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaigns.hours import model as hours
from campaigns.hours.calendar import Calendar
from campaigns.hours.service import calendars
from campaigns.legal.model import Contradiction, Profile, Rules, problems
from campaigns.legal.service import LegalService
from campaigns.message.model import names
from campaigns.refusals import Sentence
from campaigns.rules import limits
from campaigns.rules.model import (
    CallbackFacts,
    Dialed,
    LeadFacts,
    PhoneFacts,
    Policy,
    Staff,
    Verdict,
    judge,
)
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.outcomes import EndedBy, Outcome

SQL = Queries.load("campaigns.rules")


@dataclass(frozen=True)
class CampaignRules:
    """A campaign with its policy; `contradictions`: why it may not dial at all."""

    id: int
    name: str
    status: str
    policy: Policy
    contradictions: tuple[Contradiction, ...]
    row: Mapping[str, Any]
    fingerprint: str

    @property
    def needs_consent(self) -> bool:
        policy = self.policy
        return policy.consent_needed or policy.profile.needs_consent(policy.mode)


@dataclass(frozen=True)
class Judged:
    """A lead's facts, the row they came from, and the verdict."""

    row: Mapping[str, Any]
    lead: LeadFacts
    verdict: Verdict
    tally: Mapping[str, int]


class RulesService:
    """Rules of one floor."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self.pool, self.floor_id = pool, floor_id
        self._legal = LegalService(pool, floor_id)
        self._schedules: dict[str, hours.Schedule] = {}

    async def campaigns(self, now: datetime, campaign_id: int | None = None) -> list[CampaignRules]:
        """Running campaigns with their rules; or one, whatever its status."""
        rows = await self.pool.fetch(SQL.campaigns, self.floor_id, campaign_id)
        if not rows:
            return []
        profiles = await self._legal.profiles(now.date())
        imports = await self.pool.fetch(SQL.calendars, self.floor_id)
        days, mark = calendars(imports), str(imports[-1]["id"] if imports else 0)
        found = await self.pool.fetch(SQL.registers, self.floor_id)
        registers = {row["register"]: row["imported_at"] for row in found}
        return [self._rules(row, profiles, days, registers, now, mark) for row in rows]

    def _rules(
        self,
        row: Any,
        profiles: Mapping[str, Profile],
        days: Mapping[str, Calendar],
        registers: Mapping[str, datetime],
        now: datetime,
        mark: str,
    ) -> CampaignRules:
        """`mark` names the state of the calendars."""
        profile = profiles.get(row["legal_profile"], profiles["own"])
        policy = Policy(
            mode=row["mode"],
            profile=profile,
            schedule=self._schedule(profile, days, row["hours"], mark),
            limits=limits.effective(row["limits"], profile.limits),
            max_approaches=row["max_approaches"],
            consent_needed=row["consent_needed"],
        )
        wrong = (*_contradictions(row, profile, profiles), *_stale(profile, registers, now))
        marks = [str(row[key]) for key in _DECIDING]
        marks += [profile.name, str(profile.version), mark, str(bool(wrong))]
        return CampaignRules(
            row["id"], row["name"], row["status"], policy, wrong, row, "|".join(marks)
        )

    def _schedule(
        self, profile: Profile, days: Mapping[str, Calendar], week: Any, mark: str
    ) -> hours.Schedule:
        """One object for equal rules: it remembers its answers."""
        key = f"{profile.name} {profile.version} {mark} {json.dumps(week, sort_keys=True)}"
        if key not in self._schedules:
            calendar = days.get(profile.calendar, Calendar(profile.calendar))
            self._schedules[key] = hours.Schedule(profile.hours, calendar, hours.week(week))
        return self._schedules[key]

    async def staff(self) -> Staff:
        rows = await self.pool.fetch(SQL.staff, self.floor_id)
        return Staff(
            frozenset(row["id"] for row in rows if row["signed_in"]),
            frozenset(row["id"] for row in rows),
        )

    async def judge(
        self, rules: CampaignRules, lead_ids: Sequence[int], staff: Staff, now: datetime
    ) -> list[Judged]:
        """Verdicts of leads of one campaign, in the order of `lead_ids`."""
        rows = await self.pool.fetch(
            SQL.facts, self.floor_id, rules.id, list(lead_ids), now, rules.needs_consent
        )
        phones = [phone["e164"] for row in rows for phone in row["phones"] or ()]
        contacts = [row["contact_id"] for row in rows]
        history = await self.pool.fetch(SQL.history, self.floor_id, phones, contacts)
        known = _History(history)
        return [self._judged(rules, row, known, staff, now) for row in rows]

    def _judged(
        self, rules: CampaignRules, row: Any, history: _History, staff: Staff, now: datetime
    ) -> Judged:
        lead = _lead(row, history)
        return Judged(row, lead, judge(lead, rules.policy, staff, now), history.tally(row["id"]))


class _History:
    """Attempts by phone and by contact."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._phones: dict[str, list[Any]] = {}
        self._contacts: dict[int, list[Any]] = {}
        self._leads: dict[int, list[Any]] = {}
        for row in rows:
            self._phones.setdefault(row["phone"], []).append(row)
            self._leads.setdefault(row["lead_id"], []).append(row)
            if row["contact_id"] is not None:
                self._contacts.setdefault(row["contact_id"], []).append(row)

    def of(self, contact_id: int, phones: Iterable[str]) -> tuple[Dialed, ...]:
        rows = [*self._contacts.get(contact_id, ())]
        for phone in phones:
            rows += [r for r in self._phones.get(phone, ()) if r["contact_id"] != contact_id]
        return tuple(_dialed(row) for row in rows)

    def tally(self, lead_id: int) -> dict[str, int]:
        """How often a lead had each outcome."""
        counts: dict[str, int] = {}
        for row in self._leads.get(lead_id, ()):
            if row["outcome"]:
                counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
        return counts


def _dialed(row: Any) -> Dialed:
    return Dialed(
        row["phone"],
        row["placed_at"],
        row["ended_at"],
        Outcome(row["outcome"]) if row["outcome"] else None,
        EndedBy(row["ended_by"]) if row["ended_by"] else None,
    )


def _lead(row: Any, history: _History) -> LeadFacts:
    phones = tuple(_phone(p) for p in row["phones"] or ())
    return LeadFacts(
        id=row["id"],
        status=row["status"],
        approaches=row["approaches"],
        next_at=row["next_at"],
        next_phone=row["next_phone"],
        owner_id=row["owner_id"],
        contact_zone=row["time_zone"],
        region=row["region"],
        phones=phones,
        history=history.of(row["contact_id"], (phone.e164 for phone in phones)),
        callback=_callback(row),
    )


def _phone(found: Mapping[str, Any]) -> PhoneFacts:
    until = found["forbidden_until"]
    return PhoneFacts(
        found["e164"],
        found["position"],
        found["invalid"],
        found["forbidden"],
        datetime.fromisoformat(until) if until else None,
        found["consent"],
    )


def _callback(row: Any) -> CallbackFacts | None:
    if row["callback_id"] is None:
        return None
    return CallbackFacts(
        row["callback_id"],
        row["callback_at"],
        row["callback_status"],
        row["callback_phone"],
        row["callback_operator_id"],
        row["callback_grace_s"],
        row["escalation"],
    )


_DECIDING = ("mode", "hours", "limits", "consent_needed", "max_approaches", "lead_order")


def _contradictions(
    row: Any, profile: Profile, profiles: Mapping[str, Profile]
) -> tuple[Contradiction, ...]:
    if row["legal_profile"] not in profiles:
        name = row["legal_profile"]
        told = Sentence(
            f"there is no legal profile {name!r} in force; see prozvon legal list",
            f"правовой профиль {name!r} не действует; см. prozvon legal list",
        )
        return (Contradiction("legal_profile", "legal_profile", told),)
    settings = Rules(
        row["mode"],
        row["caller_id"],
        row["ring_timeout_s"],
        row["recording"],
        row["max_abandon_rate"],
        names(row["message"]),
    )
    return tuple(problems(profile, settings))


def _stale(
    profile: Profile, registers: Mapping[str, datetime], now: datetime
) -> tuple[Contradiction, ...]:
    register = profile.registry
    if register is None:
        return ()
    last = registers.get(register.name)
    if last is not None and last > now - timedelta(days=register.max_age_days):
        return ()
    told = Sentence(
        f"the register {register.name} must be imported every {register.max_age_days} days: "
        f"prozvon dnc import FILE --register {register.name}",
        f"реестр {register.name} нужно обновлять каждые {register.max_age_days} дн.: "
        f"prozvon dnc import FILE --register {register.name}",
    )
    return (Contradiction("register_stale", "legal_profile", told),)


def kept_facts(judged: Judged, *, needs_consent: bool) -> str:
    """What the dialer keeps of a lead until its attempt has ended, as JSON."""
    phone = judged.verdict.phone
    assert phone is not None
    others = [
        p.position
        for p in judged.lead.phones
        if p.e164 != phone.e164 and not p.invalid and not p.forbidden
    ]
    facts = {
        "list": judged.row["list_id"],
        "zones": judged.verdict.zones,
        "position": phone.position,
        "others": others,
        "tally": judged.tally,
        "needs_consent": needs_consent,
        "open_until": judged.verdict.open_until.isoformat() if judged.verdict.open_until else None,
    }
    return json.dumps(facts)
