"""The one seam between a record and a controller: what people asked for, and what is not decided.

Counterpart of `dialer.replay.taps`: every line that those write is played into the floor here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from campaigns.refusals import Refusal, Sentence
from dialer.asterisk.ami import AmiError
from dialer.calls import Attempt, Conversing, Lead
from dialer.ids import made_at
from dialer.operators import Ready, Seat
from dialer.replay.history import from_fields
from dialer.replay.record import Line, Record
from dialer.store import Dial
from dialer.talk.checks import Line as TrunkLine
from dialer.talk.requests import ACTIONS
from dialer.ways import Way
from monitoring.supervision.model import mode_of

if TYPE_CHECKING:
    from dialer.app import App
    from dialer.recovery import History

ACTOR = "replay"
AS_RECORDED = Sentence("a replay places what its record says", "повтор набирает то, что записано")
GIVEN = frozenset(
    {"desk", "sign_in", "place", "withdraw", "share", "stop", "talk", "card", "phone", "supervise",
     "recording"}
)  # fmt: skip
"""Kinds of lines that are played into the floor."""
Start = Callable[[Coroutine[Any, Any, Any]], object]


class ReplayedFloor:
    """Of an app that runs and paces nothing; `leads` by the number of the line that needs one."""

    def __init__(
        self,
        app: App,
        record: Record,
        leads: Mapping[int, Lead],
        start: Start,
        later_s: Callable[[], float],
    ) -> None:
        """`start` begins what takes time; the record's clock is `later_s` behind ours."""
        self._app, self._leads, self._start, self._later_s = app, leads, start, later_s
        self._histories = deque(line for line in record.lines if line.kind == "cel")
        self._ids: dict[str, deque[UUID]] = defaultdict(deque)
        self._thirds: dict[str, deque[TrunkLine]] = defaultdict(deque)
        self._committed: dict[UUID, asyncio.Future[bool]] = {}
        self._dialed = {ln.fields.get("ChannelId") for ln in record.lines if is_dial(ln)}
        self._withdrawn = {ln.fields["attempt"] for ln in record.lines if ln.kind == "withdraw"}
        for line in record.lines:
            fields = line.fields
            if line.kind == "id":
                self._ids[fields["of"]].append(UUID(fields["id"]))
            elif line.kind == "third":
                line_ = TrunkLine(fields["trunk"], fields.get("caller_id"))
                self._thirds[fields["attempt"]].append(line_)
        self._take_over()

    def _take_over(self) -> None:
        """From now on the record decides what pacing, rules and chance decided then."""
        app, talk = self._app, self._app.talk
        assert talk is not None
        app.controller.shares.dealt_outside = True
        app.controller.holds.held_back = AS_RECORDED
        app.controller.commit = self._commit
        app.recovery.past = self._past
        app.features.summons.decided_outside = True
        app.by_hand.dials_at_limit = False
        talk.talks.allowed, talk.talks.line = self._allowed, self._line
        talk.floor.new_id = self._made("talk", talk.floor.new_id)
        supervision = app.features.supervision
        supervision.new_id = self._made("supervision", supervision.new_id)

    # --- not decided

    def _past(self, found: History) -> History:
        """The journal of the record's node, read as often as then."""
        if not self._histories:
            return found
        return from_fields(self._histories.popleft().fields, self._later_s())

    async def _commit(self, attempt: Attempt, dial: Dial) -> bool:
        """Takes as long as then, and comes to the same: rules and races are in no record."""
        done = await self._app.store.commit_attempt(attempt, dial)
        if str(attempt.id) not in self._dialed | self._withdrawn:
            return False
        told = self._committed.setdefault(attempt.id, asyncio.get_running_loop().create_future())
        return await asyncio.shield(told) and done

    def dialed(self, line: Line) -> None:
        """The Originate of a call that was placed: its commit was done."""
        self._tell(line.fields.get("ChannelId", ""), done=True)

    def _tell(self, attempt: str, *, done: bool) -> None:
        with contextlib.suppress(ValueError):
            told = asyncio.get_running_loop().create_future()
            told = self._committed.setdefault(UUID(attempt), told)
            if not told.done():
                told.set_result(done)

    def _made(self, whose: str, new: Callable[[float], UUID]) -> Callable[[float], UUID]:
        known = self._ids[whose]
        return lambda now: known.popleft() if known else new(now)

    async def _allowed(self, number: str, seat: Seat) -> str:
        """A number that was called then may be called, whatever it is now."""
        if self._thirds[str(seat.state.attempt)]:
            return number
        raise Refusal("not_in_record", "in the record this number was not called")

    def _line(self, attempt: Conversing, phone: str) -> TrunkLine:
        lines = self._thirds[str(attempt.id)]
        if not lines:
            raise Refusal("not_in_record", "in the record no line was found for this number")
        return lines.popleft()

    # --- what happens

    async def happen(self, line: Line) -> None:
        """What was refused then is refused now."""
        with contextlib.suppress(Refusal):
            match line.kind:
                case "sign_in":
                    await self._sign_in(line.fields)
                case "desk":
                    await self._ask(**line.fields)
                case "talk":
                    self._talk(**line.fields)
                case "card":
                    self._card(line)
                case "place":
                    self._place(line)
                case "withdraw":
                    self._tell(line.fields["attempt"], done=False)
                case "phone":
                    self._phone(line.fields)
                case "supervise":
                    self._supervise(**line.fields)
                case "recording":
                    self._recording(**line.fields)
                case "share":
                    self._app.controller.shares.give(line.fields["campaigns"])
                case "stop":
                    self._app.stopping.set()

    async def _sign_in(self, fields: Mapping[str, Any]) -> None:
        """Refused, the states that are missing will tell."""
        self._app.seating.new_id = lambda now: UUID(fields["shift"])
        await self._app.desk.sign_in(fields["login"])

    async def _ask(self, request: str, login: str, **more: Any) -> None:
        desk = self._app.desk
        match request:
            case "sign_out":
                desk.sign_out(login)
            case "ready":
                desk.ready(login)
            case "pause":
                desk.pause(login, str(more.get("reason", "")))
            case "hang_up":
                desk.hang_up(login)
            case "dispose":
                await self._dispose(login, str(more.get("code", "")))

    async def _dispose(self, login: str, code: str) -> None:
        """A disposition that this floor does not have, or a form's answers that are in no record,
        end the wrap-up all the same."""
        try:
            await self._app.desk.dispose(login, code)
        except Refusal:
            seat = self._app.board.seats.get(login)
            if seat is not None:
                self._app.seating.disposed(seat)

    def _talk(self, request: str, login: str, given: dict[str, Any]) -> None:
        talk, act = self._app.talk, ACTIONS.get(request)
        if talk is not None and act is not None:
            self._start(_quietly(act(talk.talks, login, given)))

    def _supervise(self, request: str, supervisor: str, **more: Any) -> None:
        supervision = self._app.features.supervision
        if request == "stop":
            self._start(_quietly(supervision.stop(supervisor, ACTOR)))
            return
        mode = mode_of(str(more.get("mode", "")))
        operator = str(more.get("operator", ""))
        self._start(_quietly(supervision.supervise(operator, supervisor, mode, ACTOR)))

    def _recording(self, request: str, login: str) -> None:
        live = self._app.features.live_recordings
        act = live.pause if request == "pause" else live.resume
        self._start(_quietly(act(login, ACTOR)))

    def _phone(self, fields: Mapping[str, Any]) -> None:
        seat = self._app.board.seats.get(fields["login"])
        if seat is not None:
            self._app.features.summons.done(fields["what"], seat)

    # --- dials

    def _card(self, line: Line) -> None:
        by_hand, fields = self._app.by_hand, line.fields
        seat = self._app.board.seats.get(fields["login"])
        if seat is None:
            return
        match fields["what"]:
            case "ring":
                self._start(_quietly(by_hand.phone_up(seat)))
            case "skipped":
                by_hand.skip(seat.login, ACTOR)
            case "given":
                campaign = self._app.board.campaigns.get(fields.get("campaign", 0))
                lead = self._leads.get(line.number)
                if campaign is not None and lead is not None and isinstance(seat.state, Ready):
                    by_hand.give_card(campaign, seat, lead, self._app.clock())

    def _place(self, line: Line) -> None:
        controller, board, place = self._app.controller, self._app.board, line.fields
        campaign, lead = board.campaigns.get(place["campaign"]), self._leads.get(line.number)
        if campaign is None or lead is None:
            return  # withdrawn before it was dialed, as nothing else of its campaign was
        if place.get("mode", campaign.mode) != campaign.mode:
            campaign.set_mode(place["mode"])
        controller.new_id = lambda now: UUID(place["attempt"])
        seat = board.seats.get(place["operator"] or "")
        if seat is not None:
            self._app.by_hand.dialed(seat.login)
        way = Way(place["trunk"], place["caller_id"])
        # A decision for many calls takes time: all of them are placed when it began.
        at = made_at(UUID(place["attempt"])) + self._later_s()
        controller.place(campaign, lead, way, seat, at)


def is_dial(line: Line) -> bool:
    return line.kind == "ami_out" and line.fields.get("Action") == "Originate"


async def _quietly(asked: Any) -> None:
    """What was refused then, or could not be done, is so now."""
    with contextlib.suppress(Refusal, AmiError):
        await asked
