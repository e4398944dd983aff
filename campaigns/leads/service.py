"""What people say of leads: who comes first, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from campaigns.leads.model import MOST_PRIORITY
from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.refusals import Refusal
from dialer.database.pool import Pool
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.leads")
MOST_LEADS = 10_000
# Of a campaign with millions of leads.
TIMEOUT_S = 600.0


class LeadError(Refusal):
    """Leads that cannot be changed as asked."""


@dataclass(frozen=True, slots=True)
class Which:
    """Leads of one campaign; None and nothing ask for nothing."""

    campaign: str
    leads: tuple[int, ...] = ()
    list: str | None = None
    phone: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class What:
    """What they get. `owner`: a login, "" for nobody's, None: as it is."""

    priority: int | None = None
    owner: str | None = None


class LeadService:
    """Use cases of leads of one floor. `region`: of phones without a country code."""

    def __init__(self, pool: Pool, floor_id: int, region: str = "RU") -> None:
        self._pool, self._floor_id, self._region = pool, floor_id, region

    async def set(self, which: Which, what: What, actor: str) -> int:
        """How many leads were changed; in force from the next dial that is prepared.

        Raises LeadError `nothing_to_change`, `bad_priority`, `bad_number`, `many_leads`,
        `unknown_campaign`, `unknown_list`, `unknown_operator`.
        """
        _check(which, what)
        phone = self._number(which.phone)
        async with self._pool.acquire(timeout=30) as connection, connection.transaction():

            async def id_of(query: str, name: str | None) -> int | None:
                """None for no name. Raises LeadError for one that there is not."""
                if not name:
                    return None
                found: int | None = await connection.fetchval(SQL[query], self._floor_id, name)
                if found is None:
                    raise _unknown(query.removesuffix("_id"), name)
                return found

            changed: int = await connection.fetchval(
                SQL["set"],
                await id_of("campaign_id", which.campaign),
                list(which.leads) or None,
                await id_of("list_id", which.list),
                phone,
                dict(which.attributes) or None,
                what.priority,
                what.owner is not None,
                await id_of("operator_id", what.owner),
                timeout=TIMEOUT_S,
            )
            if changed:
                details = _said(which, what) | {"changed": changed}
                await connection.execute(SQL.note, actor, f"campaign {which.campaign}", details)
        return changed

    def _number(self, text: str | None) -> str | None:
        if text is None:
            return None
        phone = parse_phone(text, self._region)
        if isinstance(phone, BadPhone):
            raise LeadError("bad_number", phone.sentence.en, phone.sentence.ru, status=422)
        return phone.e164


def _check(which: Which, what: What) -> None:
    if what.priority is None and what.owner is None:
        raise LeadError(
            "nothing_to_change",
            "say what the leads get: priority or owner",
            "укажите, что получат лиды: приоритет (priority) или ответственного (owner)",
            status=422,
        )
    if what.priority is not None and abs(what.priority) > MOST_PRIORITY:
        raise LeadError(
            "bad_priority",
            f"priority is -{MOST_PRIORITY} to {MOST_PRIORITY}; 0 is usual, the higher comes first",
            f"приоритет: от -{MOST_PRIORITY} до {MOST_PRIORITY}; обычный 0, больший идёт раньше",
            status=422,
        )
    if len(which.leads) > MOST_LEADS:
        raise LeadError(
            "many_leads",
            f"name {MOST_LEADS} leads at most, or a list or an attribute",
            f"не больше {MOST_LEADS} лидов за раз; или укажите базу или признак",
            status=422,
        )


def _said(which: Which, what: What) -> dict[str, Any]:
    """What was asked for, for the audit: numbers of phones stay out of it."""
    found = {key: value for key, value in (asdict(which) | asdict(what)).items() if value}
    if what.owner == "":
        found["owner"] = None
    if "phone" in found:
        found["phone"] = "one"
    return {**found, "leads": len(which.leads)} if which.leads else found


def _unknown(kind: str, name: str) -> LeadError:
    told = {"campaign": "кампании", "list": "базы", "operator": "оператора"}
    return LeadError(
        f"unknown_{kind}",
        f"there is no {kind} {name!r}",
        f"нет {told[kind]} {name!r}",
        status=404,
    )
