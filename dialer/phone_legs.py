"""Where an operator's phone is called: the SIP login, or an outside number over a trunk.

A call to an outside number is a call like others for the trunk: it takes a line and one of its
calls per second, waits while there is none, and feeds the circuit breaker. Only numbers that the
settings allow at the moment of the call are dialed, whatever the database says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from dialer.asterisk import events as ev
from dialer.asterisk.ami_wire import OriginateRequest
from dialer.board import Board
from dialer.lines import Trunk
from dialer.operators import Seat
from dialer.outcomes import LineEvidence, Outcome, outcome_of
from dialer.routing import NoWay, caller_id, choose
from dialer.talk.numbers import matches
from monitoring import metrics

log = structlog.get_logger(__name__)

RINGING, UP = 5, 6
ON_TRUNK = re.compile(r"PJSIP/trunk-(.+)-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class OutsideRules:
    """What the administrator allows: patterns of numbers (none: no number), trunks (none: any),
    and the number that is shown (none: the trunk's own).

    `accept_s`: only who presses 1 within so many seconds is the operator, and no voice box; 0:
    whoever answers."""

    numbers: tuple[str, ...] = ()
    trunks: tuple[str, ...] = ()
    caller_id: str | None = None
    accept_s: float = 0.0

    def allow(self, e164: str) -> bool:
        return any(matches(pattern, e164) for pattern in self.numbers)


class NoLine(Exception):
    """The phone cannot be called now; the message says why and names no number.

    `lasting`: it will not go away by itself.
    """

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


@dataclass(slots=True)
class OutsideLeg:
    """A leg that takes a line of `trunk` since `placed_at` (epoch seconds)."""

    trunk: str
    placed_at: float
    rang: bool = False
    channel: bool = False
    let_go: bool = False


@dataclass(slots=True)
class PhoneLegs:
    """Requests for operators' legs, and the trunk lines that those to outside numbers take."""

    board: Board
    clock: Callable[[], float]
    ring_s: float
    rules: OutsideRules = OutsideRules()
    outside: dict[str, OutsideLeg] = field(default_factory=dict)

    def request(self, seat: Seat, leg_id: str) -> OriginateRequest:
        """The call of one leg; a line is taken at once. Raises NoLine."""
        channel, shown = f"PJSIP/op-{seat.login}", "Prozvon"
        context, variables = "prozvon-operator", {}
        if seat.phone.number:
            trunk, shown_outside = self._line(seat.phone.number)
            channel = f"PJSIP/{trunk.dialed(seat.phone.number)}@trunk-{trunk.name}"
            shown = shown_outside or ""
            if self.rules.accept_s:
                context = "prozvon-accept"
                variables = {"PROZVON_ACCEPT": f"{self.rules.accept_s:g}"}
            trunk.place()
            self.outside[leg_id] = OutsideLeg(trunk.name, self.clock())
        return OriginateRequest(
            action_id=leg_id,
            channel=channel,
            channel_id=leg_id,
            context=context,
            exten="s",
            priority=1,
            timeout_ms=int(self.ring_s * 1000),
            caller_id=shown or None,
            variables=variables,
        )

    def _line(self, number: str) -> tuple[Trunk, str | None]:
        if not self.rules.allow(number):
            text = "the settings do not allow this outside number (phones.outside_numbers)"
            raise NoLine(text, lasting=True)
        board, now = self.board, self.clock()
        found = choose(
            board.routes,
            self.rules.trunks,
            frozenset(),
            number,
            lambda name: board.trunks[name].room(now),
            0.0,
        )
        if isinstance(found, NoWay):
            why = {"no_route": "no trunk has a route for it", "full": "no line is free"}
            text = why.get(found.kind, "no trunk works")
            raise NoLine(text, lasting=found.kind == "no_route")
        own = () if self.rules.caller_id is None else (self.rules.caller_id,)
        return board.trunks[found.trunk], caller_id(found, own, 0)

    def trunk_id(self, leg_id: str) -> int | None:
        """The trunk of a leg, by its row; None for a SIP phone."""
        leg = self.outside.get(leg_id)
        return self.board.trunks[leg.trunk].trunk_id if leg is not None else None

    def let_go(self, leg_id: str) -> None:
        """We end this call: its end says nothing of the trunk."""
        if (leg := self.outside.get(leg_id)) is not None:
            leg.let_go = True

    def adopt(self, leg_id: str, channel: str, since: float) -> None:
        """A leg that lives on after a restart: its channel tells which line it takes."""
        found = ON_TRUNK.fullmatch(channel)
        trunk = self.board.trunks.get(found[1]) if found else None
        if trunk is not None and leg_id not in self.outside:
            trunk.used += 1
            self.outside[leg_id] = OutsideLeg(trunk.name, since, rang=True, channel=True)

    def unanswered(self, leg_id: str, end: ev.Hangup | None = None) -> bool:
        """Whether the call of an outside number came to nothing without its owner's doing.

        `end`: how the node ended it; None when there was no channel. A SIP phone that cannot be
        reached is its operator's affair.
        """
        leg = self.outside.get(leg_id)
        if end is None:
            return leg is not None and not leg.rang
        if end.cause == 0:  # lost with the link or the node
            return True
        return leg is not None and _never_taken_up(_evidence(leg, end))

    def not_sent(self, leg_id: str) -> None:
        """The node never heard of this call."""
        self._ended(leg_id, None)

    # --- what the node says

    def on_event(self, event: ev.Event) -> None:
        """Events of all channels; those of other ones are left alone."""
        if isinstance(event, ev.OriginateResponse):
            leg = self.outside.get(event.action_id)
            if leg is not None and not event.success and not leg.channel:
                self._ended(event.action_id, LineEvidence(channel_existed=False))
            return
        leg = self.outside.get(getattr(event, "unique_id", None) or "")
        if leg is None:
            return
        if isinstance(event, ev.ChannelCreated):
            leg.channel = True
        elif isinstance(event, ev.ChannelState) and event.state in (RINGING, UP):
            leg.channel = leg.rang = True
            self.board.trunks[leg.trunk].breaker.alive()
        elif isinstance(event, ev.Hangup):
            self._ended(event.unique_id, None if leg.let_go else _evidence(leg, event))

    def _ended(self, leg_id: str, line: LineEvidence | None) -> None:
        """The line is free. `line` is None when the end says nothing of the trunk."""
        leg = self.outside.pop(leg_id, None)
        trunk = self.board.trunks.get(leg.trunk) if leg is not None else None
        if leg is None or trunk is None:
            return
        now = self.clock()
        trunk.release()
        metrics.trunk_line_time(trunk.name, max(0.0, now - leg.placed_at))
        if leg.rang:
            return
        if line is None:
            trunk.breaker.forgotten()
        elif not _never_taken_up(line):
            trunk.breaker.alive()
        elif trunk.breaker.dead(now):
            log.error("trunk_takes_no_calls", trunk=trunk.name, pause_s=trunk.breaker.pause_s)


def _evidence(leg: OutsideLeg, end: ev.Hangup) -> LineEvidence:
    code = int(end.tech_cause) if end.tech_cause.isdigit() else None
    return LineEvidence(rang=leg.rang, cause=end.cause, sip_code=code)


def _never_taken_up(line: LineEvidence) -> bool:
    return outcome_of(line) in (Outcome.FAILED, Outcome.CONGESTION)
