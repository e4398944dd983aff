"""What the node says of people on hold, parked, in three-way: who came, who is gone, who waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog

from dialer.asterisk import events as ev
from dialer.attempts import RINGING, UP
from dialer.calls import Conversing, Ended
from dialer.operators import Consult, InCall, Reserved, Seat, after_phone_lost
from dialer.outcomes import EndedBy, LineEvidence, Outcome, outcome_of
from dialer.seating import HOLDING
from dialer.talk.floor import TalkFloor
from dialer.talk.model import (
    AnyTalk,
    Consulting,
    Held,
    Joining,
    Leaving,
    Third,
    ThreeWay,
    Waiting,
    Why,
    WithThird,
    seeking,
)
from dialer.talk.moves import THIRD_GONE
from dialer.talk.service import Talks

log = structlog.get_logger(__name__)


class Follow:
    """Events of the node, and what seating and attempts tell, for calls that are not plain."""

    def __init__(self, floor: TalkFloor, talks: Talks) -> None:
        self._floor, self._talks = floor, talks
        floor.on_late = self._join_failed
        self.routes: dict[type[ev.Event], Callable[[Any], None]] = {
            ev.ChannelCreated: self._third_created,
            ev.ChannelState: self._third_state,
            ev.DialStateChanged: self._third_progress,
            ev.BridgeEntered: self._entered,
            ev.Hangup: self._hung_up,
            ev.OriginateResponse: self._not_placed,
            ev.UserEvent: self._said,
        }

    # --- asked by the controller, seating and attempts

    def keeps(self, seat: Seat, attempt_id: UUID) -> bool:
        """Whether an operator who waits again is still in the call."""
        talk = self._floor.talks.get(attempt_id)
        return seat.login in self._floor.parting or (talk is not None and talk.keeps(seat.login))

    def conversation(self, attempt: Conversing) -> None:
        seat = self._floor.board.seats.get(attempt.operator)
        if seat is not None:
            self._floor.part_began(attempt.id, seat, attempt.bridged_at, "answer")

    def person_goes_on(self, seat: Seat, attempt_id: UUID, by: EndedBy) -> bool:
        """An operator's phone is gone: what becomes of the person."""
        floor = self._floor
        floor.muted.discard(seat.login)
        talk, attempt = floor.talks.get(attempt_id), floor.conversing(attempt_id)
        if attempt is None or attempt.intent is not None:
            return False
        if attempt.operator != seat.login:
            self._other_lost(seat, attempt_id, talk)
            return True
        if talk is None or (isinstance(talk, Consulting) and not talk.aside):
            self._third_too(talk)
            return False  # was speaking with the person: the dialplan ends the call
        if isinstance(talk, ThreeWay):
            floor.run("leave", attempt_id, self._talks.complete_talk(talk, "", "phone_lost"))
            return True
        floor.part_ended(attempt_id, seat.login, floor.clock(), "phone_lost")
        if isinstance(talk, Held | Consulting | Joining):
            self._seek(talk)
        return True

    def ending(self, ended: Ended) -> None:
        """The person is gone: third parties are let go before the operators are released."""
        floor = self._floor
        if ended.bridged_at is not None:
            floor.parts_ended(ended.id, ended.ended_at, ended.ended_by.value)
        talk = floor.talks.get(ended.id)
        party = talk.party if talk else None
        for seat in floor.board.seats_of(ended.id):
            self._release(seat, talk, party)
        for call_id, attempt_id in tuple(floor.thirds.items()):
            if attempt_id == ended.id:
                floor.run("hang_up_third", ended.id, floor.moves.hang_up(call_id))
        floor.forget(ended.id)

    def _release(self, seat: Seat, talk: AnyTalk | None, party: Third | None) -> None:
        """An operator of a call that is over waits, free, wherever they were before."""
        floor = self._floor
        floor.unmute(seat.login)
        floor.parting.discard(seat.login)
        asked = party is not None and party.login == seat.login
        if asked and isinstance(seat.state, Consult):
            floor.seating.unasked(seat)
        if talk is not None and seat.channel and isinstance(talk, Held | Consulting | ThreeWay):
            attempt = talk.attempt
            floor.run("let_go", attempt, floor.moves.let_go(seat.channel))

    # --- events

    def _third_created(self, event: ev.ChannelCreated) -> None:
        attempt_id = self._floor.thirds.get(event.unique_id)
        talk = self._floor.talks.get(attempt_id) if attempt_id else None
        if attempt_id is None:
            return
        third = self._floor.legs[event.unique_id] = self._floor.legs[event.unique_id].seen(
            event.channel
        )
        if isinstance(talk, Consulting | Leaving):
            self._floor.talks[attempt_id] = talk.seen(event.channel)
        trunk_id = self._floor.board.trunks[third.trunk].trunk_id
        leg = (event.unique_id, event.channel, event.at)
        self._floor.journal.row(
            self._floor.store.call_created(*leg, attempt_id=attempt_id, trunk_id=trunk_id)
        )

    def _third_state(self, event: ev.ChannelState) -> None:
        if event.state in (RINGING, UP):
            self._network_alive(event.unique_id)

    def _third_progress(self, event: ev.DialStateChanged) -> None:
        if event.dial_status == "PROGRESS":
            self._network_alive(event.dest_unique_id)

    def _network_alive(self, call_id: str) -> None:
        leg = self._floor.legs.get(call_id)
        if leg is not None:
            self._floor.legs[call_id] = leg.ringing()
            self._floor.board.trunks[leg.trunk].breaker.alive()

    def _entered(self, event: ev.BridgeEntered) -> None:
        attempt_id = self._floor.thirds.get(event.unique_id)
        if attempt_id is not None and event.technology == HOLDING:
            self._third_answered(attempt_id, event.channel)
        if event.technology == HOLDING:
            return
        for talk in tuple(self._floor.talks.values()):
            if isinstance(talk, Joining):
                self._met(talk)

    def _met(self, talk: Joining) -> None:
        """The person and whom they were sent to are in one bridge."""
        floor = self._floor
        seat = floor.board.seats.get(talk.to)
        bridge = floor.board.bridges.get(talk.attempt)
        if seat is None or not bridge or seat.bridge_id != bridge:
            return
        floor.plain(talk.attempt)
        floor.talking(talk.to, talk.attempt)
        if talk.how:
            floor.hand(talk.attempt, talk.to, talk.how)

    def _third_answered(self, attempt_id: UUID, channel: str) -> None:
        floor, talk = self._floor, self._floor.talks.get(attempt_id)
        if isinstance(talk, Consulting) and not talk.third.up:
            answered = talk.answered(channel)
            floor.talks[attempt_id] = answered
            operator = floor.channel(talk.operator)
            floor.run("consult", attempt_id, floor.moves.consult(operator, answered.third))
        elif isinstance(talk, Leaving):
            floor.set(talk.answered(floor.clock(), channel))
            floor.run("join", attempt_id, floor.moves.join(attempt_id, channel, THIRD_GONE))
        elif not isinstance(talk, Consulting | ThreeWay | WithThird):
            floor.run("hang_up_third", attempt_id, floor.moves.hang_up(channel))

    def _hung_up(self, event: ev.Hangup) -> None:
        attempt_id = self._floor.thirds.get(event.unique_id)
        if attempt_id is None:
            return
        self._floor.journal.row(
            self._floor.store.call_ended(event.unique_id, None, event.at, event.cause)
        )
        sip_code = int(event.tech_cause) if event.tech_cause.isdigit() else None
        leg = self._floor.legs.get(event.unique_id)
        line = LineEvidence(
            rang=leg is None or leg.rang or leg.up, cause=event.cause, sip_code=sip_code
        )
        self.third_gone(attempt_id, event.unique_id, event.at, line)

    def _not_placed(self, event: ev.OriginateResponse) -> None:
        attempt_id = self._floor.thirds.get(event.action_id)
        leg = self._floor.legs.get(event.action_id)
        if attempt_id is None or leg is None or event.success or leg.channel:
            return  # with a channel its Hangup tells
        line = LineEvidence(channel_existed=False)
        self.third_gone(attempt_id, event.action_id, event.at, line)

    def third_gone(
        self, attempt_id: UUID, call_id: str, at: float, line: LineEvidence | None = None
    ) -> None:
        """The number did not answer, was busy, or hung up. `line` is None when nobody knows how."""
        floor, talk = self._floor, self._floor.talks.get(attempt_id)
        party = talk.party if talk else None
        if party is None or party.call_id != call_id:
            floor.third_ended(call_id, at)  # let go by us: says nothing of the trunk
            return
        floor.third_ended(call_id, at, taken_up=None if line is None else _taken_up(line))
        if isinstance(talk, Consulting):
            self._asked_gone(talk)
        elif isinstance(talk, ThreeWay):
            self._room_of_two(talk)
        elif isinstance(talk, Leaving):
            self._seek(talk)

    def _asked_gone(self, talk: Consulting) -> None:
        """The person stays on hold until the operator, who hears nothing now, comes back."""
        floor, after = self._floor, talk.third_gone(self._floor.clock())
        if after is None:
            floor.plain(talk.attempt)
            return
        floor.set(after)
        seat = floor.board.seats.get(talk.operator)
        if seat is None:
            return
        if isinstance(seat.state, InCall):
            seat.become(seat.state.hold(floor.clock()))
        floor.run("wait", talk.attempt, floor.moves.wait(seat.channel))

    def _room_of_two(self, talk: ThreeWay) -> None:
        floor = self._floor
        seat = floor.board.seats.get(talk.operator)
        if seat is not None and seat.channel:
            floor.run("leave_room", talk.attempt, self._talks.drop_third(talk, seat))

    def _other_lost(self, seat: Seat, attempt_id: UUID, talk: AnyTalk | None) -> None:
        """Somebody who was asked, or is on the way to the person, lost their phone."""
        floor = self._floor
        if isinstance(seat.state, Consult):
            seat.become(after_phone_lost(seat, floor.clock()))
        floor.part_ended(attempt_id, seat.login, floor.clock(), "phone_lost")
        party = talk.party if talk else None
        if party is None or party.login != seat.login:
            return
        if isinstance(talk, Consulting):
            self._asked_gone(talk)
        elif isinstance(talk, ThreeWay):
            self._room_of_two(talk)

    def _third_too(self, talk: AnyTalk | None) -> None:
        """The call ends with its operator: who was consulted is let go."""
        if isinstance(talk, Consulting):
            self._talks.part(talk.third)
            work = self._talks.release_third(talk.attempt, talk.third)
            self._floor.run("release_third", talk.attempt, work)

    # --- what the dialplan says

    def _said(self, event: ev.UserEvent) -> None:
        try:
            attempt_id = UUID(event.fields.get("Attempt", ""))
        except ValueError:
            return
        talk, why = self._floor.talks.get(attempt_id), event.fields.get("Why", "")
        if event.name == "ProzvonJoinFailed" and isinstance(talk, Joining | WithThird):
            self._join_failed(talk)
        elif event.name == "ProzvonWaitOver" and talk is not None:
            self._wait_over(talk, why)
        elif event.name == "ProzvonWaits" and why == Why.SEEK:
            self._sought(attempt_id, talk)

    def _wait_over(self, talk: AnyTalk, why: str) -> None:
        """The dialplan's own limit: on hold the person is on the way back by itself."""
        floor = self._floor
        seat = floor.board.seats.get(talk.operator)
        if isinstance(talk, Held) and why == Why.HOLD:
            floor.set(talk.resume(floor.clock()))
            floor.talking(talk.operator, talk.attempt)
        elif isinstance(talk, Held | Consulting) and why == Why.CONSULT and seat is not None:
            if isinstance(talk, Held):
                floor.set(talk.resume(floor.clock()))
                floor.talking(talk.operator, talk.attempt)
            else:
                floor.run("limit", talk.attempt, self._talks.drop_third(talk, seat))
        elif why == Why.SEEK:
            attempt = floor.conversing(talk.attempt)
            if attempt is not None:
                floor.board.attempts[talk.attempt] = attempt.wants_end(EndedBy.DIALER)

    def _sought(self, attempt_id: UUID, talk: AnyTalk | None) -> None:
        """The person hears music and anyone may take them now."""
        floor, attempt = self._floor, self._floor.conversing(attempt_id)
        if attempt is None or isinstance(talk, Joining):
            return  # a Joining that failed has its own event
        if not (isinstance(talk, Waiting) and talk.why is Why.SEEK):
            floor.set(seeking(attempt_id, attempt.operator, floor.clock()))
        self._talks.serve()

    def _join_failed(self, talk: Joining | WithThird) -> None:
        floor = self._floor
        if isinstance(talk, Joining):
            seat = floor.board.seats.get(talk.to)
            if seat is not None and isinstance(seat.state, Reserved):
                floor.seating.release(seat, talk.attempt)
            elif seat is not None and seat.state.attempt == talk.attempt:
                floor.out(talk.to, talk.attempt, "leave")
        elif talk.third.channel:
            floor.run("hang_up_third", talk.attempt, floor.moves.hang_up(talk.third.channel))
        floor.set(talk.failed(floor.clock()))
        self._talks.serve()

    def _seek(self, talk: Held | Consulting | Joining | Leaving) -> None:
        """Nobody has the person now: anyone free takes over, meanwhile music."""
        floor = self._floor
        floor.set(seeking(talk.attempt, talk.operator, floor.clock()))
        if talk.party is not None and isinstance(talk, Consulting):
            self._talks.part(talk.third)
            work = self._talks.release_third(talk.attempt, talk.third)
            floor.run("release_third", talk.attempt, work)
        limit = floor.settings.hold_limit_s
        floor.run("seek", talk.attempt, floor.moves.music(talk.attempt, Why.SEEK, "", limit))


def _taken_up(line: LineEvidence) -> bool:
    return line.rang is True or outcome_of(line) not in (Outcome.FAILED, Outcome.CONGESTION)
