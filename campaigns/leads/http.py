"""Routes of leads: who comes first, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from campaigns.leads.service import LeadService, What, Which
from dialer.http.answers import actor_of, body_of, json_answer, may_take, number_of
from dialer.http.fields import MAX_ID, optional_text
from dialer.refusal import Refusal

LIMIT_S = 660.0


def routes(service: Callable[[], LeadService]) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def change(request: web.Request) -> web.Response:
        body = await body_of(request)
        which = Which(
            request.match_info["name"],
            _leads(body.get("leads", [])),
            optional_text(body, "list"),
            optional_text(body, "phone"),
            _attributes(body.get("attributes", {})),
        )
        priority = None if body.get("priority") is None else number_of(body, "priority")
        what = What(priority, optional_text(body, "owner"))
        return json_answer({"changed": await service().set(which, what, actor_of(request))})

    return (web.patch("/api/campaigns/{name}/leads", may_take(LIMIT_S)(change)),)


def _leads(given: object) -> tuple[int, ...]:
    if isinstance(given, list) and all(type(one) is int and 0 < one <= MAX_ID for one in given):
        return tuple(given)
    raise Refusal("bad_number", 422, "'leads' is a list of ids", "'leads': список номеров")


def _attributes(given: object) -> dict[str, str]:
    if isinstance(given, dict) and all(
        isinstance(text, str) and "\0" not in name + text for name, text in given.items()
    ):
        return given
    raise Refusal(
        "bad_filter",
        422,
        "'attributes' is an object of texts",
        "'attributes': объект, значения – тексты",
    )
