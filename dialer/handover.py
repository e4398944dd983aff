"""Who takes an answered person: from memory, at once, or as soon as somebody is free.

The FastAGI session `answered` asks here. The dialplan guards the choice (a second taker is refused)
and the legal limit; a refused or vanished operator makes it ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from dialer.board import Board
from dialer.calls import Answered, Assigned, Attempt, Conversing, Dialing
from dialer.operators import Dialing as SeatDialing
from dialer.operators import Ready, Reserved, Seat, who_takes
from dialer.seating import Seating

log = structlog.get_logger(__name__)

BRIDGE_LIMIT_S = 10.0
"""An operator who was given a person and is in no bridge with them after this is free again.

Longer than a dead link to the node goes unnoticed: the bridge's event may be on its way.
"""
REFUSED_REST_S = 0.1
"""An operator whom the dialplan's guard refused is given to nobody for this long: two takers met,
or the operator is not where we think, and would be named again and again."""

Answer = asyncio.Future[str | None]


class Handover:
    """Answered people and free operators, matched first come first served."""

    def __init__(self, board: Board, seating: Seating, clock: Callable[[], float]) -> None:
        self._board, self._seating, self._clock = board, seating, clock
        self._waiting: dict[UUID, Answer] = {}
        self._resting: set[str] = set()
        self.on_wait: Callable[[], None] = lambda: None
        """An answered person is there, and nobody free."""
        self.on_answered: Callable[[Answered], None] = lambda attempt: None
        seating.on_phone_lost = self._phone_lost

    def ask(self, attempt_id: UUID) -> Answer:
        """The operator's channel name, as soon as there is one; None when there will be none."""
        answer: Answer = asyncio.get_running_loop().create_future()
        attempt = self._answered(attempt_id)
        if attempt is None:
            answer.set_result(None)
            return answer
        seat = self._taker(attempt_id)
        if seat is None:
            self._waiting[attempt_id] = answer
            self.on_wait()
        else:
            self._assign(attempt, seat, answer)
        return answer

    def waiting(self) -> tuple[UUID, ...]:
        """Answered people for whom nobody was free, the longest waiting first."""
        return tuple(self._waiting)

    def give_up(self, attempt_id: UUID) -> None:
        """The session ended: the person hung up or the limit passed."""
        answer = self._waiting.pop(attempt_id, None)
        if answer is not None and not answer.done():
            answer.set_result(None)

    def serve(self) -> None:
        """Gives free operators to those who wait, the longest waiting first."""
        for attempt_id in tuple(self._waiting):
            attempt = self._board.attempts.get(attempt_id)
            if not isinstance(attempt, Answered):
                self.give_up(attempt_id)
                continue
            seat = self._taker(attempt_id)
            if seat is None:  # nobody for this one; the next may need other skills
                continue
            self._assign(attempt, seat, self._waiting.pop(attempt_id))

    def missed(self, attempt_id: UUID, channel: str) -> None:
        """The dialplan's guard refused the operator: they already talk, or are gone.

        No `channel`: the person is not waited for any more, nothing is said of the operator.
        """
        attempt = self._board.attempts.get(attempt_id)
        log.warning("operator_missed", attempt=str(attempt_id), channel=channel)
        if not isinstance(attempt, Assigned):
            return
        seat = self._board.seats.get(attempt.operator)
        if channel and seat is not None and channel != seat.channel:
            return  # late: the person has asked again since and was given somebody else
        self._board.attempts[attempt_id] = attempt.missed()
        if channel:
            self._rest(attempt.operator)
        self._release(attempt)

    def bridged(self, attempt_id: UUID, seat: Seat, at: float) -> Conversing | None:
        """Both are in one bridge: the conversation began. None when it already had."""
        attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Assigned) and attempt.operator != seat.login:
            self._release(attempt)
        if not isinstance(attempt, Assigned | Answered):
            return None
        if isinstance(attempt, Answered) and attempt.cut_off:
            return None  # our hang-up is on its way
        talking = attempt.bridged(at, seat.login)
        self._board.attempts[attempt_id] = talking
        self._seating.taken(seat, attempt_id, at)
        state = seat.state
        if isinstance(state, Reserved):
            seat.become(state.bridged(at, attempt_id))
        return talking

    def _answered(self, attempt_id: UUID) -> Answered | None:
        """The attempt as answered: Asterisk may ask before its Newstate reached us."""
        attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Dialing):
            attempt = attempt.answered(self._clock())
            self._board.attempts[attempt_id] = attempt
            self.on_answered(attempt)
        elif isinstance(attempt, Assigned):
            self.missed(attempt_id, "")
            attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Answered) and attempt.intent is None:
            return attempt
        log.info("answer_for_unknown_attempt", attempt=str(attempt_id))
        return None

    def _taker(self, attempt_id: UUID) -> Seat | None:
        attempt = self._board.attempts.get(attempt_id)
        if attempt is None:
            return None
        needed = self._board.skills_for(attempt)
        seats = self._board.seats_in(Ready, SeatDialing)
        able = (s for s in seats if s.login not in self._resting and needed <= s.skills)
        return who_takes(able, attempt_id, attempt.campaign_id)

    def _rest(self, login: str) -> None:
        self._resting.add(login)
        asyncio.get_running_loop().call_later(REFUSED_REST_S, self._rested, login)

    def _rested(self, login: str) -> None:
        self._resting.discard(login)
        self.serve()

    def _assign(self, attempt: Answered, seat: Seat, answer: Answer) -> None:
        state = seat.state
        assert isinstance(state, Ready | SeatDialing)
        seat.become(state.reserve(self._clock(), attempt.id))
        self._board.attempts[attempt.id] = attempt.assigned(seat.login)
        self._free_dial_operator(attempt, seat)
        asyncio.get_running_loop().call_later(BRIDGE_LIMIT_S, self._check, attempt.id, seat)
        if not answer.done():
            answer.set_result(seat.channel)

    def _free_dial_operator(self, attempt: Attempt, taker: Seat) -> None:
        """Someone else takes the person whom this operator's dial reached."""
        owner = self._board.seats.get(attempt.dial_operator or "")
        if owner is not None and owner is not taker:
            self._seating.release(owner, attempt.id)

    def _check(self, attempt_id: UUID, seat: Seat) -> None:
        attempt = self._board.attempts.get(attempt_id)
        if not isinstance(attempt, Assigned) or attempt.operator != seat.login:
            return
        if self._board.recovered:
            self.missed(attempt_id, seat.channel)
        else:  # nobody tells us now whether they talk
            asyncio.get_running_loop().call_later(BRIDGE_LIMIT_S, self._check, attempt_id, seat)

    def _release(self, attempt: Assigned) -> None:
        seat = self._board.seats.get(attempt.operator)
        if seat is not None:
            self._seating.release(seat, attempt.id)

    def _phone_lost(self, seat: Seat, attempt_id: UUID) -> None:
        """The reserved operator's phone is gone: the person waits for another one."""
        attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Assigned) and attempt.operator == seat.login:
            self._board.attempts[attempt_id] = attempt.missed()
