"""Which operators pace which campaign now, and how many lines each may take: arbiter meets board.

`deal` is called before every round of decisions; between two rounds homes stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from campaigns.campaign.modes import BROADCAST
from campaigns.refusals import Sentence
from dialer.arbiter import Arbiter, Caller, Claim, Hand, Placed, fair_room, turns
from dialer.board import Board, Campaign
from dialer.calls import Attempt
from dialer.operators import (
    Connecting,
    Dialing,
    Paused,
    Ready,
    Seat,
    State,
    Summoned,
    free_since,
    longest_ready,
)
from dialer.ways import Ways

PACED = frozenset({"preview", "progressive", "predictive"})
"""Modes in which operators get calls, or cards of leads, without asking."""
AWAY = (Paused, Connecting)
MANY = 1_000_000
LARGE_FLOOR, LARGE_FLOOR_S = 20, 0.25
"""With more operators homes are looked at no more often than this: to deal a thousand operators
takes 10 ms, at one decision every 50 ms a fifth of a core."""
LINE_LIMITS = frozenset({"lines", "cps"})


class Shares:
    """The floor's operators and trunk lines, shared among running campaigns."""

    def __init__(self, board: Board, ways: Ways, clock: Callable[[], float]) -> None:
        self.dealt_outside = False
        """`give` tells who dials for which campaign, and not the arbiter."""
        self.on_deal: Callable[[Mapping[str, int]], None] = lambda home: None
        self._board, self._ways, self._clock = board, ways, clock
        self._arbiter = Arbiter()
        self._placed = Placed()
        self._dealt_at = -math.inf
        self._dealt_to: list[int] = []

    # --- operators

    def deal(self, campaigns: list[Campaign]) -> None:
        """Gives every operator at work a home (`Seat.home`) among `campaigns`."""
        if self.dealt_outside:
            return
        now, ids = self._clock(), [campaign.id for campaign in campaigns]
        large = len(self._board.seats) > LARGE_FLOOR
        if large and ids == self._dealt_to and 0 <= now - self._dealt_at < LARGE_FLOOR_S:
            return
        self._dealt_at, self._dealt_to = now, ids
        claims = [Claim(c.id, c.weight, c.skills, self._most(c, now)) for c in campaigns]
        seats = [seat for seat in self._board.seats.values() if _at_work(seat)]
        if len(claims) == 1 and claims[0].most == MANY:  # nobody to share with: most floors
            home = {seat.login: ids[0] for seat in seats if claims[0].skills <= seat.skills}
            self._arbiter.all_went(now, home)
        else:
            shares = self._arbiter.share(now, claims, [self._hand(seat) for seat in seats])
            home = {login: campaign for campaign, logins in shares.items() for login in logins}
        if self.give(home):
            self.on_deal(home)

    def give(self, home: Mapping[str, int]) -> bool:
        """Campaigns by operators' logins; whether anything is otherwise now."""
        changed = False
        for seat in self._board.seats.values():
            given = home.get(seat.login)
            if given != seat.home:
                seat.home, changed = given, True
        return changed

    def free(self, campaign: Campaign) -> int:
        """Operators of this campaign's share who can be given a person, or are dialed for."""
        seats = self._of(campaign, Ready, Dialing)
        return sum(1 for s in seats if s.can_take and not s.dials_by_hand)

    def coming(self, campaign: Campaign) -> int:
        """Operators of this share for whom a call can be placed now or in a moment: phones that are
        up, and those that ring."""
        waits = sum(1 for s in self._of(campaign, Ready) if s.channel)
        return waits + len(self._of(campaign, Summoned))

    def can_be_summoned(self, campaign: Campaign) -> list[Seat]:
        """Operators of this share whose phone may be rung for a call, the longest free first."""
        seats = self._of(campaign, Ready)
        found = [s for s in seats if s.can_be_summoned and not s.after_call]
        return sorted(found, key=free_since)

    def next_ready(self, campaign: Campaign) -> Seat | None:
        """For whom the next call of a progressive campaign is placed."""
        return longest_ready(self._of(campaign, Ready))

    def readers(self, campaign: Campaign) -> list[Seat]:
        """Operators of a preview campaign's share who wait for a card, the longest first."""
        free = [s for s in self._of(campaign, Ready) if s.reachable]
        return sorted(free, key=lambda seat: (seat.state.since, seat.login))

    def spare(self, campaign: Campaign) -> Seat | None:
        """A ready operator who can take a call of the campaign; its own share comes first."""
        able = [s for s in self._board.seats_in(Ready) if campaign.skills <= s.skills]
        return self.next_ready(campaign) or longest_ready(able)

    def signed_in(self, campaign: Campaign) -> int:
        """Operators at work who have the skills, whoever they work for now."""
        seats = self._board.seats.values()
        return sum(1 for s in seats if _at_work(s) and campaign.skills <= s.skills)

    def _of(self, campaign: Campaign, *kinds: type[State]) -> list[Seat]:
        """Operators of its share who are in one of these states."""
        return [seat for seat in self._board.seats_in(*kinds) if seat.home == campaign.id]

    def _size(self, campaign: Campaign) -> int:
        return sum(1 for seat in self._board.seats.values() if seat.home == campaign.id)

    def _most(self, campaign: Campaign, now: float) -> int:
        """Without leads or lines operators are of use to the calls that ring, and to no more."""
        if campaign.mode not in PACED:
            return 0
        room, _, _ = self._ways.room(campaign, now)
        if campaign.buffer and room > 0:
            return MANY
        return len(self._board.in_flight(campaign.id))

    def _hand(self, seat: Seat) -> Hand:
        card = self._board.cards.get(seat.login)
        if card is not None:
            return Hand(seat.login, seat.skills, card.campaign_id, bound=True)
        attempt = self._attempt(seat)
        works_for = attempt.campaign_id if attempt is not None else None
        return Hand(seat.login, seat.skills, works_for, isinstance(seat.state, Dialing))

    def _attempt(self, seat: Seat) -> Attempt | None:
        return self._board.attempts.get(seat.state.attempt) if seat.state.attempt else None

    # --- lines

    def in_turn(self, campaigns: list[Campaign]) -> list[Campaign]:
        """Whose decision comes first in this round."""
        by_id = {campaign.id: campaign for campaign in campaigns}
        order = [by_id[id] for id in turns(self._caller(c) for c in campaigns)]
        return sorted(order, key=lambda campaign: campaign.mode == BROADCAST)

    def room(self, campaign: Campaign, now: float) -> tuple[int, str, Sentence | None]:
        """(calls it may place now, what limits them: "breaker", "lines" or "cps", why none works).

        Within its trunks', its fair share of them, and the campaign's own limits.
        """
        room, limited_by, trouble = self._ways.room(campaign, now)
        trunks = self._ways.trunks(campaign)
        names = {trunk.name for trunk in trunks}
        others = [
            self._caller(other)
            for other in self._board.campaigns.values()
            if other.running
            and other is not campaign
            and any(trunk.name in names for trunk in self._ways.trunks(other))
        ]
        mine = self._caller(campaign)
        free, lines = sum(t.free_lines() for t in trunks), sum(t.lines for t in trunks)
        fair = fair_room(free, lines, mine, others)
        size = self._size(campaign) if campaign.lines_per_operator is not None else 0
        own = campaign.line_limit(size) - mine.lines
        if campaign.mode == BROADCAST:
            fair -= self._kept_for_operators()
        least = max(0, min(room, fair, own))
        return least, "lines" if least < room else limited_by, trouble

    def _kept_for_operators(self) -> int:
        """Lines that a broadcast leaves: one for each operator at work who is on none, while a
        campaign that dials for operators has leads."""
        board = self._board
        hungry = any(
            c.running and c.mode != BROADCAST and (c.buffer or c.mode == "manual")
            for c in board.campaigns.values()
        )
        working = sum(1 for seat in board.seats.values() if _at_work(seat)) if hungry else 0
        return max(0, working - sum(a.mode != BROADCAST for a in board.attempts.values()))

    def placed(self, campaign: Campaign, calls: int) -> None:
        self._placed.add(campaign.id, self._clock(), calls)

    def _caller(self, campaign: Campaign) -> Caller:
        lines = len(self._board.attempts.of_campaign(campaign.id).all)
        decision = campaign.decision
        wants = decision.limited_by in LINE_LIMITS and decision.asked > decision.calls
        lately = self._placed.of(self._clock()).get(campaign.id, 0.0)
        return Caller(campaign.id, campaign.weight, lines, lately, wants)


def _at_work(seat: Seat) -> bool:
    """Signed in and not away; the phone may be down for a moment."""
    return type(seat.state) not in AWAY and not seat.after_call
