"""Which campaigns a change of a legal profile touches, and how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from campaigns.hours.calendar import Calendar
from campaigns.hours.service import CalendarService
from campaigns.legal.service import LegalService
from campaigns.refusals import Sentence
from campaigns.rules.service import SQL, RulesService
from campaigns.rules.wider import wider
from dialer.database.pool import Pool


@dataclass(frozen=True, slots=True)
class Affected:
    """A campaign under the profile. `stops`: why it is not dialed under it; `narrows`: what of its
    settings does not count any more, the profile being stricter."""

    campaign: str
    status: str
    stops: tuple[Sentence, ...] = ()
    narrows: tuple[Sentence, ...] = ()


async def affected(pool: Pool, floor_id: int, profile: str) -> list[Affected]:
    """Every campaign under the profile that may still be dialed, in the order of names."""
    service, now = RulesService(pool, floor_id), datetime.now(UTC)
    found = []
    for row in await pool.fetch(SQL.under_profile, floor_id, profile):
        for rules in await service.campaigns(now, row["id"]):
            policy = rules.policy
            stops = tuple(wrong.sentence for wrong in rules.contradictions)
            loose = wider(policy.profile, policy.schedule, rules.row["limits"])
            narrows = tuple(each.sentence for each in loose)
            found.append(Affected(rules.name, rules.status, stops, narrows))
    return found


async def calendars_in_use(pool: Pool, floor_name: str) -> list[Calendar]:
    """Calendars of the legal profiles that campaigns of the floor are under."""
    floor_id = await pool.fetchval(SQL.floor_named, floor_name)
    rows = await pool.fetch(SQL.profiles_in_use, floor_id)
    profiles = await LegalService(pool, floor_id).profiles()
    used = {row["legal_profile"] for row in rows} & profiles.keys()
    names = sorted({profiles[name].calendar for name in used})
    known = await CalendarService(pool, floor_id).calendars()
    return [known.get(name, Calendar(name)) for name in names]
