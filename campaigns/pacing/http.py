"""Routes of a campaign's pacing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from aiohttp import web

from campaigns.pacing.service import PacingService
from campaigns.refusals import Refusal, wanted_language
from dialer.http.answers import body_of, json_answer, login_of, problem

ACTOR = "api"
Use = Callable[[], Awaitable[Any]]


def routes(service: Callable[[], PacingService]) -> Sequence[web.AbstractRouteDef]:
    """`service` is asked at every request: the floor may not be up yet."""

    async def why(request: web.Request) -> web.Response:
        try:
            last = int(request.query.get("last", "10"))
        except ValueError:
            return problem(422, "bad_value", "last is a whole number of decisions")
        return await _answer(request, lambda: service().why(request.match_info["name"], last))

    async def set_limits(request: web.Request) -> web.Response:
        body, name = await body_of(request), request.match_info["name"]
        return await _answer(request, lambda: service().set_limits(name, body, ACTOR))

    async def set_skills(request: web.Request) -> web.Response:
        body, login = await body_of(request), login_of(request)
        skills = body.get("skills")
        if not isinstance(skills, list):
            return problem(422, "bad_value", "give the skills as a list of texts")
        return await _answer(request, lambda: service().set_skills(login, skills, ACTOR))

    return (
        web.get("/api/campaigns/{name}/why", why),
        web.patch("/api/campaigns/{name}/pacing", set_limits),
        web.put("/api/operators/{login}/skills", set_skills),
    )


async def _answer(request: web.Request, use: Use) -> web.Response:
    try:
        found = await use()
    except Refusal as error:
        language = wanted_language(request.headers.get("Accept-Language", ""))
        return problem(error.status, error.id, error.to(language))
    return json_answer(asdict(found) if is_dataclass(found) else list(found))  # type: ignore[arg-type]
