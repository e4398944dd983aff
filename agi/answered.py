"""An answered person: name the operator's channel, or wait for one, within the legal limit.

The dialplan takes the operator, records and bridges; it has its own limit and its own message, so
a controller that is slow, stalled or gone leaves nobody in silence.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from uuid import UUID

import structlog

from agi.server import AgiSession

log = structlog.get_logger(__name__)


class Operators(Protocol):
    """Who answers (`dialer.handover.Handover`)."""

    def ask(self, attempt_id: UUID) -> asyncio.Future[str | None]:
        """The operator's channel as soon as there is one; None when there will be none."""

    def give_up(self, attempt_id: UUID) -> None:
        """Nobody waits for that answer any more."""


class Answered:
    """The FastAGI route `answered`."""

    def __init__(self, operators: Operators, limit_s: float) -> None:
        self._operators, self._limit_s = operators, limit_s

    async def serve(self, session: AgiSession) -> None:
        """Sets PROZVON_OPERATOR to a channel, or leaves it empty, and ends the session."""
        try:
            attempt_id = UUID(session.unique_id)
        except ValueError:
            log.warning("answer_without_attempt", unique_id=session.unique_id)
            return
        channel = await self._wait(session, attempt_id)
        if channel:
            await session.set_variable("PROZVON_OPERATOR", channel)

    async def _wait(self, session: AgiSession, attempt_id: UUID) -> str | None:
        answer = self._operators.ask(attempt_id)
        if answer.done():
            return answer.result()
        hung_up = asyncio.ensure_future(session.hung_up.wait())
        try:
            waits: set[asyncio.Future[Any]] = {answer, hung_up}
            await asyncio.wait(waits, timeout=self._limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
            self._operators.give_up(attempt_id)
        return answer.result() if answer.done() and not session.hung_up.is_set() else None


async def ping(session: AgiSession) -> None:
    """The route `ping`: `prozvon doctor` asks whether Asterisk reaches us."""
    await session.set_variable("PROZVON_PONG", "pong")
