"""Routes of dialing by hand: dial a number or a lead, the card, dial it, skip it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web

from campaigns.by_hand.model import ByHandError
from dialer.http.answers import body_of, json_answer, login_of, may_take, text_of
from dialer.http.fields import id_in

if TYPE_CHECKING:
    from dialer.by_hand import ByHand

PHONE_LIMIT_S = 70.0
"""The phone of an operator on call is rung before the number is dialed."""


def by_hand_routes(floor: Callable[[], ByHand | None]) -> list[web.RouteDef]:
    """`floor` gives the floor's part, None until it is up."""
    routes = _Routes(floor)
    return [
        web.post("/api/operators/{login}/dial", routes.dial),
        web.get("/api/operators/{login}/card", routes.card),
        web.post("/api/operators/{login}/dial-card", routes.dial_card),
        web.post("/api/operators/{login}/skip", routes.skip),
    ]


class _Routes:
    def __init__(self, floor: Callable[[], ByHand | None]) -> None:
        self._floor = floor

    @may_take(PHONE_LIMIT_S)
    async def dial(self, request: web.Request) -> web.Response:
        login, body = login_of(request), await body_of(request)
        campaign, lead = text_of(body, "campaign"), body.get("lead")
        if (lead is None) == ("number" not in body):
            raise ByHandError(
                "missing_field",
                422,
                "give either 'number' or 'lead'",
                "укажите либо 'number', либо 'lead'",
            )
        by_hand = self._by_hand()
        if lead is None:
            attempt = await by_hand.dial_number(login, campaign, text_of(body, "number"))
        else:
            attempt = await by_hand.dial_lead(login, campaign, id_in(body, "lead"))
        return _dialing(login, attempt)

    async def card(self, request: web.Request) -> web.Response:
        in_clear = request.query.get("reveal", "") in ("1", "true")
        view = await self._by_hand().card(login_of(request), in_clear=in_clear)
        return json_answer(asdict(view))

    @may_take(PHONE_LIMIT_S)
    async def dial_card(self, request: web.Request) -> web.Response:
        login = login_of(request)
        return _dialing(login, await self._by_hand().dial_card(login))

    async def skip(self, request: web.Request) -> web.Response:
        login, body = login_of(request), await body_of(request)
        self._by_hand().skip(login, text_of(body, "reason"))
        return json_answer({"login": login, "skipped": True})

    def _by_hand(self) -> ByHand:
        by_hand = self._floor()
        if by_hand is None:
            raise ByHandError(
                "starting",
                503,
                "the floor is not up yet; see /readyz",
                "площадка ещё не запустилась; см. /readyz",
            )
        return by_hand


def _dialing(login: str, attempt: UUID) -> web.Response:
    return json_answer({"login": login, "state": "dialing", "attempt_id": str(attempt)})
