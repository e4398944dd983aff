"""The product's dialplan on a real Asterisk, with persons and operators over real SIP and RTP."""

import asyncio
import math
import re
import socket
import uuid
import wave
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from agi.server import AgiHungUp, AgiSession
from campaigns.operators.model import PhoneLogin
from dialer.asterisk.ami import AmiRefused
from dialer.asterisk.conf import SOUNDS
from dialer.asterisk.events import BridgeEntered, ChannelState, Hangup, UserEvent
from dialer.asterisk.phones import PhoneProvisioner
from monitoring.recordings.model import base_of, legs_of
from tests.fixtures_asterisk import FarEnd, Floor, Pbx, agi_server, connected

TALKS_LONG = "+79990000600"
TALKS_1_S = "+79990000010"
HANGS_UP_AT_ONCE = "+79990000000"
PRESSES_9 = "+79990009010"

PERSON_HZ, OPERATOR_HZ = 440, 1000

Pick = Callable[[AgiSession], Awaitable[str]]


@pytest.fixture(scope="module")
def phone(pbx: Pbx, far_end: FarEnd) -> str:
    """The login of an operator whose phone is registered."""
    asyncio.run(register(pbx, far_end, "nina"))
    return "nina"


async def register(pbx: Pbx, far_end: FarEnd, login: str) -> None:
    async with connected(pbx) as floor, aiohttp.ClientSession() as session:
        conf = pbx.conf
        phones = PhoneProvisioner(
            pbx.ari_url, conf.ari_username, conf.ari_secret, session, floor.ami
        )
        await phones.add(login, ha1=PhoneLogin(f"op-{login}", "secret-of-the-phone").ha1)
        await far_end.use_phones((login, "secret-of-the-phone"))
        for _ in range(300):
            if await phones.registered(login):
                return
            await asyncio.sleep(0.05)
    raise AssertionError(f"the phone of {login} did not register")


@pytest.fixture
async def operator(phone: str, floor: Floor) -> str:
    """The channel name of an operator who waits for a call."""
    return await floor.call_operator(phone)


def answered(pick: Pick) -> Callable[[AgiSession], Awaitable[None]]:
    """A route that names the operator that `pick` returns."""

    async def route(session: AgiSession) -> None:
        await session.set_variable("PROZVON_OPERATOR", await pick(session))

    return route


def always(operator: str) -> Pick:
    async def pick(session: AgiSession) -> str:
        return operator

    return pick


async def stall(session: AgiSession) -> None:
    await asyncio.sleep(30)


async def wait_s(floor: Floor, attempt: str) -> float:
    """Seconds from the person's answer to the message."""
    abandoned = await floor.log.until(lambda: floor.log.user("ProzvonAbandoned", attempt))
    up = floor.log.of(ChannelState, unique_id=attempt, state=6)[0]
    return abandoned.at - up.at


async def application(floor: Floor, attempt: str) -> str:
    """What the dialplan does with the person now, such as `BackGround`."""
    items = await floor.ami.list_action("CoreShowChannels")
    return next(i["Application"] for i in items if i["Uniqueid"] == attempt)


async def plays_the_message(floor: Floor, attempt: str) -> None:
    """The event comes just before the prompt: a moment later it is played."""
    async with asyncio.timeout(2):
        while await application(floor, attempt) != "BackGround":
            await asyncio.sleep(0.02)
    assert floor.log.user("ProzvonAbandoned", attempt)


async def until_alone(floor: Floor, operator: str) -> None:
    """Until the operator waits, free, without a person."""
    for _ in range(100):
        if await floor.is_free(operator):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the operator did not come back to waiting")


# --- start and rights --------------------------------------------------------------------------


def test_the_boot_log_has_no_complaint(pbx: Pbx) -> None:
    complaints = re.findall(r".*\b(?:ERROR|WARNING)\[.*", pbx.boot_log)
    # PJSIP's threads may be at work before its last module is there, where the machine is slow to
    # start it (Asterisk 22.10). It is not asked for anything before it is ready.
    assert not [line for line in complaints if "registered during operation" not in line]


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Command", {"Command": "core show version"}),
        ("Originate", {"Channel": "Local/s@prozvon-ping", "Application": "System", "Data": "id"}),
        ("Originate", {"Channel": "Local/s@prozvon-ping", "Application": "AGI", "Data": "x"}),
        ("ModuleLoad", {"Module": "app_system.so", "LoadType": "load"}),
        ("Reload", {}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("UpdateConfig", {"SrcFilename": "manager.conf", "DstFilename": "manager.conf"}),
        ("DBPut", {"Family": "a", "Key": "b", "Val": "c"}),
        ("Getvar", {"Variable": "SHELL(id)"}),
        ("UserEvent", {"UserEvent": "ProzvonOptOut"}),
    ],
)
async def test_the_ami_user_may_not(floor: Floor, action: str, fields: dict[str, str]) -> None:
    try:
        answer = await floor.ami.action(action, fields)
    except AmiRefused:
        return
    assert answer.get("Value") == "", f"{action} was carried out"


@pytest.mark.parametrize(
    "action",
    ["CoreShowChannels", "DBGetTree", "DeviceStateList", "PJSIPShowRegistrationsOutbound"],
)
async def test_the_ami_user_may_look(floor: Floor, action: str) -> None:
    fields = {"Family": "prozvon_opt_out"} if action == "DBGetTree" else {}
    assert isinstance(await floor.ami.list_action(action, fields), list)


# --- no operator in time -----------------------------------------------------------------------


async def test_without_fastagi_the_message_comes_at_once_and_the_call_ends(floor: Floor) -> None:
    attempt = await floor.call_person(TALKS_LONG, PROZVON_MESSAGE=str(SOUNDS / "prozvon-opt-out"))
    assert await wait_s(floor, attempt) < 1.0  # and not at the limit
    await plays_the_message(floor, attempt)
    await floor.log.hangup_of(attempt, timeout_s=12)
    assert len(floor.log.user("ProzvonAbandoned", attempt)) == 1


async def test_a_stalled_controller_gives_the_message_at_the_limit(floor: Floor) -> None:
    async with agi_server(floor.pbx, answered=stall):
        attempt = await floor.call_person(TALKS_LONG)
        assert 1.7 < await wait_s(floor, attempt) < 2.3
    await plays_the_message(floor, attempt)
    await floor.ami.hangup(attempt)
    await floor.log.hangup_of(attempt)
    assert len(floor.log.user("ProzvonAbandoned", attempt)) == 1


async def test_a_frozen_controller_gives_the_message_at_the_limit(floor: Floor) -> None:
    # The kernel takes the connection, nobody reads it: a stopped process looks like this.
    with socket.create_server(("127.0.0.1", floor.pbx.conf.agi_port)):
        attempt = await floor.call_person(TALKS_LONG)
        assert 1.7 < await wait_s(floor, attempt) < 2.3


async def test_a_controller_that_dies_while_holding_gives_the_message_at_once(
    floor: Floor,
) -> None:
    async with agi_server(floor.pbx, answered=stall) as server:
        attempt = await floor.call_person(TALKS_LONG)
        while not server.sessions:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        await server.close(0)
        assert 0.3 < await wait_s(floor, attempt) < 0.8


async def test_a_hang_up_while_the_controller_decides_is_not_delayed(floor: Floor) -> None:
    ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def hold(session: AgiSession) -> None:
        await session.hung_up.wait()
        ended.set_result(asyncio.get_running_loop().time())
        raise AgiHungUp

    async with agi_server(floor.pbx, answered=hold) as server:
        attempt = await floor.call_person(TALKS_LONG)
        while not server.sessions:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        before = asyncio.get_running_loop().time()
        await floor.ami.hangup(attempt)
        await floor.log.hangup_of(attempt, timeout_s=1.0)
        assert await asyncio.wait_for(ended, 2) - before < 1.0
    assert not floor.log.user("ProzvonAbandoned", attempt)


async def test_an_unknown_message_or_language_still_plays_a_message(floor: Floor) -> None:
    attempt = await floor.call_person(
        TALKS_LONG, PROZVON_MESSAGE="/no/such-sound", **{"CHANNEL(language)": "de"}
    )
    await wait_s(floor, attempt)
    await asyncio.sleep(0.5)
    assert await application(floor, attempt) in ("BackGround", "ExecIf")


async def test_an_opt_out_is_kept_on_the_node(floor: Floor) -> None:
    attempt = await floor.call_person(PRESSES_9)
    pressed = await floor.log.until(lambda: floor.log.user("ProzvonOptOut", attempt))
    rows = await floor.ami.list_action("DBGetTree", {"Family": "prozvon_opt_out"})
    kept = {row["Key"]: float(row["Val"]) for row in rows}
    assert abs(kept[f"/prozvon_opt_out/{attempt}"] - pressed.at) < 2
    assert await application(floor, attempt) == "Playback"
    await floor.log.hangup_of(attempt, timeout_s=10)

    # How the controller takes it away once it is safe in its own database.
    key = f"DB_DELETE(prozvon_opt_out/{attempt})"
    await floor.ami.action("Setvar", {"Variable": key, "Value": "collected"})
    assert not await floor.ami.list_action("DBGetTree", {"Family": "prozvon_opt_out"})


# --- answer to operator ------------------------------------------------------------------------


async def test_a_conversation_is_recorded_and_the_operator_comes_back(
    floor: Floor, operator: str
) -> None:
    recording = floor.pbx.conf.recordings_dir / f"{uuid.uuid4()}.wav"
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        attempt = await floor.call_person(TALKS_1_S, PROZVON_RECORDING=base_of(recording))
        bridged = await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
        up = floor.log.of(ChannelState, unique_id=attempt, state=6)[0]
        assert bridged.at - up.at < 0.5
        assert not await floor.is_free(operator)
        await floor.log.hangup_of(attempt)
    await until_alone(floor, operator)
    assert not floor.log.user("ProzvonAbandoned", attempt)
    assert not floor.log.user("ProzvonMissed", attempt)
    await asyncio.sleep(0.2)
    person, ours = legs_of(recording)
    assert loudness(person, PERSON_HZ) > 100 and loudness(ours, OPERATOR_HZ) > 100
    assert loudness(person, OPERATOR_HZ) < 50 and loudness(ours, PERSON_HZ) < 50
    assert loudness(person, 700) < 50


async def test_the_controller_may_name_the_operator_late(floor: Floor, operator: str) -> None:
    async def pick(session: AgiSession) -> str:
        await asyncio.sleep(1)
        return operator

    async with agi_server(floor.pbx, answered=answered(pick)):
        attempt = await floor.call_person(TALKS_LONG)
        taken = await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
        up = floor.log.of(ChannelState, unique_id=attempt, state=6)[0]
        assert 0.9 < taken.at - up.at < 1.5
        # The limit is off during the conversation.
        await asyncio.sleep(1.5)
        assert await floor.partners(operator) == {attempt}


async def test_the_conversation_goes_on_without_a_controller(floor: Floor, operator: str) -> None:
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        attempt = await floor.call_person(TALKS_1_S)
        await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
    await floor.log.hangup_of(attempt)
    await until_alone(floor, operator)


async def test_the_second_taker_of_an_operator_does_not_end_the_first_conversation(
    floor: Floor, operator: str
) -> None:
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        first = await floor.call_person(TALKS_LONG)
        await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=first))
        second = await floor.call_person(TALKS_LONG)
        missed = await floor.log.until(lambda: floor.log.user("ProzvonMissed", second))
        assert missed.fields["Operator"] == operator
        assert 1.7 < await wait_s(floor, second) < 2.3
    assert await floor.partners(operator) == {first}
    assert not floor.log.of(BridgeEntered, unique_id=second)
    assert len(floor.log.user("ProzvonAbandoned", second)) == 1


async def test_of_many_takers_at_once_one_talks(floor: Floor, operator: str) -> None:
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        attempts = [await floor.call_person(TALKS_LONG) for _ in range(6)]
        for attempt in attempts:
            await floor.log.until(
                lambda attempt=attempt: (
                    floor.log.of(BridgeEntered, unique_id=attempt)  # type: ignore[misc]
                    or floor.log.user("ProzvonAbandoned", attempt)
                )
            )
    taken = [attempt for attempt in attempts if floor.log.of(BridgeEntered, unique_id=attempt)]
    assert len(taken) == 1
    assert await floor.partners(operator) == set(taken)


async def test_when_the_operator_is_gone_the_controller_is_asked_again(
    floor: Floor, operator: str
) -> None:
    left: list[float] = []

    async def pick(session: AgiSession) -> str:
        left.append(float(session.variables["agi_arg_1"]))
        return "PJSIP/op-gone-00000000" if len(left) == 1 else operator

    async with agi_server(floor.pbx, answered=answered(pick)):
        attempt = await floor.call_person(TALKS_LONG)
        await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
    assert left[0] == 2.0 and 1.5 < left[1] < 2.0
    assert len(floor.log.user("ProzvonMissed", attempt)) == 1


async def test_a_bridge_that_fails_after_the_guard_is_a_miss_and_gives_the_operator_back(
    floor: Floor, operator: str
) -> None:
    asked: list[str] = []

    async def pick(session: AgiSession) -> str:
        asked.append(session.channel)
        if len(asked) > 1:
            return operator
        # The person's own channel, made to look free: the guard passes, Bridge() says LOOP.
        await floor.ami.set_variable(session.channel, "SHARED(free)", "1")
        return session.channel

    async with agi_server(floor.pbx, answered=answered(pick)):
        attempt = await floor.call_person(TALKS_LONG)
        missed = await floor.log.until(lambda: floor.log.user("ProzvonMissed", attempt))
        assert missed.fields["Operator"] == asked[0]
        assert await floor.is_free(asked[0])
        await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
    assert await floor.partners(operator) == {attempt}


async def test_a_hang_up_between_taking_and_bridging_frees_the_operator(
    floor: Floor, operator: str
) -> None:
    async with agi_server(floor.pbx, answered=stall) as server:
        attempt = await floor.call_person(TALKS_LONG)
        while not server.sessions:
            await asyncio.sleep(0.02)
        # As the dialplan leaves it between the guard and Bridge().
        await floor.ami.set_variable(attempt, "PROZVON_OPERATOR", operator)
        await floor.ami.set_variable(attempt, "PROZVON_TAKE", "11")
        await floor.ami.set_variable(operator, "SHARED(free)", "0")
        await floor.ami.hangup(attempt)
        await floor.log.hangup_of(attempt)
    assert await floor.is_free(operator)


async def test_when_the_operator_hangs_up_the_person_is_not_left_in_silence(
    floor: Floor, operator: str, far_end: FarEnd
) -> None:
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        attempt = await floor.call_person(TALKS_LONG)
        await floor.log.until(lambda: floor.log.of(BridgeEntered, unique_id=attempt))
        await floor.ami.hangup(operator)
        await floor.log.hangup_of(attempt, timeout_s=1)
    assert not floor.log.user("ProzvonAbandoned", attempt)


async def test_persons_who_hang_up_at_once_never_lock_the_operator(
    floor: Floor, operator: str
) -> None:
    async with agi_server(floor.pbx, answered=answered(always(operator))):
        for number in range(30):
            attempt = await floor.call_person(HANGS_UP_AT_ONCE)
            await floor.log.until(lambda: floor.log.of(ChannelState, unique_id=attempt, state=6))  # noqa: B023
            await asyncio.sleep(0.0005 * number)
            await floor.ami.hangup(attempt)
            await floor.log.hangup_of(attempt)
            await until_alone(floor, operator)
    assert not floor.log.of(Hangup, channel=operator)


async def test_an_operator_thrown_out_of_the_holding_bridge_comes_back(
    floor: Floor, operator: str
) -> None:
    entered = len(floor.log.of(BridgeEntered, channel=operator))
    holding = floor.log.of(BridgeEntered, channel=operator)[-1]
    await floor.ami.action("BridgeKick", {"BridgeUniqueid": holding.bridge_id, "Channel": operator})
    await floor.log.until(lambda: floor.log.of(BridgeEntered, channel=operator)[entered:])
    await until_alone(floor, operator)
    back = floor.log.of(BridgeEntered, channel=operator)[-1]
    assert back.technology == holding.technology
    assert not floor.log.of(Hangup, channel=operator)


# --- other doors -------------------------------------------------------------------------------


async def test_a_number_dialed_on_an_operators_phone_goes_nowhere(floor: Floor) -> None:
    unique_id = str(uuid.uuid4())
    await floor.originate("Local/+79990000600@prozvon-phone/n", unique_id, "prozvon-operator", {})
    await floor.log.until(lambda: floor.log.of(ChannelState, unique_id=unique_id, state=6))
    await asyncio.sleep(0.2)
    items = await floor.ami.list_action("CoreShowChannels")
    assert {i["Application"] for i in items if i["Exten"] == "+79990000600"} == {"Playback"}


async def test_the_ping_of_doctor_comes_back(floor: Floor) -> None:
    async def ping(session: AgiSession) -> None:
        await session.set_variable("PROZVON_PONG", "pong")

    async with agi_server(floor.pbx, ping=ping):
        await floor.originate(
            "Local/s@prozvon-ping/n", str(uuid.uuid4()), "prozvon-operator", {"__PROZVON_PING": "7"}
        )
        answer = await floor.log.until(lambda: floor.log.of(UserEvent, name="ProzvonPong"))
    assert answer.fields == {"Ping": "7", "Pong": "pong", "Status": "SUCCESS"}


async def test_what_happened_is_in_the_journal(floor: Floor) -> None:
    attempt = await floor.call_person(TALKS_LONG)
    await wait_s(floor, attempt)
    await floor.ami.hangup(attempt)
    await floor.log.hangup_of(attempt)
    journal = floor.pbx.conf.layout.log / "cel-custom/prozvon.csv"
    for _ in range(100):
        text = journal.read_text()
        if attempt in text and "CHAN_END" in text.rpartition(attempt)[0].rpartition("\n")[2]:
            break
        await asyncio.sleep(0.05)
    mine = [line for line in text.splitlines() if attempt in line]
    assert any("PROZVON_ABANDONED" in line for line in mine)
    assert any("CHAN_END" in line for line in mine)


def loudness(recording: Path, hz: int) -> float:
    """How much of the tone `hz` a recording holds (Goertzel), in sample units."""
    with wave.open(str(recording)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        samples = array("h", file.readframes(file.getnframes()))
    assert len(samples) > 4000
    return tone(samples, hz)


def tone(samples: "array[int]", hz: int) -> float:
    """How loud the tone `hz` is in samples of 8 kHz (Goertzel), in sample units."""
    coefficient = 2 * math.cos(2 * math.pi * hz / 8000)
    one = two = 0.0
    for sample in samples:
        one, two = sample + coefficient * one - two, one
    power = one * one + two * two - coefficient * one * two
    return 2 * math.sqrt(max(0.0, power)) / len(samples)
