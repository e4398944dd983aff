"""A call that belongs to an operator carries that operator: the node takes them without asking."""

from __future__ import annotations

from uuid import UUID

import pytest

from dialer.calls import Conversing, Ringing
from tests.asterisk.race_tools import LIMIT_S, in_turn
from tests.fixtures_floor import FloorApp, number


def watch_asking(monkeypatch: pytest.MonkeyPatch, floor: FloorApp) -> list[UUID]:
    """The attempts for which the node asked who takes them."""
    asked: list[UUID] = []
    ask = floor.app.handover.ask

    def noted(attempt_id: UUID) -> object:
        asked.append(attempt_id)
        return ask(attempt_id)

    monkeypatch.setattr(floor.app.handover, "ask", noted)
    return asked


async def test_the_operator_whose_dial_it_is_takes_the_person_without_a_question(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch_asking(monkeypatch, floor_app)
    await in_turn(floor_app, "t1", "t2")
    phones = [number("1101"), number("1101")]
    await floor_app.campaign(*phones)
    for phone, login in zip(phones, ("t1", "t2"), strict=True):
        talking = await floor_app.stage(phone, Conversing)
        assert isinstance(talking, Conversing)
        assert (talking.dial_operator, talking.operator) == (login, login)
    assert asked == []
    await floor_app.app.controller.hang_up_all(5)
    for phone, login in zip(phones, ("t1", "t2"), strict=True):
        row = await floor_app.outcome(phone)
        assert (row["outcome"], row["operator"]) == ("answered", login)
    assert await floor_app.truth() == []


async def test_a_call_whose_operator_left_takes_the_one_who_waits(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch_asking(monkeypatch, floor_app)
    await in_turn(floor_app, "t1", "t2")
    phone = number("1201")
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t1", "lunch")

    talking = await floor_app.stage(phone, Conversing)

    assert isinstance(talking, Conversing)
    assert talking.operator == "t2"
    assert asked == []
    assert floor_app.seat("t1").state.kind == "paused"
    floor_app.app.desk.hang_up("t2")
    assert (await floor_app.outcome(phone))["operator"] == "t2"
    assert await floor_app.truth() == []


async def test_an_operator_whom_the_node_takes_before_it_hears_of_the_pause_pauses_after_the_call(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor_app.app.controller, "_cancel_unserved", lambda: None)
    await floor_app.sign_in("t1")
    phone = number("1201")
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Ringing)
    floor_app.app.desk.pause("t1", "lunch")

    await floor_app.stage(phone, Conversing)

    seat = await floor_app.state("t1", "talking")
    assert seat.after_call == "pause:lunch"
    floor_app.app.desk.hang_up("t1")
    await floor_app.state("t1", "wrap_up")
    await floor_app.app.desk.dispose("t1", "agreed")
    assert (await floor_app.state("t1", "paused")).state.why == "lunch"
    assert (await floor_app.outcome(phone))["operator"] == "t1"
    assert await floor_app.truth() == []


async def test_a_named_operator_who_is_not_free_is_replaced_in_time(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone is lost while the call rings, and its operator's new leg has another name."""
    asked = watch_asking(monkeypatch, floor_app)
    monkeypatch.setattr(floor_app.app.controller, "_cancel_unserved", lambda: None)
    await floor_app.sign_in("t1")
    phone = number("1301")
    await floor_app.campaign(phone)
    ringing = await floor_app.stage(phone, Ringing)
    old = floor_app.seat("t1").channel
    await floor_app.telephony.carrier.hang_up_phone("t1")
    await floor_app.until(
        lambda: floor_app.seat("t1").channel not in ("", old), "t1's phone is back"
    )

    talking = await floor_app.stage(phone, Conversing)

    assert isinstance(talking, Conversing)
    assert talking.operator == "t1"
    assert talking.answer_to_operator_s < LIMIT_S
    assert asked == [ringing.id]
    floor_app.app.desk.hang_up("t1")
    assert (await floor_app.outcome(phone))["outcome"] == "answered"
    assert await floor_app.truth() == []
