"""Dialing by hand on real servers: typed numbers, cards and their limit, who hung up and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import pytest

from campaigns.by_hand.model import ByHandError
from dialer.calls import Conversing, Dialing, Ringing
from tests.asterisk.race_tools import phone_up
from tests.fixtures_floor import FloorApp, number


async def running(floor: FloorApp, *numbers: str, mode: str = "manual", **columns: Any) -> str:
    """The name of a running campaign that the floor knows."""
    campaign_id = await floor.campaign(*numbers, mode=mode, **columns)
    await floor.until(lambda: campaign_id in floor.app.board.campaigns, "the campaign is known")
    return floor.app.board.campaigns[campaign_id].name


async def refused(request: Awaitable[object]) -> str:
    with pytest.raises(ByHandError) as caught:
        await request
    return caught.value.id


async def waits(floor: FloorApp, login: str) -> None:
    """The operator's phone is back in the waiting room, by itself."""
    await floor.until(lambda: bool(floor.seat(login).bridge_id), f"{login} is back in waiting")


def card_of(floor: FloorApp, phone: str) -> str | None:
    """Who reads the card of this number."""
    cards = floor.app.board.cards.items()
    return next((login for login, card in cards if card.lead.phone == phone), None)


async def shown(floor: FloorApp, phone: str) -> str:
    await floor.until(lambda: card_of(floor, phone) is not None, f"{phone} is on a card")
    login = card_of(floor, phone)
    assert login is not None
    return login


# --- manual ------------------------------------------------------------------------------------


async def test_a_typed_number_is_dialed_and_talked_with(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1", "t2")
    campaign, phone = await running(floor_app), number("0101")
    leg = floor_app.seat("t1").channel

    attempt_id = await floor_app.app.by_hand.dial_number("t1", campaign, phone[2:])

    assert floor_app.seat("t1").state.kind == "dialing"
    talking = await floor_app.stage(phone, Conversing)
    assert isinstance(talking, Conversing)
    assert (talking.id, talking.operator) == (attempt_id, "t1")
    assert talking.answer_to_operator_s < 0.5
    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["ended_by"], row["mode"]) == ("answered", "person", "manual")
    assert (row["operator"], row["dial_operator"]) == ("t1", "t1")
    assert (await floor_app.state("t1", "wrap_up")).channel == leg
    assert floor_app.seat("t2").state.kind == "ready"
    assert (await floor_app.lead(phone))["status"] == "done"
    assert await floor_app.truth() == []


async def test_what_may_not_be_dialed_is_refused_with_a_sentence(floor_app: FloorApp) -> None:
    by_hand = floor_app.app.by_hand
    known, phone = number("2001"), number("2001")
    campaign = await running(floor_app, known)
    assert await refused(by_hand.dial_number("t1", campaign, phone)) == "not_signed_in"
    await floor_app.sign_in("t1", "t2")
    progressive = await running(floor_app, mode="progressive")
    assert await refused(by_hand.dial_number("t1", "no such", phone)) == "unknown_campaign"
    assert await refused(by_hand.dial_number("t1", progressive, phone)) == "wrong_mode"
    assert await refused(by_hand.dial_number("t1", campaign, "112")) == "bad_number"
    assert await refused(by_hand.dial_number("t1", campaign, "8 800")) == "bad_number"
    assert await refused(by_hand.dial_lead("t1", campaign, 999_999)) == "unknown_lead"
    await floor_app.pool.execute(
        "insert into do_not_call (floor_id, e164, source) values ($1, $2, 'import')",
        floor_app.app.board.floor_id, phone,
    )  # fmt: skip
    assert await refused(by_hand.dial_number("t1", campaign, phone)) == "do_not_call"
    await floor_app.pool.execute("update lead set approaches = 4, status = 'done'")
    assert await refused(by_hand.dial_number("t1", campaign, known)) == "no_approaches_left"
    assert await floor_app.attempts() == []
    assert {floor_app.seat(login).state.kind for login in ("t1", "t2")} == {"ready"}


async def test_two_operators_who_type_one_number_dial_it_once(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1", "t2")
    campaign, phone = await running(floor_app), number("1501")
    dials = [floor_app.app.by_hand.dial_number(x, campaign, phone) for x in ("t1", "t2", "t1")]
    results = await asyncio.gather(*dials, return_exceptions=True)
    errors = [r.id for r in results if isinstance(r, ByHandError)]
    assert len(errors) == 2 and set(errors) <= {"lead_busy", "not_ready"}
    await floor_app.stage(phone, Ringing)
    busy = next(s.login for s in floor_app.app.board.seats.values() if s.dials_by_hand)
    floor_app.app.desk.hang_up(busy)
    await floor_app.outcome(phone)
    assert len(await floor_app.attempts()) == 1
    assert await floor_app.truth() == []


async def test_who_ended_the_ringing_and_after_how_long_is_recorded(floor_app: FloorApp) -> None:
    """By the operator at the desk, with the phone, by our limit, by the network."""
    logins = ("t1", "t2", "t3", "t4")
    await floor_app.sign_in(*logins)
    campaign = await running(floor_app, ring_timeout_s=5.0)
    phones = [number("2001"), number("2001"), number("2001"), number("4201")]
    for login, phone in zip(logins, phones, strict=True):
        await floor_app.app.by_hand.dial_number(login, campaign, phone)
    for phone in phones[:3]:
        await floor_app.stage(phone, Ringing)
    assert await refused(floor_app.app.by_hand.dial_number("t1", campaign, phones[0])) == (
        "not_ready"
    )
    await asyncio.sleep(1)
    floor_app.app.desk.hang_up("t1")
    await floor_app.telephony.carrier.hang_up_phone("t2")

    expected = [
        ("no_answer", "operator"), ("no_answer", "operator"), ("no_answer", "ring_timeout"),
        ("busy", "network"),
    ]  # fmt: skip
    rings = []
    for phone, (outcome, by) in zip(phones, expected, strict=True):
        row = await floor_app.outcome(phone)
        assert (row["outcome"], row["ended_by"]) == (outcome, by)
        rings.append((row["ended_at"] - row["rang_at"]).total_seconds())
        assert (await floor_app.lead(phone))["approaches"] == 1
    assert 0.9 < rings[0] < 3 and 0.9 < rings[1] < 3 and 4.5 < rings[2] < 7 and 1.5 < rings[3] < 4
    await phone_up(floor_app, "t2")
    for login in logins:
        await floor_app.state(login, "ready")
        await waits(floor_app, login)
    assert await floor_app.truth() == []


async def test_a_dial_taken_back_before_it_rang_costs_nothing(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    campaign, phone = await running(floor_app), number("7001")
    await floor_app.app.by_hand.dial_number("t1", campaign, phone)
    await floor_app.stage(phone, Dialing)
    await floor_app.until(lambda: bool(getattr(floor_app.live(phone), "channel", "")), "channel")
    floor_app.app.desk.hang_up("t1")
    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["ended_by"], row["rang_at"]) == ("failed", "operator", None)
    lead = await floor_app.lead(phone)
    assert (lead["status"], lead["approaches"], lead["failures"]) == ("retry", 0, 0)
    assert floor_app.app.board.trunks["carrier"].breaker.dead_in_row == 0


async def test_a_pause_asked_for_while_it_rings_comes_after_the_call(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    campaign, phone = await running(floor_app), number("4201")
    await floor_app.app.by_hand.dial_number("t1", campaign, phone)
    assert floor_app.app.desk.pause("t1", "lunch").after_call == "pause:lunch"
    assert (await floor_app.outcome(phone))["outcome"] == "busy"
    await floor_app.state("t1", "paused")


# --- preview -----------------------------------------------------------------------------------


async def test_a_card_is_read_dialed_and_talked_about(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    phone = number("0101")
    await running(floor_app, phone, mode="preview")
    await floor_app.pool.execute(
        "update contact set name = 'Анна', company = 'Ромашка', attributes = $1", {"city": "Тула"}
    )
    login = await shown(floor_app, phone)
    assert (await floor_app.state(login, "reserved")).state.why == "preview"

    card = await floor_app.app.by_hand.card(login)
    assert (card.name, card.company, card.attributes) == ("Анна", "Ромашка", {"city": "Тула"})
    assert card.phone.endswith(phone[-2:]) and phone[5:-2] not in card.phone
    assert (card.history, card.approaches, card.at_limit) == ((), 0, "skip")
    assert 50 < card.left_s <= 60
    assert (await floor_app.app.by_hand.card(login, in_clear=True)).phone == phone
    audit = await floor_app.pool.fetch(
        "select actor, action from audit where subject like 'lead %'"
    )
    assert [tuple(row) for row in audit] == [("t1", "number_revealed")]

    await floor_app.app.by_hand.dial_card(login)
    talking = await floor_app.stage(phone, Conversing)
    assert isinstance(talking, Conversing) and talking.operator == "t1"
    row = await floor_app.outcome(phone)
    assert (row["outcome"], row["mode"]) == ("answered", "preview")
    assert await refused(floor_app.app.by_hand.dial_card(login)) == "no_card"
    assert await floor_app.truth() == []


async def test_a_skipped_lead_comes_again_later_and_its_history_says_why(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1")
    first, second = number("0101"), number("0101")
    campaign = await running(floor_app, first, second, mode="preview")
    await shown(floor_app, first)
    assert await refused(floor_app.app.by_hand.dial_number("t1", campaign, second)) == "card_open"
    floor_app.app.by_hand.skip("t1", "  busy until\tFriday ")
    assert await shown(floor_app, second) == "t1"
    await floor_app.app.journal.flushed(5)
    lead = await floor_app.lead(first)
    assert (lead["status"], lead["approaches"]) == ("retry", 0)
    again_s = await floor_app.pool.fetchval(
        "select extract(epoch from next_at - now()) from lead where id = $1", lead["id"]
    )
    assert 3.9 * 3600 < again_s <= 4 * 3600
    skip = await floor_app.pool.fetchrow("select reason, read_s from skip")
    assert skip is not None
    assert skip["reason"] == "busy until Friday" and 0 <= skip["read_s"] < 20
    await floor_app.pool.execute("update lead set next_at = now() where id = $1", lead["id"])
    floor_app.app.by_hand.skip("t1", "not now")
    await shown(floor_app, first)
    card = await floor_app.app.by_hand.card("t1")
    assert [past.reason for past in card.skips] == ["busy until Friday"]
    assert await floor_app.attempts() == []


async def test_at_the_limit_the_campaign_says_what_happens(floor_app: FloorApp) -> None:
    """Three campaigns, each with another answer, and an operator before each one's card."""
    await floor_app.sign_in("t1", "t2", "t3")
    phones = {at_limit: number("1101") for at_limit in ("dial", "skip", "pause")}
    for at_limit, phone in phones.items():
        await running(
            floor_app, phone, mode="preview", preview_limit_s=5.0, preview_at_limit=at_limit
        )
    readers = {at_limit: await shown(floor_app, phone) for at_limit, phone in phones.items()}
    assert len(set(readers.values())) == 3

    await floor_app.state(readers["skip"], "ready")
    floor_app.app.desk.pause(readers["skip"], "lunch")  # or the card that is put back is shown next
    talking = await floor_app.stage(phones["dial"], Conversing)
    assert isinstance(talking, Conversing) and talking.operator == readers["dial"]
    floor_app.app.desk.hang_up(readers["dial"])
    await floor_app.outcome(phones["dial"])
    assert (await floor_app.state(readers["pause"], "paused")).state.why == "time limit"
    await floor_app.app.journal.flushed(5)
    assert (await floor_app.lead(phones["pause"]))["status"] == "new"
    assert (await floor_app.lead(phones["skip"]))["status"] == "retry"
    assert await floor_app.pool.fetchval("select reason from skip") == "time limit"
    assert len(await floor_app.attempts()) == 1


async def test_the_limit_of_a_card_whose_reader_has_just_left_means_nothing(
    floor_app: FloorApp,
) -> None:
    """Given three who read a card and sign out, when the process stalls until the cards' limit,
    then the cards go back and the floor works on."""
    await floor_app.sign_in("t1", "t2", "t3")
    phones = {at_limit: number("1101") for at_limit in ("dial", "skip", "pause")}
    for at_limit, phone in phones.items():
        await running(
            floor_app, phone, mode="preview", preview_limit_s=5.0, preview_at_limit=at_limit
        )
    readers = [await shown(floor_app, phone) for phone in phones.values()]
    for login in readers:
        floor_app.app.desk.sign_out(login)
    latest = max(card.until for card in floor_app.app.board.cards.values())
    time.sleep(max(0.0, latest + 0.1 - floor_app.app.clock()))

    await floor_app.until(lambda: not floor_app.app.board.cards, "nobody has a card")
    await asyncio.sleep(0.2)
    assert await floor_app.app.journal.flushed(5)
    for phone in phones.values():
        assert (await floor_app.lead(phone))["status"] == "new"
    assert await floor_app.attempts() == []
    await floor_app.sign_in_only("t1")
    await floor_app.until(lambda: bool(floor_app.app.board.cards), "a card is shown again")


async def test_a_card_is_one_operators_until_they_leave_then_anothers(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    phone = number("0101")
    campaign = await running(floor_app, phone, mode="preview")
    assert await shown(floor_app, phone) == "t1"
    await floor_app.sign_in_only("t2")
    await floor_app.state("t2", "ready")
    lead, by_hand = await floor_app.lead(phone), floor_app.app.by_hand
    assert await refused(by_hand.dial_lead("t2", campaign, lead["id"])) == "lead_busy"
    assert await refused(by_hand.dial_number("t2", campaign, phone)) == "lead_busy"
    assert await refused(by_hand.card("t2")) == "no_card"
    assert card_of(floor_app, phone) == "t1" and floor_app.seat("t2").state.kind == "ready"
    floor_app.app.desk.sign_out("t1")
    await floor_app.until(lambda: card_of(floor_app, phone) == "t2", "the card is freed for t2")
    floor_app.app.desk.pause("t2", "lunch")
    await floor_app.until(lambda: not floor_app.app.board.cards, "no card is left")
    await floor_app.app.journal.flushed(5)
    assert (await floor_app.lead(phone))["approaches"] == 0


# --- modes change at run time ------------------------------------------------------------------

CHANGES = [("progressive", "preview"), ("preview", "predictive"), ("predictive", "manual")]


@pytest.mark.parametrize(("old", "new"), CHANGES)
async def test_calls_end_as_they_began_when_the_mode_changes(
    floor_app: FloorApp, old: str, new: str
) -> None:
    """A call placed under the old mode rings on and is answered; the next goes by the new one."""
    await floor_app.sign_in("t1")
    first, second = number("1201"), number("1101")
    name = await running(floor_app, first, second, mode=old, wrap_up_limit_s=1.0)
    if old == "preview":
        await shown(floor_app, first)
        await floor_app.app.by_hand.dial_card("t1")
    elif old == "manual":
        await floor_app.app.by_hand.dial_number("t1", name, first)
    await floor_app.stage(first, Ringing)

    await floor_app.pool.execute("update campaign set mode = $1", new)

    talking = await floor_app.stage(first, Conversing)
    assert isinstance(talking, Conversing) and talking.operator == "t1"
    floor_app.app.desk.hang_up("t1")
    row = await floor_app.outcome(first)
    assert (row["outcome"], row["mode"]) == ("answered", old)
    if new == "preview":
        await shown(floor_app, second)
        await floor_app.app.by_hand.dial_card("t1")
    elif new == "manual":
        await floor_app.state("t1", "ready")
        await floor_app.app.by_hand.dial_number("t1", name, second)
    await floor_app.stage(second, Conversing, 20)
    floor_app.app.desk.hang_up("t1")
    assert (await floor_app.outcome(second))["mode"] == new
    assert await floor_app.truth() == []


async def test_a_card_is_taken_away_when_its_campaign_turns_progressive(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1")
    phone = number("1101")
    await running(floor_app, phone, mode="preview")
    await shown(floor_app, phone)
    await floor_app.pool.execute("update campaign set mode = 'progressive'")
    await floor_app.stage(phone, Conversing)
    floor_app.app.desk.hang_up("t1")
    row = await floor_app.outcome(phone)
    assert (row["mode"], row["dial_operator"]) == ("progressive", "t1")
