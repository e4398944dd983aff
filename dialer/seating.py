"""Operators at work: shifts, their states, and their phones' legs.

A nailed-up leg is called when the operator signs in and again whenever it is lost; that of an
operator on call when a call is about to be dialed (`summon`), and it ends with the conversation. A
leg counts as up when it enters the holding bridge. States are changed only here and by the
hand-over, and every change is journaled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog

from dialer.asterisk.ami import AmiClient, AmiError, AmiState, OriginateRequest
from dialer.asterisk.events import BridgeEntered, ChannelCreated, Hangup
from dialer.board import Board
from dialer.calls import Conversing
from dialer.ids import new_id
from dialer.journal import Journal
from dialer.line_time import LineTime
from dialer.operators import (
    NAILED_UP,
    NO_ANSWER,
    NO_LINE,
    AnyState,
    Connecting,
    Consult,
    Dialing,
    InCall,
    Paused,
    Phone,
    Previewing,
    Ready,
    Reserved,
    Seat,
    State,
    StateChange,
    Summoned,
    WrapUp,
    after_phone_lost,
)
from dialer.outcomes import EndedBy
from dialer.phone_legs import NoLine, PhoneLegs
from dialer.store import Store
from dialer.tasks import Tasks

log = structlog.get_logger(__name__)

RECALL_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses before a lost or unanswered phone is called again."""
LINE_AGAIN_S = 5.0
"""So long after no line was free for an outside number."""
OUTSIDE_CALLS = 3
"""An outside number that does not answer so often in a row is not called by itself any more: each
call may cost money, and somebody's rest."""
RTP_TIMEOUT_CAUSE = 44
HOLDING = "holding_bridge"


def phone_of(row: Any) -> Phone:
    """The phone in a row of `operator`."""
    return Phone(row["phone_mode"] == "ring_per_call", row["phone_number"] or "")


class Seating:
    """Shifts and phones of the floor's operators."""

    def __init__(
        self,
        board: Board,
        store: Store,
        journal: Journal,
        ami: AmiClient,
        tasks: Tasks,
        line_time: LineTime,
        clock: Callable[[], float],
        legs: PhoneLegs,
    ) -> None:
        self._board, self._store, self._journal = board, store, journal
        self._ami, self._tasks, self._clock = ami, tasks, clock
        self._line_time = line_time
        self.legs = legs
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._summoned: dict[str, asyncio.Future[bool]] = {}
        self.closing: set[str] = set()  # legs of those who signed out, until they are gone
        self.new_id: Callable[[float], UUID] = new_id
        self.on_sign_in: Callable[[Seat], None] = lambda seat: None
        self.on_free: Callable[[], None] = lambda: None
        self.on_leave: Callable[[], None] = lambda: None
        self.on_phone_lost: Callable[[Seat, UUID], None] = lambda seat, attempt: None
        self.person_goes_on: Callable[[Seat, UUID, EndedBy], bool] = lambda seat, attempt, by: False
        """Asked when a phone is lost in a call: whether the person stays on the line without it."""
        self.keeps_talking: Callable[[Seat], bool] = lambda seat: False
        """Whether a conversation outlives its operator's lost phone (`dialer.returning`)."""
        self.on_dial_left: Callable[[UUID, EndedBy], None] = lambda attempt, by: None
        self.wrap_up_ended: Callable[[UUID, float, float], None] = lambda attempt, at, s: None

    # --- shifts

    def sign_in(
        self,
        operator_id: int,
        login: str,
        skills: frozenset[str] = frozenset(),
        phone: Phone = NAILED_UP,
    ) -> Seat:
        """Opens a shift; ready when the nailed-up phone, which is called, is up; else at once."""
        now = self._clock()
        shift_id = self.new_id(now)
        state = Ready(now) if phone.on_call else Connecting(now)
        seat = Seat(
            operator_id, login, shift_id, now, self._changed, state, skills=skills, phone=phone
        )
        self._board.seats[login] = seat
        self.on_sign_in(seat)
        first = state.kind.value
        self._journal.row(self._store.open_shift(shift_id, operator_id, now, first))
        self._changed(StateChange(shift_id, login, 0, None, seat.state))
        self.call_phone(seat)
        self._freed(seat)
        return seat

    def restore(self, seat: Seat) -> None:
        """Puts back a seat that recovery read from the database."""
        seat.on_change = self._changed
        self._board.seats[seat.login] = seat
        self._board.seat_moved(seat.login, None, seat.state)
        if seat.leg_id:
            self._board.legs[seat.leg_id] = seat.login
        if isinstance(seat.state, WrapUp):
            self._limit_wrap_up(seat)

    def sign_out(self, seat: Seat) -> None:
        """Closes the shift now; in a call it waits for its end and that of wrap-up."""
        if isinstance(seat.state, InCall | Reserved) or seat.dials_by_hand:
            seat.after_call = "sign_out"
            return
        now = max(self._clock(), seat.state.since)
        self._wrapped_up(seat.state, now)
        self._board.seats.pop(seat.login, None)
        self._board.seat_moved(seat.login, seat.state, None)
        self._stop_timer(seat.login)
        self._line_time.signed_out(seat.login, seat.state, now)
        self._journal.row(self._store.close_shift(seat.shift_id, now))
        self.let_leg_go(seat)
        self.on_leave()

    def pause(self, seat: Seat, reason: str) -> None:
        """Pauses now; in a conversation or a dial by hand, after it."""
        if isinstance(seat.state, InCall | Reserved) or seat.dials_by_hand:
            seat.after_call = f"pause:{reason}"
            return
        self._wrapped_up(seat.state, self._clock())
        seat.become(seat.state.pause(self._clock(), reason))
        self._put_down(seat)
        self.on_leave()

    def ready(self, seat: Seat) -> None:
        """Ends a pause or wrap-up; takes back what was asked for after the call."""
        seat.after_call = ""
        now, up = self._clock(), seat.reachable
        if isinstance(seat.state, Paused):
            seat.become(seat.state.resume(now, phone_up=up))
            self._call_again(seat)
        elif isinstance(seat.state, WrapUp):
            self._finish_wrap_up(seat)
            return
        self._freed(seat)

    # --- conversations

    def conversation_ended(self, seat: Seat, at: float, wrap_up_limit_s: float) -> None:
        """The person or the operator hung up: wrap-up begins."""
        if isinstance(seat.state, InCall):
            seat.become(seat.state.ended(at))
            seat.wrap_up_limit_s = wrap_up_limit_s
            self._limit_wrap_up(seat)
            self._put_down(seat)

    def taken(self, seat: Seat, attempt: UUID, at: float) -> None:
        """The node gave the person to this operator without asking us first.

        It may have been faster than our word that the operator pauses: the pause follows the call.
        """
        state = seat.state
        if isinstance(state, Paused):
            seat.after_call = seat.after_call or f"pause:{state.reason}"
            seat.become(state.resume(at, phone_up=True))
        elif isinstance(state, WrapUp):
            self._stop_timer(seat.login)
            seat.become(state.finished(at, phone_up=True))
            self._wrapped_up(state, seat.state.since)
        elif isinstance(state, Previewing):
            seat.become(state.released(at))
        if isinstance(seat.state, Ready | Dialing):
            seat.become(seat.state.reserve(at, attempt))

    def release(self, seat: Seat, attempt: UUID) -> None:
        """The dial or the reservation for `attempt` is over without a conversation."""
        if isinstance(seat.state, Dialing | Reserved) and seat.state.attempt_id == attempt:
            seat.become(seat.state.released(self._clock()))
            if not self._leave_after_call(seat):
                self._freed(seat)

    def unasked(self, seat: Seat) -> None:
        """Whoever was asked for advice is free again: nothing to wrap up."""
        if isinstance(seat.state, Consult):
            seat.become(seat.state.unasked(self._clock()))
            if not self._leave_after_call(seat):
                self._freed(seat)

    def disposed(self, seat: Seat) -> None:
        """The disposition is in: wrap-up ends."""
        if isinstance(seat.state, WrapUp):
            self._finish_wrap_up(seat)

    def _limit_wrap_up(self, seat: Seat) -> None:
        left = seat.state.since + seat.wrap_up_limit_s - self._clock()
        self._timer(seat.login, max(0.0, left), lambda: self.disposed(seat))

    def _finish_wrap_up(self, seat: Seat) -> None:
        state = seat.state
        assert isinstance(state, WrapUp)
        self._stop_timer(seat.login)
        seat.become(state.finished(self._clock(), phone_up=seat.reachable))
        self._wrapped_up(state, seat.state.since)
        self._call_again(seat)
        if not self._leave_after_call(seat):
            self._freed(seat)

    def _wrapped_up(self, state: State, at: float) -> None:
        """Tells of a wrap-up that ends at `at`, whatever follows it."""
        if isinstance(state, WrapUp):
            self.wrap_up_ended(state.attempt_id, at, max(0.0, at - state.since))

    def _leave_after_call(self, seat: Seat) -> bool:
        asked, seat.after_call = seat.after_call, ""
        if asked == "sign_out":
            self.sign_out(seat)
        elif asked:
            self.pause(seat, asked.removeprefix("pause:"))
        return bool(asked)

    def _freed(self, seat: Seat) -> None:
        if seat.can_take or seat.can_be_summoned:
            self.on_free()

    # --- the operator's own leg

    def call_phone(self, seat: Seat) -> None:
        """Calls a nailed-up phone, or one that was lost in a conversation, into the bridge."""
        if seat.phone.on_call and not isinstance(seat.state, InCall):
            return
        if seat.leg_id or self._board.seats.get(seat.login) is not seat:
            return
        if self._node_away:
            self._recall(seat)
            return
        try:
            self._call(seat)
        except NoLine as error:
            self._no_line(seat, error)

    def summon(self, seat: Seat, *, by_hand: bool = False) -> asyncio.Future[bool]:
        """Rings the phone of an operator on call; the result is whether it is up now.

        Unanswered, the operator is paused; where no call could be placed, ready as before.
        """
        answer = self._summoned.get(seat.login)
        if answer is not None:
            return answer
        answer = asyncio.get_running_loop().create_future()
        if seat.channel or self._node_away:
            answer.set_result(bool(seat.channel))
            return answer
        self._summoned[seat.login] = answer
        if isinstance(seat.state, Ready):
            seat.become(seat.state.summon(self._clock(), by_hand=by_hand))
        try:
            if not seat.leg_id:
                self._call(seat)
        except NoLine as error:
            self._no_line(seat, error)
        return answer

    def dismiss(self, seat: Seat) -> None:
        """The phone of an operator on call is not needed now; ready as before."""
        self.let_leg_go(seat)
        if isinstance(seat.state, Summoned):
            seat.become(seat.state.released(self._clock()))

    def _put_down(self, seat: Seat) -> None:
        """A phone that is rung for each call: the call is over.

        Only once the leg waits alone: one that was hung up earlier would take the person with it.
        """
        if seat.phone.on_call and isinstance(seat.state, WrapUp | Paused) and seat.waits:
            self.let_leg_go(seat)

    def let_leg_go(self, seat: Seat) -> None:
        """Hangs up the operator's leg, which is forgotten at once."""
        self._hang_up_leg(seat)
        self._forget_leg(seat)

    @property
    def _node_away(self) -> bool:
        return self._ami.state is not AmiState.READY or not self._board.recovered

    def _no_line(self, seat: Seat, error: NoLine) -> None:
        """An outside number that cannot be called: later, or not before somebody saw to it."""
        log.warning("outside_phone_not_called", login=seat.login, why=str(error))
        if error.lasting and isinstance(seat.state, Connecting | Summoned | Ready | Previewing):
            seat.become(seat.state.pause(self._clock(), NO_LINE))
        elif isinstance(seat.state, Summoned):
            seat.become(seat.state.released(self._clock()))
        self._told_up(seat, up=False)
        if not error.lasting:
            self._timer(f"phone {seat.login}", LINE_AGAIN_S, lambda: self.call_phone(seat))

    def _told_up(self, seat: Seat, *, up: bool) -> None:
        answer = self._summoned.pop(seat.login, None)
        if answer is not None and not answer.done():
            answer.set_result(up)

    def _call_again(self, seat: Seat) -> None:
        """A phone that is not called by itself any more, now that its operator is there again."""
        if isinstance(seat.state, Connecting) and not seat.leg_id:
            seat.failed_calls = 0
            self._recall(seat)

    def _call(self, seat: Seat) -> None:
        """Raises NoLine."""
        seat.legs += 1
        suffix = "" if seat.legs == 1 else f"-{seat.legs}"
        leg_id = f"op-{seat.shift_id}{suffix}"
        request = self.legs.request(seat, leg_id)
        seat.leg_id = leg_id
        self._board.legs[leg_id] = seat.login
        self._tasks.command(f"call_phone {seat.login}", self._originate(seat, request), AmiError)

    async def _originate(self, seat: Seat, request: OriginateRequest) -> None:
        try:
            await self._ami.originate(request)
        except AmiError:
            # Whether Asterisk took it is told by events, or by recovery when the link is back.
            if self._ami.state is AmiState.READY:
                self.legs.not_sent(request.channel_id)
                self.leg_failed(request.channel_id)
            raise

    def leg_created(self, event: ChannelCreated) -> None:
        seat = self._board.seat_of_leg(event.unique_id)
        if seat is None:
            return
        leg = (event.unique_id, event.channel, event.at)
        trunk_id = self.legs.trunk_id(event.unique_id)
        row = self._store.call_created(*leg, shift_id=seat.shift_id, trunk_id=trunk_id)
        self._journal.row(row)

    def leg_failed(self, leg_id: str) -> None:
        """The phone did not answer, or is not registered."""
        seat = self._board.seat_of_leg(leg_id)
        if seat is not None and seat.leg_id == leg_id and not seat.channel:
            if seat.failed_calls in (0, len(RECALL_S)):  # once at first, once when it lasts
                log.warning(
                    "phone_not_reached",
                    login=seat.login,
                    advice="is the phone on, and registered with the login shown by operator add?",
                )
            self._forget_leg(seat)
            self._not_answered(seat, self._clock(), refused=not self.legs.unanswered(leg_id))
            self._recall(seat)

    def _not_answered(self, seat: Seat, at: float, *, refused: bool) -> None:
        """A phone that was rung for a call; not `refused`: it was not reached, and cannot help."""
        if seat.phone.on_call and isinstance(seat.state, Summoned | Previewing):
            if refused:
                seat.become(seat.state.pause(at, NO_ANSWER))
                self.on_leave()
            elif isinstance(seat.state, Summoned):
                seat.become(seat.state.released(at))
        self._told_up(seat, up=False)

    def leg_entered(self, event: BridgeEntered) -> None:
        """The leg is in a bridge: the holding one means that the phone is up and free."""
        seat = self._board.seat_of_leg(event.unique_id)
        if seat is None or seat.leg_id != event.unique_id:
            return
        seat.bridge_id = event.bridge_id
        was_up, seat.channel = bool(seat.channel), event.channel
        seat.waits = event.technology == HOLDING
        if not seat.waits or not seat.phone.number:  # a voice box answers, too, and hangs up
            seat.failed_calls = 0
        if not seat.waits:
            return
        self._put_down(seat)
        if isinstance(seat.state, Connecting | Summoned):
            seat.become(seat.state.phone_up(event.at))
            self._told_up(seat, up=True)
            self._freed(seat)
        elif not was_up:
            self._told_up(seat, up=True)
            self._freed(seat)

    def leg_hung_up(self, event: Hangup) -> None:
        """The operator's phone hung up, vanished or was never answered."""
        self.closing.discard(event.unique_id)
        self._journal.row(self._store.call_ended(event.unique_id, None, event.at, event.cause))
        seat = self._board.seat_of_leg(event.unique_id)
        self._board.legs.pop(event.unique_id, None)
        if seat is None or seat.leg_id != event.unique_id:
            return
        was_up = bool(seat.channel)
        self._forget_leg(seat)
        if not was_up:
            refused = not self.legs.unanswered(event.unique_id, event)
            self._not_answered(seat, event.at, refused=refused)
        self._phone_lost(seat, event)
        self._told_up(seat, up=False)
        self._recall(seat)

    def phone_missing(self, seat: Seat, at: float) -> None:
        """After a restart: no leg of this shift is alive. It is called again."""
        state = seat.state
        if isinstance(state, Previewing | Dialing | Reserved | Summoned | Connecting) or (
            isinstance(state, Ready) and not seat.phone.on_call
        ):
            self._become(seat, after_phone_lost(seat, at, refused=False))
        elif isinstance(state, InCall):
            self.conversation_ended(seat, at, self._wrap_up_limit(state))
        self.call_phone(seat)

    def call_missing_phones(self) -> None:
        """Calls every phone that is down, now that the node can be asked."""
        for seat in tuple(self._board.seats.values()):
            self.call_phone(seat)

    def leave_now(self, seat: Seat) -> None:
        """The floor closes: the shift ends whatever the operator does."""
        if isinstance(seat.state, InCall):
            seat.become(seat.state.ended(self._clock()))
        elif isinstance(seat.state, Reserved | Dialing):
            seat.become(seat.state.released(self._clock()))
        self.sign_out(seat)

    def hang_up_stray(self, channel: str) -> None:
        """A leg of a shift that is over."""
        self._tasks.command("hang_up_stray", self._ami.hangup(channel), AmiError)

    def _phone_lost(self, seat: Seat, event: Hangup) -> None:
        state, by = seat.state, EndedBy.OPERATOR
        if event.cause == RTP_TIMEOUT_CAUSE:
            by = EndedBy.PHONE_LOST
        if isinstance(state, Ready | Previewing | Summoned | Dialing | Reserved | Connecting):
            self._become(seat, after_phone_lost(seat, event.at, refused=event.cause != 0))
            if isinstance(state, Reserved):
                self.on_phone_lost(seat, state.attempt_id)
            elif isinstance(state, Dialing) and state.by_hand:
                self.on_dial_left(state.attempt_id, by)
            self.on_leave()
        elif isinstance(state, InCall):
            if event.cause == RTP_TIMEOUT_CAUSE and self.keeps_talking(seat):
                return
            if not self.person_goes_on(seat, state.attempt_id, by):
                self._note_end(state.attempt_id, by)
            self.conversation_ended(seat, event.at, self._wrap_up_limit(state))
        if isinstance(seat.state, Connecting) or seat.phone.on_call:
            self._leave_after_call(seat)

    def _become(self, seat: Seat, new: AnyState) -> None:
        if new is not seat.state:
            seat.become(new)

    def _note_end(self, attempt_id: UUID, by: EndedBy) -> None:
        attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Conversing):
            self._board.attempts[attempt_id] = attempt.wants_end(by)

    def _wrap_up_limit(self, state: InCall) -> float:
        return self._board.wrap_up_limit(self._board.attempts.get(state.attempt_id))

    def _forget_leg(self, seat: Seat) -> None:
        self._board.legs.pop(seat.leg_id, None)
        seat.leg_id = seat.channel = seat.bridge_id = ""
        seat.waits = False

    def _recall(self, seat: Seat) -> None:
        if self._board.seats.get(seat.login) is not seat:
            return
        in_call = isinstance(seat.state, InCall)
        if seat.phone.on_call and not in_call:
            return
        pause = RECALL_S[min(seat.failed_calls, len(RECALL_S) - 1)]
        seat.failed_calls += 1
        if seat.phone.number and seat.failed_calls >= OUTSIDE_CALLS and not in_call:
            if isinstance(seat.state, Connecting):
                seat.become(seat.state.pause(self._clock(), NO_ANSWER))
            return
        self._timer(f"phone {seat.login}", pause, lambda: self.call_phone(seat))

    def _hang_up_leg(self, seat: Seat) -> None:
        self._stop_timer(f"phone {seat.login}")
        self._told_up(seat, up=False)
        if seat.leg_id:
            self.closing.add(seat.leg_id)
            self.legs.let_go(seat.leg_id)
            self._tasks.command(f"hang_up {seat.login}", self._close_leg(seat.leg_id), AmiError)

    async def _close_leg(self, leg_id: str) -> None:
        """A leg that is not there (yet) is hung up as a stray when it answers."""
        if not await self._ami.hangup(leg_id):
            self.closing.discard(leg_id)

    # --- the log of states

    def _changed(self, change: StateChange) -> None:
        seat = self._board.seats.get(change.login)
        if seat is not None and seat.shift_id == change.shift_id:  # not one that is over
            self._board.seat_moved(change.login, change.old, change.new)
        self._line_time.state_changed(change)
        self._journal.row(self._store.change_state(change))

    def _timer(self, name: str, after_s: float, what: Callable[[], None]) -> None:
        self._stop_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(after_s, what)

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        for name in tuple(self._timers):
            self._stop_timer(name)
