"""What operators may ask for in a call: the service behind API, commands and `*` codes.

Every request is checked before anything moves: a refused one changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from dialer.operators import InCall
from dialer.refusal import Refusal
from dialer.talk.checks import Target, wrong_state
from dialer.talk.model import Consulting, Held, Third, ThreeWay, Waiting, Why, waiting
from dialer.talk.steps import Steps
from monitoring import metrics

DIGITS = re.compile(r"[0-9*#A-D]{1,32}")


@dataclass(frozen=True, slots=True)
class TalkView:
    """What a desk shows of a call: `talk` is `plain` or a state of dialer.talk.model."""

    login: str
    state: str
    attempt_id: UUID | None
    talk: str
    muted: bool
    third: str


@dataclass(frozen=True, slots=True)
class ParkedPerson:
    """One person who waits for somebody; `since` in epoch seconds, `waits_s` up to now."""

    attempt_id: UUID
    campaign_id: int
    why: str
    by: str
    since: float
    waits_s: float


class Talks(Steps):
    """Use cases of a live call."""

    def view(self, login: str) -> TalkView:
        seat = self._seat(login)
        attempt_id = seat.state.attempt
        talk = self._floor.talks.get(attempt_id) if attempt_id else None
        party = talk.party if talk else None
        third = "" if party is None else party.login or "number"
        busy = isinstance(seat.state, InCall)
        name = talk.name if talk else "plain" if busy else ""
        muted = login in self._floor.muted
        return TalkView(login, seat.state.kind.value, attempt_id, name, muted, third)

    async def hold(self, login: str) -> TalkView:
        """The person hears music until `resume`, or until the limit brings them back."""
        async with self._call(login, "hold") as (seat, attempt):
            self._need_plain(attempt, "hold")
            await self._hold(seat, attempt)
            metrics.held()
        return self.view(login)

    async def resume(self, login: str) -> TalkView:
        """Operator and person speak again."""
        async with self._call(login, "resume") as (seat, attempt):
            talk = self._floor.talks.get(attempt.id)
            if not isinstance(talk, Held):
                raise wrong_state("resume", "nobody is on hold", "на удержании никого нет")
            await self._rejoin(seat, attempt, talk.resume(self._now()))
        return self.view(login)

    async def mute(self, login: str, *, on: bool) -> TalkView:
        """Nobody hears this operator until unmuted, or until the call ends."""
        seat = self._in_call(login, "mute" if on else "unmute")
        await self._told(self._floor.moves.mute(seat.channel, on=on))
        (self._floor.muted.add if on else self._floor.muted.discard)(login)
        return self.view(login)

    async def dtmf(self, login: str, digits: str) -> TalkView:
        """Keys sent to the person's side, as to a voice menu."""
        if not DIGITS.fullmatch(digits):
            raise Refusal(
                "bad_digits",
                422,
                "give 1 to 32 of 0-9, *, #, A-D",
                "нужно от 1 до 32 знаков: 0-9, *, #, A-D",
            )
        async with self._call(login, "dtmf") as (_, attempt):
            talk = self._floor.talks.get(attempt.id)
            if talk is not None and not isinstance(talk, ThreeWay):
                raise wrong_state(
                    "dtmf",
                    "the person is not in the conversation now",
                    "человека сейчас нет в разговоре",
                )
            await self._told(self._floor.moves.keys(attempt.id, digits))
        return self.view(login)

    async def park(self, login: str) -> TalkView:
        """The person waits for another operator; after the limit, for this one or anyone free."""
        async with self._call(login, "park") as (seat, attempt):
            self._need_alone(attempt, "park")
            self._floor.set(waiting(attempt.id, login, self._now(), Why.PARK))
            limit = self._floor.settings.park_limit_s
            await self._told(self._leave_with_music(seat, attempt, Why.PARK, limit))
            self._floor.out(login, attempt.id, "park")
            metrics.parked()
        return self.view(login)

    def parked(self) -> list[ParkedPerson]:
        """Everybody who waits for somebody, the longest first."""
        found = [t for t in self._floor.talks.values() if isinstance(t, Waiting)]
        people = []
        for talk in sorted(found, key=lambda t: t.since):
            attempt = self._floor.conversing(talk.attempt)
            if attempt is not None:
                people.append(
                    ParkedPerson(
                        talk.attempt,
                        attempt.campaign_id,
                        talk.why.value,
                        talk.operator,
                        talk.since,
                        max(0.0, self._now() - talk.since),
                    )
                )
        return people

    async def pick_up(self, login: str, attempt_id: UUID | None = None) -> TalkView:
        """A free operator takes a waiting person: this one, or who waits longest."""
        seat = self._seat(login)
        if seat.can_be_summoned and self.parked():
            await self._phone_up(seat)
        if not seat.can_take:
            raise wrong_state("pick_up", "only a free operator can", "взять может только свободный")
        waits = [p.attempt_id for p in self.parked()]
        wanted = attempt_id or (waits[0] if waits else None)
        talk = self._floor.talks.get(wanted) if wanted else None
        if not isinstance(talk, Waiting):
            raise Refusal("nobody_parked", 409, "nobody waits for that", "никто не припаркован")
        self._link("pick_up")
        await self._told(self.give(seat, talk, "pick_up"))
        return self.view(login)

    async def transfer(self, login: str, target: Target) -> TalkView:
        """Blind: the person goes to the target, this operator to wrap-up."""
        phone, seats = await self._find(login, target, "transfer")
        async with self._call(login, "transfer") as (seat, attempt):
            self._need_alone(attempt, "transfer")
            if target.number:
                await self._to_number(seat, attempt, phone)
            elif target.operator and not seats[0].can_be_summoned:
                await self._to_operator(seat, attempt, seats[0])
            else:
                await self._to_group(seat, attempt, frozenset(s.login for s in seats))
            metrics.transferred("blind", target.kind)
        return self.view(login)

    async def consult(self, login: str, target: Target) -> TalkView:
        """Calls the target while the person hears music."""
        phone, seats = await self._find(login, target, "consult")
        await self._ring_for(seats)
        async with self._call(login, "consult") as (seat, attempt):
            talk = self._floor.talks.get(attempt.id)
            self._need_alone(attempt, "consult")
            taker = self._free_of(seats) if not target.number else None
            line = self.line(attempt, phone) if target.number else None
            if not isinstance(talk, Held):
                await self._hold(seat, attempt, Why.CONSULT)
            if taker is not None:
                await self._ask_operator(seat, attempt, taker)
            elif line is not None:
                await self._ask_number(seat, attempt, phone, line)
        return self.view(login)

    async def toggle(self, login: str) -> TalkView:
        """From the third party to the person and back; the other one hears music."""
        async with self._call(login, "toggle") as (seat, attempt):
            talk = self._consulting(attempt, "toggle")
            self._floor.set(talk.toggle(self._now()))
            assert isinstance(seat.state, InCall)
            now = self._now()
            seat.become(seat.state.talk(now) if talk.aside else seat.state.consult(now))
            await self._told(self._toggle(seat, attempt, talk))
        return self.view(login)

    async def three_way(self, login: str) -> TalkView:
        """Person, operator and third party hear each other."""
        async with self._call(login, "three_way") as (seat, attempt):
            talk = self._consulting(attempt, "three_way")
            moves, now = self._floor.moves, self._now()
            self._floor.set(talk.three_way(now))
            for name in (login, talk.third.login or ""):
                self._floor.talking(name, attempt.id)
            other = self._floor.board.seats.get(talk.third.login or "")
            if other is not None:
                self._floor.part_began(attempt.id, other, now, "three_way")
            # Who is with the person returns to waiting by itself, and must still be kept.
            await self._told(moves.keep(seat.channel, attempt.id))
            await self._told(moves.room(attempt.id, seat.channel, talk.third))
            metrics.transferred("three_way", _kind(talk.third))
        return self.view(login)

    async def complete(self, login: str) -> TalkView:
        """The person stays with the third party; this operator leaves (also a three-way)."""
        async with self._call(login, "complete") as (seat, attempt):
            talk = self._floor.talks.get(attempt.id)
            if isinstance(talk, ThreeWay) and talk.operator != login:
                raise wrong_state(
                    "complete",
                    "only whose call it is can leave it to the other",
                    "оставить звонок другому может только тот, чей он",
                )
            if not isinstance(talk, ThreeWay):
                talk = self._consulting(attempt, "complete")
            await self._told(self.complete_talk(talk, seat.channel, "transfer"))
            metrics.transferred("warm", _kind(talk.third))
        return self.view(login)

    async def cancel(self, login: str) -> TalkView:
        """The third party is let go; operator and person speak again."""
        async with self._call(login, "cancel") as (seat, attempt):
            talk = self._floor.talks.get(attempt.id)
            if not isinstance(talk, Consulting | ThreeWay):
                raise wrong_state("cancel", "nobody is being consulted", "консультации нет")
            await self._told(self.drop_third(talk, seat))
        return self.view(login)


def _kind(third: Third) -> str:
    return "number" if third.login is None else "operator"
