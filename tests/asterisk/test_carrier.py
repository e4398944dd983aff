"""The simulated carrier over real SIP and RTP: every kind of number, phones, random mode."""

import asyncio
import math
import re
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from dialer.asterisk.cel import CelJournal, summarise
from dialer.asterisk.packages import AsteriskRuntime, find_or_fetch
from dialer.demo.carrier import (
    Behaviour,
    CarrierError,
    Manners,
    Phone,
    SimulatedCarrier,
    TalkLaw,
)
from dialer.demo.carrier_record import CarrierCall
from dialer.demo.numbers import RANDOM_KINDS, Kind, parse
from tests.asterisk.carrier_lab import Called, Caller, conf_of, until
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = Path(__file__).parents[2]
TIMING_S = 0.6
"""Allowed lateness of a simulated person on a busy machine."""
OLGA = "olga-k_1"
"""A login with every kind of character that a login may have."""


@pytest.fixture(scope="module")
def runtime() -> AsteriskRuntime:
    return find_or_fetch(PROJECT / ".cache/asterisk", lambda line: None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def carrier(
    runtime: AsteriskRuntime, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SimulatedCarrier]:
    carrier = SimulatedCarrier(conf_of("carrier", runtime, tmp_path_factory))
    await carrier.start()
    yield carrier
    await carrier.server.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(
    carrier: SimulatedCarrier,
    runtime: AsteriskRuntime,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Caller]:
    conf = conf_of("caller", runtime, tmp_path_factory)
    caller = Caller(conf, carrier.conf.sip_port)
    await caller.start()
    yield caller
    await caller.server.kill()


def complaints(carrier: SimulatedCarrier) -> list[str]:
    lines = (carrier.conf.layout.log / "messages.log").read_text().splitlines()
    return [line for line in lines if "WARNING[" in line or "ERROR[" in line]


async def ended_calls(carrier: SimulatedCarrier, since: float, count: int) -> list[CarrierCall]:
    async def probe() -> list[CarrierCall]:
        calls = await asyncio.to_thread(carrier.record.calls, since)
        done = len(calls) == count and all(call.ended_at is not None for call in calls)
        return calls if done else []

    return await until(f"{count} ended calls", probe)


async def test_the_carrier_starts_without_complaints(carrier: SimulatedCarrier) -> None:
    assert carrier.server.alive()
    assert complaints(carrier) == []


# tail: (kind, the caller's dial status, last SIP code the caller saw)
KINDS = {
    "0203": (Kind.PERSON, "ANSWER", "200"),
    "1100": (Kind.PATIENT, "ANSWER", "200"),
    "2011": (Kind.NO_ANSWER, "NOANSWER", "180"),
    "2100": (Kind.BUSY, "BUSY", "486"),
    "2242": (Kind.INVALID, "CHANUNAVAIL", "404"),
    "2300": (Kind.REJECTED, "CHANUNAVAIL", "603"),
    "2400": (Kind.CONGESTION, "CONGESTION", "503"),
    "2500": (Kind.UNAVAILABLE, "NOANSWER", "480"),
    "3100": (Kind.MACHINE, "ANSWER", "200"),
    "4200": (Kind.EARLY_BUSY, "BUSY", "486"),
    "5100": (Kind.DROP, "ANSWER", "200"),
    "6003": (Kind.EXACT, "ANSWER", "200"),
    "7000": (Kind.SILENCE, "NOANSWER", "100"),
    "8102": (Kind.EARLY_ANSWER, "ANSWER", "200"),
    "2999": (Kind.INVALID, "CHANUNAVAIL", "404"),
}


async def test_every_kind_of_number_does_what_the_table_says(
    carrier: SimulatedCarrier, caller: Caller
) -> None:
    since = time.time()
    prefixes = ("+7912345", "+1212555", "+44791112", "+99890123")
    numbers = [f"{prefixes[i % len(prefixes)]}{tail}" for i, tail in enumerate(KINDS)]

    await asyncio.gather(*(caller.dial(number) for number in numbers))
    calls = {call.number: call for call in await ended_calls(carrier, since, len(numbers))}

    async def all_called() -> dict[str, Called]:
        found = caller.called(since)
        return found if len(found) == len(numbers) else {}

    called = await until("results on the caller's side", all_called)
    for number in numbers:
        kind, status, sip = KINDS[number[-4:]]
        assert calls[number].kind is kind
        assert called[number] == Called(status, sip), number
        check_times(calls[number])
    assert carrier.record.counts(since)[Kind.INVALID] == 2
    answered = {number for number in numbers if called[number].status == "ANSWER"}
    assert {call.number for call in carrier.record.answered(since)} == answered


def check_times(call: CarrierCall) -> None:
    script = parse(call.number)
    signal_at = call.ringing_at or call.early_media_at
    rings = call.kind in (Kind.PERSON, Kind.PATIENT, Kind.NO_ANSWER, Kind.MACHINE, Kind.DROP)
    assert (call.ringing_at is not None) == (rings or call.kind is Kind.EXACT)
    assert (call.early_media_at is not None) == (call.kind in (Kind.EARLY_BUSY, Kind.EARLY_ANSWER))
    assert call.ended_at is not None
    if signal_at is not None:
        assert 0.15 <= signal_at - call.started_at < 0.15 + TIMING_S
    if call.answered_at is not None:
        assert signal_at is not None
        assert script.ring_s <= call.answered_at - signal_at + 0.01 < script.ring_s + TIMING_S
        if script.talk_s or call.kind is Kind.DROP:
            talked_s = call.ended_at - call.answered_at
            assert script.talk_s <= talked_s + 0.01 < script.talk_s + TIMING_S
    gave_up = {Kind.PATIENT, Kind.NO_ANSWER, Kind.MACHINE, Kind.EXACT, Kind.SILENCE}
    assert call.ended_by_caller == (call.kind in gave_up)


async def sends_audio(carrier: SimulatedCarrier) -> bool:
    """Whether every channel of the carrier has sent more than half a second of RTP."""
    await asyncio.sleep(0)
    stats = await carrier.server.cli("pjsip show channelstats")
    rows = [line.split() for line in stats.splitlines() if "alaw" in line]
    # Columns: bridge, channel, up time, codec, then received (count, lost, %, jitter), then sent.
    return bool(rows) and all(int(row[row.index("alaw") + 5]) > 25 for row in rows)


@pytest.mark.parametrize(
    ("tail", "kind"),
    [("1100", Kind.PATIENT), ("3100", Kind.MACHINE), ("8901", Kind.EARLY_ANSWER)],
)
async def test_people_machines_and_early_media_are_heard(
    carrier: SimulatedCarrier, caller: Caller, tail: str, kind: Kind
) -> None:
    since = time.time()
    await caller.dial(f"+7921765{tail}")
    await until("RTP from the carrier", lambda: sends_audio(carrier))
    await caller.server.cli("channel request hangup all")
    [call] = await ended_calls(carrier, since, 1)
    assert call.kind is kind and call.ended_by_caller
    assert (call.early_media_at is not None) == (kind is Kind.EARLY_ANSWER)


def phone(caller: Caller, login: str, secret: str) -> Phone:
    return Phone(login, secret, registrar=f"127.0.0.1:{caller.conf.sip_port}")


async def registered(caller: Caller) -> set[str]:
    contacts = await caller.server.cli("pjsip show contacts")
    return set(re.findall(r"sip:phone-([a-z0-9_-]+)@", contacts))


async def wait_registered(caller: Caller, *logins: str) -> None:
    async def probe() -> bool:
        return await registered(caller) == set(logins)

    await until(f"registered phones {logins}", probe)


async def test_phones_are_added_changed_and_removed_while_running(
    carrier: SimulatedCarrier, caller: Caller
) -> None:
    olga = phone(caller, OLGA, "secret-1")
    await carrier.set_phones([olga])
    await wait_registered(caller, OLGA)
    # A wrong secret first: the phone must come up soon after it is put right.
    await carrier.set_phones([olga, phone(caller, "petr", "wrong")])
    await asyncio.sleep(1)
    assert await registered(caller) == {OLGA}
    await carrier.set_phones([olga, phone(caller, "petr", "secret-2")])
    await wait_registered(caller, OLGA, "petr")
    await carrier.set_phones([olga])
    await wait_registered(caller, OLGA)


async def in_call(carrier: SimulatedCarrier) -> bool:
    return "Up" in await carrier.server.cli("core show channels concise")


async def test_a_phone_answers_talks_and_hangs_up_when_told(
    carrier: SimulatedCarrier, caller: Caller
) -> None:
    await carrier.set_phones([phone(caller, OLGA, "secret-1")])
    await wait_registered(caller, OLGA)
    since = time.time()
    with pytest.raises(CarrierError, match=f"{OLGA} is in no call"):
        await carrier.hang_up_phone(OLGA)

    await caller.dial("phone")
    await until("RTP from the phone", lambda: sends_audio(carrier))
    await carrier.hang_up_phone(OLGA)
    assert await phone_result(caller, since) == Called("ANSWER", "200")
    assert carrier.record.calls(since) == []


async def test_a_muted_phone_is_dropped_by_the_other_side(
    carrier: SimulatedCarrier, caller: Caller
) -> None:
    since = time.time()
    await caller.dial("phone")
    await until("RTP from the phone", lambda: sends_audio(carrier))
    await carrier.mute_phone(OLGA)
    muted_at = time.time()
    assert await phone_result(caller, since) == Called("ANSWER", "200")
    # rtp_timeout = 2 counts whole seconds; a hang-up would be seen at once.
    assert time.time() - muted_at > 0.8, "the phone was hung up instead of muted"


@pytest.mark.parametrize(
    ("manners", "seconds", "sip"),
    [
        (Manners.BUSY, 0, "486"),
        (Manners.LATE, 1, "200"),
        (Manners.DROP, 0.5, "200"),
        (Manners.NEVER, 0, "180"),
    ],
)
async def test_a_phone_has_manners(
    carrier: SimulatedCarrier,
    caller: Caller,
    manners: Manners,
    seconds: float,
    sip: str,
) -> None:
    await carrier.set_manners(OLGA, manners, seconds)
    since = time.time()
    await caller.dial("phone")
    if manners is not Manners.BUSY:
        await until("the phone's channel", lambda: carrier.phone_channel(OLGA))
    if manners is Manners.LATE:
        assert not await in_call(carrier)
        await until("the late answer", lambda: in_call(carrier))
    if manners in (Manners.LATE, Manners.NEVER):
        await caller.server.cli("channel request hangup all")
    assert (await phone_result(caller, since)).sip == sip
    await carrier.set_manners(OLGA, Manners.ANSWER)


async def phone_result(caller: Caller, since: float) -> Called:
    async def probe() -> Called | None:
        return caller.called(since).get("")

    found = await until("the end of the call to the phone", probe)
    assert found is not None
    return found


DRAWS = 1000
SIGMAS = 6
"""Bounds of the statistical checks: a fair carrier misses them once in 10^8 runs."""


async def draw(carrier: SimulatedCarrier, context: str) -> list[tuple[Kind, float, float]]:
    """(kind, ring, talk) of DRAWS random calls, made by the dialplan without any call."""
    since = time.time()
    steps = (
        "Gosub,carrier-random,s,1",
        "CELGenUserEvent,DRAW,${KIND} ${RING} ${TALK}",
        "Set,DRAWN=$[0${DRAWN} + 1]",
        f"GotoIf,$[${{DRAWN}} < {DRAWS}]?1",
    )
    for priority, step in enumerate(steps, start=1):
        await carrier.server.cli(f'dialplan add extension s,{priority},"{step}" into {context}')
    await carrier.server.cli(f"channel originate Local/s@{context} application NoOp", timeout_s=60)

    async def probe() -> list[tuple[Kind, float, float]]:
        histories = summarise(CelJournal(carrier.conf.journal).read(since)).values()
        events = [e.text.split() for h in histories for e in h.user_events if e.name == "DRAW"]
        drawn = [(Kind(kind), float(ring), float(talk)) for kind, ring, talk in events]
        return drawn if len(drawn) == DRAWS else []

    return await until(f"{DRAWS} draws", probe, timeout_s=30)


async def test_random_calls_follow_the_given_shares_and_distributions(
    carrier: SimulatedCarrier,
) -> None:
    shares = {Kind.PERSON: 5, Kind.BUSY: 3, Kind.NO_ANSWER: 1.9, Kind.SILENCE: 0.1}
    lognormal = Behaviour(
        shares=shares, ring_min_s=1, ring_mean_s=3, talk_centre_s=20, talk_sigma=0.5
    )
    await carrier.set_behaviour(lognormal)
    drawn = await draw(carrier, "draw-lognormal")
    for kind in RANDOM_KINDS:
        share = shares.get(kind, 0) / 10
        count = sum(kind is other for other, _, _ in drawn)
        assert abs(count - DRAWS * share) <= SIGMAS * math.sqrt(DRAWS * share * (1 - share)), kind
    logs = [math.log(talk / 20) for _, _, talk in drawn]
    assert abs(statistics.fmean(logs)) < SIGMAS * 0.5 / math.sqrt(DRAWS)
    assert 0.45 < statistics.stdev(logs) < 0.55
    rings = [ring for _, ring, _ in drawn]
    assert min(rings) >= 1 and max(rings) <= 30
    assert abs(statistics.fmean(rings) - 3) < SIGMAS * 2 / math.sqrt(DRAWS)


async def test_an_exponential_talk_is_cut_at_its_maximum(carrier: SimulatedCarrier) -> None:
    behaviour = Behaviour(talk_law=TalkLaw.EXPONENTIAL, talk_centre_s=10, talk_max_s=20)
    await carrier.set_behaviour(behaviour)
    talks = [talk for _, _, talk in await draw(carrier, "draw-exponential")]
    assert max(talks) == 20
    mean_s = 10 * (1 - math.exp(-2))
    assert abs(statistics.fmean(talks) - mean_s) < SIGMAS * 10 / math.sqrt(DRAWS)


async def test_a_random_number_becomes_what_was_drawn(
    carrier: SimulatedCarrier, caller: Caller
) -> None:
    await carrier.set_behaviour(Behaviour(shares={Kind.REJECTED: 1}))
    since = time.time()
    await caller.dial("+79995559001")
    (call,) = await ended_calls(carrier, since, 1)
    assert (call.kind, call.cause, call.ended_by_caller) == (Kind.REJECTED, 21, False)


async def test_double_dials_are_seen(carrier: SimulatedCarrier, caller: Caller) -> None:
    since = time.time()
    await asyncio.gather(caller.dial("+79995550102"), caller.dial("+79995550102"))
    await ended_calls(carrier, since, 2)
    doubles = carrier.record.double_dialed(since)
    assert doubles.overlapping == doubles.after_answer == {"+79995550102"}


async def test_nothing_above_made_the_carrier_complain(carrier: SimulatedCarrier) -> None:
    # The phone with the wrong secret deserves its warning; thousands of draws in a moment fill
    # queues as no number of calls would.
    deserved = ("op-petr", "taskprocessor.c")
    found = [line for line in complaints(carrier) if not any(word in line for word in deserved)]
    assert found == []


async def test_a_running_carrier_is_adopted_and_brought_up_to_date(
    carrier: SimulatedCarrier, caller: Caller
) -> None:
    assert await registered(caller) == {OLGA}
    behaviour = Behaviour(post_dial_delay_s=0.432)
    other = SimulatedCarrier(replace(carrier.conf, phones=(), behaviour=behaviour))
    await other.start()
    assert other.server.adopted and other.server.pid == carrier.server.pid
    assert "DELAY_S=0.432" in await other.server.cli("dialplan show globals")
    assert "No objects found" in await other.server.cli("pjsip show registrations")
    assert await registered(caller) == set()


async def test_the_ami_user_can_log_in(carrier: SimulatedCarrier) -> None:
    conf = carrier.conf
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", conf.ami_port)
        login = f"Action: Login\r\nUsername: {conf.ami_user}\r\nSecret: {conf.ami_secret}\r\n\r\n"
        writer.write(login.encode())
        assert b"Response: Success" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()


async def test_a_killed_carrier_keeps_its_record(carrier: SimulatedCarrier, caller: Caller) -> None:
    since = time.time()
    await caller.dial("+79995551000")
    await until("the call", lambda: in_call(carrier))
    await asyncio.sleep(0.2)
    await carrier.server.kill()
    await caller.server.cli("channel request hangup all")

    (call,) = carrier.record.calls(since)
    assert call.answered_at is not None and call.ended_at is None and call.cause is None
    assert carrier.conf.journal.read_bytes().endswith(b"\n")

    await carrier.start()
    await caller.dial("+79995552100")

    async def two_calls() -> bool:
        return len(carrier.record.calls(since)) == 2

    await until("the call after the restart", two_calls)
    assert [call.kind for call in carrier.record.calls(since)] == [Kind.PATIENT, Kind.BUSY]


async def test_other_ports_start_a_running_carrier_anew(carrier: SimulatedCarrier) -> None:
    pid = carrier.server.pid
    moved = SimulatedCarrier(replace(carrier.conf, sip_port=free_port()))
    await moved.start()
    assert moved.server.pid != pid and not carrier.server.alive()
    assert f"127.0.0.1:{moved.conf.sip_port}" in await moved.server.cli("pjsip show transports")
