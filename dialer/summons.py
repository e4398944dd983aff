"""Operators on call: whose phone is rung ahead of a dial, and when it is put down again.

The phone is up before a person is dialed for it, in every mode: nobody who answers waits for an
operator's phone (docs/adr/0016-phones-rung-for-each-call.md). A phone that is up stays up through
dials that reach nobody, until a conversation is over or nothing was dialed for `SPARE_S`.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from dialer.asterisk.ami import AmiState
from dialer.board import Campaign
from dialer.controller import Controller
from dialer.operators import Paused, Previewing, Ready, Seat, Summoned, WrapUp, free_since
from dialer.talk.floor import TalkFloor
from dialer.talk.model import Waiting

log = structlog.get_logger(__name__)

PACED = ("progressive", "predictive")
SPARE_S = 20.0
"""A phone that is up and for which nothing is dialed is put down after this."""
IN_VAIN_S = 1.0
"""A phone that still rings when nothing is to be dialed any more stops after this."""
REST_S = 5.0
"""A phone that could not be called, for no fault of its operator, is tried again after this."""
LEFT_OVER_S = 3.0


class Summons:
    """Asked before every round of decisions."""

    def __init__(self, controller: Controller, talks: TalkFloor) -> None:
        self._controller, self._talks = controller, talks
        self._board, self._clock = controller.board, controller.clock
        self._wanted_at: dict[str, float] = {}
        self._tried_at: dict[str, float] = {}
        self.on_phone: Callable[[str, str], None] = lambda what, login: None
        """Told of phones that are rung (`summon`), or not any more (`dismiss`, `put_down`)."""
        self.decided_outside = False
        """`done` tells which phones are rung, and not what campaigns need."""
        controller.handover.on_wait = controller.wake
        before = controller.before_decide

        def before_decide() -> None:
            before()
            self.look()

        controller.before_decide = before_decide

    def look(self) -> None:
        """Rings the phones that are needed, puts down those that are not."""
        on_call = [seat for seat in self._board.seats.values() if seat.phone.on_call]
        if not on_call or not self._board.recovered or self.decided_outside:
            return
        if self._controller.ami.state is not AmiState.READY:
            return
        if not self._board.draining:
            self._for_people_who_wait(on_call)
            for campaign in self._board.campaigns.values():
                if campaign.running and campaign.mode in PACED:
                    self._for_campaign(campaign, on_call)
        for seat in on_call:
            self._put_down(seat)

    # --- who is needed

    def _for_campaign(self, campaign: Campaign, on_call: list[Seat]) -> None:
        controller, now = self._controller, self._clock()
        shares = controller.shares
        mine = [seat for seat in on_call if seat.home == campaign.id]
        rings = tuple(self._board.in_flight(campaign.id).values())
        if rings:
            self._wanted(mine)
        # Calls that lost their operator and must ring on: whoever picks up needs somebody.
        orphans = sum(a.mode == "progressive" and a.dial_operator is None for a in rings)
        self._ring_some(campaign, orphans)
        if controller.holds.held(campaign) is not None or self._board.goal_room(campaign) == 0:
            return
        room, _, _ = shares.room(campaign, now)
        if room <= 0:
            return
        promised = {lead.operator_id for lead in campaign.buffer} - {None}
        for seat in on_call:
            if seat.operator_id in promised:
                self._wanted([seat])
                self._ring(seat)
        leads = min(campaign.free_leads(), room)
        if leads > 0:
            self._wanted(mine)
        self._ring_some(campaign, orphans + leads)

    def _ring_some(self, campaign: Campaign, calls: int) -> None:
        """As many phones as calls need that nobody is coming for, the longest free first."""
        shares = self._controller.shares
        for seat in shares.can_be_summoned(campaign)[: max(0, calls - shares.coming(campaign))]:
            self._ring(seat)

    def _for_people_who_wait(self, on_call: list[Seat]) -> None:
        """People in the line already, whom nobody who is free can take: one phone for each."""
        rings = [seat for seat in on_call if isinstance(seat.state, Summoned)]
        for able in self._waits():
            mine = [seat for seat in on_call if able(seat)]
            self._wanted(mine)
            taken = next((seat for seat in rings if able(seat)), None)
            if taken is not None:
                rings.remove(taken)
                continue
            free = [seat for seat in mine if seat.can_be_summoned]
            if free:
                self._ring(min(free, key=free_since))

    def _waits(self) -> list[Callable[[Seat], bool]]:
        """For each person who waits: whether a given operator may take them."""
        found: list[Callable[[Seat], bool]] = []
        for talk in self._talks.talks.values():
            if isinstance(talk, Waiting):
                found.append(lambda seat, talk=talk: talk.wants(seat.login))  # type: ignore[misc]
        for attempt_id in self._controller.handover.waiting():
            attempt = self._board.attempts.get(attempt_id)
            if attempt is not None:
                needed = self._board.skills_for(attempt)
                found.append(lambda seat, needed=needed: needed <= seat.skills)  # type: ignore[misc]
        return found

    def _wanted(self, seats: list[Seat]) -> None:
        now = self._clock()
        for seat in seats:
            self._wanted_at[seat.login] = now

    # --- phones

    def _ring(self, seat: Seat) -> None:
        now = self._clock()
        rested = not 0 <= now - self._tried_at.get(seat.login, now - REST_S) < REST_S
        if not seat.can_be_summoned or not rested:
            return
        self._tried_at[seat.login] = now
        log.debug("operator_summoned", login=seat.login)
        self.done("summon", seat)

    def _put_down(self, seat: Seat) -> None:
        """What nobody needs: a phone that waits or rings in vain, or outlived its call."""
        state, now = seat.state, self._clock()
        if isinstance(state, Ready) and seat.channel:
            self._tried_at.pop(seat.login, None)
        if not seat.leg_id:
            return
        idle_s = now - max(state.since, self._wanted_at.get(seat.login, 0.0))
        if isinstance(state, Summoned):
            if not state.by_hand and idle_s > IN_VAIN_S:
                self.done("dismiss", seat)
        elif isinstance(state, Ready | Previewing):
            if seat.channel and idle_s > SPARE_S:
                self.done("put_down", seat)
        elif isinstance(state, Paused | WrapUp) and now - state.since > LEFT_OVER_S:
            self.done("put_down", seat)

    def done(self, what: str, seat: Seat) -> None:
        """`summon`, `dismiss` or `put_down`."""
        self.on_phone(what, seat.login)
        seating = self._controller.seating
        if what == "summon":
            seating.summon(seat)
        elif what == "dismiss":
            seating.dismiss(seat)
        else:
            seating.let_leg_go(seat)
