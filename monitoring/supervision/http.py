"""Routes of supervisors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from dialer.http.answers import actor_of, body_of, json_answer, login_of, text_of
from monitoring.supervision.model import mode_of
from monitoring.supervision.service import Supervision


class SupervisionRoutes:
    """`supervision` raises Refusal `starting` until the floor is up."""

    def __init__(self, supervision: Callable[[], Supervision]) -> None:
        self._supervision = supervision

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/api/supervision", self._list),
            web.post("/api/operators/{login}/supervision", self._supervise),
            web.post("/api/supervisors/{login}/stop", self._stop),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return json_answer([asdict(view) for view in self._supervision().views()])

    async def _supervise(self, request: web.Request) -> web.Response:
        """`{"supervisor": login, "mode": "listen"}`: begins, or changes the mode."""
        operator, body = login_of(request), await body_of(request)
        mode = mode_of(text_of(body, "mode"))
        supervisor = text_of(body, "supervisor")
        view = await self._supervision().supervise(operator, supervisor, mode, actor_of(request))
        return json_answer(asdict(view))

    async def _stop(self, request: web.Request) -> web.Response:
        view = await self._supervision().stop(login_of(request), actor_of(request))
        return json_answer(asdict(view))
