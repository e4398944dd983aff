"""The routes `answered` and `ping`, over real sockets, by a client that plays Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from agi.answered import Answered, ping
from agi.server import AgiServer, Route
from tests.unit.agi_caller import Caller, serving, until

ATTEMPT = UUID("01990000-0000-7000-8000-000000000001")
CHANNEL = "PJSIP/op-anna-00000001"


class Floor:
    """Operators as the controller knows them: what each attempt is told is set by the test."""

    def __init__(self) -> None:
        self.answers: dict[UUID, asyncio.Future[str | None]] = {}
        self.asked: list[UUID] = []
        self.given_up: list[UUID] = []

    def ask(self, attempt_id: UUID) -> asyncio.Future[str | None]:
        self.asked.append(attempt_id)
        return self.answers.setdefault(attempt_id, asyncio.get_running_loop().create_future())

    def give_up(self, attempt_id: UUID) -> None:
        self.given_up.append(attempt_id)
        answer = self.answers.pop(attempt_id)
        if not answer.done():
            answer.set_result(None)

    def say(self, channel: str | None, attempt_id: UUID = ATTEMPT) -> None:
        self.answers.setdefault(attempt_id, asyncio.get_running_loop().create_future()).set_result(
            channel
        )


@pytest.fixture(name="floor")
async def floor_fixture() -> Floor:
    return Floor()


@pytest.fixture(name="server")
async def server_fixture(floor: Floor) -> AsyncIterator[AgiServer]:
    """Waits longer than any test: what ends a wait is what the test does."""
    routes: dict[str, Route] = {"answered": Answered(floor, 60, "silence").serve, "ping": ping}
    async with serving(routes) as server:
        yield server


async def dial(server: AgiServer, unique_id: str = str(ATTEMPT)) -> Caller:
    return await Caller.dial(server, "answered", agi_uniqueid=unique_id)


async def pinged(server: AgiServer) -> bool:
    caller = await Caller.dial(server, "ping")
    command = await caller.answer("200 result=1\n")
    assert await caller.ended()
    await caller.close()
    return command == "SET VARIABLE PROZVON_PONG pong\n"


async def test_a_free_operator_is_named_at_once(floor: Floor, server: AgiServer) -> None:
    floor.say(CHANNEL)
    caller = await dial(server)
    assert await caller.answer("200 result=1\n") == f"SET VARIABLE PROZVON_OPERATOR {CHANNEL}\n"
    assert await caller.ended()
    assert floor.asked == [ATTEMPT]
    await caller.close()


async def test_a_person_waits_for_the_first_who_is_free(floor: Floor, server: AgiServer) -> None:
    caller = await dial(server)
    await until(lambda: floor.asked == [ATTEMPT])
    floor.say(CHANNEL)
    assert await caller.answer("200 result=1\n") == f"SET VARIABLE PROZVON_OPERATOR {CHANNEL}\n"
    assert await caller.ended()
    assert floor.given_up == [ATTEMPT]
    await caller.close()


async def test_only_who_waits_hears_a_sound_until_there_is_an_operator(floor: Floor) -> None:
    async with serving({"answered": Answered(floor, 60).serve}) as server:
        caller = await dial(server)
        assert await caller.answer("200 result=0\n") == 'EXEC Playtones "425/800,0/400"\n'
        floor.say(CHANNEL)
        assert await caller.answer("200 result=1\n") == f"SET VARIABLE PROZVON_OPERATOR {CHANNEL}\n"
        assert await caller.answer("200 result=0\n") == 'EXEC StopMusicOnHold ""\n'
        assert await caller.ended()
        await caller.close()


@pytest.mark.parametrize(
    ("own", "begins"), [("music", 'EXEC StartMusicOnHold ""\n'), ("silence", "")]
)
async def test_a_campaign_may_have_another_sound(floor: Floor, own: str, begins: str) -> None:
    answered = Answered(floor, 60, "ring", lambda attempt: own if attempt == ATTEMPT else None)
    async with serving({"answered": answered.serve}) as server:
        caller = await dial(server)
        if begins:
            assert await caller.answer("200 result=0\n") == begins
        floor.say(CHANNEL)
        assert await caller.answer("200 result=1\n") == f"SET VARIABLE PROZVON_OPERATOR {CHANNEL}\n"
        if begins:
            assert await caller.answer("200 result=0\n") == 'EXEC StopMusicOnHold ""\n'
        assert await caller.ended()
        await caller.close()


async def test_a_sound_that_fails_costs_nobody_the_operator(floor: Floor) -> None:
    async with serving({"answered": Answered(floor, 60, "music").serve}) as server:
        caller = await dial(server)
        assert await caller.answer("200 result=-2\n") == 'EXEC StartMusicOnHold ""\n'
        floor.say(CHANNEL)
        assert await caller.answer("200 result=1\n") == f"SET VARIABLE PROZVON_OPERATOR {CHANNEL}\n"
        assert await caller.answer("200 result=0\n") == 'EXEC StopMusicOnHold ""\n'
        assert await caller.ended()
        await caller.close()


async def test_nobody_in_time_leaves_the_variable_empty(floor: Floor) -> None:
    async with serving({"answered": Answered(floor, 0.05, "silence").serve}) as server:
        caller = await dial(server)
        assert await caller.ended()
        await caller.close()
    assert floor.given_up == [ATTEMPT]


async def test_the_wait_is_as_long_as_the_limit(floor: Floor) -> None:
    loop = asyncio.get_running_loop()
    async with serving({"answered": Answered(floor, 0.3, "silence").serve}) as server:
        began = loop.time()
        caller = await dial(server)
        assert await caller.ended()
        assert loop.time() - began >= 0.3
        await caller.close()


async def test_no_operator_at_all_ends_the_session_at_once(floor: Floor, server: AgiServer) -> None:
    floor.say(None)
    caller = await dial(server)
    assert await caller.ended()
    await caller.close()


@pytest.mark.parametrize("how", ["HANGUP", "close"])
async def test_a_hang_up_ends_the_wait(floor: Floor, server: AgiServer, how: str) -> None:
    caller = await dial(server)
    await until(lambda: floor.asked == [ATTEMPT])
    if how == "HANGUP":
        caller.send("HANGUP\n")
    else:
        await caller.close()
    await until(lambda: floor.given_up == [ATTEMPT] and server.sessions == 0)
    await caller.close()


@pytest.mark.parametrize("unique_id", ["", "1790000000.17", "op-7", "${EXTEN}", "х" * 40])
async def test_a_channel_that_is_no_attempt_asks_nobody(
    floor: Floor, server: AgiServer, unique_id: str
) -> None:
    caller = await dial(server, unique_id)
    assert await caller.ended()
    assert floor.asked == []
    await caller.close()


async def test_asterisk_refusing_the_variable_ends_only_that_session(
    floor: Floor, server: AgiServer
) -> None:
    floor.say(CHANNEL)
    caller = await dial(server)
    await caller.answer("511 Command Not Permitted on a dead channel or intercept routine\n")
    assert await caller.ended()
    await caller.close()
    assert await pinged(server)


async def test_everybody_who_asks_gets_their_own_operator(floor: Floor, server: AgiServer) -> None:
    attempts = [UUID(int=number) for number in range(1, 31)]
    callers = [await dial(server, str(attempt)) for attempt in attempts]
    await until(lambda: len(floor.asked) == len(attempts))
    for attempt in reversed(attempts):
        floor.say(f"PJSIP/op-{attempt.int}", attempt)
    for attempt, caller in zip(attempts, callers, strict=True):
        command = await caller.answer("200 result=1\n")
        assert command == f"SET VARIABLE PROZVON_OPERATOR PJSIP/op-{attempt.int}\n"
        await caller.close()


async def test_a_ping_is_answered(server: AgiServer) -> None:
    assert await pinged(server)
