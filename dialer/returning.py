"""An operator whose phone was lost in a conversation comes back to it; nobody is left in silence.

A phone that sends no sound is hung up by the node (`rtp_timeout`). Its person then hears music
while the phone is called again, and is put through to the same operator when it answers. When that
takes too long, the dialplan says that we will call back, and the lead is due again at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from agi.server import AgiSession
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiError
from dialer.calls import Conversing
from dialer.controller import Controller
from dialer.operators import Seat, Talking
from dialer.outcomes import EndedBy
from dialer.seating import HOLDING
from monitoring import metrics

log = structlog.get_logger(__name__)

NEW_PLACE = ("Created", "Reachable")
"""States of a contact that say: the phone can be called, perhaps at another place than before."""


@dataclass(slots=True)
class Lost:
    """A conversation whose operator's phone is gone. `back` becomes the channel, or None."""

    login: str
    at: float
    back: asyncio.Future[str | None]
    timer: asyncio.TimerHandle


class Returning:
    """Lost phones of one floor. `limit_s` 0 means that nobody waits: the conversation ends."""

    def __init__(self, controller: Controller, limit_s: float) -> None:
        self._controller, self.limit_s = controller, limit_s
        self._lost: dict[UUID, Lost] = {}
        controller.seating.keeps_talking = self._phone_lost
        controller.comes_back = self._phone_back
        controller.watch(self.on_event, ev.Hangup, ev.BridgeEntered, ev.ContactStatusChanged)

    # --- events

    def _phone_lost(self, seat: Seat) -> bool:
        """Whether the conversation goes on although the phone is gone."""
        attempt = self._attempt_of(seat)
        if attempt is None or not self.limit_s:
            return False
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.limit_s, self._too_late, attempt.id)
        now = self._controller.clock()
        self._lost[attempt.id] = Lost(seat.login, now, loop.create_future(), timer)
        log.warning("phone_lost", login=seat.login, attempt=str(attempt.id), limit_s=self.limit_s)
        metrics.phone_lost("waiting")
        return True

    def _attempt_of(self, seat: Seat) -> Conversing | None:
        if not isinstance(seat.state, Talking) or seat.after_call == "sign_out":
            return None
        attempt = self._controller.board.attempts.get(seat.state.attempt_id)
        if isinstance(attempt, Conversing) and attempt.operator == seat.login:
            return attempt
        return None

    def _phone_back(self, seat: Seat) -> bool:
        """The operator's new leg waits in the holding bridge: the person follows."""
        attempt = self._attempt_of(seat)
        lost = self._lost.get(attempt.id) if attempt is not None else None
        if lost is None or lost.back.done():
            return False
        lost.timer.cancel()
        lost.back.set_result(seat.channel)
        away_s = self._controller.clock() - lost.at
        log.info("phone_back", login=seat.login, away_s=round(away_s, 1))
        metrics.phone_lost("back")
        return True

    def _too_late(self, attempt_id: UUID) -> None:
        lost = self._lost.pop(attempt_id, None)
        attempt = self._controller.board.attempts.get(attempt_id)
        if lost is None or attempt is None:
            return
        self._controller.board.attempts[attempt_id] = attempt.wants_end(EndedBy.PHONE_LOST)
        if not lost.back.done():
            lost.back.set_result(None)
        metrics.phone_lost("gone")
        seat = self._controller.board.seats.get(lost.login)
        if seat is not None and seat.state.attempt == attempt_id:
            limit_s = self._controller.board.wrap_up_limit(attempt)
            self._controller.seating.conversation_ended(seat, self._controller.clock(), limit_s)

    def on_event(self, event: ev.Event) -> None:
        """After the controller has understood it."""
        if isinstance(event, ev.Hangup):
            self._forget_ended()
        elif isinstance(event, ev.BridgeEntered) and event.technology != HOLDING:
            self._talk_again(event.unique_id)
        elif isinstance(event, ev.ContactStatusChanged) and event.status in NEW_PLACE:
            self._registered(event.aor.removeprefix("op-"))

    def _talk_again(self, unique_id: str) -> None:
        attempt = self._controller.board.attempt_of_channel(unique_id)
        lost = self._lost.get(attempt.id) if attempt is not None else None
        if attempt is not None and lost is not None and lost.back.done():
            del self._lost[attempt.id]

    def _forget_ended(self) -> None:
        for attempt_id in tuple(self._lost):
            if attempt_id not in self._controller.board.attempts:
                lost = self._lost.pop(attempt_id)
                lost.timer.cancel()
                if not lost.back.done():
                    lost.back.set_result(None)

    def _registered(self, login: str) -> None:
        """A lost phone is at a new place: what still rings at the old one is in vain."""
        seat = self._controller.board.seats.get(login)
        waited_for = {lost.login for lost in self._lost.values() if not lost.back.done()}
        if seat is None or login not in waited_for:
            return
        if seat.leg_id and not seat.channel:
            self._controller.tasks.command(f"call {login} anew", self._give_up(seat), AmiError)
        elif not seat.leg_id:
            self._controller.seating.call_phone(seat)

    async def _give_up(self, seat: Seat) -> None:
        """Its failure makes the seating call the phone again."""
        await self._controller.ami.hangup(seat.leg_id)

    # --- asked by the dialplan

    async def lost(self, session: AgiSession) -> None:
        """The route `lost`: PROZVON_LOST is 1 when the operator's phone was lost."""
        if self._find(session) is not None:
            await session.set_variable("PROZVON_LOST", "1")

    async def back(self, session: AgiSession) -> None:
        """The route `return`: PROZVON_RETURN is the operator's new channel, or stays empty."""
        lost = self._find(session)
        if lost is None:
            return
        hung_up = asyncio.ensure_future(session.hung_up.wait())
        try:
            waits: set[asyncio.Future[Any]] = {lost.back, hung_up}
            await asyncio.wait(waits, timeout=self.limit_s + 1, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
        channel = lost.back.result() if lost.back.done() else None
        if channel and not session.hung_up.is_set():
            await session.set_variable("PROZVON_RETURN", channel)

    def _find(self, session: AgiSession) -> Lost | None:
        try:
            return self._lost.get(UUID(session.unique_id))
        except ValueError:
            return None
