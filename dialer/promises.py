"""What a call that rings is promised by its mode, and the end of those whose promise is broken.

Progressive promises an operator to every call, predictive that somebody is at work, a dial by hand
its own operator; a broadcast needs nobody. What has lost that stops ringing, but not before it has
rung as long as the law says: who picks up until then is taken by whoever is free, or hears the
message and counts as abandoned.
"""

from __future__ import annotations

from collections.abc import Callable

from campaigns.campaign.modes import BROADCAST
from dialer.asterisk.ami import AmiClient, AmiError
from dialer.attempts import Attempts
from dialer.board import Board, Campaign
from dialer.calls import Attempt, Dialing
from dialer.operators import Connecting, Paused, Ready, Seat
from dialer.originate import TAKER
from dialer.outcomes import EndedBy
from dialer.shares import Shares
from dialer.tasks import Tasks


class Promises:
    """Of one floor."""

    def __init__(
        self,
        board: Board,
        shares: Shares,
        attempts: Attempts,
        ami: AmiClient,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._board, self._shares, self._attempts = board, shares, attempts
        self._ami, self._tasks, self._clock = ami, tasks, clock

    def keep(self, attempt: Attempt) -> bool:
        """Whether somebody is there to take this call: whose dial it is, else a spare operator,
        whose dial it is from now on."""
        return self._keep(attempt, staffed=self._staffed(attempt.campaign_id))

    def end_broken(self) -> None:
        """Hangs up what rings and has nobody any more.

        To be asked again with every decision: a call that must ring on is ended later, and without
        a link nothing can be.
        """
        now = self._clock()
        for campaign_id, calls in self._board.attempts.by_campaign():
            staffed = self._staffed(campaign_id)  # the same answer for all of its calls
            for attempt in tuple((calls.promised if staffed else calls.in_flight).values()):
                self._end_if_broken(attempt, now, staffed=staffed)

    def _end_if_broken(self, attempt: Attempt, now: float, *, staffed: bool) -> None:
        if not isinstance(attempt, Dialing) or attempt.intent is not None:
            return
        if not self._keep(attempt, staffed=staffed):
            if self._rung_enough(attempt, now):
                self._attempts.hang_up(attempt, EndedBy.DIALER)
            elif attempt.dial_operator is not None:
                self._give(attempt, None)

    def _keep(self, attempt: Attempt, *, staffed: bool) -> bool:
        if attempt.mode == BROADCAST:
            return True
        if attempt.mode == "predictive":
            return staffed
        seats = self._board.seats_of(attempt.id)
        if any(seat.can_take for seat in seats):
            return True
        return not attempt.by_hand and self._passed_on(attempt)

    def _staffed(self, campaign_id: int) -> bool:
        """Whether somebody who has the campaign's skills is at work."""
        campaign = self._board.campaigns.get(campaign_id)
        skills = campaign.skills if campaign is not None else frozenset[str]()
        return any(
            skills <= seat.skills and not isinstance(seat.state, Paused | Connecting)
            for seat in self._board.seats.values()
        )

    def _passed_on(self, attempt: Attempt) -> bool:
        campaign = self._board.campaigns.get(attempt.campaign_id)
        spare = self._shares.spare(campaign) if campaign is not None else None
        if spare is None or not isinstance(spare.state, Ready):
            return False
        spare.become(spare.state.dial(self._clock(), attempt.id))
        self._give(attempt, spare)
        return True

    def _give(self, attempt: Attempt, seat: Seat | None) -> None:
        """The node takes this operator at the answer, or asks for one, and does not take the one
        who left."""
        self._board.attempts[attempt.id] = attempt.dialed_for(seat.login if seat else None)
        if isinstance(attempt, Dialing):
            channel = seat.channel if seat is not None else ""
            change = {"Channel": str(attempt.id), "Variable": TAKER, "Value": channel}
            self._tasks.command(f"name_taker {attempt.id}", self._set(change), AmiError)

    async def _set(self, change: dict[str, str]) -> None:
        await self._ami.action("Setvar", change)

    def _rung_enough(self, attempt: Attempt, now: float) -> bool:
        """An operator ends their own dial whenever they like; the dialer rings out the law's time.

        Where nobody saw whether it rings, it is taken to have begun as late as a good trunk does.
        """
        campaign = self._board.campaigns.get(attempt.campaign_id)
        if attempt.by_hand or campaign is None:
            return True
        return now >= _rings_since(attempt, campaign, now) + campaign.minimum_ring_s


def _rings_since(attempt: Attempt, campaign: Campaign, now: float) -> float:
    """A call that is known not to ring yet has disturbed nobody and needs not ring at all."""
    if attempt.rang_at is not None:
        return attempt.rang_at
    if attempt.rang_known:
        return now - campaign.minimum_ring_s
    return attempt.placed_at + campaign.post_dial_delay_s
