"""`*` codes of operators' phones: keys in, the same requests out that the API makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiError
from dialer.refusal import Refusal
from dialer.talk.checks import Target
from dialer.talk.codes import Asked, CodeReader, Unknown
from dialer.talk.floor import SQL, TalkFloor
from dialer.talk.model import Held
from dialer.talk.service import Talks
from monitoring import metrics

log = structlog.get_logger(__name__)

SHORTEST_NUMBER = 7
"""Digits: fewer mean an operator's number."""


class Stars:
    """Follows the keys of operators' own legs."""

    def __init__(self, floor: TalkFloor, talks: Talks) -> None:
        self._floor, self._talks = floor, talks
        self._readers: dict[str, CodeReader] = {}
        self._simple: dict[str, Callable[[str], Awaitable[object]]] = {
            "hold": self._hold,
            "toggle": talks.toggle,
            "three_way": talks.three_way,
            "complete": talks.complete,
            "cancel": talks.cancel,
            "park": talks.park,
            "pick_up": talks.pick_up,
            "mute": self._mute,
        }

    def on_event(self, event: ev.Event) -> None:
        if not isinstance(event, ev.Dtmf) or event.direction != "Received":
            return
        login = self._floor.board.legs.get(event.unique_id)
        if login is None:
            return
        reader = self._readers.setdefault(login, CodeReader(self._floor.settings.codes))
        found = reader.press(event.digit, event.at)
        if isinstance(found, Unknown):
            self._refused(login, "unknown_code", "no such code")
        elif isinstance(found, Asked):
            self._floor.tasks.command(f"code {login}", self._do(login, found), AmiError)

    async def _do(self, login: str, asked: Asked) -> None:
        try:
            if asked.action in self._simple:
                await self._simple[asked.action](login)
            else:
                target = await self._target(asked.target)
                act = self._talks.transfer if asked.action == "transfer" else self._talks.consult
                await act(login, target)
        except Refusal as refusal:
            self._refused(login, refusal.id, asked.action)

    async def _hold(self, login: str) -> None:
        """The same key takes back."""
        seat = self._floor.board.seats.get(login)
        attempt_id = seat.state.attempt if seat else None
        talk = self._floor.talks.get(attempt_id) if attempt_id else None
        await (self._talks.resume(login) if isinstance(talk, Held) else self._talks.hold(login))

    async def _mute(self, login: str) -> None:
        await self._talks.mute(login, on=login not in self._floor.muted)

    async def _target(self, digits: str) -> Target:
        """Digits of the settings' table, a telephone number, or an operator's number."""
        named = self._floor.settings.targets.get(digits)
        if named is not None:
            kind, _, name = named.partition(":")
            return Target(**{kind: name})
        if len(digits) >= SHORTEST_NUMBER:
            return Target(number=digits)
        login = await self._floor.store.pool.fetchval(
            SQL["operator_by_number"], self._floor.store.floor_id, int(digits or 0)
        )
        if login is None:
            raise Refusal(
                "unknown_operator",
                404,
                "no operator has this number",
                "оператора с таким номером нет",
            )
        return Target(operator=login)

    def _refused(self, login: str, reason: str, action: str) -> None:
        """A short tone for the operator alone; nothing happens to the call."""
        log.warning("code_refused", login=login, reason=reason, action=action)
        seat = self._floor.board.seats.get(login)
        metrics.code_refused(reason)
        if seat is None or not seat.channel:
            return
        tone = f"tone-{self._floor.new_id(self._floor.clock())}"
        work = self._floor.moves.refused_tone(seat.channel, tone)
        self._floor.tasks.command("refused_tone", work, AmiError)
