"""Routes of personal data. The number is in the body: paths are in logs of proxies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from campaigns.person.model import Who
from campaigns.person.service import QUERY_TIMEOUT_S, PersonService
from dialer.http.answers import actor_of, body_of, json_answer, may_take, number_of, text_of
from dialer.http.fields import optional_text


def routes(service: Callable[[], PersonService]) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def export(request: web.Request) -> web.Response:
        body = await body_of(request)
        return json_answer(await service().export(_who(body), actor_of(request)))

    async def erase(request: web.Request) -> web.Response:
        body = await body_of(request)
        reason = text_of(body, "reason")
        return json_answer(asdict(await service().erase(_who(body), actor_of(request), reason)))

    limit = may_take(3 * QUERY_TIMEOUT_S)
    return (
        web.post("/api/persons/export", limit(export)),
        web.post("/api/persons/erase", limit(erase)),
    )


def _who(body: dict[str, Any]) -> Who:
    contact = None if body.get("contact") is None else number_of(body, "contact")
    return Who(optional_text(body, "number"), contact)
