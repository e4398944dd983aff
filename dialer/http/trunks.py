"""`GET /api/trunks`: how the trunks stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from dialer.http.answers import json_answer
from dialer.trunks import TrunkView


def trunk_routes(views: Callable[[], list[TrunkView]]) -> list[web.RouteDef]:
    """`views` may raise DeskError."""

    async def trunks(request: web.Request) -> web.Response:
        return json_answer({"trunks": [asdict(view) for view in views()]})

    return [web.get("/api/trunks", trunks)]
