"""Requests in a live call as data: a name, and what comes with it. So ask the API and a replay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from dialer.http.answers import text_of
from dialer.refusal import Refusal
from dialer.talk.checks import Target
from dialer.talk.service import Talks, TalkView

KINDS = ("operator", "stage", "skill", "number")
Act = Callable[[Talks, str, dict[str, Any]], Awaitable[TalkView]]


def _target(given: dict[str, Any]) -> Target:
    """{"number": "+7495..."} and the like. Raises Refusal `bad_target`."""
    unknown = sorted(set(given) - set(KINDS))
    if unknown:
        raise Refusal(
            "bad_target",
            422,
            f"unknown {', '.join(unknown)}; one of {', '.join(KINDS)}",
            f"неизвестно: {', '.join(unknown)}; одно из {', '.join(KINDS)}",
        )
    return Target(**{kind: text_of(given, kind) for kind in KINDS if kind in given})


def _attempt(given: dict[str, Any]) -> UUID | None:
    if "attempt_id" not in given:
        return None
    try:
        return UUID(text_of(given, "attempt_id"))
    except ValueError:
        raise Refusal(
            "bad_attempt",
            422,
            "attempt_id is no UUID; see GET /api/parked",
            "attempt_id: это не UUID; см. GET /api/parked",
        ) from None


ACTIONS: Mapping[str, Act] = {
    "hold": lambda talks, login, given: talks.hold(login),
    "resume": lambda talks, login, given: talks.resume(login),
    "mute": lambda talks, login, given: talks.mute(login, on=True),
    "unmute": lambda talks, login, given: talks.mute(login, on=False),
    "dtmf": lambda talks, login, given: talks.dtmf(login, text_of(given, "digits")),
    "transfer": lambda talks, login, given: talks.transfer(login, _target(given)),
    "consult": lambda talks, login, given: talks.consult(login, _target(given)),
    "toggle": lambda talks, login, given: talks.toggle(login),
    "three-way": lambda talks, login, given: talks.three_way(login),
    "complete": lambda talks, login, given: talks.complete(login),
    "cancel-consult": lambda talks, login, given: talks.cancel(login),
    "park": lambda talks, login, given: talks.park(login),
    "pick-up": lambda talks, login, given: talks.pick_up(login, _attempt(given)),
}
MAY_RING = ("consult", "pick-up")
"""They wait until the phone of an operator on call is answered."""


async def ask(talks: Talks, name: str, login: str, given: dict[str, Any]) -> TalkView:
    """One of `ACTIONS`. Raises Refusal."""
    talks.on_request(name, login, given)
    return await ACTIONS[name](talks, login, given)
