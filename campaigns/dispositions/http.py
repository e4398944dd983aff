"""Routes of the talk at a desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from campaigns.dispositions.service import TalkService
from dialer.desk import Desk
from dialer.http.answers import json_answer, login_of


def routes(
    desk: Callable[[], Desk], talks: Callable[[], TalkService]
) -> tuple[web.AbstractRouteDef, ...]:
    """`desk` and `talks` raise Refusal while the floor is not up."""

    async def script(request: web.Request) -> web.Response:
        """The conversation of an operator: script, form, dispositions, contact."""
        return json_answer(asdict(await desk().talk(login_of(request))))

    async def dispositions(request: web.Request) -> web.Response:
        """What may come of conversations of a campaign, and the fields to fill in."""
        return json_answer(await talks().of_campaign(request.match_info["name"]))

    return (
        web.get("/api/operators/{login}/script", script),
        web.get("/api/campaigns/{name}/dispositions", dispositions),
    )
