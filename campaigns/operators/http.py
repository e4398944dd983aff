"""Staff by HTTP: who works on the floor, in which team, and how their phones are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from aiohttp import web

from campaigns.operators.model import check_phone
from campaigns.operators.service import OperatorService
from campaigns.refusals import Refusal
from dialer.http.answers import actor_of, body_of, json_answer, login_of, text_of
from dialer.phone_legs import OutsideRules


def routes(
    service: Callable[[], OperatorService], rules: OutsideRules, region: str
) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def staff(request: web.Request) -> web.Response:
        return json_answer([asdict(member) for member in await service().staff()])

    async def phone(request: web.Request) -> web.Response:
        """{"mode": "nailed_up" or "ring_per_call", "number": "+7495..." or ""}; as given."""
        login, body = login_of(request), await body_of(request)
        if not body or set(body) - {"mode", "number"}:
            text = "give 'mode', 'number' or both"
            raise Refusal("bad_value", text, "укажите 'mode', 'number' или оба", status=422)
        now = await service().phone(login)
        mode = text_of(body, "mode") if "mode" in body else now.mode
        number = text_of(body, "number") if "number" in body else now.number or ""
        wanted = check_phone(mode, number, region, rules.allow)
        signed_in = await service().set_phone(login, wanted, actor_of(request))
        member = next(m for m in await service().staff() if m.login == login)
        return json_answer({**asdict(member), "from_next_sign_in": signed_in})

    async def team(request: web.Request) -> web.Response:
        """`{"team": "north"}`; an empty one is none."""
        login, body = login_of(request), await body_of(request)
        put = await service().set_team(login, text_of(body, "team"), actor_of(request))
        return json_answer({"login": login, "team": put})

    return (
        web.get("/api/staff", staff),
        web.put("/api/operators/{login}/phone", phone),
        web.put("/api/operators/{login}/team", team),
    )
