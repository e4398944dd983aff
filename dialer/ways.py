"""From a claimed lead to the trunk and the caller id it is dialed with; when one trunk fails,
to the next.

A lead waits in its campaign's buffer while the trunks that may take it are full, and leads behind
it go first. What no trunk takes, or only trunks that do not work, is `stranded`: the feed gives it
back to the database for a while, so that it does not fill the buffer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from campaigns.refusals import Sentence, joined
from dialer.board import Board, Campaign
from dialer.calls import Ended, Lead
from dialer.journal import Journal
from dialer.lines import Trunk
from dialer.outcomes import EndedBy, Outcome
from dialer.routing import BROKEN, NoWay, Route, caller_id, choose
from dialer.store import Store
from monitoring import metrics

if TYPE_CHECKING:
    from dialer.journal import Connection

log = structlog.get_logger(__name__)

NO_ROUTE_PAUSE_S = 600.0
BROKEN_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class Way:
    """How one lead is dialed."""

    trunk: str
    caller_id: str | None


class Ways:
    """The trunks of a floor as its campaigns may use them."""

    def __init__(self, board: Board, rng: random.Random | None = None) -> None:
        self._board = board
        self._rng = rng or random.Random()  # noqa: S311 - shares calls, guards nothing
        self._turns: Counter[tuple[object, ...]] = Counter()

    def trunks(self, campaign: Campaign) -> list[Trunk]:
        """Those that the campaign may use; one with restored calls only is in no route."""
        routed = dict.fromkeys(route.trunk for route in self._board.routes)
        names = [name for name in routed if not campaign.trunks or name in campaign.trunks]
        return [self._board.trunks[name] for name in names]

    def room(self, campaign: Campaign, now: float) -> tuple[int, str, Sentence | None]:
        """(calls that its trunks take now, what limits them, why none works, if so)."""
        trunks = self.trunks(campaign)
        rooms = [(trunk, *trunk.room(now)) for trunk in trunks]
        if not trunks:
            return 0, "down", _none_there(campaign.trunks)
        sound = [limit for _, _, limit in rooms if limit not in BROKEN]
        calls = sum(calls for _, calls, _ in rooms)
        if sound:
            return calls, sound[0] if len(set(sound)) == 1 else "lines", None
        troubles = (trunk.trouble(now) for trunk in trunks)
        return calls, "breaker", joined(trouble for trouble in troubles if trouble is not None)

    def take(
        self, campaign: Campaign, count: int, now: float, operator_id: int | None = None
    ) -> Iterator[tuple[Lead, Way]]:
        """Up to `count` leads out of the buffer, in its order, each with its way: those that are
        for anyone, or those promised to one operator.

        Whoever iterates places the call on the trunk before asking for the next.
        `campaign.ways_note` says what kept leads back.
        """
        if (left := count) <= 0:
            return
        blocked: Counter[NoWay] = Counter()
        for lead in tuple(campaign.buffer):
            if left == 0:
                break
            if lead.operator_id != operator_id:
                continue
            found = self._choose(campaign, lead, now)
            if isinstance(found, Route):
                campaign.buffer.remove(lead)
                left -= 1
                yield lead, Way(found.trunk, self._caller_id(campaign, found))
            else:
                self._keep_back(campaign, lead, found)
                blocked[found] += 1
        campaign.ways_note = joined(_told(*one) for one in blocked.items()) if blocked else None
        if left == count and blocked and all(why.kind == "broken" for why in blocked):
            self._strand(campaign, [lead.id for lead in campaign.buffer], BROKEN_PAUSE_S)

    def way(self, campaign: Campaign, lead: Lead, now: float) -> Way | NoWay:
        """How one lead is dialed now, or why it is not."""
        found = self._choose(campaign, lead, now)
        if isinstance(found, NoWay):
            return found
        return Way(found.trunk, self._caller_id(campaign, found))

    def other_way(self, campaign: Campaign, lead: Lead, tried: frozenset[str], now: float) -> bool:
        """Whether a trunk that was not tried takes this lead, now or when it has room again."""
        found = choose(self._board.routes, campaign.trunks, tried, lead.phone, self._room(now), 0.0)
        return isinstance(found, Route) or found.kind == "full"

    def _choose(self, campaign: Campaign, lead: Lead, now: float) -> Route | NoWay:
        tried = self._board.passed_on.get(lead.id, frozenset())
        draw = self._rng.random()
        room = self._room(now)
        return choose(self._board.routes, campaign.trunks, tried, lead.phone, room, draw)

    def _room(self, now: float) -> Callable[[str], tuple[int, str]]:
        return lambda name: self._board.trunks[name].room(now)

    def _caller_id(self, campaign: Campaign, route: Route) -> str | None:
        key = (campaign.id, route.trunk, route.prefix)
        turn, self._turns[key] = self._turns[key], self._turns[key] + 1
        return caller_id(route, campaign.caller_ids, turn)

    def _keep_back(self, campaign: Campaign, lead: Lead, why: NoWay) -> None:
        if why.kind == "no_route":
            self._strand(campaign, [lead.id], NO_ROUTE_PAUSE_S)
        elif why.kind == "broken" and lead.id in self._board.passed_on:
            self._strand(campaign, [lead.id], BROKEN_PAUSE_S)

    def _strand(self, campaign: Campaign, leads: list[int], pause_s: float) -> None:
        gone = set(leads)
        campaign.stranded.update(dict.fromkeys(leads, pause_s))
        for lead in [lead for lead in campaign.buffer if lead.id in gone]:
            campaign.buffer.remove(lead)
            self._board.passed_on.pop(lead.id, None)


def _told(why: NoWay, leads: int) -> Sentence:
    """What keeps so many leads back."""
    names = ", ".join(why.trunks)
    en, ru = {
        "full": (f"no free line on {names}", f"нет свободной линии на {names}"),
        "broken": (f"no trunk works of {names}", f"ни один транк из {names} не работает"),
        "no_route": (
            "no trunk has a route for the number", "ни у одного транка нет маршрута на номер"
        ),
    }[why.kind]  # fmt: skip
    return Sentence(f"{en} (leads: {leads})", f"{ru} (лидов: {leads})")


def _none_there(trunks: Sequence[str]) -> Sentence:
    names = f" ({', '.join(trunks)})" if trunks else ""
    return Sentence(f"none of its trunks{names} is there", f"нет ни одного её транка{names}")


def never_taken_up(ended: Ended) -> bool:
    """PURE. Whether nobody can have noticed this call: another trunk may dial the lead at once.

    It never rang, sent no early media, was watched all the time, and the network or the trunk's
    silence ended it, not we and not the person.
    """
    return (
        ended.outcome in (Outcome.FAILED, Outcome.CONGESTION)
        and ended.ended_by in (EndedBy.NETWORK, EndedBy.RING_TIMEOUT)
        and ended.answered_at is None
        and ended.rang_at is None
        and not ended.progressed
        and ended.rang_known
    )


class FailOver:
    """A call that a trunk never took up goes to the next trunk at once, as a new attempt."""

    def __init__(
        self, board: Board, ways: Ways, store: Store, journal: Journal, wake: Callable[[], None]
    ) -> None:
        self._board, self._ways, self._wake = board, ways, wake
        self._store, self._journal = store, journal

    def ended(self, ended: Ended) -> None:
        """Called once the end of an attempt is in the journal: what follows comes after it."""
        lead = ended.lead
        tried = self._board.passed_on.pop(lead.id, frozenset()) | {ended.trunk}
        campaign = self._board.campaigns.get(ended.campaign_id)
        if campaign is None or not campaign.running or self._board.draining:
            return
        if ended.mode == "manual" or not never_taken_up(ended):
            return
        if not self._ways.other_way(campaign, lead, tried, ended.ended_at):
            return
        self._board.passed_on[lead.id] = tried
        metrics.passed_on(ended.trunk)
        log.info("attempt_passed_on", attempt=str(ended.id), trunk=ended.trunk)
        self._journal.write("pass_on", lambda c: self._pass_on(c, campaign, lead))

    async def _pass_on(self, connection: Connection, campaign: Campaign, lead: Lead) -> None:
        """The lead is claimed again and goes first; whatever forbids the dial is checked there."""
        if campaign.running and await self._store.pass_on(connection, lead):
            campaign.buffer.appendleft(lead)
            self._wake()
        else:
            self._board.passed_on.pop(lead.id, None)
