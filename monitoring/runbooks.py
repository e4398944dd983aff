"""`/runbooks/NAME`: what to do when an alert fires, as the panels and alerts link to it."""

from __future__ import annotations

import re

from aiohttp import web

from dialer.config import PROJECT
from dialer.refusal import Refusal

FOLDER = PROJECT / "docs" / "runbooks"
NAME = re.compile(r"[a-z][a-z-]{0,40}")
OPEN_PATHS = ("/runbooks/",)


async def _runbook(request: web.Request) -> web.Response:
    name = request.match_info["name"].removesuffix(".md")
    page = FOLDER / f"{name}.md"
    if not NAME.fullmatch(name) or not page.is_file():
        known = ", ".join(sorted(page.stem for page in FOLDER.glob("*.md")))
        raise Refusal("unknown_runbook", 404, f"no runbook of that name; one of: {known}")
    return web.Response(text=page.read_text(), content_type="text/markdown")


def routes() -> list[web.RouteDef]:
    return [web.get("/runbooks/{name}", _runbook)]
