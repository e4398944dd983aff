"""How requests in a call are carried out, step by step; events use the same steps."""

from __future__ import annotations

from uuid import UUID

from dialer.asterisk.ami import AmiError, AmiState
from dialer.calls import Conversing
from dialer.operators import Hold, InCall, Reserved, Seat
from dialer.talk.checks import Checks, Line
from dialer.talk.model import (
    Consulting,
    Joining,
    Third,
    ThreeWay,
    Waiting,
    Why,
    held,
    joining,
    leaving,
    waiting,
)
from dialer.talk.moves import OPERATOR_AFTER, RINGING, THIRD_GONE


class Steps(Checks):
    """Steps of a call's moves."""

    async def give(self, seat: Seat, talk: Waiting, how: str) -> None:
        """A waiting person to a free operator."""
        floor = self._floor
        floor.reserve(seat, talk.attempt)
        floor.set(talk.taken(self._now(), seat.login, how))
        async with floor.lock(talk.attempt):
            await floor.moves.take_aside(seat.channel, talk.attempt)
            await floor.moves.join(talk.attempt, seat.channel)

    async def complete_talk(
        self, talk: Consulting | ThreeWay, operator_channel: str, how: str
    ) -> None:
        """The operator (whose channel may be gone: "") leaves the person to the third party."""
        floor, third = self._floor, talk.third
        after = talk.leave(self._now())
        in_room, aside = isinstance(talk, ThreeWay), isinstance(talk, Consulting) and talk.aside
        floor.set(after)
        floor.out(talk.operator, talk.attempt, how)
        if third.login is not None:
            floor.talking(third.login, talk.attempt)
            floor.hand(talk.attempt, third.login, "transfer")
        moves = floor.moves
        if operator_channel:
            await moves.unkeep(operator_channel)
        if third.login is not None:
            await moves.keep(third.channel, talk.attempt)
        after_third = OPERATOR_AFTER if third.login is not None else THIRD_GONE
        await moves.join(talk.attempt, third.channel, after_third)
        if operator_channel and (in_room or aside):
            await moves.wait(operator_channel)
        if in_room:
            await moves.back_to_wait(third)

    async def drop_third(self, talk: Consulting | ThreeWay, seat: Seat) -> None:
        """Ends what was with the third party; the person comes back to `seat`."""
        floor, third = self._floor, talk.third
        self.part(third)
        with_person = isinstance(talk, Consulting) and not talk.aside
        if with_person:
            floor.plain(talk.attempt)
        else:
            floor.set(talk.cancel(self._now()))
        floor.talking(seat.login, talk.attempt)
        try:
            if not with_person:
                await floor.moves.keep(seat.channel, talk.attempt)
                await floor.moves.join(talk.attempt, seat.channel)
                await floor.moves.wait(seat.channel)
            await self.release_third(talk.attempt, third)
        finally:
            floor.parting.discard(third.login or "")

    def part(self, third: Third) -> None:
        """Before anything moves: `release_third` will follow."""
        if third.login is not None:
            self._floor.parting.add(third.login)

    async def release_third(self, attempt_id: UUID, third: Third) -> None:
        """A number is hung up, an operator is free again."""
        if third.login is None:
            await self._floor.moves.hang_up(third.call_id)
            return
        self._floor.parting.discard(third.login)
        other = self._floor.board.seats.get(third.login)
        if other is not None and other.state.attempt == attempt_id:
            self._floor.part_ended(attempt_id, third.login, self._now(), "leave")
            if other.state.kind == "talking":
                self._floor.out(third.login, attempt_id, "leave")
            else:
                self._floor.seating.unasked(other)
            if other.channel:
                await self._floor.moves.let_go(other.channel)

    # --- how

    async def _hold(self, seat: Seat, attempt: Conversing, why: Why = Why.HOLD) -> None:
        now, moves = self._now(), self._floor.moves
        assert isinstance(seat.state, InCall)
        self._floor.set(held(attempt.id, seat.login, now))
        if why is Why.HOLD:
            seat.become(seat.state.hold(now))
        limit = self._floor.settings.hold_limit_s

        async def move() -> None:
            await moves.keep(seat.channel, attempt.id)
            await moves.music(attempt.id, why, seat.channel, limit)

        await self._told(move())

    async def _rejoin(self, seat: Seat, attempt: Conversing, talk: Joining) -> None:
        self._floor.set(talk)
        self._floor.talking(seat.login, attempt.id)
        await self._told(self._floor.moves.join(attempt.id, seat.channel))

    async def _leave_with_music(
        self, seat: Seat, attempt: Conversing, why: Why, limit_s: float
    ) -> None:
        """The operator goes free; who was on hold for them is not any more."""
        # A phone that is rung for each call is put down, and forgotten, as soon as it waits alone.
        channel, held = seat.channel, _put_aside(seat)
        await self._floor.moves.music(attempt.id, why, "", limit_s)
        await self._floor.moves.unkeep(channel)
        # On hold the operator waits already, kept; out of a bridge it comes to wait by itself.
        if held:
            await self._floor.moves.wait(channel)

    async def _to_operator(self, seat: Seat, attempt: Conversing, taker: Seat) -> None:
        self._need_free(taker)
        floor, now = self._floor, self._now()
        floor.reserve(taker, attempt.id)
        was_held, mine = _put_aside(seat), seat.channel
        floor.set(joining(attempt.id, seat.login, now, taker.login, "transfer"))

        async def move() -> None:
            await floor.moves.take_aside(taker.channel, attempt.id)
            await floor.moves.unkeep(mine)
            await floor.moves.join(attempt.id, taker.channel)
            if was_held:
                await floor.moves.wait(mine)

        await self._told(move())
        floor.out(seat.login, attempt.id, "transfer")

    async def _to_group(self, seat: Seat, attempt: Conversing, logins: frozenset[str]) -> None:
        floor = self._floor
        floor.set(waiting(attempt.id, seat.login, self._now(), Why.TRANSFER, logins))
        limit = floor.settings.group_limit_s
        await self._told(self._leave_with_music(seat, attempt, Why.TRANSFER, limit))
        floor.out(seat.login, attempt.id, "transfer")
        self.serve()

    async def _to_number(self, seat: Seat, attempt: Conversing, phone: str) -> None:
        floor, now = self._floor, self._now()
        line = self.line(attempt, phone)
        third = self._third(attempt, line.trunk)
        floor.third_placed(attempt.id, third)
        floor.set(leaving(attempt.id, seat.login, now, third))
        limit = floor.settings.ring_timeout_s + 5
        await self._told(self._leave_with_music(seat, attempt, Why.TRANSFER, limit))
        floor.out(seat.login, attempt.id, "transfer")
        await self._told(self._dial(attempt, third, phone, line))

    async def _ask_operator(self, seat: Seat, attempt: Conversing, taker: Seat) -> None:
        floor, now = self._floor, self._now()
        floor.reserve(taker, attempt.id)
        assert isinstance(taker.state, Reserved) and isinstance(seat.state, InCall)
        taker.become(taker.state.consult(now))
        seat.become(seat.state.consult(now))
        third = Third(
            call_id=taker.leg_id, channel=taker.channel, login=taker.login, placed_at=now, up=True
        )
        talk = held(attempt.id, seat.login, now).consult(now, third)
        floor.set(talk)

        async def move() -> None:
            await floor.moves.take_aside(taker.channel, attempt.id)
            await floor.moves.consult(seat.channel, third)

        await self._told(move())

    async def _ask_number(self, seat: Seat, attempt: Conversing, phone: str, line: Line) -> None:
        floor, now = self._floor, self._now()
        third = self._third(attempt, line.trunk)
        assert isinstance(seat.state, InCall)
        seat.become(seat.state.consult(now))
        floor.third_placed(attempt.id, third)
        floor.set(held(attempt.id, seat.login, now).consult(now, third))
        await self._told(floor.moves.wait(seat.channel, RINGING))
        await self._told(self._dial(attempt, third, phone, line))

    async def _dial(self, attempt: Conversing, third: Third, phone: str, line: Line) -> None:
        self.on_third(attempt.id, line)
        dialed = self._floor.board.trunks[line.trunk].dialed(phone)
        limit = self._floor.settings.ring_timeout_s
        await self._floor.moves.call(third, attempt.id, dialed, line.caller_id, limit)

    async def _toggle(self, seat: Seat, attempt: Conversing, talk: Consulting) -> None:
        moves = self._floor.moves
        if talk.aside:
            await moves.join(attempt.id, seat.channel)
            await moves.wait(seat.channel)
            return
        limit = self._floor.settings.hold_limit_s
        await moves.keep(seat.channel, attempt.id)
        await moves.music(attempt.id, Why.CONSULT, seat.channel, limit)
        await moves.consult(seat.channel, talk.third)

    def serve(self) -> None:
        """Gives free operators to people who wait for them, the longest waiting first."""
        found = [t for t in self._floor.talks.values() if isinstance(t, Waiting)]
        for talk in sorted(found, key=lambda t: t.since):
            free = [s for s in self._floor.board.seats.values() if s.can_take]
            wanted = [s for s in free if talk.wants(s.login)]
            seat = self._first(wanted, talk.operator)
            if seat is not None and self._floor.ami.state is AmiState.READY:
                how = "transfer" if talk.why is Why.TRANSFER else "return"
                self._floor.tasks.command(
                    f"give {talk.attempt}", self.give(seat, talk, how), AmiError
                )

    @staticmethod
    def _first(wanted: list[Seat], login: str) -> Seat | None:
        """Whose person it was, else who is free the longest."""
        return min(wanted, key=lambda s: (s.login != login, s.state.since, s.login), default=None)

    def _third(self, attempt: Conversing, trunk: str) -> Third:
        """Its id names the attempt, so that it is known again after a restart."""
        now = self._now()
        call_id = f"th-{attempt.id}-{str(self._floor.new_id(now))[-8:]}"
        return Third(call_id=call_id, trunk=trunk, placed_at=now)


def _put_aside(seat: Seat) -> bool:
    """On hold by us, out of the person's bridge; a phone's own hold leaves both in it."""
    return isinstance(seat.state, Hold) and not seat.state.by_phone
