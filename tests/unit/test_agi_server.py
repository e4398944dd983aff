"""FastAGI border, by a client that plays Asterisk over a real socket; a test per row A to H."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog
import uvloop

from agi.server import (
    AgiBadValue,
    AgiCommandFailed,
    AgiError,
    AgiHungUp,
    AgiLimits,
    AgiServer,
    AgiSession,
    AgiTimeout,
)
from tests.unit.agi_caller import WAIT_S, Caller, headers, serving, until


class Desk:
    """A route that keeps its session and runs what the test gives it."""

    def __init__(self, work: Callable[[AgiSession], Any]) -> None:
        self.work = work
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def route(self, session: AgiSession) -> None:
        try:
            self.result.set_result(await self.work(session))
        except Exception as error:
            self.result.set_result(error)

    async def got(self) -> Any:
        async with asyncio.timeout(WAIT_S):
            return await self.result


async def say_hello(session: AgiSession) -> None:
    await session.set_variable("GREETING", "hello")


async def works(server: AgiServer) -> bool:
    caller = await Caller.dial(server, "hello")
    command = await caller.answer("200 result=1\n")
    assert await caller.ended()
    await caller.close()
    return command == "SET VARIABLE GREETING hello\n"


# Rows A to H


@pytest.mark.parametrize("part", ["", "agi_network: yes\nagi_cha", "agi_network: yes\n"])
async def test_row_a_close_before_the_headers_end_ends_only_that_session(part: str) -> None:
    async with serving({"hello": say_hello}) as server:
        caller = await Caller.dial(server, script=None)
        caller.send(part)
        await caller.close()

        assert await works(server)
        await until(lambda: server.sessions == 0)


async def test_row_b_headers_that_do_not_come_in_time() -> None:
    limits = AgiLimits(header_timeout_s=0.05)
    async with serving({"hello": say_hello}, limits) as server:
        caller = await Caller.dial(server, script=None)
        caller.send("agi_network: yes\n")

        assert await caller.ended()
        assert await works(server)
        await caller.close()


@pytest.mark.parametrize("tail", ["", "\n\n"])
async def test_row_b_headers_that_are_too_long(tail: str) -> None:
    async with serving({"hello": say_hello}, AgiLimits(header_bytes=500)) as server:
        caller = await Caller.dial(server, script=None)
        caller.send("agi_arg_1: " + "x" * 600 + tail)

        assert await caller.ended()
        assert await works(server)
        await caller.close()


async def test_row_b_too_many_sessions_are_refused_and_counted() -> None:
    async with serving({"hello": say_hello}, AgiLimits(sessions=1)) as server:
        first = await Caller.dial(server, script=None)
        await until(lambda: server.sessions == 1)
        second = await Caller.dial(server, script=None)

        assert await second.ended()
        assert (server.sessions, server.refused) == (1, 1)
        await first.close()
        await second.close()
        await until(lambda: server.sessions == 0)
        assert await works(server)


async def test_row_b_too_many_commands() -> None:
    async def chatter(session: AgiSession) -> None:
        for _ in range(3):
            await session.set_variable("A", "1")

    desk = Desk(chatter)
    async with serving({"answered": desk.route}, AgiLimits(commands=2)) as server:
        caller = await Caller.dial(server)
        for _ in range(2):
            await caller.answer("200 result=1\n")

        assert isinstance(await desk.got(), AgiCommandFailed)
        assert await caller.ended()
        await caller.close()


@pytest.mark.parametrize("flood", ["200 result=1 (" + "x" * 300, "520-usage\n" + "x\n" * 300])
async def test_row_b_an_answer_that_is_too_long(flood: str) -> None:
    desk = Desk(lambda session: session.get_variable("A"))
    async with serving({"answered": desk.route}, AgiLimits(answer_bytes=200)) as server:
        caller = await Caller.dial(server)
        await caller.answer(flood)

        assert isinstance(await desk.got(), AgiHungUp)
        assert await caller.ended()
        await caller.close()


async def test_row_b_a_command_without_answer_times_out_and_later_ones_keep_their_answers() -> None:
    async def slow_then_quick(session: AgiSession) -> str | None:
        with pytest.raises(AgiTimeout, match="SET VARIABLE"):
            await session.set_variable("A", "1")
        return await session.get_variable("B")

    desk = Desk(slow_then_quick)
    async with serving({"answered": desk.route}, AgiLimits(command_timeout_s=0.05)) as server:
        caller = await Caller.dial(server)
        assert await caller.line() == "SET VARIABLE A 1\n"
        assert await caller.line() == "GET VARIABLE B\n"
        caller.send("200 result=1\n200 result=1 (second)\n")

        assert await desk.got() == "second"
        await caller.close()


async def test_row_c_hangup_line_is_not_an_answer() -> None:
    async def two_values(session: AgiSession) -> tuple[str | None, bool, str | None]:
        first = await session.get_variable("A")
        return first, session.hung_up.is_set(), await session.get_variable("B")

    desk = Desk(two_values)
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        await caller.answer("HANGUP\n200 result=1 (one)\n")
        await caller.answer("200 result=1 (two)\n")

        assert await desk.got() == ("one", True, "two")
        await caller.close()


@pytest.mark.parametrize("how", ["HANGUP", "close"])
async def test_row_c_hangup_is_noticed_while_no_command_is_outstanding(how: str) -> None:
    desk = Desk(lambda session: session.hung_up.wait())
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        await until(lambda: server.sessions == 1)
        if how == "HANGUP":
            caller.send("HANGUP\n")
        else:
            await caller.close()

        assert await desk.got() is True
        await caller.close()


async def test_row_d_usage_answer_of_many_lines_is_read_to_its_end() -> None:
    async def wrong_then_right(session: AgiSession) -> tuple[int, str, str | None]:
        code, text = await session.command("SAY", "NUMBER")
        return code, text, await session.get_variable("A")

    usage = "520-Invalid command syntax.  Proper usage follows:\n Usage: SAY\n520 End of usage.\n"
    desk = Desk(wrong_then_right)
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        await caller.answer(usage)
        await caller.answer("200 result=1 (right)\n")

        code, text, value = await desk.got()
        assert (code, value) == (520, "right")
        assert "Usage: SAY" in text and text.endswith("520 End of usage.")
        await caller.close()


@pytest.mark.parametrize("before", ["", "200 resu", "520-Invalid\n", "100 Trying\n"])
async def test_row_e_close_instead_of_an_answer_is_a_hang_up(before: str) -> None:
    desk = Desk(lambda session: session.set_variable("A", "1"))
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        await caller.answer(before)
        await caller.close()

        assert isinstance(await desk.got(), AgiHungUp)


async def test_row_e_a_command_after_the_close_is_a_hang_up() -> None:
    async def late(session: AgiSession) -> None:
        await session.hung_up.wait()
        await session.set_variable("A", "1")

    desk = Desk(late)
    async with serving({"answered": desk.route}) as server:
        await (await Caller.dial(server)).close()

        assert isinstance(await desk.got(), AgiHungUp)


@pytest.mark.parametrize("bad", ["1\nEXEC System reboot", "1\r2", "a\0b", "\ud800", "x" * 2048])
async def test_row_f_a_value_never_becomes_a_second_command(bad: str) -> None:
    async def evil(session: AgiSession) -> str | None:
        for send in (
            session.set_variable("A", bad),
            session.set_variable(bad, "A"),
            session.execute("NoOp", bad),
            session.get_variable(bad),
            session.command("EXEC", bad),
        ):
            with pytest.raises(AgiBadValue):
                await send
        return await session.get_variable("B")

    desk = Desk(evil)
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        assert await caller.answer("200 result=1 (fine)\n") == "GET VARIABLE B\n"
        assert await desk.got() == "fine"
        await caller.close()


async def test_row_f_words_are_quoted() -> None:
    async def quoted(session: AgiSession) -> None:
        await session.set_variable("A", 'x "y" \\z')
        await session.set_variable("A", "")
        await session.execute("Bridge", "PJSIP/1-2", "F(ctx^s^1,x)")

    desk = Desk(quoted)
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        assert await caller.answer("200 result=1\n") == 'SET VARIABLE A "x \\"y\\" \\\\z"\n'
        assert await caller.answer("200 result=1\n") == 'SET VARIABLE A ""\n'
        assert await caller.answer("200 result=0\n") == 'EXEC Bridge "PJSIP/1-2,F(ctx^s^1,x)"\n'
        assert await desk.got() is None
        await caller.close()


@pytest.mark.parametrize("bad", ["a,b", "a)", "(a", 'a"b', "a\\"])
async def test_row_f_an_argument_of_an_application_stays_one(bad: str) -> None:
    desk = Desk(lambda session: session.execute("Playback", bad))
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        assert isinstance(await desk.got(), AgiBadValue)
        assert await caller.ended()
        await caller.close()


def test_row_g_routes_are_coroutines_only() -> None:
    def plain(session: AgiSession) -> None: ...

    with pytest.raises(TypeError, match="answered"):
        AgiServer("127.0.0.1", 0, {"answered": plain})  # type: ignore[dict-item]


async def test_row_h_close_lets_sessions_end_then_cancels_them() -> None:
    seen: list[str] = []

    async def waits(session: AgiSession) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def ends(session: AgiSession) -> None:
        await asyncio.sleep(0.05)
        seen.append("ended")

    async with serving({"waits": waits, "ends": ends}) as server:
        callers = [await Caller.dial(server, name) for name in ("waits", "ends")]
        idle = await Caller.dial(server, script=None)
        await until(lambda: server.sessions == 3)
        await asyncio.sleep(0.01)
        await server.close(grace_s=0.2)

        assert seen == ["ended", "cancelled"]
        for caller in (*callers, idle):
            assert await caller.ended()
            await caller.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await Caller.dial(server)
        await until(lambda: server.sessions == 0)


async def test_row_h_script_and_query_are_parsed() -> None:
    async def look(session: AgiSession) -> tuple[str, dict[str, str]]:
        return session.script, dict(session.query)

    desk = Desk(look)
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server, "answered?x=1&name=%D0%B8&empty=")
        assert await desk.got() == ("answered", {"x": "1", "name": "и", "empty": ""})
        await caller.close()


# What the border promises besides


async def test_headers_are_given_and_the_first_of_a_name_counts() -> None:
    async def look(session: AgiSession) -> tuple[str, str, str, str]:
        return session.script, session.unique_id, session.channel, session.variables["agi_x"]

    desk = Desk(look)
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server, agi_x="Иванов: a\nagi_network_script: other")
        assert await desk.got() == ("answered", "3f0c", "PJSIP/trunk-00000001", "Иванов: a")
        await caller.close()


@pytest.mark.parametrize("script", ["nothing", ""])
async def test_unknown_route_ends_the_session(script: str) -> None:
    async with serving({"hello": say_hello}) as server:
        caller = await Caller.dial(server, script)
        assert await caller.ended()
        assert await works(server)
        await caller.close()


@pytest.mark.parametrize("error", [RuntimeError("boom"), AgiError("no")])
async def test_an_exception_in_a_route_is_logged_and_ends_only_its_session(
    error: Exception,
) -> None:
    async def fails(session: AgiSession) -> None:
        raise error

    with structlog.testing.capture_logs() as logs:
        async with serving({"fails": fails, "hello": say_hello}) as server:
            caller = await Caller.dial(server, "fails")
            assert await caller.ended()
            assert await works(server)
            await caller.close()

    assert [entry["script"] for entry in logs] == ["fails"]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("200 result=0\n", None),
        ("200 result=1 ()\n", ""),
        ("200 result=1 (a (b) c)\n", "a (b) c"),
        ("200 result=1 (two\nlines)\n", "two\nlines"),
        ("100 Trying\n200 result=1 (later)\n", "later"),
        ("noise\n200 result=1 (clear)\n", "clear"),
        ("200 result=1 (windows)\r\n", "windows"),
    ],
)
async def test_values_of_variables(answer: str, value: str | None) -> None:
    desk = Desk(lambda session: session.get_variable("A"))
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        await caller.answer(answer)
        assert await desk.got() == value
        await caller.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("510 Invalid or unknown command\n", AgiCommandFailed),
        ("511 Command Not Permitted on a dead channel or intercept routine\n", AgiHungUp),
        ("200 result=-2\n", AgiCommandFailed),
        ("200 result=-1\n", AgiCommandFailed),
        ("HANGUP\n200 result=-1\n", AgiHungUp),
    ],
)
async def test_failures_of_an_application(answer: str, error: type[AgiError]) -> None:
    desk = Desk(lambda session: session.execute("Playback", "hello"))
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server)
        await caller.answer(answer)
        assert type(await desk.got()) is error
        await caller.close()


async def test_answers_cut_anywhere_and_headers_byte_by_byte() -> None:
    desk = Desk(lambda session: session.get_variable("A"))
    async with serving({"answered": desk.route}) as server:
        caller = await Caller.dial(server, script=None)
        for byte in headers("answered").encode():
            caller.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        await caller.line()
        for byte in "200 result=1 (Иванов)\n".encode():
            caller.writer.write(bytes([byte]))
            await caller.writer.drain()
            await asyncio.sleep(0.001)
        assert await desk.got() == "Иванов"
        await caller.close()


async def test_port_taken_is_a_sentence() -> None:
    async with serving({}) as server:
        second = AgiServer("127.0.0.1", server.port, {})
        with pytest.raises(AgiError, match="another port"):
            await second.start()


async def test_many_sessions_at_once() -> None:
    async with serving({"hello": say_hello}) as server:
        assert all(await asyncio.gather(*(works(server) for _ in range(200))))
        await until(lambda: server.sessions == 0)


def test_sessions_on_uvloop() -> None:
    async def twenty() -> None:
        async with serving({"hello": say_hello}) as server:
            assert all(await asyncio.gather(*(works(server) for _ in range(20))))
            await (await Caller.dial(server, script=None)).close()
            await until(lambda: server.sessions == 0)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(twenty())
