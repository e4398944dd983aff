"""Routes of legal profiles: which there are, one of them, the floor's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from campaigns.legal.service import LegalService
from dialer.http.answers import actor_of, body_of, json_answer


def routes(
    service: Callable[[], LegalService], affected: Callable[[str], Awaitable[Sequence[Any]]]
) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up; `affected`: campaigns under a profile."""

    async def profiles(_: web.Request) -> web.Response:
        found = await service().profiles()
        return json_answer([profile.model_dump(mode="json") for profile in found.values()])

    async def show(request: web.Request) -> web.Response:
        profile = await service().profile(request.match_info["name"])
        return json_answer(profile.model_dump(mode="json"))

    async def define(request: web.Request) -> web.Response:
        """A new version of the floor's own profile, with the campaigns that it touches."""
        profile = await service().define(await body_of(request), actor_of(request))
        touched = [asdict(one) for one in await affected(profile.name)]
        return json_answer({**profile.model_dump(mode="json"), "campaigns": touched}, 201)

    return (
        web.get("/api/legal-profiles", profiles),
        web.get("/api/legal-profiles/{name}", show),
        web.put("/api/legal-profiles/own", define),
    )
