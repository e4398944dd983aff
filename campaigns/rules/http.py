"""Routes of what keeps leads from being dialed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from aiohttp import web

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.rules.service import RulesService
from campaigns.rules.why import WhyService
from dialer.http.answers import json_answer, may_take
from dialer.http.fields import id_of
from dialer.refusal import Refusal

LIMIT_S = 120.0


def routes(rules: Callable[[], RulesService], region: str) -> Sequence[web.AbstractRouteDef]:
    """`rules` raises Refusal while the floor is not up; `region`: of numbers without a country."""

    async def campaign(request: web.Request) -> web.Response:
        """Leads by the rule that keeps them, and the rules in force."""
        return json_answer(asdict(await WhyService(rules()).campaign(request.match_info["name"])))

    async def lead(request: web.Request) -> web.Response:
        found = await WhyService(rules()).leads(lead_id=id_of(request.match_info["id"]))
        return json_answer(asdict(found[0]))

    async def phone(request: web.Request) -> web.Response:
        """Every lead of a phone."""
        number = parse_phone(request.query.get("phone", ""), region)
        if isinstance(number, BadPhone):
            raise Refusal("bad_number", 422, number.sentence.en, number.sentence.ru)
        found = await WhyService(rules()).leads(phone=number.e164)
        return json_answer([asdict(each) for each in found])

    return (
        web.get("/api/campaigns/{name}/rules", may_take(LIMIT_S)(campaign)),
        web.get("/api/leads/why", phone),
        web.get("/api/leads/{id}/why", lead),
    )
