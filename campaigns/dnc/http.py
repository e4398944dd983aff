"""Routes of do-not-call: look, add, import, remove. The services are those of the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from campaigns.dnc.file import cells_of
from campaigns.dnc.service import DncService, Where
from campaigns.refusals import Refusal
from dialer.http.answers import actor_of, body_of, json_answer, may_take, text_of
from dialer.http.fields import moment_of, optional_text, text_in, whole_number
from dialer.http.uploads import pieces

IMPORT_LIMIT_S = 900.0
FILE_BYTES = 256 << 20


def routes(service: Callable[[], DncService]) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def entries(request: web.Request) -> web.Response:
        limit = whole_number(request.query, "limit", 100, 100_000)
        return json_answer(await service().entries(text_in(request.query, "number"), limit))

    async def add(request: web.Request) -> web.Response:
        body = await body_of(request)
        entry = await service().add(
            text_of(body, "entry"),
            actor_of(request),
            where=_where(body),
            reason=optional_text(body, "reason") or "",
            until=moment_of(body, "until"),
        )
        return json_answer({"kind": entry.kind, "entry": entry.written}, 201)

    async def remove(request: web.Request) -> web.Response:
        body = await body_of(request)
        entry = await service().remove(
            text_of(body, "entry"), actor_of(request), where=_where(body)
        )
        return json_answer({"kind": entry.kind, "entry": entry.written})

    async def load(request: web.Request) -> web.Response:
        """A file of numbers, one a line or in the first column, as the body."""
        query = request.query
        data = b"".join([piece async for piece in pieces(request, FILE_BYTES)])
        done = await service().load(
            cells_of(data),
            actor_of(request),
            where=_where(query),
            reason=text_in(query, "reason") or "",
            register=text_in(query, "register"),
        )
        return json_answer(asdict(done), 201)

    return (
        web.get("/api/do-not-call", entries),
        web.post("/api/do-not-call", add),
        web.post("/api/do-not-call/remove", remove),
        web.post("/api/do-not-call/import", may_take(IMPORT_LIMIT_S)(load)),
    )


def _where(given: Mapping[str, Any]) -> Where:
    body = dict(given)
    scope, campaign = body.get("scope", "floor"), optional_text(body, "campaign")
    if campaign:
        scope = "campaign"
    if scope not in ("system", "floor", "campaign") or (scope == "campaign" and not campaign):
        raise Refusal(
            "bad_scope",
            "scope is system or floor, or give a campaign by its name",
            "scope: system или floor, либо укажите campaign, название кампании",
            status=422,
        )
    if given.get("register") and scope != "floor":
        raise Refusal(
            "bad_scope", "a register is for the whole floor", "реестр действует для всей площадки",
            status=422,
        )  # fmt: skip
    return Where(scope, campaign)
