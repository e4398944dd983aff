"""Attempts on the line: what each event of a person's channel means, until the one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from campaigns.campaign.modes import BROADCAST
from campaigns.leads import retry
from campaigns.leads.retry import next_step
from dialer.asterisk.ami import AmiClient, AmiDisconnected, AmiError, AmiTimeout
from dialer.asterisk.events import (
    ChannelCreated,
    ChannelState,
    DialEnded,
    DialStateChanged,
    Hangup,
    OriginateResponse,
    UserEvent,
)
from dialer.board import Board
from dialer.calls import (
    Answered,
    Assigned,
    Attempt,
    Committing,
    Conversing,
    Dialing,
    Ended,
    Live,
    Placed,
)
from dialer.handover import Handover
from dialer.journal import Journal
from dialer.line_time import LineTime
from dialer.outcomes import CANCELS, EndedBy, Outcome
from dialer.seating import Seating
from dialer.store import Store
from dialer.tasks import Tasks
from dialer.trunks import judge
from monitoring import metrics

log = structlog.get_logger(__name__)

RINGING, UP = 5, 6
ORIGINATE_RING_TIMEOUT = 3
RANG_OUT = (19, 480)
"""Cause and SIP code when the node's own limit ended the ringing and no DialEnd came (22.10); the
OriginateResponse that says so may come after the Hangup."""
OPT_OUTS = "prozvon_opt_out"
KEYS = "prozvon_key"
HANG_UP_AGAIN_S = 0.2
LINK_PATIENCE_S = 600.0


class Attempts:
    """Turns events into transitions of attempts, and ends them."""

    def __init__(
        self,
        board: Board,
        store: Store,
        journal: Journal,
        ami: AmiClient,
        tasks: Tasks,
        seating: Seating,
        handover: Handover,
        line_time: LineTime,
        clock: Callable[[], float],
    ) -> None:
        self._board, self._store, self._journal = board, store, journal
        self._ami, self._tasks, self._clock = ami, tasks, clock
        self._seating, self._handover = seating, handover
        self._line_time = line_time
        self._ring_timers: dict[UUID, asyncio.TimerHandle] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_end: Callable[[Ended], None] = lambda ended: None
        self.on_withdraw: Callable[[UUID], None] = lambda attempt: None
        self.on_conversation: Callable[[Conversing], None] = lambda attempt: None
        self.on_ending: Callable[[Ended], None] = lambda ended: None
        """Told of an end before its operators are released."""
        handover.on_answered = self._answered

    # --- events

    def created(self, event: ChannelCreated) -> None:
        attempt = self._board.attempt_of_channel(event.unique_id)
        if attempt is None or attempt.channel:
            return
        self._board.attempts[attempt.id] = attempt.seen(event.channel)
        if attempt.intent is not None:  # asked for before there was a channel to hang up
            self.hang_up(attempt, attempt.intent)
        trunk_id = self._board.trunks[attempt.trunk].trunk_id
        leg = (event.unique_id, event.channel, event.at)
        self._journal.row(self._store.call_created(*leg, attempt_id=attempt.id, trunk_id=trunk_id))

    def state_changed(self, event: ChannelState) -> None:
        attempt = self._board.attempt_of_channel(event.unique_id)
        if event.state == RINGING and isinstance(attempt, Placed):
            self._board.attempts[attempt.id] = attempt.ringing(event.at)
            self._network_alive(attempt)
            self._limit_ringing(attempt, event.at)
        elif event.state == UP and isinstance(attempt, Dialing):
            answered = attempt.seen(event.channel).answered(event.at)
            self._board.attempts[attempt.id] = answered
            self._answered(answered)

    def dial_state(self, event: DialStateChanged) -> None:
        attempt = self._board.attempt_of_channel(event.dest_unique_id)
        if attempt is not None and event.dial_status == "PROGRESS":
            self._board.attempts[attempt.id] = attempt.network_alive(event.at)
            self._network_alive(attempt)
            self._limit_ringing(attempt, event.at)

    def dial_ended(self, event: DialEnded) -> None:
        attempt = self._board.attempt_of_channel(event.dest_unique_id)
        if isinstance(attempt, Dialing):
            self._board.attempts[attempt.id] = attempt.dial_ended(event.dial_status)

    def originate_response(self, event: OriginateResponse) -> None:
        """A failure ends only an attempt that never got a channel; else its Hangup tells more.

        A duplicate ChannelId answers Failure with the *living* call's id, so that id is not used.
        """
        attempt = self._board.attempt_of_channel(event.action_id)
        if attempt is None or event.success:
            return
        if not isinstance(attempt, Dialing):
            return
        if event.reason == ORIGINATE_RING_TIMEOUT and attempt.channel:
            self._board.attempts[attempt.id] = attempt.wants_end(EndedBy.RING_TIMEOUT)
        elif not attempt.channel:
            self.end(attempt.ended(event.at, cause=0, sip_code=None, by=EndedBy.NETWORK))

    def hung_up(self, event: Hangup) -> None:
        attempt = self._board.attempt_of_channel(event.unique_id)
        if attempt is None or isinstance(attempt, Committing):
            return
        sip_code = int(event.tech_cause) if event.tech_cause.isdigit() else None
        if isinstance(attempt, Live):
            by = EndedBy.PERSON
        elif (event.cause, sip_code) == RANG_OUT and not attempt.refused_by_network:
            by = EndedBy.RING_TIMEOUT
        else:
            by = EndedBy.NETWORK
        attempt = attempt.seen(event.channel)
        self.end(attempt.ended(event.at, cause=event.cause, sip_code=sip_code, by=by))

    def user_event(self, event: UserEvent) -> None:
        attempt_id = _uuid(event.fields.get("Attempt", ""))
        if attempt_id is None:
            return
        if event.name == "ProzvonMissed":
            self._handover.missed(attempt_id, event.fields.get("Operator", ""))
        elif event.name == "ProzvonAbandoned":
            self._left_alone(attempt_id)
        elif event.name == "ProzvonOptOut":
            self.opted_out(attempt_id)
        elif event.name == "ProzvonKey":
            fields = event.fields
            self.pressed(attempt_id, fields.get("Step", ""), fields.get("Key", ""))
        elif event.name == "ProzvonNoSound":
            log.error("broadcast_without_sound", step=event.fields.get("Step", ""))
        elif event.name == "ProzvonSaidAll" and attempt_id in self._board.attempts:
            attempt = self._board.attempts[attempt_id]
            self._board.attempts[attempt_id] = attempt.wants_end(EndedBy.DIALER)

    def opted_out(self, attempt_id: UUID) -> None:
        """Do-not-call is durable first: only then the node's own copy is deleted."""
        self._journal.write("opt_out", lambda c: self._store.opt_out(c, attempt_id))
        self._forget_when_written(f"{OPT_OUTS}/{attempt_id}")

    def pressed(self, attempt_id: UUID, step: str, key: str) -> None:
        """An answer of a broadcast: durable first, as do-not-call is."""
        self._journal.row(self._store.keep_key(attempt_id, step, key))
        metrics.key_pressed()
        self._forget_when_written(f"{KEYS}/{attempt_id}.{step}")

    def _forget_when_written(self, entry: str) -> None:
        self._tasks.command("forget_entry", self._forget(entry), AmiError)

    async def _forget(self, entry: str) -> None:
        if await self._journal.flushed(60):
            # DBDel would need the right `system`, which also allows Originate System().
            variable = f"DB_DELETE({entry})"
            await self._ami.action("Setvar", {"Variable": variable, "Value": "1"})

    def _left_alone(self, attempt_id: UUID) -> None:
        attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Assigned):
            self._handover.missed(attempt_id, "")
            attempt = self._board.attempts.get(attempt_id)
        if isinstance(attempt, Answered):
            self._board.attempts[attempt_id] = attempt.left_alone()
            self._handover.give_up(attempt_id)

    # --- on the way

    def _answered(self, attempt: Answered) -> None:
        self._stop_ring_timer(attempt.id)
        self._network_alive(attempt)
        campaign = self._board.campaigns.get(attempt.campaign_id)
        if campaign is not None:
            seconds = attempt.answered_at - attempt.placed_at
            at = attempt.answered_at
            odds = campaign.odds.ended(attempt.id, answered=True)
            campaign.teach(lambda pacer: pacer.attempt_ended(at, seconds, True, odds))
        self.on_change()

    def _network_alive(self, attempt: Attempt) -> None:
        self._board.trunks[attempt.trunk].breaker.alive()

    def conversation(self, attempt: Conversing) -> None:
        """A conversation began: written down, measured."""
        seat = self._board.seats.get(attempt.operator)
        metrics.conversation_began(
            self._board.campaign_name(attempt.campaign_id),
            attempt.operator,
            attempt.answer_to_operator_s,
        )
        if seat is not None:
            self._journal.row(self._store.bridged(attempt, seat.operator_id, seat.shift_id))
        self.on_conversation(attempt)
        self.on_change()

    def hang_up(self, attempt: Attempt, by: EndedBy) -> None:
        """Asks the node to hang up the person's leg; without a link, as soon as it is back."""
        self._board.attempts[attempt.id] = self._board.attempts[attempt.id].wants_end(by)
        self._tasks.command(f"hang_up {attempt.id}", self._hang_up(attempt.id), AmiError)

    async def _hang_up(self, attempt_id: UUID) -> None:
        while attempt_id in self._board.attempts:
            try:
                await self._ami.hangup(str(attempt_id))
                return
            except (AmiDisconnected, AmiTimeout):
                await asyncio.sleep(HANG_UP_AGAIN_S)
                await self._ami.wait_ready(LINK_PATIENCE_S)

    def _limit_ringing(self, attempt: Attempt, since: float) -> None:
        """The minimum ring is measured from the first ringing signal, so the limit is too."""
        if attempt.id in self._ring_timers:
            return
        campaign = self._board.campaigns.get(attempt.campaign_id)
        limit = campaign.ring_timeout_s if campaign else 25.0
        left = max(0.0, since + limit - self._clock())
        self._ring_timers[attempt.id] = asyncio.get_running_loop().call_later(
            left, self._rang_out, attempt.id
        )

    def _rang_out(self, attempt_id: UUID) -> None:
        self._ring_timers.pop(attempt_id, None)
        attempt = self._board.attempts.get(attempt_id)
        # Without a link the node's own limit ends the ringing, or the person answers before.
        if isinstance(attempt, Dialing) and self._board.recovered:
            self.hang_up(attempt, EndedBy.RING_TIMEOUT)

    def _stop_ring_timer(self, attempt_id: UUID) -> None:
        timer = self._ring_timers.pop(attempt_id, None)
        if timer is not None:
            timer.cancel()

    # --- the end

    def withdraw(self, attempt: Attempt) -> None:
        """Never sent to the node: as if it had not been."""
        self.on_withdraw(attempt.id)
        self._drop(attempt)
        self._board.passed_on.pop(attempt.lead.id, None)
        campaign = self._board.campaigns.get(attempt.campaign_id)
        if campaign is not None:
            campaign.odds.forget(attempt.id)
        self._board.trunks[attempt.trunk].breaker.forgotten()
        self._journal.write("withdraw", lambda c: self._store.withdraw(c, attempt))
        self._release_seats(attempt, self._clock())

    def end(self, ended: Ended) -> None:
        """The one end of an attempt: memory, journal, metrics, lead, trunk, operator."""
        if ended.id not in self._board.attempts:
            return
        self._drop(ended)
        judge(self._board.trunks[ended.trunk], ended.ended_at, _taken_up(ended))
        self._write_end(ended)
        metrics.attempt_ended(self._board.campaign_name(ended.campaign_id), ended)
        self._line_time.attempt_ended(ended)
        self._teach(ended)
        self.on_ending(ended)
        self._release_seats(ended, ended.ended_at)
        log.info(
            "attempt_ended",
            attempt=str(ended.id),
            outcome=ended.outcome.value,
            by=ended.ended_by.value,
            cause=ended.cause,
            sip=ended.sip_code,
        )
        self.on_end(ended)
        self.on_change()

    def _drop(self, attempt: Attempt) -> None:
        self._board.attempts.pop(attempt.id, None)
        self._board.bridges.pop(attempt.id, None)
        self._board.trunks[attempt.trunk].release()
        self._stop_ring_timer(attempt.id)
        self._handover.give_up(attempt.id)

    def _write_end(self, ended: Ended) -> None:
        lead = ended.lead
        campaign = self._board.campaigns.get(ended.campaign_id)
        heard = ended.mode == BROADCAST and ended.outcome is Outcome.ANSWERED
        step = next_step(
            campaign.retry if campaign else {},
            ended.outcome,
            _dialed(ended),
            conversed=ended.bridged_at is not None or heard,
            ended_by=ended.ended_by,
            approaches=lead.approaches,
            failures=lead.failures,
            max_approaches=lead.max_approaches,
        )
        talked_with = ended.operator if ended.bridged_at is not None else None
        seat = self._board.seats.get(talked_with or "")
        operator_id = seat.operator_id if seat else None
        shift_id = seat.shift_id if seat else None
        self._journal.row(self._store.finish(ended, operator_id, shift_id, step))
        times = (ended.answered_at, ended.ended_at)
        self._journal.row(self._store.call_ended(str(ended.id), *times, ended.cause))

    def _teach(self, ended: Ended) -> None:
        campaign = self._board.campaigns.get(ended.campaign_id)
        if campaign is None:
            return
        now, talk_s = ended.ended_at, ended.talk_s
        if ended.answered_at is None and ended.ended_by is not EndedBy.DIALER:
            seconds = now - ended.placed_at
            odds = campaign.odds.ended(ended.id, answered=False)
            campaign.teach(lambda pacer: pacer.attempt_ended(now, seconds, False, odds))
        campaign.odds.forget(ended.id)
        if talk_s is not None:
            campaign.teach(lambda pacer: pacer.talk_ended(now, talk_s))
        if ended.outcome is Outcome.ABANDONED:
            campaign.teach(lambda pacer: pacer.abandoned(now))

    def _release_seats(self, attempt: Attempt, at: float) -> None:
        limit = self._board.wrap_up_limit(attempt)
        for seat in self._board.seats_of(attempt.id):
            self._seating.release(seat, attempt.id)
            self._seating.conversation_ended(seat, at, limit)

    def close(self) -> None:
        for attempt_id in tuple(self._ring_timers):
            self._stop_ring_timer(attempt_id)


def _taken_up(ended: Ended) -> bool | None:
    """Whether the network took the call up; None: it was cancelled, or nobody knows."""
    withdrawn = ended.outcome is Outcome.FAILED and ended.ended_by in CANCELS
    if ended.outcome is Outcome.UNKNOWN or ended.ended_by is EndedBy.DIALER or withdrawn:
        return None
    return ended.outcome not in (Outcome.FAILED, Outcome.CONGESTION)


def _dialed(ended: Ended) -> retry.Dialed:
    facts = ended.lead.facts
    return retry.Dialed(
        ended.ended_at,
        tuple(facts.get("zones", ())),
        facts.get("position", 0),
        tuple(facts.get("others", ())),
        facts.get("tally", {}).get(ended.outcome.value, 0),
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
