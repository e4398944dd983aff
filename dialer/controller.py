"""The loop of one floor: events in, decisions out.

Events from Asterisk go to the attempt or the operator they belong to; whatever changes the input of
pacing wakes the pacing loop, which decides at most every 50 ms and at least once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from campaigns.campaign.modes import BY_HAND
from campaigns.pacing.words import LIMITED_BY
from campaigns.refusals import Sentence, joined
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiError, AmiRefused, AmiState
from dialer.attempts import Attempts
from dialer.board import Board, Campaign
from dialer.calls import (
    Answered,
    Assigned,
    Attempt,
    Committing,
    Conversing,
    Dialing,
    Lead,
)
from dialer.commits import Commits
from dialer.handover import Handover
from dialer.holds import Holds
from dialer.ids import new_id
from dialer.journal import CONNECTION_ERRORS, Journal
from dialer.operators import Previewing, Ready, Seat
from dialer.originate import nothing_before, own_dial, person_request
from dialer.outcomes import EndedBy
from dialer.pacing import Decision
from dialer.promises import Promises
from dialer.seating import HOLDING, Seating
from dialer.shares import Shares
from dialer.store import Dial, Store
from dialer.tasks import Tasks
from dialer.trunks import TrunkWatch
from dialer.ways import FailOver, Way, Ways
from monitoring import metrics

log = structlog.get_logger(__name__)

DECISION_INTERVAL_S = 0.05
LONGEST_WAIT_S = 1.0
DECISION_LOG_S = 60.0
MAX_PLACING = 50
"""Originates on their way to the node at once: a slow node must not be flooded."""
NOBODY_DIALS = Decision(0, "mode", LIMITED_BY["mode"])
BEING_CLAIMED = Sentence("leads are being claimed", "лиды готовятся")
NODE_SLOW = Sentence("the node is slow to take calls", "узел не успевает принимать вызовы")
LIMITS = {
    "lines": Sentence("lines", "линии"),
    "cps": Sentence("calls per second", "вызовы в секунду"),
    "breaker": Sentence("probe calls only", "только пробные вызовы"),
    "down": Sentence("no trunk works", "транки не работают"),
}
"""What trunks are short of."""

Refused = Mapping[str, Any]
"""Why an attempt was not committed: what was found in the database instead."""


class Controller:
    """One floor's pacing, dialing and event routing."""

    def __init__(
        self,
        board: Board,
        store: Store,
        journal: Journal,
        ami: AmiClient,
        tasks: Tasks,
        seating: Seating,
        handover: Handover,
        attempts: Attempts,
        clock: Callable[[], float],
        *,
        recordings_dir: Path,
        min_free_bytes: int,
    ) -> None:
        self.board, self.store, self.journal = board, store, journal
        self.ami, self.tasks, self.clock = ami, tasks, clock
        self.seating, self.handover, self.attempts = seating, handover, attempts
        self._recordings_dir = recordings_dir
        self.holds = Holds(board, journal, ami, recordings_dir, min_free_bytes)
        self.ways = Ways(board)
        self.shares = Shares(board, self.ways, clock)
        self.promises = Promises(board, self.shares, attempts, ami, tasks, clock)
        self.trunk_watch = TrunkWatch(board, ami, tasks, clock, self.wake)
        attempts.on_end = FailOver(board, self.ways, store, journal, self.wake).ended
        self._wake, self._changed = asyncio.Event(), asyncio.Event()
        self._placing = 0
        self.on_unsure: Callable[[], None] = lambda: None
        self.comes_back: Callable[[Seat], bool] = lambda seat: False
        """Whether an operator who waits again is awaited by a person (`dialer.returning`)."""
        self.hand_out: Callable[[Campaign, float], Decision] = lambda campaign, now: NOBODY_DIALS
        self.new_id: Callable[[float], UUID] = new_id
        self.on_place: Callable[[Committing], None] = lambda attempt: None
        self.commit: Callable[[Attempt, Dial], Awaitable[bool]] = Commits(store, tasks).commit
        self.before_decide: Callable[[], None] = lambda: None
        self.before_dial: Callable[[Attempt], Awaitable[None]] = nothing_before
        self.keeps: Callable[[Seat, UUID], bool] = lambda seat, attempt: False
        """Whether this operator goes on with the attempt, though the person is elsewhere now."""
        seating.on_free = self._operator_free
        seating.on_leave = self._operator_left
        seating.wrap_up_ended = self._wrap_up_ended
        attempts.on_change = self.wake
        self._routes: dict[type[ev.Event], list[Callable[[Any], None]]] = {
            ev.ChannelCreated: [self._channel_created],
            ev.ChannelState: [attempts.state_changed],
            ev.DialStateChanged: [attempts.dial_state],
            ev.DialEnded: [attempts.dial_ended],
            ev.OriginateResponse: [self._originate_response],
            ev.Hangup: [self._hung_up],
            ev.BridgeEntered: [self._bridge_entered],
            ev.BridgeLeft: [self._bridge_left],
            ev.UserEvent: [attempts.user_event],
            ev.ContactStatusChanged: [self.trunk_watch.contact_changed],
            ev.RegistryChanged: [self.trunk_watch.registry_changed],
        }

    # --- events

    def on_event(self, event: ev.Event) -> None:
        """One event of the node, in order."""
        for route in self._routes.get(type(event), ()):
            route(event)

    def watch(self, told: Callable[[Any], None], *kinds: type[ev.Event]) -> None:
        """Features beside dialing follow what happens on the node, after the controller has."""
        for kind in kinds:
            self._routes.setdefault(kind, []).append(told)

    def wake(self) -> None:
        """Something changed that pacing looks at."""
        self._wake.set()
        self._changed.set()

    def _channel_created(self, event: ev.ChannelCreated) -> None:
        if event.unique_id in self.board.legs:
            self.seating.leg_created(event)
        else:
            self.attempts.created(event)

    def _originate_response(self, event: ev.OriginateResponse) -> None:
        if event.action_id in self.board.legs and not event.success:
            self.seating.leg_failed(event.action_id)
        else:
            self.attempts.originate_response(event)

    def _hung_up(self, event: ev.Hangup) -> None:
        if event.unique_id.startswith("op-"):
            self.seating.leg_hung_up(event)
            self.wake()
        else:
            self.attempts.hung_up(event)

    def _bridge_entered(self, event: ev.BridgeEntered) -> None:
        if event.unique_id.startswith("op-"):
            self._operator_entered(event)
        else:
            attempt = self.board.attempt_of_channel(event.unique_id)
            if attempt is not None and event.technology != HOLDING:
                self.board.bridges[attempt.id] = event.bridge_id
                seat = self._operator_in(event.bridge_id, getattr(attempt, "operator", None))
                self._meet(attempt.id, seat, event.at)

    def _operator_entered(self, event: ev.BridgeEntered) -> None:
        seat = self.board.seat_of_leg(event.unique_id)
        if seat is None:  # signed out while the phone was being called
            self.seating.hang_up_stray(event.channel)
            return
        before = seat.state
        self.seating.leg_entered(event)
        if event.technology == HOLDING:
            if self.comes_back(seat):
                return
            attempt = self.board.attempts.get(before.attempt) if before.attempt else None
            if isinstance(attempt, Conversing) and not self.keeps(seat, attempt.id):
                limit = self.board.wrap_up_limit(attempt)
                self.seating.conversation_ended(seat, event.at, limit)
        else:
            self._meet(self._person_in(event.bridge_id, before.attempt), seat, event.at)

    def _bridge_left(self, event: ev.BridgeLeft) -> None:
        seat = self.board.seat_of_leg(event.unique_id)
        if seat is not None and seat.bridge_id == event.bridge_id:
            seat.bridge_id = ""

    def _operator_in(self, bridge_id: str, expected: str | None) -> Seat | None:
        seat = self.board.seats.get(expected or "")
        if seat is not None and seat.bridge_id == bridge_id:
            return seat
        return next((s for s in self.board.seats.values() if s.bridge_id == bridge_id), None)

    def _person_in(self, bridge_id: str, expected: UUID | None) -> UUID | None:
        if expected is not None and self.board.bridges.get(expected) == bridge_id:
            return expected
        return next((a for a, b in self.board.bridges.items() if b == bridge_id), None)

    def _meet(self, attempt_id: UUID | None, seat: Seat | None, at: float) -> None:
        """Person and operator in one bridge: a conversation."""
        if attempt_id is None or seat is None:
            return
        talking = self.handover.bridged(attempt_id, seat, at)
        if talking is not None:
            self.attempts.conversation(talking)

    def _operator_free(self) -> None:
        self.handover.serve()
        self.wake()

    def _operator_left(self) -> None:
        self._cancel_unserved()
        self.wake()

    def _wrap_up_ended(self, attempt_id: UUID, at: float, seconds: float) -> None:
        metrics.wrap_up_ended(seconds)
        campaign = self.board.campaign_of(attempt_id)
        if campaign is not None:
            campaign.teach(lambda pacer: pacer.wrap_ended(at, seconds))

    def _cancel_unserved(self) -> None:
        """What lost its operator stops ringing; without a link nothing can be cancelled."""
        if self._link_ready():
            self.promises.end_broken()

    # --- pacing

    async def pace(self) -> None:
        """Decides for ever: after changes (coalesced) and at least once a second."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LONGEST_WAIT_S)
            self._wake.clear()
            self.decide()
            await asyncio.sleep(DECISION_INTERVAL_S)

    def decide(self) -> None:
        """One decision for every running campaign, in the order that is fair to all."""
        self._cancel_unserved()
        self.before_decide()
        campaigns = [c for c in self.board.campaigns.values() if c.running]
        self.shares.deal(campaigns)
        for campaign in self.shares.in_turn(campaigns):
            self._decide(campaign)

    def _decide(self, campaign: Campaign) -> None:
        now = self.clock()
        by_hand = campaign.mode in BY_HAND
        held = self.holds.held(campaign)
        if by_hand:
            decision = held or self.hand_out(campaign, now)
        else:
            if held is None:
                self._place_promised(campaign, now)
            decision = self.board.within_goal(campaign, held or self._paced(campaign, now))
            decision = self._place_all(campaign, decision, now)
        self._note_decision(campaign, decision, now)

    def _place_all(self, campaign: Campaign, decision: Decision, now: float) -> Decision:
        """Places the calls that were decided; what came of it when trunks took fewer."""
        placed = 0
        for lead, way in self.ways.take(campaign, decision.calls, now):
            self._place(campaign, lead, way, now)
            placed += 1
        self.shares.placed(campaign, placed)
        if placed == decision.calls:
            return decision
        return Decision(placed, "trunk", campaign.ways_note or LIMITED_BY["trunk"], decision.asked)

    def _place_promised(self, campaign: Campaign, now: float) -> None:
        """Callbacks and owners' leads go to their operator, as soon as that one is ready."""
        promised = {lead.operator_id for lead in campaign.buffer} - {None}
        if not promised:
            return
        for seat in self.board.seats_in(Ready):
            if seat.operator_id not in promised or self._placing >= MAX_PLACING:
                continue
            if self.board.goal_room(campaign) == 0:
                return
            if seat.can_take:
                for lead, way in self.ways.take(campaign, 1, now, seat.operator_id):
                    self._place(campaign, lead, way, now, seat)

    def _link_ready(self) -> bool:
        return self.ami.state is AmiState.READY and self.board.recovered

    def _paced(self, campaign: Campaign, now: float) -> Decision:
        room, limited_by, trouble = self.shares.room(campaign, now)
        floor = self.board.floor_of(campaign, now, self.shares.free(campaign), room)
        ringing = list(self.board.in_flight(campaign.id))
        decision = campaign.decide(floor, ringing, now)
        if trouble and not decision.calls:
            return Decision(0, "trunk", trouble, decision.asked)
        if decision.limited_by == "lines":
            limit, asked = LIMITS[limited_by], decision.asked
            wish = Sentence(f"{asked} asked for ({limit.en})", f"нужно {asked} ({limit.ru})")
            reason = joined((decision.reason, wish), ", ")
            decision = replace(decision, limited_by=limited_by, reason=reason)
        available = min(campaign.free_leads(), MAX_PLACING - self._placing)
        # With no lead to dial it has no operators either, which explains nothing.
        kept_back = bool(campaign.ways_note or campaign.leads_note) and not campaign.buffer
        if decision.calls <= available and not kept_back:
            return decision
        if self._placing >= MAX_PLACING:
            left = max(0, available)
            return Decision(left, "node", NODE_SLOW, decision.asked)
        notes = (campaign.leads_note or BEING_CLAIMED, campaign.ways_note)
        note = joined(note for note in notes if note is not None)
        return Decision(available, campaign.leads_limit, note, decision.asked)

    def _note_decision(self, campaign: Campaign, decision: Decision, now: float) -> None:
        changed = decision.limited_by != campaign.decision.limited_by
        old = now - campaign.decision_logged_at >= DECISION_LOG_S
        campaign.decision = decision
        metrics.decided(campaign.name, decision.limited_by, decision.asked, decision.calls)
        if (decision.calls or changed or old) and self.journal.healthy:
            campaign.decision_logged_at = now
            self.journal.row(self.store.log_decision(campaign.id, now, decision))

    # --- dialing

    def _place(
        self, campaign: Campaign, lead: Lead, way: Way, now: float, seat: Seat | None = None
    ) -> None:
        """`seat`: whose dial it must be."""
        if seat is None and campaign.mode == "progressive":
            seat = self.shares.next_ready(campaign)
        self.place(campaign, lead, way, seat, now)

    def place(
        self, campaign: Campaign, lead: Lead, way: Way, seat: Seat | None, now: float
    ) -> asyncio.Task[Refused | None]:
        """Books line and operator at once; the commit and the Originate follow in the task.

        Its result is None when the call was committed, else why it was not.
        """
        attempt_id = self.new_id(now)
        attempt = Committing(
            id=attempt_id,
            campaign_id=campaign.id,
            lead=lead,
            trunk=way.trunk,
            caller_id=way.caller_id,
            placed_at=now,
            mode=campaign.mode,
            dial_operator=seat.login if seat else None,
            recording=self._recording(campaign, attempt_id),
        )
        self.on_place(attempt)
        self.board.attempts[attempt_id] = attempt
        campaign.odds.placed(attempt_id, lead, now)
        campaign.goal.placed(attempt_id)
        self.board.trunks[way.trunk].place()
        if seat is not None and isinstance(seat.state, Ready | Previewing):
            seat.become(own_dial(seat.state, attempt))
        self._placing += 1
        return self.tasks.start(
            f"dial {attempt_id}", self._commit_and_dial(campaign, attempt, seat)
        )

    def _recording(self, campaign: Campaign, attempt_id: UUID) -> str | None:
        if not campaign.recording:
            return None
        day = metrics.utc_day(self.clock())
        return str(self._recordings_dir / day / f"{attempt_id}.wav")

    async def _commit_and_dial(
        self, campaign: Campaign, attempt: Attempt, seat: Seat | None
    ) -> Refused | None:
        try:
            refused = await self._not_committed(campaign, attempt, seat)
            if refused is None:
                await self._originate(campaign, attempt.id)
            return refused
        finally:
            self._placing -= 1

    async def _not_committed(
        self, campaign: Campaign, attempt: Attempt, seat: Seat | None
    ) -> Refused | None:
        now = attempt.placed_at
        interval = campaign.dial_interval(now)
        dial = Dial(
            trunk_id=self.board.trunks[attempt.trunk].trunk_id,
            dial_operator_id=seat.operator_id if seat else None,
            dial_interval_s=interval,
            operator_dial_interval_s=seat.dial_interval(now) if seat else None,
        )
        try:
            done = await self.commit(attempt, dial)
        except CONNECTION_ERRORS as error:
            self.board.database_error = repr(error)
            self.attempts.withdraw(attempt)
            return {"database": repr(error)}
        if not done:
            self.attempts.withdraw(attempt)
            return await self._tell_why(attempt)
        metrics.dial_started(
            campaign.name, attempt.dial_operator, interval, dial.operator_dial_interval_s
        )
        return None

    async def _tell_why(self, attempt: Attempt) -> Refused:
        """The lead is given back whatever the reason is."""
        why: dict[str, Any] = {}
        with contextlib.suppress(*CONNECTION_ERRORS):
            why = await asyncio.wait_for(self.store.why_not_committed(attempt.lead), 5)
        log.warning("lost_race_for_lead", lead=attempt.lead.id, **why)
        return why

    async def _originate(self, campaign: Campaign, attempt_id: UUID) -> None:
        attempt = self.board.attempts.get(attempt_id)
        if not isinstance(attempt, Committing):
            return
        if not self._link_ready() or not self.promises.keep(attempt):
            self.attempts.withdraw(attempt)
            return
        if attempt.by_hand:
            await self.before_dial(attempt)
            if not self.promises.keep(attempt):
                self.attempts.withdraw(attempt)
                return
        attempt = self.board.attempts[attempt_id]
        assert isinstance(attempt, Committing)
        attempt = self.board.attempts[attempt_id] = attempt.placed()
        try:
            taker = self.board.seats.get(attempt.dial_operator or "")
            trunk = self.board.trunks[attempt.trunk]
            channel = taker.channel if taker is not None else ""
            await self.ami.originate(person_request(campaign, attempt, trunk, channel))
        except AmiRefused as error:
            log.error("originate_refused", trunk=attempt.trunk, error=str(error))
            self._refused(attempt_id)
        except AmiError as error:
            # Asterisk may have taken it: events tell, or recovery when the link is back.
            log.warning("originate_unconfirmed", attempt=str(attempt_id), error=repr(error))
            if self.ami.state is AmiState.READY:
                self.on_unsure()

    def _refused(self, attempt_id: UUID) -> None:
        attempt = self.board.attempts.get(attempt_id)
        if isinstance(attempt, Dialing) and not attempt.channel:
            now = self.clock()
            self.attempts.end(attempt.ended(now, cause=0, sip_code=None, by=EndedBy.NETWORK))

    # --- drain

    async def drain(self, limit_s: float) -> bool:
        """No new calls; ringing and talking calls finish, at most `limit_s`. True when all did."""
        self.board.draining = True
        self.wake()
        return await self._emptied(limit_s)

    async def hang_up_all(self, wait_s: float) -> None:
        """The drain's limit passed: what still lives is hung up."""
        for attempt in tuple(self.board.attempts.values()):
            if isinstance(attempt, Dialing | Answered | Assigned | Conversing):
                self.attempts.hang_up(attempt, EndedBy.DIALER)
        await self._emptied(wait_s)

    async def _emptied(self, limit_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + limit_s
        while self.board.attempts and asyncio.get_running_loop().time() < deadline:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):  # not every withdrawn call tells
                await asyncio.wait_for(self._changed.wait(), 0.05)
        return not self.board.attempts
