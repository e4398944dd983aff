"""What an operator may ask for: the service behind the desk, the commands and the demo's bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dialer.calls import Conversing
from dialer.controller import Controller
from dialer.operators import AnyState, InCall, Seat, WrapUp
from dialer.outcomes import EndedBy
from dialer.refusal import Refusal

REASON_LETTERS = 64
NOTE_LETTERS = 2000


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


class Desk:
    """Use cases of operators, on the floor's controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._dispositions: dict[str, list[str]] = {}

    def seats(self) -> list[SeatView]:
        """Everybody who is signed in."""
        return [_view(seat) for seat in self._controller.board.seats.values()]

    def seat(self, login: str) -> SeatView:
        return _view(self._seat(login))

    async def sign_in(self, login: str) -> SeatView:
        """Opens a shift; the operator's phone is called at once."""
        if login in self._controller.board.seats:
            raise DeskError("already_signed_in", 409, f"{login} is already signed in")
        if self._controller.board.draining:
            raise DeskError("stopping", 503, "the floor is stopping; sign in again when it is back")
        row = await self._controller.store.operator(login)
        if row is None:
            raise DeskError(
                "unknown_operator",
                404,
                f"no operator {login}; add one: prozvon operator add {login}",
            )
        if login in self._controller.board.seats:
            raise DeskError("already_signed_in", 409, f"{login} is already signed in")
        return _view(self._controller.seating.sign_in(row["id"], login, frozenset(row["skills"])))

    def sign_out(self, login: str) -> None:
        """Ends the shift: now, or after the conversation and its wrap-up."""
        self._controller.seating.sign_out(self._seat(login))

    def ready(self, login: str) -> SeatView:
        """Ends a pause or the wrap-up."""
        seat = self._seat(login)
        self._controller.seating.ready(seat)
        return _view(seat)

    def pause(self, login: str, reason: str) -> SeatView:
        """Pauses with a reason: now, or after the conversation."""
        text = " ".join(reason.split())
        if not text or len(text) > REASON_LETTERS or not text.isprintable():
            raise DeskError("bad_reason", 422, f"give a reason of 1 to {REASON_LETTERS} letters")
        seat = self._seat(login)
        self._controller.seating.pause(seat, text)
        return _view(seat)

    def hang_up(self, login: str) -> SeatView:
        """Ends the person's leg; the operator's own leg stays."""
        seat = self._seat(login)
        attempt = self._controller.board.attempts.get(seat.state.attempt or UUID(int=0))
        if not isinstance(attempt, Conversing) or attempt.operator != login:
            raise DeskError("no_conversation", 409, f"{login} is in no conversation")
        self._controller.attempts.hang_up(attempt, EndedBy.OPERATOR)
        return _view(seat)

    async def dispositions(self) -> list[dict[str, Any]]:
        """The floor's dispositions: code, titles, flags."""
        return [dict(row) for row in await self._controller.store.dispositions()]

    async def dispose(self, login: str, code: str, note: str = "") -> SeatView:
        """The disposition of the present or last conversation; ends the wrap-up."""
        seat = self._seat(login)
        state = seat.state
        if not isinstance(state, InCall | WrapUp):
            raise DeskError("nothing_to_dispose", 409, f"{login} has no conversation to dispose of")
        await self._check_disposition(code)
        if len(note) > NOTE_LETTERS or "\x00" in note:
            raise DeskError("bad_note", 422, f"a note has at most {NOTE_LETTERS} letters, no NUL")
        attempt_id, at = state.attempt_id, self._controller.clock()
        store = self._controller.store
        self._controller.journal.write(
            "dispose", lambda c: store.dispose(c, attempt_id, code, at, note)
        )
        if seat.state.attempt == attempt_id:
            self._controller.seating.disposed(seat)
        return _view(seat)

    async def _check_disposition(self, code: str) -> None:
        if code not in self._dispositions:
            rows = await self._controller.store.dispositions()
            self._dispositions = {row["code"]: row["flags"] for row in rows}
        if code not in self._dispositions:
            known = ", ".join(sorted(self._dispositions))
            raise DeskError("unknown_disposition", 422, f"no disposition {code!r}; one of: {known}")

    def _seat(self, login: str) -> Seat:
        seat = self._controller.board.seats.get(login)
        if seat is None:
            raise DeskError("not_signed_in", 409, f"{login} is not signed in")
        return seat


def _view(seat: Seat) -> SeatView:
    state: AnyState = seat.state
    return SeatView(
        login=seat.login,
        state=state.kind.value,
        since=state.since,
        reason=state.why,
        phone_up=bool(seat.channel),
        attempt_id=state.attempt,
        after_call=seat.after_call,
    )
