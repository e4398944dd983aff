"""What a floor looks like now: operators, attempts, campaigns, trunks. Memory only, no I/O.

Everything here can be rebuilt from PostgreSQL and Asterisk (`dialer.recovery`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog

from campaigns.campaign.modes import BROADCAST
from campaigns.life.model import GoalRoom
from campaigns.pacing.words import LIMITED_BY
from campaigns.refusals import Sentence, joined
from dialer.calls import (
    Answered,
    Assigned,
    Attempt,
    Committing,
    Conversing,
    Lead,
    Placed,
    Ringing,
)
from dialer.lines import Trunk
from dialer.live_attempts import LiveAttempts
from dialer.odds_book import OddsBook, chosen
from dialer.operators import IN_CALL, USUAL_WRAP_UP_S, OperatorState, Seat, State, WrapUp
from dialer.pacers import Booking, pacer_of
from dialer.pacing import Decision, Floor, Leads, Pacer, PredictivePacer
from dialer.routing import Route
from monitoring import metrics

log = structlog.get_logger(__name__)

JUST_STARTED = Decision(0, "start", LIMITED_BY["start"])
ENGINE_FAILED = Sentence(
    "the pacing engine failed, see pacer_failed in the log",
    "расчёт темпа отказал, см. pacer_failed в журнале",
)
GOAL_NEAR = Sentence(
    "the goal is near, every call under way counts",
    "цель близка, каждый начатый вызов считается",
)


@dataclass(frozen=True, slots=True)
class Card:
    """A claimed lead that an operator reads since `given_at` and must decide by `until`."""

    lead: Lead
    campaign_id: int
    given_at: float
    until: float


@dataclass(slots=True)
class Campaign:
    """A running campaign as the controller dials it; `buffer` holds leads claimed ahead of time.

    `trunks` and `caller_ids` are what it may use, none of them: any trunk, the trunk's own number.
    `stranded`: lead ids that no trunk takes now -> seconds until they may be claimed again.
    """

    id: int
    name: str
    mode: str
    language: str
    caller_ids: tuple[str, ...]
    trunks: tuple[str, ...]
    ring_timeout_s: float
    post_dial_delay_s: float
    wrap_up_limit_s: float
    recording: bool
    max_approaches: int
    max_abandon_rate: float
    engine: PredictivePacer
    abandon_window_s: float = 86_400.0
    weight: float = 1.0
    skills: frozenset[str] = frozenset()
    max_lines: int | None = None
    lines_per_operator: float | None = None
    preview_limit_s: float = 60.0
    preview_at_limit: str = "skip"
    waiting_sound: str | None = None
    """None: the floor's."""
    broadcast: Mapping[str, Any] | None = None
    """What is played and asked (`campaigns.broadcast.model`)."""
    message: Mapping[str, Any] | None = None
    """What abandoned people hear (`campaigns.message.model`)."""
    minimum_ring_s: float = 0.0
    """What rang so long may be given up (its legal profile)."""
    sound_trouble: Sentence | None = None
    """Why a broadcast, or the message, would not be heard; None when it would."""
    forbidden: Sentence | None = None
    """Why its legal profile forbids dialing as it is set; None when it does not."""
    odds: OddsBook = field(default_factory=OddsBook)
    pacer: Pacer = field(init=False)
    failed: bool = False
    retry: Mapping[str, Any] = field(default_factory=dict)
    running: bool = True
    buffer: deque[Lead] = field(default_factory=deque)
    last_dial_at: float | None = None
    decision: Decision = JUST_STARTED
    decision_logged_at: float = 0.0
    claim_again_at: float = 0.0
    leads_note: Sentence | None = None
    leads_limit: str = "leads"
    """What keeps its leads: "leads" (none is due), "hours" or "rules"."""
    goal: GoalRoom = field(default_factory=GoalRoom)
    ways_note: Sentence | None = None
    stranded: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pacer = pacer_of(self.mode, self.engine)

    def set_mode(self, mode: str) -> None:
        """What was learned in the old mode serves the new one."""
        self.mode, self.failed = mode, False
        self.pacer = pacer_of(mode, self.engine)

    def set_cap(self, cap: float) -> None:
        """The share of answered people who may be abandoned."""
        self.max_abandon_rate = self.engine.max_abandon_rate = self.engine.ledger.max_rate = cap

    def line_limit(self, operators: int) -> int:
        """Calls at once that its own limits allow with so many operators."""
        limits = [1_000_000 if self.max_lines is None else self.max_lines]
        if self.lines_per_operator is not None and self.mode != BROADCAST:
            limits.append(math.ceil(self.lines_per_operator * operators))
        return min(limits)

    def teach(self, tell: Callable[[Pacer], None]) -> None:
        """Tells the pacer what happened. An engine that raises is replaced."""
        try:
            tell(self.pacer)
        except Exception:
            self._replace_pacer()

    def decide(self, floor: Floor, ringing: Sequence[UUID], now: float) -> Decision:
        """The pacer's decision. An engine that raises is replaced: dialing goes on, one to one.

        `ringing` goes with `Floor.ringing`. The buffer is put in the order to dial.
        """
        try:
            decision = self.pacer.explain(floor, self._leads(ringing, now))
            chosen(self.buffer, decision.picks)
        except Exception:
            self._replace_pacer()
            decision = self.pacer.explain(floor)
        if self.failed:
            decision = replace(decision, reason=joined((decision.reason, ENGINE_FAILED)))
        return decision

    def _leads(self, ringing: Sequence[UUID], now: float) -> Leads | None:
        if self.mode != "predictive":
            return None  # one call for each operator, whoever is called
        return self.odds.leads(ringing, self.buffer, now)

    def _replace_pacer(self) -> None:
        log.exception("pacer_failed", campaign=self.name, mode=self.mode)
        metrics.pacer_failed(self.name)
        self.pacer, self.failed = Booking(self.engine.ledger), True

    def free_leads(self) -> int:
        """Leads in the buffer that anyone may take."""
        return sum(lead.operator_id is None for lead in self.buffer)

    def dial_interval(self, at: float) -> float | None:
        """Seconds from the campaign's previous dial to this one; notes the dial."""
        last, self.last_dial_at = self.last_dial_at, at
        return None if last is None else max(0.0, at - last)


@dataclass(slots=True)
class Board:
    """The state of one floor.

    `legs` finds the operator of an operator's own channel, `bridges` the bridge of a person's,
    `passed_on` the trunks that did not take up a lead that is on its way to another one,
    `cards` what operators read before they dial, by login.
    `recovered` is False while it is not known what is live on the node: then nothing is dialed;
    neither while `draining`, nor while there is a `database_error`.
    """

    floor_id: int
    node_id: int
    trunks: dict[str, Trunk] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)
    legs: dict[str, str] = field(default_factory=dict)
    attempts: LiveAttempts = field(default_factory=LiveAttempts)
    cards: dict[str, Card] = field(default_factory=dict)
    bridges: dict[UUID, str] = field(default_factory=dict)
    passed_on: dict[int, frozenset[str]] = field(default_factory=dict)
    recovered: bool = False
    _at_attempt: dict[UUID, dict[str, None]] = field(default_factory=dict, repr=False)
    _in_state: dict[type[State], dict[str, Seat]] = field(default_factory=dict, repr=False)
    draining: bool = False
    database_error: str = ""

    def seats_of(self, attempt_id: UUID) -> tuple[Seat, ...]:
        """Operators whose state names this attempt, without a look at all the others."""
        logins = self._at_attempt.get(attempt_id, ())
        return tuple(self.seats[login] for login in logins if login in self.seats)

    def seats_in(self, *kinds: type[State]) -> list[Seat]:
        """Operators who are in one of these very states, without a look at all the others."""
        return [seat for kind in kinds for seat in self._in_state.get(kind, {}).values()]

    def seat_moved(self, login: str, old: State | None, new: State | None) -> None:
        """An operator's state is another one; None: before the shift, and after it."""
        if old is not None:
            self._in_state.get(type(old), {}).pop(login, None)
        if new is not None:
            self._in_state.setdefault(type(new), {})[login] = self.seats[login]
        was = old.attempt if old is not None else None
        now = new.attempt if new is not None else None
        if was == now:
            return
        if was is not None and (there := self._at_attempt.get(was)) is not None:
            there.pop(login, None)
            if not there:
                del self._at_attempt[was]
        if now is not None:
            self._at_attempt.setdefault(now, {})[login] = None

    def seat_of_leg(self, leg_id: str) -> Seat | None:
        return self.seats.get(self.legs.get(leg_id, ""))

    def attempt_of_channel(self, unique_id: str) -> Attempt | None:
        """The attempt whose id is this channel's Uniqueid."""
        return self.attempts.of_channel(unique_id)

    def campaign_of(self, attempt_id: UUID) -> Campaign | None:
        """The campaign of an attempt that is live, or has ended a while ago."""
        campaign_id = self.attempts.campaign_of(attempt_id)
        return None if campaign_id is None else self.campaigns.get(campaign_id)

    def campaign_name(self, campaign_id: int) -> str:
        """Its name, or its number where recovery found a call of one that does not run."""
        campaign = self.campaigns.get(campaign_id)
        return campaign.name if campaign else f"#{campaign_id}"

    def wrap_up_limit(self, attempt: Attempt | None) -> float:
        """Seconds that an operator has after it; the usual where its campaign is not known."""
        campaign = self.campaigns.get(attempt.campaign_id) if attempt else None
        return campaign.wrap_up_limit_s if campaign else USUAL_WRAP_UP_S

    def goal_room(self, campaign: Campaign) -> int | None:
        """Calls that the campaign's goal leaves; None: it has no goal of numbers."""
        return campaign.goal.left(self.attempts.of_campaign(campaign.id).all)

    def within_goal(self, campaign: Campaign, decision: Decision) -> Decision:
        """`decision`, cut to what the campaign's goal leaves: it must not be overshot."""
        room = self.goal_room(campaign)
        if room is None or decision.calls <= room:
            return decision
        return replace(decision, calls=room, limited_by="goal", reason=GOAL_NEAR)

    def in_flight(self, campaign_id: int) -> Mapping[UUID, Attempt]:
        """Attempts of a campaign that are not answered yet, by id."""
        return self.attempts.of_campaign(campaign_id).in_flight

    def waiting_sound(self, attempt_id: UUID) -> str | None:
        """What its campaign wants who waits to hear; None: as the floor does."""
        attempt = self.attempts.get(attempt_id)
        campaign = self.campaigns.get(attempt.campaign_id) if attempt is not None else None
        return campaign.waiting_sound if campaign is not None else None

    def skills_for(self, attempt: Attempt) -> frozenset[str]:
        """What an operator must have to take this attempt's person."""
        campaign = self.campaigns.get(attempt.campaign_id)
        return campaign.skills if campaign is not None else frozenset()

    def floor_of(self, campaign: Campaign, now: float, free: int, lines: int) -> Floor:
        """The pacing contract's view of one campaign: its share of the operators (`Seat.home`)."""
        calls = self.attempts.of_campaign(campaign.id)
        return Floor(
            now=now,
            idle=free,
            talking=self._elapsed(now, campaign.id, *IN_CALL),
            wrapping=self._elapsed(now, campaign.id, WrapUp),
            ringing=tuple([now - a.placed_at for a in calls.in_flight.values()]),
            waiting=sum(not a.abandoned for a in calls.waiting.values()),
            lines=lines,
        )

    def _elapsed(self, now: float, home: int, *kinds: type[State]) -> tuple[float, ...]:
        """Of operators who are free when this is over; on call, the phone must be rung first."""
        return tuple(
            [
                max(0.0, now - seat.state.since)
                for seat in self.seats_in(*kinds)
                if seat.home == home and not seat.phone.on_call
            ]
        )

    def operators_by_state(self) -> dict[OperatorState, int]:
        counts = dict.fromkeys(OperatorState, 0)
        for seat in self.seats.values():
            counts[seat.state.kind] += 1
        return counts

    def attempts_by_stage(self) -> dict[str, int]:
        stages = dict.fromkeys(STAGES.values(), 0)
        for attempt in self.attempts.values():
            stages[STAGES[type(attempt)]] += 1
        return stages


STAGES: dict[type[Attempt], str] = {
    Committing: "placing",
    Placed: "placed",
    Ringing: "ringing",
    Answered: "waiting",
    Assigned: "waiting",
    Conversing: "talking",
}
