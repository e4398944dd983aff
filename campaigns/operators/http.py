"""Staff by HTTP: which team somebody is in."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from campaigns.operators.model import OperatorError
from campaigns.operators.service import OperatorService
from dialer.http.answers import actor_of, body_of, json_answer, login_of, text_of
from dialer.refusal import Refusal


def routes(service: Callable[[], OperatorService]) -> list[web.AbstractRouteDef]:
    """`PUT /api/operators/{login}/team` with `{"team": "north"}`; an empty one is none."""

    async def team(request: web.Request) -> web.Response:
        login, body = login_of(request), await body_of(request)
        try:
            put = await service().set_team(login, text_of(body, "team"), actor_of(request))
        except OperatorError as error:
            status = 404 if error.id == "unknown_operator" else 422
            raise Refusal(error.id, status, str(error)) from None
        return json_answer({"login": login, "team": put})

    return [web.put("/api/operators/{login}/team", team)]
