"""Operators' phones: what follows when one is down, which numbers may be called, whose line."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from campaigns.operators.model import OperatorError, PhoneSettings, check_phone
from dialer.asterisk import events as ev
from dialer.board import Board
from dialer.lines import Trunk
from dialer.notices import notice
from dialer.operators import (
    HUNG_UP,
    NO_ANSWER,
    AnyState,
    Connecting,
    Consult,
    Dialing,
    OperatorState,
    Paused,
    Phone,
    Previewing,
    Ready,
    Reserved,
    Seat,
    Summoned,
    Talking,
    WrapUp,
    after_phone_lost,
)
from dialer.phone_legs import NoLine, OutsideRules, PhoneLegs
from dialer.routing import Route

NOW = 1_790_000_000.0
ATTEMPT = UUID(int=1)
MOBILE, OWN = "+79031234567", "+74950000001"
STATES: tuple[AnyState, ...] = (
    Connecting(NOW),
    Ready(NOW),
    Previewing(NOW, NOW),
    Summoned(NOW, NOW),
    Dialing(NOW, ATTEMPT, NOW),
    Dialing(NOW, ATTEMPT, NOW, by_hand=True),
    Reserved(NOW, ATTEMPT, NOW),
    Talking(NOW, ATTEMPT),
    Consult(NOW, ATTEMPT),
    WrapUp(NOW, ATTEMPT),
    Paused(NOW, "lunch"),
)


def seat(state: AnyState, *, on_call: bool, number: str = "") -> Seat:
    phone = Phone(on_call, number)
    return Seat(1, "anna", uuid4(), NOW, lambda change: None, state, phone=phone)


@given(st.sampled_from(STATES), st.booleans())
def test_on_call_nobody_waits_for_a_phone_that_nobody_calls(state: AnyState, refused: bool) -> None:
    """No state after a lost phone is one in which only a phone that comes up by itself helps."""
    after = after_phone_lost(seat(state, on_call=True), NOW + 1, refused=refused)
    assert not isinstance(after, Connecting | Summoned | Dialing | Reserved)
    if isinstance(state, Talking | WrapUp | Paused):
        assert after is state
    if isinstance(after, Paused) and after is not state:
        asked = isinstance(state, Summoned)
        assert after.reason == (NO_ANSWER if asked else HUNG_UP)


@given(st.sampled_from(STATES), st.booleans())
def test_nailed_up_a_lost_phone_is_connecting(state: AnyState, refused: bool) -> None:
    after = after_phone_lost(seat(state, on_call=False), NOW + 1, refused=refused)
    if isinstance(state, Summoned | Connecting | Talking | WrapUp | Paused):
        assert after is state
    else:
        assert after == Connecting(NOW + 1)


def test_a_summons_keeps_the_turn_and_is_told_on_the_screen() -> None:
    ready = Ready(NOW, waits_since=NOW - 50)
    summoned = ready.summon(NOW + 1)
    assert (summoned.kind, summoned.why) == (OperatorState.RESERVED, "phone")
    assert summoned.phone_up(NOW + 2).free_since == NOW - 50
    assert summoned.released(NOW + 2).free_since == NOW - 50
    for state in (summoned, Paused(NOW, NO_ANSWER), Paused(NOW, HUNG_UP), Connecting(NOW)):
        says = notice(seat(state, on_call=True))
        assert says.en and says.ru
    assert not notice(seat(Paused(NOW, "lunch"), on_call=True)).en


@pytest.mark.parametrize(
    ("mode", "number", "id"),
    [
        ("sometimes", "", "bad_value"),
        ("nailed_up", "112", "bad_number"),
        ("nailed_up", "+7903123456x", "bad_number"),
        ("nailed_up", "+79031234567 доб. 5", "bad_number"),
        ("ring_per_call", "+4420700000", "bad_number"),
        ("ring_per_call", "+442070000001", "number_not_allowed"),
    ],
)
def test_a_phone_that_is_refused_is_not_quoted(mode: str, number: str, id: str) -> None:
    with pytest.raises(OperatorError) as caught:
        check_phone(mode, number, "RU", OutsideRules(("+7903*",)).allow)
    assert caught.value.id == id
    sentences = caught.value.to("en") + caught.value.to("ru")
    assert caught.value.to("en") != caught.value.to("ru")
    assert not number or number not in sentences


def test_phones_that_are_taken() -> None:
    allow = OutsideRules(("+7903*",)).allow
    assert check_phone("nailed_up", " ", "RU", allow) == PhoneSettings("nailed_up", None)
    for written in ("8 (903) 123-45-67", MOBILE):
        taken = check_phone("ring_per_call", written, "RU", allow)
        assert taken == PhoneSettings("ring_per_call", MOBILE)


def legs_of(rules: OutsideRules, *, lines: int = 3, route: str = "+79") -> PhoneLegs:
    board = Board(1, 1)
    trunk = Trunk("main", 7, lines, 100.0, tech_prefix="55", plus=False)
    board.trunks["main"] = trunk
    board.routes = (Route("main", route),)
    return PhoneLegs(board, lambda: NOW, 20, rules)


def test_a_sip_phone_takes_no_line() -> None:
    legs = legs_of(OutsideRules())
    request = legs.request(seat(Ready(NOW), on_call=True), "op-1")
    assert (request.channel, request.caller_id) == ("PJSIP/op-anna", "Prozvon")
    assert legs.board.trunks["main"].used == 0 and legs.trunk_id("op-1") is None


def test_an_outside_number_is_dialed_as_the_trunk_wants_and_shows_its_own_caller_id() -> None:
    legs = legs_of(OutsideRules(("+7903*",), caller_id=OWN))
    request = legs.request(seat(Ready(NOW), on_call=True, number=MOBILE), "op-1")
    assert request.channel == "PJSIP/5579031234567@trunk-main"
    assert request.caller_id == OWN and legs.trunk_id("op-1") == 7


@pytest.mark.parametrize(
    ("rules", "route", "lasting"),
    [
        (OutsideRules(), "+79", True),
        (OutsideRules(("+7495*",)), "+79", True),
        (OutsideRules(("+79*",)), "+44", True),
        (OutsideRules(("+79*",), trunks=("other",)), "+79", True),
    ],
)
def test_what_is_never_called(rules: OutsideRules, route: str, lasting: bool) -> None:
    legs = legs_of(rules, route=route)
    with pytest.raises(NoLine) as caught:
        legs.request(seat(Ready(NOW), on_call=True, number=MOBILE), "op-1")
    assert caught.value.lasting == lasting and MOBILE not in str(caught.value)
    assert legs.board.trunks["main"].used == 0 and not legs.outside


class Lines(RuleBasedStateMachine):
    """Whatever the node says, and in whatever order: lines taken are the calls that live."""

    def __init__(self) -> None:
        super().__init__()
        self.legs = legs_of(OutsideRules(("+79*",)))
        self.trunk = self.legs.board.trunks["main"]
        self.live: set[str] = set()
        self.count = 0

    def _any(self, pick: int) -> str:
        return sorted(self.live)[pick % len(self.live)]

    @rule()
    def a_phone_is_called(self) -> None:
        self.count += 1
        leg_id = f"op-{self.count}"
        room, _ = self.trunk.room(NOW)
        self.trunk.tokens = 100.0
        try:
            self.legs.request(seat(Ready(NOW), on_call=True, number=MOBILE), leg_id)
        except NoLine as error:
            assert not error.lasting and (len(self.live) == self.trunk.lines or room == 0)
        else:
            self.live.add(leg_id)

    @rule(pick=st.integers(0, 9), state=st.sampled_from((3, 4, 5, 6)))
    @precondition(lambda self: self.live)
    def the_node_tells_of_it(self, pick: int, state: int) -> None:
        leg_id = self._any(pick)
        self.legs.on_event(ev.ChannelCreated(NOW, leg_id, leg_id, "x", 0, "s", ""))
        self.legs.on_event(ev.ChannelState(NOW, leg_id, leg_id, "x", state))

    @rule(pick=st.integers(0, 9), cause=st.sampled_from((0, 16, 17, 19, 34)), ours=st.booleans())
    @precondition(lambda self: self.live)
    def it_ends(self, pick: int, cause: int, ours: bool) -> None:
        leg_id = self._any(pick)
        if ours:
            self.legs.let_go(leg_id)
        for _ in range(2):  # told again after a lost link
            self.legs.on_event(ev.Hangup(NOW, leg_id, leg_id, "x", 0, cause, "", ""))
        self.live.remove(leg_id)

    @rule(pick=st.integers(0, 9))
    @precondition(lambda self: self.live)
    def it_was_never_sent(self, pick: int) -> None:
        leg_id = self._any(pick)
        self.legs.not_sent(leg_id)
        self.legs.not_sent(leg_id)
        self.live.remove(leg_id)

    @rule()
    def a_restart_finds_a_living_one(self) -> None:
        if len(self.live) < self.trunk.lines:
            self.count += 1
            leg_id = f"op-{self.count}"
            for _ in range(2):
                self.legs.adopt(leg_id, f"PJSIP/trunk-main-{self.count:08x}", NOW)
            self.legs.adopt("op-sip", "PJSIP/op-anna-00000001", NOW)
            self.live.add(leg_id)

    @invariant()
    def lines_are_those_of_living_calls(self) -> None:
        assert self.trunk.used == len(self.live)
        assert set(self.legs.outside) == self.live


TestLines = Lines.TestCase
