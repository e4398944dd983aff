"""Supervisors' legs on the node: called, put on an operator's line, moved along with it.

ChanSpy stays on the operator's own leg, so it goes from conversation to conversation by itself;
only barging must begin anew with every person, because ChanSpy looks for the other side just once
(Asterisk 22.10). Sessions live in memory and in the database; the node has the legs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiError, AmiState, OriginateRequest
from dialer.board import Board
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.ids import new_id
from dialer.journal import Journal
from dialer.seating import HOLDING
from dialer.tasks import Tasks
from monitoring import metrics
from monitoring.supervision.model import (
    SPY_OPTIONS,
    Mode,
    Session,
    SupervisionError,
    check_voice,
)

log = structlog.get_logger(__name__)

SQL = Queries.load("monitoring.supervision")
PREFIX = "sv-"
ANSWER_LIMIT_S = 8.0
"""A supervisor's phone is answered within this, or nobody listens; below the API's own limit."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """What others see; epoch seconds."""

    supervisor: str
    operator: str
    mode: str
    since: float
    up: bool


class Supervision:
    """Use cases of supervisors of one floor, and the node's events about their legs."""

    def __init__(
        self,
        board: Board,
        journal: Journal,
        ami: AmiClient,
        tasks: Tasks,
        pool: Pool,
        clock: Callable[[], float],
    ) -> None:
        self._board, self._journal, self._ami = board, journal, ami
        self._tasks, self._pool, self._clock = tasks, pool, clock
        self.sessions: dict[str, Session] = {}
        self._answers: dict[UUID, asyncio.Future[bool]] = {}
        self.new_id: Callable[[float], UUID] = new_id
        self.on_request: Callable[[str, Mapping[str, str]], None] = lambda name, given: None
        """Told of every request: `supervise` or `stop`, and what was given with it."""

    def views(self) -> list[SessionView]:
        """Everybody who is on somebody's line."""
        return [_view(session) for session in self.sessions.values()]

    def count(self) -> None:
        """For metrics."""
        modes = [session.mode for session in self.sessions.values() if session.up]
        metrics.supervisors_now({mode.value: modes.count(mode) for mode in Mode})

    # --- use cases

    async def supervise(
        self, operator: str, supervisor: str, mode: Mode, actor: str
    ) -> SessionView:
        """Puts the supervisor on the operator's line in this mode, or changes the mode there.

        Returns when the supervisor's phone is answered. Raises SupervisionError.
        """
        given = {"operator": operator, "supervisor": supervisor, "mode": mode.value}
        self.on_request("supervise", given)
        session = self.sessions.get(supervisor)
        if session is not None:
            return await self._change(session, operator, mode, actor)
        session = await self._new_session(operator, supervisor, mode)
        self.sessions[supervisor] = session  # booked before the phone rings: one voice at a time
        if not await self._called(session):
            self._forget(session)
            raise SupervisionError(
                "phone_not_answered",
                409,
                f"the phone of {supervisor} did not answer; is it registered and free?",
            )
        self._began(session, actor)
        return _view(session)

    async def stop(self, supervisor: str, actor: str) -> SessionView:
        """Takes the supervisor off the line. Raises SupervisionError `not_supervising`."""
        self.on_request("stop", {"supervisor": supervisor})
        session = self.sessions.get(supervisor)
        if session is None:
            text = f"{supervisor} is on nobody's line"
            raise SupervisionError("not_supervising", 409, text)
        self._end(session, actor)
        await self._hang_up(session)
        return _view(session)

    async def _new_session(self, operator: str, supervisor: str, mode: Mode) -> Session:
        if operator == supervisor:
            raise SupervisionError("own_line", 422, "nobody listens to himself")
        ids = {}
        for login in (operator, supervisor):
            row = await self._pool.fetchrow(SQL.person, self._board.floor_id, login)
            if row is None:
                raise SupervisionError("unknown_operator", 404, f"there is no operator {login}")
            ids[login] = row
        if ids[supervisor]["role"] != "supervisor":
            raise SupervisionError(
                "no_supervisor",
                403,
                f"{supervisor} is no supervisor; make one: "
                f"prozvon operator role {supervisor} supervisor",
            )
        self._check_free(operator, supervisor, mode)
        session_id, now = self.new_id(self._clock()), self._clock()
        return Session(
            session_id, ids[supervisor]["id"], supervisor, ids[operator]["id"], operator, mode, now
        )

    def _check_free(self, operator: str, supervisor: str, mode: Mode) -> None:
        """Nothing is awaited between this and the booking."""
        if supervisor in self.sessions:
            raise SupervisionError("supervisor_busy", 409, f"{supervisor} is being connected now")
        if operator not in self._board.seats:
            raise SupervisionError("not_signed_in", 409, f"{operator} is not signed in")
        if supervisor in self._board.seats:
            raise SupervisionError(
                "supervisor_signed_in",
                409,
                f"{supervisor} is signed in to take calls; sign out first, the phone is one",
            )
        if self._ami.state is not AmiState.READY:
            raise SupervisionError("node_away", 503, "Asterisk cannot be reached; see /readyz")
        check_voice(self.sessions.values(), operator, supervisor, mode)

    async def _change(self, session: Session, operator: str, mode: Mode, actor: str) -> SessionView:
        if session.operator != operator:
            raise SupervisionError(
                "supervisor_busy",
                409,
                f"{session.supervisor} is on the line of {session.operator}; stop that first",
            )
        if not session.up:
            raise SupervisionError(
                "supervisor_busy", 409, f"{session.supervisor} is being connected now"
            )
        check_voice(self.sessions.values(), operator, session.supervisor, mode)
        if session.mode is mode:
            return _view(session)
        before, session.mode = session.mode, mode
        if not await self._spy(session):
            session.mode = before
            raise SupervisionError("node_away", 503, "Asterisk did not change the mode; try again")
        session.seq += 1
        session.since = self._clock()
        self._write_end(session, session.since)
        self._began(session, actor)
        return _view(session)

    # --- the supervisor's leg

    async def _called(self, session: Session) -> bool:
        """Calls the supervisor's phone; whether it was answered."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answers[session.id] = answer
        session.spied = self._board.seats[session.operator].channel
        request = OriginateRequest(
            action_id=session.leg_id,
            channel=f"PJSIP/op-{session.supervisor}",
            channel_id=session.leg_id,
            context="prozvon-supervisor",
            exten="s",
            priority=1,
            timeout_ms=int(ANSWER_LIMIT_S * 1000),
            caller_id="Prozvon",
            variables={
                "PROZVON_SPIED": session.spied,
                "PROZVON_SPY": SPY_OPTIONS[session.mode],
            },
        )
        try:
            await self._ami.originate(request)
            return await asyncio.wait_for(answer, ANSWER_LIMIT_S + 1)
        except (AmiError, TimeoutError) as error:
            log.warning("supervisor_not_called", login=session.supervisor, error=repr(error))
            await self._hang_up(session)
            return False
        finally:
            self._answers.pop(session.id, None)

    async def _spy(self, session: Session) -> bool:
        """Tells the leg anew whom to hear and how; False when the node did not do it."""
        seat = self._board.seats.get(session.operator)
        session.spied = seat.channel if seat is not None else ""
        try:
            leg = session.leg_id
            await self._ami.set_variable(leg, "PROZVON_SPIED", session.spied)
            await self._ami.set_variable(leg, "PROZVON_SPY", SPY_OPTIONS[session.mode])
            return await self._ami.redirect(leg, "prozvon-supervisor", "s", "spy")
        except AmiError as error:
            log.warning("supervisor_not_moved", login=session.supervisor, error=repr(error))
            return False

    async def _hang_up(self, session: Session) -> None:
        try:
            await self._ami.hangup(session.leg_id)
        except AmiError as error:
            log.warning("supervisor_not_hung_up", login=session.supervisor, error=repr(error))

    # --- events

    def on_event(self, event: ev.Event) -> None:
        """After the controller has understood it."""
        if isinstance(event, ev.BridgeEntered) and event.unique_id.startswith("op-"):
            self._operator_moved(event)
        elif isinstance(event, ev.Hangup):
            self._hung_up(event)
        elif isinstance(event, ev.OriginateResponse) and event.action_id.startswith(PREFIX):
            self._answered(event)

    def _answered(self, event: ev.OriginateResponse) -> None:
        answer = self._answers.get(UUID(event.action_id.removeprefix(PREFIX)))
        if answer is not None and not answer.done():
            answer.set_result(event.success)

    def _operator_moved(self, event: ev.BridgeEntered) -> None:
        """The operator came to another person, or back with another leg."""
        seat = self._board.seat_of_leg(event.unique_id)
        if seat is None:
            return
        talks = event.technology != HOLDING
        for session in self._on_line_of(seat.login):
            if session.spied != seat.channel or (talks and session.mode is Mode.BARGE):
                self._tasks.command(f"spy {session.supervisor}", self._spied(session), AmiError)
            if talks and seat.state.attempt is not None:
                self._note(session, session.supervisor, "supervisor_followed")

    async def _spied(self, session: Session) -> None:
        await self._spy(session)

    def _on_line_of(self, operator: str) -> list[Session]:
        return [s for s in self.sessions.values() if s.operator == operator and s.up]

    def _hung_up(self, event: ev.Hangup) -> None:
        if event.unique_id.startswith(PREFIX):
            for session in tuple(self.sessions.values()):
                if session.leg_id == event.unique_id and session.up:
                    self._end(session, session.supervisor)
        elif event.unique_id.startswith("op-"):
            for session in tuple(self.sessions.values()):
                if session.operator not in self._board.seats and session.up:
                    self._end(session, session.supervisor)
                    self._tasks.command(f"unspy {session.supervisor}", self._hang_up(session))

    # --- the record

    def _began(self, session: Session, actor: str) -> None:
        session.up = True
        at, one = _utc(session.since), (session.id, session.seq)
        ids = (session.supervisor_id, session.operator_id, session.mode.value)
        self._journal.write("supervision", lambda c: c.execute(SQL.began, *one, *ids, at))
        self._note(session, actor, f"supervisor_{session.mode}")
        metrics.supervision_began(session.mode.value)

    def _end(self, session: Session, actor: str) -> None:
        if self._forget(session):
            self._write_end(session, self._clock())
            self._note(session, actor, "supervisor_stopped")

    def _write_end(self, session: Session, at: float) -> None:
        when, id = _utc(at), session.id
        self._journal.write("supervision_ended", lambda c: c.execute(SQL.ended, id, when))

    def _forget(self, session: Session) -> bool:
        if self.sessions.get(session.supervisor) is not session:
            return False
        del self.sessions[session.supervisor]
        return True

    def _note(self, session: Session, actor: str, action: str) -> None:
        seat = self._board.seats.get(session.operator)
        attempt = seat.state.attempt if seat is not None else None
        details: dict[str, Any] = {"supervisor": session.supervisor, "mode": session.mode.value}
        details["attempt"] = str(attempt) if attempt else None
        subject = f"operator {session.operator}"
        self._journal.write(action, lambda c: c.execute(SQL.note, actor, action, subject, details))

    # --- after a restart or a lost link

    async def reconcile(self) -> None:
        """Sessions whose leg lives go on, others end; legs that nobody knows are hung up, so that
        who listens to nothing knows it.

        Raises AmiError and what the database raises.
        """
        known = {session.leg_id for session in self.sessions.values()}
        for row in await self._pool.fetch(SQL.open, self._board.floor_id):
            session = _restored(row)
            if session.leg_id not in known and session.supervisor not in self.sessions:
                self.sessions[session.supervisor] = session
        live = [ev.live_channel(item) for item in await self._ami.list_action("CoreShowChannels")]
        legs = {channel.unique_id for channel in live if channel.unique_id.startswith(PREFIX)}
        for session in tuple(self.sessions.values()):
            if session.up and (
                session.leg_id not in legs or session.operator not in self._board.seats
            ):
                self._end(session, session.supervisor)
        for leg in legs - {session.leg_id for session in self.sessions.values()}:
            await self._ami.hangup(leg)
        # The operator may have come to another person, or to another leg, while nobody watched.
        for session in tuple(self.sessions.values()):
            seat = self._board.seats.get(session.operator)
            if session.up and not session.spied and seat is not None and seat.channel:
                await self._spy(session)


def _restored(row: Any) -> Session:
    return Session(
        row["id"], row["supervisor_id"], row["supervisor"], row["operator_id"], row["operator"],
        Mode(row["mode"]), row["started_at"].timestamp(), row["seq"], up=True,
    )  # fmt: skip


def _view(session: Session) -> SessionView:
    return SessionView(
        session.supervisor, session.operator, session.mode.value, session.since, session.up
    )


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
