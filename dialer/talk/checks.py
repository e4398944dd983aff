"""What is checked before anything moves in a call: a refused request changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from campaigns.hours.model import Schedule
from campaigns.hours.zones import zones_of
from campaigns.rules.service import RulesService
from dialer.asterisk.ami import AmiDisconnected, AmiError, AmiState
from dialer.calls import Conversing
from dialer.operators import InCall, Seat, free_since
from dialer.refusal import Refusal
from dialer.routing import NoWay, caller_id, choose
from dialer.talk.floor import SQL, TalkFloor
from dialer.talk.model import Consulting, Held
from dialer.talk.numbers import number_for_transfer
from monitoring import metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Who a call goes to; exactly one of them is given."""

    operator: str = ""
    stage: str = ""
    skill: str = ""
    number: str = ""

    @property
    def kind(self) -> str:
        return "operator" if self.operator else "number" if self.number else "group"


@dataclass(frozen=True, slots=True)
class Line:
    """How a number is called: over which trunk, showing which number."""

    trunk: str
    caller_id: str | None


class Checks:
    """Who may do what with which call now."""

    def __init__(self, floor: TalkFloor, region: str) -> None:
        self._floor, self._region = floor, region
        self.on_request: Callable[[str, str, Mapping[str, Any]], None] = _unheard
        """Told of every request that does not come from a phone's keys: name, login, what with."""
        self.on_third: Callable[[UUID, Line], None] = lambda attempt, line: None
        """Told over which line a further number is called."""
        self.allowed: Callable[[str, Seat], Awaitable[str]] = self._allowed
        self.line: Callable[[Conversing, str], Line] = self._line
        """Decided by somebody else in a replay: numbers in a record are nobody's."""

    async def _find(self, login: str, target: Target, action: str) -> tuple[str, list[Seat]]:
        """The number, or the operators meant, checked; before the call is touched."""
        seat = self._in_call(login, action)
        given = [t for t in (target.operator, target.stage, target.skill, target.number) if t]
        if len(given) != 1:
            raise Refusal(
                "bad_target",
                422,
                "give one of operator, stage, skill, number",
                "укажите одно из них",
            )
        if target.number:
            return await self.allowed(target.number, seat), []
        if target.operator:
            return "", [self._other(login, target.operator)]
        rows = await self._floor.store.pool.fetch(
            SQL["group_members"], self._floor.store.floor_id, target.stage, target.skill
        )
        members = {row["login"] for row in rows} - {login}
        seats = [s for s in self._floor.board.seats.values() if s.login in members]
        if not seats:
            raise Refusal(
                "nobody_in_group",
                409,
                "nobody of that group is signed in",
                "никого из этой группы нет на смене",
            )
        return "", seats

    async def _allowed(self, text: str, seat: Seat) -> str:
        """The number, if settings and do-not-call let this call's campaign have it."""
        attempt = self._floor.board.attempts.get(seat.state.attempt or UUID(int=0))
        campaign_id = attempt.campaign_id if attempt is not None else None
        phone = number_for_transfer(text, self._region, self._floor.settings.numbers)
        forbidden = await self._floor.store.pool.fetchval(
            SQL["forbidden_number"], self._floor.store.floor_id, phone, campaign_id
        )
        if forbidden:
            raise Refusal(
                "do_not_call", 403, "this number asked for no calls", "этот номер просил не звонить"
            )
        if campaign_id is not None:
            await self._if_client(phone, campaign_id)
        return phone

    async def _if_client(self, phone: str, campaign_id: int) -> None:
        """A number of our own lists is a client's: hours and consent hold for it.

        What the administrator allows besides are colleagues, who are called at any time.
        """
        store = self._floor.store
        now = datetime.fromtimestamp(store.rules_clock(), UTC)
        clients = await store.pool.fetch(
            SQL["client_number"], phone, store.floor_id, campaign_id, now
        )
        if not clients:
            return
        for rules in await RulesService(store.pool, store.floor_id).campaigns(now, campaign_id):
            if rules.needs_consent and not clients[0]["consent"]:
                raise Refusal(
                    "no_consent",
                    403,
                    "this person has not consented to calls of this campaign",
                    "этот человек не давал согласия на звонки этой кампании",
                )
            if not all(awake(rules.policy.schedule, row, phone, now) for row in clients):
                raise Refusal(
                    "outside_hours",
                    403,
                    "it is too early or too late to call this number",
                    "на этот номер сейчас звонить нельзя: не то время суток",
                )

    def _other(self, login: str, name: str) -> Seat:
        seat = self._floor.board.seats.get(name)
        if seat is None:
            raise Refusal("not_signed_in", 409, f"{name} is not signed in", f"не на смене: {name}")
        if name == login:
            raise Refusal("bad_target", 422, "that is yourself", "это вы сами")
        self._need_free(seat)
        return seat

    def _need_free(self, seat: Seat) -> None:
        if not seat.can_take and not seat.can_be_summoned:
            raise Refusal(
                "operator_busy", 409, f"{seat.login} is not free now", f"сейчас занят: {seat.login}"
            )

    def _free_of(self, seats: list[Seat]) -> Seat:
        free = [seat for seat in seats if seat.can_take]
        if not free:
            raise Refusal("nobody_free", 409, "nobody of them is free now", "все сейчас заняты")
        return min(free, key=lambda seat: (seat.state.since, seat.login))

    async def _ring_for(self, seats: list[Seat]) -> None:
        """With nobody else free, the phone of an operator on call is rung, and waited for."""
        if any(seat.can_take for seat in seats):
            return
        on_call = [seat for seat in seats if seat.can_be_summoned]
        if on_call:
            await self._phone_up(min(on_call, key=free_since))

    async def _phone_up(self, seat: Seat) -> None:
        """Raises Refusal `phone_no_answer`."""
        if not await self._floor.seating.summon(seat, by_hand=True):
            raise Refusal(
                "phone_no_answer",
                409,
                f"the phone of {seat.login} was called and not answered",
                f"телефон {seat.login} не ответил",
            )

    def _line(self, attempt: Conversing, phone: str) -> Line:
        """The trunk and the caller id for a further call, as its campaign has them."""
        board, now = self._floor.board, self._now()
        campaign = board.campaigns.get(attempt.campaign_id)
        trunks = campaign.trunks if campaign else ()
        found = choose(
            board.routes, trunks, frozenset(), phone, lambda name: board.trunks[name].room(now), 0.0
        )
        if isinstance(found, NoWay):
            raise Refusal("no_line", 503, "no free line for this number", "нет свободной линии")
        shown = caller_id(found, campaign.caller_ids if campaign else (), 0)
        return Line(found.trunk, shown)

    def _seat(self, login: str) -> Seat:
        seat = self._floor.board.seats.get(login)
        if seat is None:
            raise Refusal(
                "not_signed_in", 409, f"{login} is not signed in", f"не на смене: {login}"
            )
        return seat

    def _in_call(self, login: str, action: str) -> Seat:
        seat = self._seat(login)
        if not isinstance(seat.state, InCall) or not seat.channel:
            raise wrong_state(action, f"{login} is in no conversation", "разговора нет")
        self._link(action)
        return seat

    def _link(self, action: str) -> None:
        if self._floor.ami.state is not AmiState.READY or not self._floor.board.recovered:
            metrics.talk_refused(action, "node_away")
            raise node_away()

    def _call(self, login: str, action: str) -> Call:
        return Call(self._floor, self._in_call(login, action), action)

    def _need_plain(self, attempt: Conversing, action: str) -> None:
        if attempt.id in self._floor.talks:
            name = self._floor.talks[attempt.id].name
            raise wrong_state(action, f"the person is {name} already", f"человек уже: {name}")

    def _need_alone(self, attempt: Conversing, action: str) -> None:
        talk = self._floor.talks.get(attempt.id)
        if talk is not None and not isinstance(talk, Held):
            raise wrong_state(
                action,
                "somebody else is in this call; complete or cancel that first",
                "в этом звонке есть ещё кто-то; сначала завершите или отмените",
            )

    def _consulting(self, attempt: Conversing, action: str) -> Consulting:
        talk = self._floor.talks.get(attempt.id)
        if not isinstance(talk, Consulting) or not talk.third.up:
            raise wrong_state(
                action,
                "nobody is being consulted, or they have not answered yet",
                "консультации нет, или ещё не ответили",
            )
        return talk

    async def _told(self, work: Awaitable[Any]) -> None:
        """Carries a move out; what fails is found out from the node."""
        try:
            await asyncio.shield(asyncio.ensure_future(work))
        except AmiDisconnected:
            raise node_away() from None
        except AmiError as error:
            log.error("move_failed", error=repr(error))
            self._floor.on_unsure()
            raise node_away() from None

    def _now(self) -> float:
        return self._floor.clock()


def _unheard(name: str, login: str, given: Mapping[str, Any]) -> None:
    """No record is made."""


class Call:
    """The operator's call, for one request at a time; refusals are counted."""

    def __init__(self, floor: TalkFloor, seat: Seat, action: str) -> None:
        self._floor, self._seat, self._action = floor, seat, action
        self._lock: asyncio.Lock | None = None

    async def __aenter__(self) -> tuple[Seat, Conversing]:
        attempt_id = self._seat.state.attempt
        assert attempt_id is not None
        self._lock = self._floor.lock(attempt_id)
        await self._lock.acquire()
        attempt = self._floor.conversing(attempt_id)
        # While the lock was waited for, the call may have ended or gone to somebody else.
        ready = isinstance(self._seat.state, InCall) and bool(self._seat.channel)
        if ready and attempt is not None and attempt.operator == self._seat.login:
            return self._seat, attempt
        self._lock.release()
        raise wrong_state(self._action, "this call is not yours", "это не ваш звонок")

    async def __aexit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        assert self._lock is not None
        self._lock.release()
        if isinstance(error, Refusal):
            metrics.talk_refused(self._action, error.id)


def awake(schedule: Schedule, client: Any, phone: str, now: datetime) -> bool:
    """As a claim would decide of a contact with this `time_zone` and `region`."""
    return schedule.open(zones_of(client["time_zone"], client["region"], phone), now)


def wrong_state(action: str, why: str, ru: str) -> Refusal:
    return Refusal("wrong_state", 409, f"{action}: {why}", f"{action}: {ru}")


def node_away() -> Refusal:
    return Refusal(
        "node_away",
        503,
        "Asterisk does not answer now; the person hears music or goes on talking. Try again",
        "Asterisk сейчас не отвечает, попробуйте ещё раз",
    )
