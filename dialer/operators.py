"""PURE. Operators' states, one frozen dataclass each, and who takes the next call.

    Connecting -> Ready -> Dialing -> Reserved -> Talking -> WrapUp -> Ready ...
                    |                            |     |        |
                    |                            Hold, Consult  |
                    +----------------> Paused <-----------------+

A phone that is rung for each call is down while its operator is `Ready`: before a call is dialed
for them they are `Summoned`, and with the phone up `Ready` again.

A `Seat` is one operator's shift as the floor sees it now; every change of state goes through
`Seat.become`, which writes the log of states without gaps: a state starts where the last ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class OperatorState(StrEnum):
    """The states a shift is cut into (the words of the reports)."""

    CONNECTING = "connecting"
    READY = "ready"
    RESERVED = "reserved"
    DIALING = "dialing"
    TALKING = "talking"
    HOLD = "hold"
    CONSULT = "consult"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


USUAL_WRAP_UP_S = 60.0
LINE_STATES = frozenset(
    {OperatorState.DIALING, OperatorState.TALKING, OperatorState.HOLD, OperatorState.CONSULT}
)
"""The states that make up an operator's line time."""


@dataclass(frozen=True, slots=True)
class Phone:
    """An operator's phone. `on_call`: rung for each call, else nailed up for the whole shift.

    `number`: an outside number in E.164 that is called over a trunk; "": the operator's SIP login.
    """

    on_call: bool = False
    number: str = ""


NAILED_UP = Phone()
NO_ANSWER, HUNG_UP, NO_LINE = "no_answer", "hung_up", "no_line"
"""Why the phone paused its operator: it was not answered; the operator ended a call that waited;
there is no way to the outside number."""


@dataclass(frozen=True, slots=True)
class State:
    """What an operator does since `since` (epoch seconds)."""

    since: float
    kind: ClassVar[OperatorState]

    @property
    def attempt(self) -> UUID | None:
        return None

    @property
    def why(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Connecting(State):
    """Would be ready, but the phone is not up."""

    kind = OperatorState.CONNECTING

    def phone_up(self, at: float) -> Ready:
        return Ready(at)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)


@dataclass(frozen=True, slots=True)
class Ready(State):
    """Free for a call. `free_since` orders the operators: a dial that failed does not reset it."""

    kind = OperatorState.READY
    waits_since: float | None = None

    @property
    def free_since(self) -> float:
        return self.since if self.waits_since is None else self.waits_since

    def dial(self, at: float, attempt: UUID) -> Dialing:
        return Dialing(at, attempt, self.free_since)

    def dial_by_hand(self, at: float, attempt: UUID) -> Dialing:
        return Dialing(at, attempt, self.free_since, by_hand=True)

    def preview(self, at: float) -> Previewing:
        return Previewing(at, self.free_since)

    def summon(self, at: float, *, by_hand: bool = False) -> Summoned:
        return Summoned(at, self.free_since, by_hand)

    def reserve(self, at: float, attempt: UUID) -> Reserved:
        return Reserved(at, attempt, self.free_since)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)

    def phone_lost(self, at: float) -> Connecting:
        return Connecting(at)


@dataclass(frozen=True, slots=True)
class Previewing(State):
    """Reads the card of a lead and will dial or skip it; given to nobody meanwhile.

    In the reports it is `reserved` with the reason `preview`: reserved for a lead, not yet dialing.
    """

    kind = OperatorState.RESERVED
    free_since: float

    @property
    def why(self) -> str | None:
        return "preview"

    def dial_by_hand(self, at: float, attempt: UUID) -> Dialing:
        return Dialing(at, attempt, self.free_since, by_hand=True)

    def released(self, at: float) -> Ready:
        return Ready(at, self.free_since)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)

    def phone_lost(self, at: float) -> Connecting:
        return Connecting(at)


@dataclass(frozen=True, slots=True)
class Summoned(State):
    """The phone of an operator on call rings for a call that will be dialed, or waits.

    In the reports it is `reserved` with the reason `phone`. `by_hand`: the operator asked for it.
    """

    kind = OperatorState.RESERVED
    free_since: float
    by_hand: bool = False

    @property
    def why(self) -> str | None:
        return "phone"

    def phone_up(self, at: float) -> Ready:
        return Ready(at, self.free_since)

    def released(self, at: float) -> Ready:
        return Ready(at, self.free_since)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)


@dataclass(frozen=True, slots=True)
class _WithAttempt(State):
    attempt_id: UUID

    @property
    def attempt(self) -> UUID | None:
        return self.attempt_id


@dataclass(frozen=True, slots=True)
class Dialing(_WithAttempt):
    """A call is being placed for this operator.

    Any answered person may still be given to them, unless they dial `by_hand`: then they listen to
    the ringing of their own call.
    """

    kind = OperatorState.DIALING
    free_since: float
    by_hand: bool = False

    def released(self, at: float) -> Ready:
        return Ready(at, self.free_since)

    def reserve(self, at: float, attempt: UUID) -> Reserved:
        return Reserved(at, attempt, self.free_since)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)

    def phone_lost(self, at: float) -> Connecting:
        return Connecting(at)


@dataclass(frozen=True, slots=True)
class Reserved(_WithAttempt):
    """An answered person is on the way to this operator."""

    kind = OperatorState.RESERVED
    free_since: float

    def bridged(self, at: float, attempt: UUID) -> Talking:
        return Talking(at, attempt)

    def consult(self, at: float) -> Consult:
        """Asked for advice by another operator."""
        return Consult(at, self.attempt_id)

    def released(self, at: float) -> Ready:
        return Ready(at, self.free_since)

    def phone_lost(self, at: float) -> Connecting:
        return Connecting(at)


@dataclass(frozen=True, slots=True)
class InCall(_WithAttempt):
    """Busy with a live call, whoever hears whom at the moment (base of the next three)."""

    def ended(self, at: float) -> WrapUp:
        return WrapUp(at, self.attempt_id)

    def hold(self, at: float) -> Hold:
        """The person hears music."""
        return Hold(at, self.attempt_id)

    def hold_by_phone(self, at: float) -> Hold:
        """The same by the phone's own key: both stay in their bridge."""
        return Hold(at, self.attempt_id, by_phone=True)

    def consult(self, at: float) -> Consult:
        """Speaks with a third party, the person hears music."""
        return Consult(at, self.attempt_id)

    def talk(self, at: float) -> Talking:
        """Speaks with the person (again)."""
        return Talking(at, self.attempt_id)


@dataclass(frozen=True, slots=True)
class Talking(InCall):
    """In conversation."""

    kind = OperatorState.TALKING


@dataclass(frozen=True, slots=True)
class Hold(InCall):
    """The person hears music and comes back to this operator.

    `by_phone`: by a key of the phone, and only the phone can end it.
    """

    kind = OperatorState.HOLD
    by_phone: bool = False


@dataclass(frozen=True, slots=True)
class Consult(InCall):
    """Speaks with (or calls) a third party about the person, or is that third party."""

    kind = OperatorState.CONSULT

    def unasked(self, at: float) -> Ready:
        """Was only asked: no conversation with the person, nothing to wrap up."""
        return Ready(at)

    def phone_lost(self, at: float) -> Connecting:
        return Connecting(at)


IN_CALL = (Talking, Hold, Consult)


@dataclass(frozen=True, slots=True)
class WrapUp(_WithAttempt):
    """After the conversation, until the disposition or the limit. The phone may be down."""

    kind = OperatorState.WRAP_UP

    def finished(self, at: float, *, phone_up: bool) -> Ready | Connecting:
        return Ready(at) if phone_up else Connecting(at)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)


@dataclass(frozen=True, slots=True)
class Paused(State):
    """Away, with a reason. The phone may be down."""

    kind = OperatorState.PAUSED
    reason: str

    @property
    def why(self) -> str | None:
        return self.reason

    def resume(self, at: float, *, phone_up: bool) -> Ready | Connecting:
        return Ready(at) if phone_up else Connecting(at)

    def pause(self, at: float, reason: str) -> Paused:
        return Paused(at, reason)


AnyState = (
    Connecting
    | Ready
    | Previewing
    | Summoned
    | Dialing
    | Reserved
    | Talking
    | Hold
    | Consult
    | WrapUp
    | Paused
)


@dataclass(frozen=True, slots=True)
class StateChange:
    """One row of a shift's log: `new` began (and the row before ended) at `new.since`."""

    shift_id: UUID
    login: str
    seq: int
    old: AnyState | None
    new: AnyState


@dataclass(slots=True)
class Seat:
    """One operator's shift in memory.

    `channel` is the operator's own leg ("" while the phone is down); `after_call` what was asked
    for when the present conversation is over: "sign_out", or a pause reason prefixed "pause:".
    """

    operator_id: int
    login: str
    shift_id: UUID
    started_at: float
    on_change: Callable[[StateChange], None]
    state: AnyState
    seq: int = 0
    leg_id: str = ""
    channel: str = ""
    bridge_id: str = ""
    after_call: str = ""
    last_dial_at: float | None = None
    paused_since_dial_s: float = 0.0
    legs: int = 0
    failed_calls: int = 0
    wrap_up_limit_s: float = USUAL_WRAP_UP_S
    skills: frozenset[str] = frozenset()
    phone: Phone = NAILED_UP
    waits: bool = False
    """The leg is in the holding bridge, alone."""
    home: int | None = None
    """The campaign whose share of the floor this operator is now."""

    def become(self, new: AnyState) -> None:
        """Enters `new`, never before the present state began, and tells the log."""
        if new.since < self.state.since:
            new = _since(new, self.state.since)
        old, self.state, self.seq = self.state, new, self.seq + 1
        if isinstance(old, Paused):
            self.paused_since_dial_s += new.since - old.since
        self.on_change(StateChange(self.shift_id, self.login, self.seq, old, new))

    def dial_interval(self, at: float) -> float | None:
        """Seconds since this operator's previous dial, pauses excluded; notes the dial."""
        last, paused = self.last_dial_at, self.paused_since_dial_s
        self.last_dial_at, self.paused_since_dial_s = at, 0.0
        return None if last is None else max(0.0, at - last - paused)

    @property
    def can_take(self) -> bool:
        """May be given an answered person now."""
        return isinstance(self.state, Ready | Dialing) and bool(self.channel)

    @property
    def reachable(self) -> bool:
        """The phone is up, or is rung when there is a call for it."""
        return bool(self.channel) or self.phone.on_call

    @property
    def can_be_summoned(self) -> bool:
        """Free, and the phone has to be rung first."""
        return self.phone.on_call and isinstance(self.state, Ready) and not self.leg_id

    @property
    def dials_by_hand(self) -> bool:
        return isinstance(self.state, Dialing) and self.state.by_hand


def after_phone_lost(seat: Seat, at: float, *, refused: bool = True) -> AnyState:
    """What an operator without a conversation does once their phone is down.

    A nailed-up phone is called again. On call: who did not answer, or ended a call that waited for
    them, is asked for nothing more until they say that they are ready (not `refused`: the line
    failed, they are free); who ended their own dial, or was asked for advice, is free.
    """
    state = seat.state
    if not seat.phone.on_call:
        if isinstance(state, Ready | Previewing | Dialing | Reserved | Consult):
            return state.phone_lost(at)
        return state
    if isinstance(state, Dialing) and state.by_hand:
        return state.released(at)
    if isinstance(state, Consult):
        return state.unasked(at)
    if isinstance(state, Connecting):
        return state.phone_up(at)
    if isinstance(state, Summoned):
        return state.pause(at, NO_ANSWER) if refused else state.released(at)
    if isinstance(state, Dialing | Reserved):
        return state.released(at).pause(at, HUNG_UP)
    if isinstance(state, Ready):
        return state.pause(at, HUNG_UP) if refused else state
    return state


def _since(state: AnyState, at: float) -> AnyState:
    return replace(state, since=at)


def who_takes(seats: Iterable[Seat], attempt: UUID, campaign: int | None = None) -> Seat | None:
    """The operator for an answered person: whose dial it is, else the longest ready.

    Operators who wait without a dial of their own come before those whose dial still rings, those
    of the campaign's own share before others. `seats`: those who have the skills.
    """
    best, best_turn = None, None
    for seat in seats:
        turn = _turn(seat, attempt, campaign)
        if turn is not None and (best_turn is None or turn < best_turn):
            best, best_turn = seat, turn
    return best


def _turn(seat: Seat, attempt: UUID, campaign: int | None) -> tuple[int, bool, float, str] | None:
    """The smallest comes first; None: cannot take this person."""
    state = seat.state
    if not isinstance(state, Ready | Dialing) or not seat.channel:
        return None
    foreign = campaign is not None and seat.home != campaign
    if isinstance(state, Ready):
        return (1, foreign, state.free_since, seat.login)
    if state.attempt_id == attempt:
        return (0, foreign, state.free_since, seat.login)
    return None if state.by_hand else (2, foreign, state.free_since, seat.login)


def longest_ready(seats: Iterable[Seat]) -> Seat | None:
    """The operator for whom the next call is placed (progressive)."""
    free = [s for s in seats if isinstance(s.state, Ready) and s.channel]
    return min(free, key=lambda s: (_ready(s).free_since, s.login), default=None)


def free_since(seat: Seat) -> tuple[float, str]:
    """The order in which free operators get calls."""
    state = seat.state
    since = state.free_since if isinstance(state, Ready | Summoned) else state.since
    return (since, seat.login)


def _ready(seat: Seat) -> Ready:
    assert isinstance(seat.state, Ready)
    return seat.state
