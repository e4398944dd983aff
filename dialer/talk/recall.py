"""Where every person in a conversation is, found out from the node after a restart or a lost link.

The dialplan's place of the person's channel is the truth; what the controller remembers is kept
only where it agrees with that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from dialer.asterisk.ami import AmiError
from dialer.asterisk.events import LiveChannel
from dialer.attempts import RINGING, UP
from dialer.calls import Conversing
from dialer.operators import AnyState, Consult, InCall, Reserved, Seat
from dialer.talk.floor import TalkFloor
from dialer.talk.model import (
    AnyTalk,
    Consulting,
    Joining,
    Leaving,
    Third,
    ThreeWay,
    Waiting,
    Why,
    WithThird,
    held,
    joining,
    seeking,
    waiting,
)
from dialer.talk.service import Talks

log = structlog.get_logger(__name__)

THIRD = "th-"
ON_TRUNK = re.compile(r"PJSIP/trunk-(.+)-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Places:
    """PURE. Who is where on the node: channels by Uniqueid, and which operator has which leg."""

    live: Mapping[str, LiveChannel]
    legs: Mapping[str, str]

    def login_with(self, channel: LiveChannel, *, but: str = "") -> str:
        """An operator in the same bridge as this channel; "" when there is none."""
        if channel.bridge_id:
            for uid, other in self.live.items():
                login = self.legs.get(uid, "")
                if other.bridge_id == channel.bridge_id and login not in ("", but):
                    return login
        return ""

    def third_of(self, attempt: str) -> LiveChannel | None:
        """The number that was called for this attempt and is still there."""
        prefix = f"{THIRD}{attempt}-"
        return next((c for uid, c in self.live.items() if uid.startswith(prefix)), None)


def place_of(
    attempt: Conversing, places: Places, known: AnyTalk | None, now: float
) -> AnyTalk | None:
    """PURE. The talk of a live person; None for the plain one.

    `known`: what is remembered; it is kept where the node's place agrees.
    """
    person = places.live[str(attempt.id)]
    third = _third(attempt, places, now)
    match person.context:
        case "prozvon-music":
            return _in_music(attempt, places, known, person.exten, third, now)
        case "prozvon-room":
            return _in_room(attempt, places, known, person, third, now)
        case "prozvon-join" | "prozvon-answered":
            return _in_bridge(attempt, places, known, person, third, now)
    return known


def trunk_of(channel: str) -> str:
    """The trunk that a channel goes over, by its name; "" when it goes over none."""
    found = ON_TRUNK.fullmatch(channel)
    return found[1] if found else ""


def _third(attempt: Conversing, places: Places, now: float) -> Third | None:
    leg = places.third_of(str(attempt.id))
    if leg is None:
        return None
    return Third(
        call_id=leg.unique_id,
        channel=leg.channel,
        trunk=trunk_of(leg.channel) or attempt.trunk,
        placed_at=now - leg.duration_s,
        rang=leg.state in (RINGING, UP),
        up=bool(leg.bridge_id),
    )


def _in_music(
    attempt: Conversing,
    places: Places,
    known: AnyTalk | None,
    why: str,
    third: Third | None,
    now: float,
) -> AnyTalk:
    if why in (Why.HOLD, Why.CONSULT):
        other = third or _asked(attempt, places)
        if other is None:
            return held(attempt.id, attempt.operator, now)
        return held(attempt.id, attempt.operator, now).consult(now, other)
    if why == Why.TRANSFER and isinstance(known, Leaving) and third is not None:
        return known
    if isinstance(known, Waiting) and known.why == why:
        return known
    if why == Why.PARK:
        return waiting(attempt.id, attempt.operator, now, Why.PARK)
    return seeking(attempt.id, attempt.operator, now)


def _asked(attempt: Conversing, places: Places) -> Third | None:
    """The operator who is asked for advice: in a bridge with whose call it is."""
    mine = next((c for u, c in places.live.items() if places.legs.get(u) == attempt.operator), None)
    if mine is None or mine.context != "prozvon-consult":
        return None
    login = places.login_with(mine, but=attempt.operator)
    return _operator(login, places, 0.0) if login else None


def _operator(login: str, places: Places, at: float) -> Third | None:
    for uid, channel in places.live.items():
        if places.legs.get(uid) == login:
            return Third(call_id=uid, channel=channel.channel, login=login, placed_at=at, up=True)
    return None


def _in_room(
    attempt: Conversing,
    places: Places,
    known: AnyTalk | None,
    person: LiveChannel,
    third: Third | None,
    now: float,
) -> AnyTalk | None:
    if isinstance(known, ThreeWay | Joining):
        return known
    login = places.login_with(person, but=attempt.operator)
    other = third or (_operator(login, places, now) if login else None)
    if other is None:
        return None
    return held(attempt.id, attempt.operator, now).consult(now, other).three_way(now)


def _in_bridge(
    attempt: Conversing,
    places: Places,
    known: AnyTalk | None,
    person: LiveChannel,
    third: Third | None,
    now: float,
) -> AnyTalk | None:
    login = places.login_with(person)
    if login:
        if login != attempt.operator:
            return joining(attempt.id, attempt.operator, now, login, "transfer")
        keeps = isinstance(known, Consulting) and not known.aside
        return known if keeps else None
    if third is not None and person.bridge_id:
        return WithThird(attempt=attempt.id, operator=attempt.operator, since=now, third=third)
    return known


class Recall:
    """Brings talks and operators' states to the truth of the node."""

    def __init__(self, floor: TalkFloor, talks: Talks) -> None:
        self._floor, self._talks = floor, talks
        self._mutes_known = False
        self.on_third_gone: Callable[[UUID, str, float], None] = lambda attempt, call, at: None
        """Told of a number's leg whose end the node's journal does not have either."""

    def before(self, live: Mapping[str, LiveChannel], now: float) -> None:
        """Before missed events are told again: an operator who waits is not taken for free."""
        places = Places(live, dict(self._floor.board.legs))
        for attempt in tuple(self._floor.board.attempts.values()):
            if isinstance(attempt, Conversing) and str(attempt.id) in live:
                known = self._floor.talks.get(attempt.id)
                talk = place_of(attempt, places, known, now)
                self._take(attempt, talk)
        self._thirds(live)

    def _take(self, attempt: Conversing, talk: AnyTalk | None) -> None:
        floor = self._floor
        if talk is None:
            floor.plain(attempt.id)
        elif floor.talks.get(attempt.id) != talk:
            floor.set(talk)
            log.info("talk_found", attempt=str(attempt.id), talk=talk.name)
        party = talk.party if talk else None
        if party is not None and party.login is None and party.call_id not in floor.thirds:
            # A trunk that left the settings still has its calls, and takes no new ones.
            trunk = floor.board.trunks.get(party.trunk) or floor.board.trunks[attempt.trunk]
            floor.adopt_third(attempt.id, replace(party, trunk=trunk.name))
            trunk.used += 1

    def _thirds(self, live: Mapping[str, LiveChannel]) -> None:
        """Legs that nobody waits for any more."""
        floor = self._floor
        for unique_id in live:
            if unique_id.startswith(THIRD) and unique_id not in floor.thirds:
                floor.tasks.command("stray_third", floor.moves.hang_up(unique_id), AmiError)

    def thirds(self) -> tuple[str, ...]:
        """Called numbers whose missed events must be told again."""
        return tuple(self._floor.thirds)

    def after(self, live: Mapping[str, LiveChannel]) -> None:
        """Operators' states follow; who waits for anyone is given to whoever is free."""
        for call_id, attempt_id in tuple(self._floor.thirds.items()):
            leg = self._floor.legs.get(call_id)
            if call_id not in live and leg is not None and leg.channel:
                self.on_third_gone(attempt_id, call_id, self._floor.clock())
        for seat in tuple(self._floor.board.seats.values()):
            self._settle(seat)
            if not self._mutes_known:
                work = self._floor.learn_mute(seat)
                self._floor.tasks.command(f"mute of {seat.login}", work, AmiError)
        self._mutes_known = True
        self._talks.serve()

    def _settle(self, seat: Seat) -> None:
        floor, attempt_id = self._floor, seat.state.attempt
        attempt = floor.conversing(attempt_id) if attempt_id else None
        if attempt is None or attempt_id is None:
            return
        talk, now = floor.talks.get(attempt_id), floor.clock()
        party = talk.party if talk else None
        if isinstance(talk, Joining) and talk.to == seat.login:
            return
        if isinstance(seat.state, Reserved) and attempt.operator != seat.login:
            floor.seating.release(seat, attempt_id)
        elif isinstance(seat.state, InCall) and attempt.operator == seat.login:
            self._owner(seat, seat.state, talk, now)
        elif isinstance(seat.state, Consult) and (party is None or party.login != seat.login):
            floor.seating.unasked(seat)
            if seat.channel:
                floor.run("let_go", attempt_id, floor.moves.let_go(seat.channel))

    def _owner(self, seat: Seat, state: InCall, talk: AnyTalk | None, now: float) -> None:
        want = "talking"
        if talk is not None and not talk.keeps(seat.login):
            self._floor.out(seat.login, state.attempt_id, "leave")
            if seat.channel:
                self._floor.run("unkeep", talk.attempt, self._floor.moves.let_go(seat.channel))
            return
        if talk is not None and talk.name == "held":
            want = "hold"
        elif isinstance(talk, Consulting) and talk.aside:
            want = "consult"
        if state.kind.value != want:
            changed: dict[str, AnyState] = {
                "hold": state.hold(now),
                "consult": state.consult(now),
                "talking": state.talk(now),
            }
            seat.become(changed[want])
