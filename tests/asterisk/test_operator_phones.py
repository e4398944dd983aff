"""Phones that ring for each call, and outside numbers over a trunk, on real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from campaigns.by_hand.model import ByHandError
from dialer.calls import Answered, Conversing, Ringing
from dialer.config import PhonesSettings, Settings, TransferSettings
from dialer.database.pool import open_pool
from dialer.demo.carrier import Manners
from dialer.talk.checks import Target
from tests.asterisk.race_tools import bridged, carrier_channel, phones_as_before
from tests.asterisk.talk_tools import (
    FIRST,
    PERSON,
    SECOND,
    Call,
    Ear,
    all_hear,
    hang_up,
    phone_ear,
)
from tests.asterisk.test_broadcast import People, survey
from tests.asterisk.test_crash import serving
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for

MINE = "+74950000001"
RINGS_S = 2.0


def settings_of(telephony: Telephony, database: str, root: Path, accept_s: float = 0.0) -> Settings:
    settings = settings_for(
        telephony,
        database,
        root,
        transfers=TransferSettings(numbers=("+79*",)),
        operator_ring_s=RINGS_S,
    )
    phones = PhonesSettings(
        outside_numbers=("+79*",), outside_caller_id=MINE, outside_accept_s=accept_s
    )
    return settings.model_copy(update={"phones": phones})


@pytest.fixture
async def floor(telephony: Telephony, database: str, tmp_path: Path) -> AsyncIterator[FloorApp]:
    settings = settings_of(telephony, database, tmp_path)
    phones = phones_as_before(telephony, "t1", "t2", "t3")
    async with phones, running_app(telephony, settings) as floor:
        yield floor


async def hire(floor: FloorApp, login: str, mode: str, phone: str | None = None) -> None:
    await floor.hire(login)
    await floor.pool.execute(
        "update operator set phone_mode = $2, phone_number = $3 where login = $1",
        login, mode, phone,
    )  # fmt: skip


async def on_call(floor: FloorApp, *logins: str) -> None:
    """Signed in with phones that are rung for each call: ready at once, no phone is up."""
    for login in logins:
        await hire(floor, login, "ring_per_call")
        assert (await floor.app.desk.sign_in(login)).state == "ready"
        assert not floor.seat(login).leg_id


async def put_down(floor: FloorApp, login: str) -> None:
    """The operator's phone is in no call any more."""
    async with asyncio.timeout(10):
        while await floor.telephony.carrier.phone_channel(login):
            await asyncio.sleep(0.05)
    assert not floor.seat(login).channel


async def why(floor: FloorApp, login: str, state: str, reason: str) -> None:
    def there() -> bool:
        now = floor.seat(login).state
        return now.kind == state and now.why == reason

    await floor.until(there, f"{login} is {state} ({reason})")


async def states_of(floor: FloorApp, login: str) -> list[str]:
    """The log of the operator's shift: states with their reasons."""
    await floor.app.journal.flushed(5)
    rows = await floor.pool.fetch(
        "select st.state, st.reason from shift_state st join shift s on s.id = st.shift_id "
        "join operator o on o.id = s.operator_id where o.login = $1 order by st.seq",
        login,
    )
    return [f"{r['state']}:{r['reason']}" if r["reason"] else r["state"] for r in rows]


async def person_of(floor: FloorApp, phone: str, folder: Path) -> Ear:
    return await Ear(floor, await carrier_channel(floor, phone), folder).says(PERSON)


# --- rung for each call ------------------------------------------------------------------------


async def test_the_phone_rings_before_the_dial_and_is_put_down_after_the_talk(
    floor: FloorApp, tmp_path: Path
) -> None:
    carrier = floor.telephony.carrier
    await carrier.set_manners("t1", Manners.LATE, 1)
    await on_call(floor, "t1")
    silent, phone = number("2201"), number("1101")
    await floor.campaign(silent, phone)

    await why(floor, "t1", "reserved", "phone")
    assert "rings" in floor.app.desk.seat("t1").notice_en
    assert await floor.attempts() == []
    talking = await floor.stage(phone, Conversing)
    assert isinstance(talking, Conversing) and talking.operator == "t1"
    assert talking.answer_to_operator_s < 0.5
    person = await person_of(floor, phone, tmp_path)
    first = await phone_ear(floor, "t1", tmp_path, FIRST)
    await all_hear((person, [FIRST]), (first, [PERSON]))

    await hang_up(person)
    row = await floor.outcome(phone)
    assert (row["outcome"], row["ended_by"], row["operator"]) == ("answered", "person", "t1")
    await floor.state("t1", "wrap_up")
    await put_down(floor, "t1")
    floor.app.desk.ready("t1")
    assert floor.seat("t1").state.kind == "ready" and not floor.seat("t1").leg_id
    # One ringing for the number that does not exist and the conversation together.
    assert await states_of(floor, "t1") == [
        "ready", "reserved:phone", "ready", "dialing", "ready", "dialing", "reserved", "talking",
        "wrap_up", "ready",
    ]  # fmt: skip
    legs = await floor.pool.fetch("select * from call where direction = 'operator'")
    assert len(legs) == 1 and legs[0]["ended_at"] is not None
    assert await floor.truth() == []


async def test_who_does_not_answer_is_paused_and_the_next_phone_rings(floor: FloorApp) -> None:
    carrier = floor.telephony.carrier
    await carrier.set_manners("t1", Manners.NEVER)
    await carrier.set_manners("t2", Manners.BUSY)
    await on_call(floor, "t1", "t2", "t3")
    phone = number("1101")
    await floor.campaign(phone)

    talking = await floor.stage(phone, Conversing, 20)
    assert isinstance(talking, Conversing) and talking.operator == "t3"
    for login in ("t1", "t2"):
        await why(floor, login, "paused", "no_answer")
        assert "not answered" in floor.app.desk.seat(login).notice_en
        assert "не ответил" in floor.app.desk.seat(login).notice_ru
    await carrier.hang_up_phone("t3")
    row = await floor.outcome(phone)
    assert (row["outcome"], row["ended_by"]) == ("answered", "operator")
    assert len(await floor.attempts()) == 1
    await floor.state("t3", "wrap_up")
    await put_down(floor, "t1")
    floor.app.desk.ready("t1")
    assert await states_of(floor, "t1") == [
        "ready", "reserved:phone", "paused:no_answer", "ready",
    ]  # fmt: skip


async def test_what_an_operator_ends_by_the_handset(floor: FloorApp) -> None:
    """Before the person is there: a dial of the dialer's, which goes to the next one; their own."""
    await on_call(floor, "t1", "t2")
    carrier, phone = floor.telephony.carrier, number("2001")
    campaign = await floor.campaign(phone)
    await floor.stage(phone, Ringing)
    await carrier.hang_up_phone("t1")
    await why(floor, "t1", "paused", "hung_up")
    row = await floor.outcome(phone)
    assert (row["outcome"], row["ended_by"]) == ("no_answer", "dialer")
    await floor.set_campaign(campaign, "paused")

    typed, manual = number("2001"), await floor.campaign(mode="manual")
    await floor.until(lambda: manual in floor.app.board.campaigns, "the campaign is known")
    name = floor.app.board.campaigns[manual].name
    await floor.app.by_hand.dial_number("t2", name, typed)
    await floor.stage(typed, Ringing)
    await carrier.hang_up_phone("t2")
    row = await floor.outcome(typed)
    assert (row["outcome"], row["ended_by"]) == ("no_answer", "operator")
    await floor.state("t2", "ready")

    await carrier.set_manners("t2", Manners.NEVER)
    with pytest.raises(ByHandError) as refused:
        await floor.app.by_hand.dial_number("t2", name, number("1101"))
    assert refused.value.id == "phone_no_answer" and "не ответил" in refused.value.to("ru")
    await why(floor, "t2", "paused", "no_answer")
    assert len(await floor.attempts()) == 2


async def test_a_card_is_read_without_the_phone_and_dialed_with_it(floor: FloorApp) -> None:
    await on_call(floor, "t1")
    phone = number("1101")
    await floor.campaign(phone, mode="preview")
    await floor.until(lambda: "t1" in floor.app.board.cards, "a card is shown")
    assert not floor.seat("t1").leg_id
    await floor.app.by_hand.dial_card("t1")
    talking = await floor.stage(phone, Conversing)
    assert isinstance(talking, Conversing) and talking.answer_to_operator_s < 0.5
    floor.app.desk.hang_up("t1")
    await floor.outcome(phone)
    await floor.state("t1", "wrap_up")
    await put_down(floor, "t1")


async def test_people_who_are_handed_on_hear_music_while_the_phone_rings(
    floor: FloorApp, tmp_path: Path
) -> None:
    """One hangs up meanwhile: the phone stops. The other one talks with the second operator."""
    floor.app.seating.legs.ring_s = 20.0
    carrier = floor.telephony.carrier
    await floor.sign_in("t1")
    await carrier.set_manners("t2", Manners.NEVER)
    gone, stays = number("1101"), number("1101")
    talks = floor.app.talk
    assert talks is not None
    for phone in (gone, stays):
        campaign = await floor.campaign(phone, wrap_up_limit_s=1.0)
        await floor.stage(phone, Conversing)
        await floor.set_campaign(campaign, "paused")
        if phone == gone:
            await on_call(floor, "t2")
        person = await person_of(floor, phone, tmp_path)
        await talks.talks.transfer("t1", Target(operator="t2"))
        await why(floor, "t2", "reserved", "phone")
        await person.hears("music")
        if phone == gone:
            await hang_up(person)
            await floor.state("t2", "ready")
            await put_down(floor, "t2")
            await carrier.set_manners("t2", Manners.LATE, 1)
            await floor.state("t1", "ready")
    await floor.state("t2", "talking")
    second = await phone_ear(floor, "t2", tmp_path, SECOND)
    await all_hear((person, [SECOND]), (second, [PERSON]))
    await hang_up(person)
    assert (await floor.outcome(stays))["operator"] == "t2"
    await floor.state("t2", "wrap_up")
    await put_down(floor, "t2")


async def test_people_who_ask_for_somebody_have_the_phone_rung(
    floor: FloorApp, telephony: Telephony, tmp_path: Path
) -> None:
    """By a key in a broadcast, in time for the law; by an operator who asks for advice or parks."""
    await on_call(floor, "t2")
    pressed, people = number("1101"), People(telephony)
    await floor.campaign(pressed, mode="broadcast", broadcast=survey(), wrap_up_limit_s=1.0)
    attempt = str((await floor.stage(pressed, Answered)).id)
    await people.hears(attempt, "service")
    assert not floor.seat("t2").leg_id
    await people.press(pressed, "1")
    talking = await floor.stage(pressed, Conversing)
    assert isinstance(talking, Conversing) and talking.operator == "t2"
    floor.app.desk.hang_up("t2")
    assert (await floor.outcome(pressed))["outcome"] == "answered"
    await put_down(floor, "t2")

    await floor.sign_in("t1")
    call = await talking_with_t1(floor, tmp_path)
    talks = call.talks
    await floor.state("t2", "ready")
    await talks.consult("t1", Target(operator="t2"))
    second = await call.other("t2", SECOND)
    await all_hear((call.person, ["music"]), (second, [FIRST]), (call.first, [SECOND]))
    await talks.cancel("t1")
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    await floor.state("t2", "ready")
    floor.app.desk.pause("t2", "tea")
    await put_down(floor, "t2")
    floor.app.desk.ready("t2")
    await talks.park("t1")
    await talks.pick_up("t2")
    await floor.state("t2", "talking")
    second = await call.other("t2", SECOND)
    await all_hear((call.person, [SECOND]), (second, [PERSON]))
    assert (await call.end())["operator"] == "t2"
    await put_down(floor, "t2")


async def talking_with_t1(floor: FloorApp, folder: Path) -> Call:
    """t1, who is signed in, talks with a person; both say their tones."""
    phone = number("1101")
    campaign = await floor.campaign(phone)
    attempt = await floor.stage(phone, Conversing)
    assert isinstance(attempt, Conversing)
    await floor.set_campaign(campaign, "paused")
    first = await phone_ear(floor, "t1", folder, FIRST)
    return Call(floor, phone, attempt, await person_of(floor, phone, folder), first)


async def test_predictive_counts_a_phone_only_while_it_is_up(floor: FloorApp) -> None:
    carrier = floor.telephony.carrier
    await carrier.set_manners("t1", Manners.LATE, 1)
    await on_call(floor, "t1")
    phone = number("1101")
    campaign_id = await floor.campaign(phone, mode="predictive")
    await why(floor, "t1", "reserved", "phone")
    campaign = floor.app.board.campaigns[campaign_id]
    assert floor.app.controller.shares.free(campaign) == 0
    talking = await floor.stage(phone, Conversing)
    assert isinstance(talking, Conversing) and talking.answer_to_operator_s < 0.5
    view = floor.app.board.floor_of(campaign, time.time(), 0, 10)
    assert view.talking == ()
    floor.app.desk.hang_up("t1")
    assert (await floor.outcome(phone))["outcome"] == "answered"


# --- an outside number over the trunk -----------------------------------------------------------


async def outside_ear(floor: FloorApp, phone: str, folder: Path, hz: int) -> Ear:
    return await Ear(floor, await answered(floor, phone), folder).says(hz)


async def answered(floor: FloorApp, phone: str) -> str:
    """The outside phone's channel, once it is up: a ringing one that is sent elsewhere is lost."""
    channel = await carrier_channel(floor, phone)
    async with asyncio.timeout(10):
        while "State: Up" not in await floor.telephony.carrier.server.cli(
            f"core show channel {channel}"
        ):
            await asyncio.sleep(0.1)
    return channel


async def test_an_outside_number_works_as_a_phone(floor: FloorApp, tmp_path: Path) -> None:
    trunk, mobile, phone = floor.app.board.trunks["carrier"], number("6000"), number("1101")
    await hire(floor, "t1", "nailed_up", mobile)
    assert (await floor.app.desk.sign_in("t1")).state == "connecting"
    await floor.state("t1", "ready")
    assert trunk.used == 1
    await floor.app.journal.flushed(5)
    leg = await floor.pool.fetchrow("select * from call where direction = 'operator'")
    assert leg is not None and leg["trunk_id"] == trunk.trunk_id
    await floor.campaign(phone)
    talking = await floor.stage(phone, Conversing)
    assert isinstance(talking, Conversing) and talking.answer_to_operator_s < 0.5
    assert trunk.used == 2
    person = await person_of(floor, phone, tmp_path)
    first = await outside_ear(floor, mobile, tmp_path, FIRST)
    await all_hear((person, [FIRST]), (first, [PERSON]))
    shown = await floor.telephony.carrier.server.cli(f"core show channel {first.channel}")
    assert MINE.lstrip("+") in shown

    # The leg drops in the talk, and once more while it waits: called again, and no line is lost.
    await hang_up(first)
    row = await floor.outcome(phone)
    assert (row["outcome"], row["ended_by"]) == ("answered", "operator")
    await floor.state("t1", "wrap_up")
    floor.app.desk.ready("t1")
    await floor.state("t1", "ready")
    assert trunk.used == 1
    again = await outside_ear(floor, mobile, tmp_path, FIRST)
    await hang_up(again)
    await floor.state("t1", "connecting")
    await floor.state("t1", "ready")
    floor.app.desk.sign_out("t1")
    await floor.until(lambda: trunk.used == 0, "the line is free")
    assert trunk.breaker.dead_in_row == 0


async def pressed(floor: FloorApp, phone: str, key: str) -> None:
    """The outside phone, once it is answered, presses a key."""
    channel = await answered(floor, phone)
    await floor.telephony.carrier.server.cli(f"channel redirect {channel} carrier-keys,{key},1")


async def test_an_outside_phone_is_the_operators_only_after_1_is_pressed(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """A voice box is a missed ring: the person is not dialed before somebody accepts."""
    settings = settings_of(telephony, database, tmp_path, accept_s=8)
    mobile, phone = number("6000"), number("1101")
    async with running_app(telephony, settings) as floor:
        await hire(floor, "t1", "ring_per_call", mobile)
        assert (await floor.app.desk.sign_in("t1")).state == "ready"
        await floor.campaign(phone)
        box = await outside_ear(floor, mobile, tmp_path, FIRST)
        assert await box.is_asked(660)
        await why(floor, "t1", "paused", "no_answer")
        assert await floor.attempts() == []
        trunk = floor.app.board.trunks["carrier"]
        await floor.until(lambda: trunk.used == 0, "the line is free")
        assert trunk.breaker.dead_in_row == 0

        floor.app.desk.ready("t1")
        await pressed(floor, mobile, "5")
        await why(floor, "t1", "paused", "no_answer")
        assert await floor.attempts() == []

        floor.app.desk.ready("t1")
        await pressed(floor, mobile, "1")
        talking = await floor.stage(phone, Conversing)
        assert isinstance(talking, Conversing) and talking.operator == "t1"
        person = await person_of(floor, phone, tmp_path)
        accepted = await outside_ear(floor, mobile, tmp_path, FIRST)
        await all_hear((person, [FIRST]), (accepted, [PERSON]))
        await asyncio.sleep(8)  # the limit of accepting is over, and ends nothing
        assert floor.live(phone) == talking
        floor.app.desk.hang_up("t1")
        assert (await floor.outcome(phone))["operator"] == "t1"


async def test_an_outside_number_that_cannot_be_called(floor: FloorApp) -> None:
    """Not allowed: never dialed. Unanswered: rung in vain a few times only, then not by itself."""
    trunk = floor.app.board.trunks["carrier"]
    forbidden, rings, rung = "+74951234567", number("2001"), number("2001")
    await hire(floor, "t1", "nailed_up", forbidden)
    await floor.app.desk.sign_in("t1")
    await why(floor, "t1", "paused", "no_line")
    await hire(floor, "t2", "ring_per_call", rings)
    assert (await floor.app.desk.sign_in("t2")).state == "ready"
    campaign = await floor.campaign(number("1101"))
    await why(floor, "t2", "paused", "no_answer")
    await floor.set_campaign(campaign, "paused")
    await hire(floor, "t3", "nailed_up", rung)
    await floor.app.desk.sign_in("t3")
    await floor.until(lambda: floor.seat("t3").state.why == "no_answer", "t3 is given up", 30)
    await floor.until(lambda: trunk.used == 0, "no line is taken")
    calls = [call.number for call in await asyncio.to_thread(floor.calls)]
    assert (calls.count(forbidden), calls.count(rings), calls.count(rung)) == (0, 1, 3)
    assert await floor.attempts() == []
    floor.app.desk.ready("t3")
    assert floor.seat("t3").state.kind == "connecting"
    await floor.until(lambda: trunk.used == 1, "it is called again")


# --- a restart ----------------------------------------------------------------------------------


async def test_a_killed_controller_finds_these_phones_again(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """One rings, one is in a conversation, one is an outside number on the line for the shift."""
    settings = settings_of(telephony, database, tmp_path)
    settings = settings.model_copy(
        update={"asterisk": settings.asterisk.model_copy(update={"operator_ring_s": 20.0})}
    )
    mobile, talked, waits = number("6000"), number("1101"), number("1101")
    async with running_app(telephony, settings, check=False) as first:
        await hire(first, "t1", "ring_per_call")
        await hire(first, "t2", "ring_per_call")
        await hire(first, "t3", "nailed_up", mobile)
    began_at = time.time()
    pool = await open_pool(database, min_size=1, application_name="prozvon test")
    floor = FloorApp(first.app, telephony, pool, began_at)
    async with phones_as_before(telephony, "t1", "t2"):
        async with serving(settings, tmp_path) as process:
            await process.ask("POST", "operators/t1/sign-in")
            campaign = await floor.campaign(talked)
            await bridged(floor, talked)
            await floor.set_campaign(campaign, "paused")
            await process.ask("POST", "operators/t3/sign-in")
            async with asyncio.timeout(20):
                while (await process.states())["t3"] != "ready":
                    await asyncio.sleep(0.05)
            await process.ask("POST", "operators/t3/pause", {"reason": "lunch"})
            await telephony.carrier.set_manners("t2", Manners.LATE, 6)
            await process.ask("POST", "operators/t2/sign-in")
            await floor.campaign(waits)
            async with asyncio.timeout(20):
                while (await process.states())["t2"] != "reserved":
                    await asyncio.sleep(0.05)
            process.kill()
        async with running_app(telephony, settings) as again:
            again.began_at = began_at
            trunk = again.app.board.trunks["carrier"]
            assert again.seat("t1").state.kind == "talking"
            assert again.seat("t3").state.why == "lunch" and again.seat("t3").channel
            assert trunk.used == 2
            talking = await again.stage(waits, Conversing, 20)
            assert isinstance(talking, Conversing) and talking.operator == "t2"
            await again.until(lambda: trunk.used == 3, "three lines are taken")
            for login, phone in (("t1", talked), ("t2", waits)):
                again.app.desk.hang_up(login)
                assert (await again.outcome(phone))["operator"] == login
                await again.state(login, "wrap_up")
                await put_down(again, login)
            again.app.desk.sign_out("t3")
            await again.until(lambda: trunk.used == 0, "all lines are free")
            assert await again.truth() == []
    await pool.close()
