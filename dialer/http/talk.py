"""Routes of a live call: `POST /api/operators/{login}/hold` and the like, `GET /api/parked`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from aiohttp import web

from dialer.http.answers import body_of, json_answer, login_of, may_take, text_of
from dialer.refusal import Refusal
from dialer.talk.checks import Target
from dialer.talk.service import Talks, TalkView

KINDS = ("operator", "stage", "skill", "number")
Act = Callable[[Talks, str, dict[str, Any]], Awaitable[TalkView]]


def _target(body: dict[str, Any]) -> Target:
    """{"number": "+7495..."} and the like. Raises Refusal `bad_target`."""
    unknown = sorted(set(body) - set(KINDS))
    if unknown:
        raise Refusal("bad_target", 422, f"unknown {', '.join(unknown)}; one of {', '.join(KINDS)}")
    return Target(**{kind: text_of(body, kind) for kind in KINDS if kind in body})


def _attempt(body: dict[str, Any]) -> UUID | None:
    if "attempt_id" not in body:
        return None
    try:
        return UUID(text_of(body, "attempt_id"))
    except ValueError:
        raise Refusal("bad_attempt", 422, "attempt_id is no UUID; see GET /api/parked") from None


ACTIONS: dict[str, Act] = {
    "hold": lambda talks, login, body: talks.hold(login),
    "resume": lambda talks, login, body: talks.resume(login),
    "mute": lambda talks, login, body: talks.mute(login, on=True),
    "unmute": lambda talks, login, body: talks.mute(login, on=False),
    "dtmf": lambda talks, login, body: talks.dtmf(login, text_of(body, "digits")),
    "transfer": lambda talks, login, body: talks.transfer(login, _target(body)),
    "consult": lambda talks, login, body: talks.consult(login, _target(body)),
    "toggle": lambda talks, login, body: talks.toggle(login),
    "three-way": lambda talks, login, body: talks.three_way(login),
    "complete": lambda talks, login, body: talks.complete(login),
    "cancel-consult": lambda talks, login, body: talks.cancel(login),
    "park": lambda talks, login, body: talks.park(login),
    "pick-up": lambda talks, login, body: talks.pick_up(login, _attempt(body)),
}


PHONE_LIMIT_S = 70.0
MAY_RING = (ACTIONS["consult"], ACTIONS["pick-up"])
"""They wait until the phone of an operator on call is answered."""


def talk_routes(talks: Callable[[], Talks | None]) -> list[web.AbstractRouteDef]:
    """`talks` gives None until the floor is up."""

    def floor() -> Talks:
        found = talks()
        if found is None:
            raise Refusal("starting", 503, "the floor is not up yet; see /readyz")
        return found

    def route(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            login, body = login_of(request), await body_of(request)
            return json_answer(asdict(await act(floor(), login, body)))

        return may_take(PHONE_LIMIT_S)(handle) if act in MAY_RING else handle

    async def call(request: web.Request) -> web.Response:
        return json_answer(asdict(floor().view(login_of(request))))

    async def parked(request: web.Request) -> web.Response:
        people = [asdict(person) for person in floor().parked()]
        return json_answer({"people": people})

    return [
        web.get("/api/parked", parked),
        web.get("/api/operators/{login}/call", call),
        *(
            web.post(f"/api/operators/{{login}}/{name}", route(act))
            for name, act in ACTIONS.items()
        ),
    ]
