"""What an operator may ask for: the service behind the desk, the commands and the demo's bot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.dispositions.model import Disposal, callback_time
from campaigns.dispositions.service import Talk, TalkService
from dialer.calls import Conversing
from dialer.controller import Controller
from dialer.notices import notice
from dialer.operators import AnyState, InCall, Seat, WrapUp
from dialer.outcomes import EndedBy
from dialer.refusal import Refusal
from dialer.seating import phone_of

if TYPE_CHECKING:
    from dialer.journal import Connection

REASON_LETTERS = 64
NOTE_LETTERS = 2000
CALLBACK_FOR = ("me", "anyone")


class DeskError(Refusal):
    """A request of an operator's desk that cannot be done now."""


@dataclass(frozen=True, slots=True)
class SeatView:
    """What an operator's desk shows; seconds and epoch seconds."""

    login: str
    state: str
    since: float
    reason: str | None
    phone_up: bool
    attempt_id: UUID | None
    after_call: str
    phone_mode: str = "nailed_up"
    notice_en: str = ""
    notice_ru: str = ""
    """What the operator should know now, as a sentence for the screen."""


class Desk:
    """Use cases of operators, on the floor's controller."""

    def __init__(self, controller: Controller, talks: TalkService, zone: ZoneInfo) -> None:
        """`zone`: the floor's, for times that operators agree on."""
        self._controller, self._talks, self._zone = controller, talks, zone
        self.on_request: Callable[[str, Mapping[str, object]], None] = lambda name, given: None
        """Told of every request of somebody who is signed in."""

    def seats(self) -> list[SeatView]:
        """Everybody who is signed in."""
        return [_view(seat) for seat in self._controller.board.seats.values()]

    def seat(self, login: str) -> SeatView:
        return _view(self._seat(login))

    async def sign_in(self, login: str) -> SeatView:
        """Opens a shift; the operator's phone is called at once."""
        if login in self._controller.board.seats:
            raise _already(login)
        if self._controller.board.draining:
            raise DeskError(
                "stopping",
                503,
                "the floor is stopping; sign in again when it is back",
                "площадка останавливается; выйдите на смену, когда она вернётся",
            )
        row = await self._controller.store.operator(login)
        if row is None:
            raise DeskError(
                "unknown_operator",
                404,
                f"no operator {login}; add one: prozvon operator add {login}",
                f"нет оператора {login}; добавьте: prozvon operator add {login}",
            )
        if login in self._controller.board.seats:
            raise _already(login)
        skills, phone = frozenset(row["skills"]), phone_of(row)
        return _view(self._controller.seating.sign_in(row["id"], login, skills, phone))

    def sign_out(self, login: str) -> None:
        """Ends the shift: now, or after the conversation and its wrap-up."""
        self.on_request("sign_out", {"login": login})
        self._controller.seating.sign_out(self._seat(login))

    def ready(self, login: str) -> SeatView:
        """Ends a pause or the wrap-up."""
        self.on_request("ready", {"login": login})
        seat = self._seat(login)
        self._controller.seating.ready(seat)
        return _view(seat)

    def pause(self, login: str, reason: str) -> SeatView:
        """Pauses with a reason: now, or after the conversation."""
        text = " ".join(reason.split())
        if not text or len(text) > REASON_LETTERS or not text.isprintable():
            raise DeskError(
                "bad_reason",
                422,
                f"give a reason of 1 to {REASON_LETTERS} letters",
                f"укажите причину, от 1 до {REASON_LETTERS} символов",
            )
        self.on_request("pause", {"login": login, "reason": text})
        seat = self._seat(login)
        self._controller.seating.pause(seat, text)
        return _view(seat)

    def hang_up(self, login: str) -> SeatView:
        """Ends the person's leg, also before the answer when the operator dialed by hand."""
        self.on_request("hang_up", {"login": login})
        seat = self._seat(login)
        attempt = self._controller.board.attempts.get(seat.state.attempt or UUID(int=0))
        talks = isinstance(attempt, Conversing) and attempt.operator == login
        if attempt is None or not (talks or seat.dials_by_hand):
            raise DeskError(
                "no_conversation",
                409,
                f"{login} is in no conversation",
                f"{login} сейчас не разговаривает",
            )
        self._controller.attempts.hang_up(attempt, EndedBy.OPERATOR)
        return _view(seat)

    async def dispositions(self) -> list[dict[str, Any]]:
        """The floor's dispositions: code, titles, flags."""
        return [dict(row) for row in await self._controller.store.dispositions()]

    async def talk(self, login: str) -> Talk:
        """Script, form and dispositions for the operator's present or last conversation."""
        return await self._talks.talk(self._conversation(login), login)

    async def dispose(
        self,
        login: str,
        code: str,
        note: str = "",
        *,
        answers: Mapping[str, Any] | None = None,
        callback_at: str = "",
        callback_for: str = "me",
    ) -> SeatView:
        """The disposition of the present or last conversation; ends the wrap-up.

        `answers` are those of the campaign's form, by field. `callback_at` is a time of the
        floor's zone, or with an offset; `callback_for`: "me" or "anyone".
        """
        seat, attempt_id = self._seat(login), self._conversation(login)
        talk = await self._talks.talk(attempt_id, login)
        at = self._controller.clock()
        called_back = self._callback_time(callback_at, at)
        if callback_for not in CALLBACK_FOR:
            raise DeskError(
                "bad_callback",
                422,
                "callback_for is `me` or `anyone`",
                "callback_for: `me` (тот же оператор) или `anyone` (любой)",
            )
        same = callback_for == "me"
        disposal = Disposal(code, note, dict(answers or {}), called_back, same)
        disposal = replace(disposal, answers=talk.check(disposal))
        if len(note) > NOTE_LETTERS or "\x00" in note:
            raise DeskError(
                "bad_note",
                422,
                f"a note has at most {NOTE_LETTERS} letters, no NUL",
                f"в заметке не больше {NOTE_LETTERS} символов, без NUL",
            )
        self._controller.journal.write(
            "dispose", lambda c: self._keep(c, attempt_id, login, disposal, at)
        )
        self.on_request("dispose", {"login": login, "code": code})
        if seat.state.attempt == attempt_id:
            self._controller.seating.disposed(seat)
        return _view(seat)

    async def _keep(
        self, connection: Connection, attempt_id: UUID, login: str, disposal: Disposal, at: float
    ) -> None:
        """Into the database, with the callback that was agreed on. Safe to repeat."""
        async with connection.transaction():
            await self._controller.store.dispose(connection, attempt_id, disposal, at)
            if disposal.callback_at is not None:
                await self._talks.call_back(connection, attempt_id, login, disposal)

    def _conversation(self, login: str) -> UUID:
        state = self._seat(login).state
        if not isinstance(state, InCall | WrapUp):
            raise DeskError(
                "nothing_to_dispose",
                409,
                f"{login} has no conversation to dispose of",
                f"у {login} нет разговора, для которого нужен результат",
            )
        return state.attempt_id

    def _callback_time(self, text: str, now: float) -> datetime | None:
        if not text:
            return None
        return callback_time(text, datetime.fromtimestamp(now, UTC), self._zone)

    def _seat(self, login: str) -> Seat:
        seat = self._controller.board.seats.get(login)
        if seat is None:
            raise DeskError(
                "not_signed_in", 409, f"{login} is not signed in", f"{login} не на смене"
            )
        return seat


def _view(seat: Seat) -> SeatView:
    state: AnyState = seat.state
    says = notice(seat)
    return SeatView(
        login=seat.login,
        state=state.kind.value,
        since=state.since,
        reason=state.why,
        phone_up=bool(seat.channel),
        attempt_id=state.attempt,
        after_call=seat.after_call,
        phone_mode="ring_per_call" if seat.phone.on_call else "nailed_up",
        notice_en=says.en,
        notice_ru=says.ru,
    )


def _already(login: str) -> DeskError:
    told = f"{login} is already signed in", f"{login} уже на смене"
    return DeskError("already_signed_in", 409, *told)
