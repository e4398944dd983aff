"""An answered person: name the operator's channel, or wait for one, within the legal limit.

The dialplan takes the operator, records and bridges; it has its own limit and its own message, so
a controller that is slow, stalled or gone leaves nobody in silence. Only who has to wait hears a
sound: an operator who is free at once is named without a step more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from agi.server import AgiCommandFailed, AgiSession, AgiTimeout

log = structlog.get_logger(__name__)

WAITING: Mapping[str, tuple[str, ...]] = {
    "ring": ("Playtones", "425/800", "0/400"),
    "music": ("StartMusicOnHold",),
    "silence": (),
}
"""What a person hears who waits for an operator: the application that begins it, and returns at
once. The ringing tone has short pauses: with 4 s between two tones most of the wait is silence."""
SILENCED = "StopMusicOnHold"
"""What ends any of them."""
SOUND_TIMEOUT_S = 0.5


class Operators(Protocol):
    """Who answers (`dialer.handover.Handover`)."""

    def ask(self, attempt_id: UUID) -> asyncio.Future[str | None]:
        """The operator's channel as soon as there is one; None when there will be none."""

    def give_up(self, attempt_id: UUID) -> None:
        """Nobody waits for that answer any more."""


class Answered:
    """The FastAGI route `answered`."""

    def __init__(
        self,
        operators: Operators,
        limit_s: float,
        waiting: str = "ring",
        of_campaign: Callable[[UUID], str | None] = lambda attempt: None,
    ) -> None:
        """`waiting`: a key of `WAITING`; `of_campaign`: another one for this attempt, or None."""
        self._operators, self._limit_s = operators, limit_s
        self._waiting, self._of_campaign = waiting, of_campaign

    async def serve(self, session: AgiSession) -> None:
        """Sets PROZVON_OPERATOR to a channel, or leaves it empty, and ends the session."""
        try:
            attempt_id = UUID(session.unique_id)
        except ValueError:
            log.warning("answer_without_attempt", unique_id=session.unique_id)
            return
        answer = self._operators.ask(attempt_id)
        waits = not answer.done()
        channel = await self._wait(session, attempt_id, answer) if waits else answer.result()
        if channel:
            await session.set_variable("PROZVON_OPERATOR", channel)
            if waits and self._sound(attempt_id):
                await self._play(session, SILENCED)

    async def _wait(
        self, session: AgiSession, attempt_id: UUID, answer: asyncio.Future[str | None]
    ) -> str | None:
        deadline = asyncio.get_running_loop().time() + self._limit_s
        hung_up = asyncio.ensure_future(session.hung_up.wait())
        try:
            await self._play(session, *self._sound(attempt_id))
            left_s = deadline - asyncio.get_running_loop().time()
            waits: set[asyncio.Future[Any]] = {answer, hung_up}
            await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
            self._operators.give_up(attempt_id)
        return answer.result() if answer.done() and not session.hung_up.is_set() else None

    def _sound(self, attempt_id: UUID) -> tuple[str, ...]:
        return WAITING[self._of_campaign(attempt_id) or self._waiting]

    async def _play(self, session: AgiSession, *application: str) -> None:
        """Begins or ends the sound. Without it the person still gets the operator."""
        if not application:
            return
        try:
            await session.execute(*application, timeout_s=SOUND_TIMEOUT_S)
        except (AgiCommandFailed, AgiTimeout) as error:
            log.warning("waiting_sound_failed", unique_id=session.unique_id, why=str(error))


async def ping(session: AgiSession) -> None:
    """The route `ping`: `prozvon doctor` asks whether Asterisk reaches us."""
    await session.set_variable("PROZVON_PONG", "pong")
