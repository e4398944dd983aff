"""Routes of a live call: `POST /api/operators/{login}/hold` and the like, `GET /api/parked`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from dialer.http.answers import body_of, json_answer, login_of, may_take
from dialer.refusal import not_up
from dialer.talk.requests import ACTIONS, MAY_RING, ask
from dialer.talk.service import Talks

PHONE_LIMIT_S = 70.0


def talk_routes(talks: Callable[[], Talks | None]) -> list[web.AbstractRouteDef]:
    """`talks` gives None until the floor is up."""

    def floor() -> Talks:
        found = talks()
        if found is None:
            raise not_up()
        return found

    def route(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            login, body = login_of(request), await body_of(request)
            return json_answer(asdict(await ask(floor(), name, login, body)))

        return may_take(PHONE_LIMIT_S)(handle) if name in MAY_RING else handle

    async def call(request: web.Request) -> web.Response:
        return json_answer(asdict(floor().view(login_of(request))))

    async def parked(request: web.Request) -> web.Response:
        people = [asdict(person) for person in floor().parked()]
        return json_answer({"people": people})

    return [
        web.get("/api/parked", parked),
        web.get("/api/operators/{login}/call", call),
        *(web.post(f"/api/operators/{{login}}/{name}", route(name)) for name in ACTIONS),
    ]
