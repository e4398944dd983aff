"""What all parts of `dialer.talk` share: the present talks, and how they are begun and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from dialer.asterisk.ami import AmiClient, AmiDisconnected, AmiError
from dialer.attempts import Attempts
from dialer.board import Board
from dialer.calls import Conversing
from dialer.config import TransferSettings
from dialer.database.queries import Queries
from dialer.ids import new_id
from dialer.journal import Journal
from dialer.line_time import LineTime
from dialer.operators import Dialing as SeatDialing
from dialer.operators import InCall, Ready, Reserved, Seat
from dialer.seating import Seating
from dialer.store import Store, attempt_row, utc
from dialer.talk.model import AnyTalk, Joining, Third
from dialer.talk.moves import Moves
from dialer.tasks import Tasks
from dialer.trunks import judge
from monitoring import metrics

log = structlog.get_logger(__name__)

SQL = Queries.load("dialer.talk")
JOIN_LIMIT_S = 10.0
"""A person who was sent to an operator is in a bridge with them after this, or it went wrong.

Longer than a dead link to the node goes unnoticed."""


@dataclass(slots=True)
class TalkFloor:
    """Talks that are not plain, by attempt; `thirds` finds the attempt of a third party's leg.

    `parting`: operators who were asked for advice and are about to be let go. Their phones may be
    back in the holding bridge before that is done, and this ends no conversation of theirs.
    """

    board: Board
    store: Store
    journal: Journal
    ami: AmiClient
    tasks: Tasks
    seating: Seating
    attempts: Attempts
    line_time: LineTime
    clock: Callable[[], float]
    settings: TransferSettings
    on_unsure: Callable[[], None]
    talks: dict[UUID, AnyTalk] = field(default_factory=dict)
    thirds: dict[str, UUID] = field(default_factory=dict)
    legs: dict[str, Third] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    parting: set[str] = field(default_factory=set)
    locks: dict[UUID, asyncio.Lock] = field(default_factory=dict)
    on_late: Callable[[Joining], None] = lambda talk: None
    new_id: Callable[[float], UUID] = new_id
    moves: Moves = field(init=False)

    def __post_init__(self) -> None:
        self.moves = Moves(self.ami)

    def lock(self, attempt: UUID) -> asyncio.Lock:
        """Moves of one call follow each other: two at once would undo each other's steps."""
        return self.locks.setdefault(attempt, asyncio.Lock())

    def run(self, name: str, attempt: UUID, work: Any) -> None:
        """Carries out moves that nobody waits for."""

        async def locked() -> None:
            async with self.lock(attempt):
                await work

        task = self.tasks.command(name, self._sure(locked()), AmiError)
        task.add_done_callback(lambda _: work.close())

    async def _sure(self, work: Any) -> None:
        """A command whose answer did not come: the node is asked what is true."""
        try:
            await work
        except AmiDisconnected:
            raise  # asked when the link is back
        except AmiError:
            self.on_unsure()
            raise

    # --- who

    def conversing(self, attempt_id: UUID) -> Conversing | None:
        attempt = self.board.attempts.get(attempt_id)
        return attempt if isinstance(attempt, Conversing) else None

    def channel(self, login: str) -> str:
        """The operator's own channel; "" while the phone is down."""
        seat = self.board.seats.get(login)
        return seat.channel if seat is not None else ""

    def set(self, talk: AnyTalk) -> None:
        """The new state of a call; one that is on the way must arrive in time."""
        self.talks[talk.attempt] = talk
        self.board.bridges.pop(talk.attempt, None)
        if isinstance(talk, Joining):
            asyncio.get_running_loop().call_later(JOIN_LIMIT_S, self._late, talk)

    def _late(self, talk: Joining) -> None:
        """Not arrived, and no event said why: without a link nobody can tell."""
        if self.talks.get(talk.attempt) is not talk:
            return
        if self.board.recovered:
            self.on_late(talk)
        else:
            asyncio.get_running_loop().call_later(JOIN_LIMIT_S, self._late, talk)

    def plain(self, attempt_id: UUID) -> None:
        """One operator and the person again."""
        self.talks.pop(attempt_id, None)

    def forget(self, attempt_id: UUID) -> None:
        self.talks.pop(attempt_id, None)
        self.locks.pop(attempt_id, None)

    # --- operators

    def reserve(self, seat: Seat, attempt_id: UUID) -> None:
        """A free operator will be given this person."""
        state = seat.state
        if isinstance(state, Ready | SeatDialing):
            seat.become(state.reserve(self.clock(), attempt_id))

    def talking(self, login: str, attempt_id: UUID) -> None:
        """The operator speaks with the person now."""
        seat = self.board.seats.get(login)
        if seat is None or seat.state.attempt != attempt_id:
            return
        if isinstance(seat.state, Reserved):
            seat.become(seat.state.bridged(self.clock(), attempt_id))
        elif isinstance(seat.state, InCall) and seat.state.kind != "talking":
            seat.become(seat.state.talk(self.clock()))

    def out(self, login: str, attempt_id: UUID, how: str) -> None:
        """The operator handed the person on: the part is over, wrap-up begins."""
        now = self.clock()
        seat = self.board.seats.get(login)
        self.part_ended(attempt_id, login, now, how)
        self.unmute(login)
        if seat is None or seat.state.attempt != attempt_id:
            return
        attempt = self.board.attempts.get(attempt_id)
        campaign = self.board.campaigns.get(attempt.campaign_id) if attempt else None
        limit = campaign.wrap_up_limit_s if campaign else 60.0
        self.seating.conversation_ended(seat, now, limit)

    def hand(self, attempt_id: UUID, login: str, how: str) -> None:
        """The person is this operator's now."""
        attempt, seat = self.conversing(attempt_id), self.board.seats.get(login)
        if attempt is None or seat is None:
            return
        self.board.attempts[attempt_id] = attempt.handed_to(login)
        self._write("handed_over", attempt_id, seat.operator_id, seat.shift_id)
        if how:
            self.part_began(attempt_id, seat, self.clock(), how)

    def unmute(self, login: str) -> None:
        """The next person hears this operator."""
        if login not in self.muted:
            return
        self.muted.discard(login)
        if channel := self.channel(login):
            self.tasks.command("unmute", self.moves.mute(channel, on=False), AmiError)

    async def learn_mute(self, seat: Seat) -> None:
        """After a restart: an operator who was muted still is, and only while in a call."""
        if not seat.channel or not await self.moves.is_muted(seat.channel):
            return
        self.muted.add(seat.login)
        if not isinstance(seat.state, InCall):
            self.unmute(seat.login)

    # --- parts of the conversation

    def part_began(self, attempt_id: UUID, seat: Seat, at: float, how: str) -> None:
        self._write("part_began", attempt_id, seat.operator_id, seat.shift_id, utc(at), how)

    def part_ended(self, attempt_id: UUID, login: str, at: float, how: str) -> None:
        seat = self.board.seats.get(login)
        if seat is not None:
            self._write("part_ended", attempt_id, seat.operator_id, utc(at), how)

    def parts_ended(self, attempt_id: UUID, at: float, how: str) -> None:
        self._write("parts_ended", attempt_id, utc(at), how)

    def _write(self, name: str, attempt_id: UUID, *values: object) -> None:
        self.journal.row(attempt_row(attempt_id, SQL[name], *values))

    # --- third parties on a trunk

    def third_placed(self, attempt_id: UUID, third: Third) -> None:
        """A line is taken as soon as the call is asked for."""
        self.board.trunks[third.trunk].place()
        self.adopt_third(attempt_id, third)

    def adopt_third(self, attempt_id: UUID, third: Third) -> None:
        self.thirds[third.call_id] = attempt_id
        self.legs[third.call_id] = third

    def third_ended(self, call_id: str, at: float, *, taken_up: bool | None = None) -> None:
        """The leg is gone: the line is free, its time counted.

        `taken_up`: whether the network took the call up; None: nothing can be said of that.
        """
        third = self.legs.pop(call_id, None)
        self.thirds.pop(call_id, None)
        if third is None or third.login is not None:
            return
        trunk = self.board.trunks.get(third.trunk)
        if trunk is not None:
            trunk.release()
            judge(trunk, at, taken_up)
        metrics.trunk_line_time(third.trunk, max(0.0, at - third.placed_at))
