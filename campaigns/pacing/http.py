"""Routes of a campaign's pacing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from aiohttp import web

from campaigns.pacing.asked import asked_of
from campaigns.pacing.jobs import Simulations
from campaigns.pacing.measured import MeasuredPlans
from campaigns.pacing.service import PacingService
from campaigns.refusals import Refusal, wanted_language
from dialer.http.answers import body_of, json_answer, login_of, problem, text_of
from dialer.whatif_file import read_plan

ACTOR = "api"
Use = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes need of a floor that is up. `lines`: of all trunks."""

    pacing: PacingService
    measured: MeasuredPlans
    simulations: Simulations
    lines: int
    time_zone: str


def routes(parts: Callable[[], Parts]) -> Sequence[web.AbstractRouteDef]:
    """`parts` is asked at every request: the floor may not be up yet."""

    async def why(request: web.Request) -> web.Response:
        try:
            last = int(request.query.get("last", "10"))
        except ValueError:
            return problem(422, "bad_value", "last is a whole number of decisions")
        return await _answer(request, lambda: parts().pacing.why(request.match_info["name"], last))

    async def set_limits(request: web.Request) -> web.Response:
        body, name = await body_of(request), request.match_info["name"]
        return await _answer(request, lambda: parts().pacing.set_limits(name, body, ACTOR))

    async def set_skills(request: web.Request) -> web.Response:
        body, login = await body_of(request), login_of(request)
        skills = body.get("skills")
        if not isinstance(skills, list):
            return problem(422, "bad_value", "give the skills as a list of texts")
        return await _answer(request, lambda: parts().pacing.set_skills(login, skills, ACTOR))

    async def simulate(request: web.Request) -> web.Response:
        body, name = await body_of(request), request.match_info.get("name")
        return await _answer(request, lambda: _started(parts(), body, name), status=202)

    async def simulated(request: web.Request) -> web.Response:
        async def view() -> dict[str, Any]:
            return parts().simulations.view(int(request.match_info["id"]))

        return await _answer(request, view)

    return (
        web.get("/api/campaigns/{name}/why", why),
        web.patch("/api/campaigns/{name}/pacing", set_limits),
        web.put("/api/operators/{login}/skills", set_skills),
        web.post("/api/campaigns/{name}/simulations", simulate),
        web.post("/api/simulations", simulate),
        web.get(r"/api/simulations/{id:\d{1,9}}", simulated),
    )


async def _started(parts: Parts, body: dict[str, Any], name: str | None) -> dict[str, Any]:
    """Begins a simulation: of a campaign as it was measured, or of the plan in the body."""
    asked, day = asked_of(body), None
    if name is None:
        base = read_plan(text_of(body, "plan"), "plan")
    elif asked.replay is not None:
        base, day = await parts.measured.day(name, asked.replay, parts.time_zone, parts.lines)
    else:
        base = await parts.measured.plan(name, asked.days, parts.lines)
    return parts.simulations.start(asked.plans(base), asked.replications, day).view()


async def _answer(request: web.Request, use: Use, status: int = 200) -> web.Response:
    try:
        found = await use()
    except Refusal as error:
        language = wanted_language(request.headers.get("Accept-Language", ""))
        return problem(error.status, error.id, error.to(language))
    if is_dataclass(found) and not isinstance(found, type):
        found = asdict(found)
    return json_answer(list(found) if isinstance(found, tuple) else found, status)
