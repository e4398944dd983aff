"""Routes of consent: look, add, withdraw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aiohttp import web

from campaigns.consent.service import ConsentService, NewConsent
from dialer.http.answers import actor_of, body_of, json_answer, text_of
from dialer.http.fields import moment_of, optional_text, text_in, whole_number


def routes(service: Callable[[], ConsentService]) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def records(request: web.Request) -> web.Response:
        limit = whole_number(request.query, "limit", 100, 100_000)
        return json_answer(await service().records(text_in(request.query, "phone"), limit))

    async def add(request: web.Request) -> web.Response:
        body = await body_of(request)
        new = NewConsent(
            text_of(body, "phone"),
            text_of(body, "source"),
            text_of(body, "evidence"),
            moment_of(body, "given_at") or datetime.now(UTC),
            optional_text(body, "campaign"),
            moment_of(body, "until"),
        )
        return json_answer({"id": await service().add(new, actor_of(request))}, 201)

    async def withdraw(request: web.Request) -> web.Response:
        body = await body_of(request)
        ended = await service().withdraw(text_of(body, "phone"), actor_of(request))
        return json_answer({"withdrawn": ended})

    return (
        web.get("/api/consents", records),
        web.post("/api/consents", add),
        web.post("/api/consents/withdraw", withdraw),
    )
