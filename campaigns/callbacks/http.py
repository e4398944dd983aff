"""Routes of callbacks: look, agree, cancel, give to somebody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from campaigns.callbacks.service import (
    GRACE_S,
    OPEN,
    CallbackService,
    NewCallback,
)
from dialer.http.answers import actor_of, body_of, json_answer
from dialer.http.fields import (
    id_in,
    id_of,
    moment_of,
    needed_moment,
    optional_text,
    seconds_of,
    text_in,
    whole_number,
)


def routes(service: Callable[[], CallbackService]) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def callbacks(request: web.Request) -> web.Response:
        query = request.query
        statuses = tuple(query.getall("status", [])) or OPEN
        limit = whole_number(query, "limit", 200, 10_000)
        return json_answer(await service().callbacks(statuses, text_in(query, "operator"), limit))

    async def add(request: web.Request) -> web.Response:
        body = await body_of(request)
        new = NewCallback(
            id_in(body, "lead"),
            needed_moment(body, "at"),
            optional_text(body, "operator"),
            grace_s=seconds_of(body, "grace_s", GRACE_S),
            escalation=optional_text(body, "escalation") or "anyone",
            note=optional_text(body, "note") or "",
        )
        found = await service().add(new, actor_of(request))
        return json_answer({"id": found, "at": new.at}, 201)

    async def cancel(request: web.Request) -> web.Response:
        callback = id_of(request.match_info["id"])
        await service().cancel(callback, actor_of(request))
        return json_answer({"id": callback, "status": "canceled"})

    async def give(request: web.Request) -> web.Response:
        callback, body = id_of(request.match_info["id"]), await body_of(request)
        operator = optional_text(body, "operator")
        await service().reassign(callback, operator, actor_of(request), moment_of(body, "at"))
        return json_answer({"id": callback, "operator": operator})

    return (
        web.get("/api/callbacks", callbacks),
        web.post("/api/callbacks", add),
        web.post("/api/callbacks/{id}/cancel", cancel),
        web.post("/api/callbacks/{id}/give", give),
    )
