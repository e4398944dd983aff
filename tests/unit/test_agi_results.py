"""Every FastAGI session is told of once, with how it ended: what the metrics count."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from agi.server import RESULTS, AgiLimits, AgiServer, AgiSession, Route
from monitoring import metrics
from tests.unit.agi_caller import WAIT_S, Caller, headers, serving, until


@dataclass
class Told:
    """What the server told of its sessions."""

    ends: list[tuple[str, str]] = field(default_factory=list)

    def note(self, script: str, result: str, seconds: float) -> None:
        assert 0.0 <= seconds < 60.0
        assert result in RESULTS
        self.ends.append((script, result))

    async def of(self, server: AgiServer) -> list[tuple[str, str]]:
        """When no session is left."""
        await until(lambda: server.sessions == 0 and bool(self.ends))
        return self.ends


async def ask(session: AgiSession) -> None:
    await session.set_variable("GREETING", "hello")


async def wait(session: AgiSession) -> None:
    await session.hung_up.wait()
    await session.set_variable("LATE", "1")


async def fall(session: AgiSession) -> None:
    raise ValueError(session.script)


ROUTES: dict[str, Route] = {"ask": ask, "wait": wait, "fall": fall}


@pytest.mark.parametrize(
    ("sent", "script", "result"),
    [
        ((headers("ask"), "200 result=1\n"), "ask", "done"),
        ((headers("ask"), "510 Invalid or unknown command\n"), "ask", "failed"),
        ((headers("ask"), "200 " + "x" * 9000), "ask", "malformed"),
        ((headers("wait"), "HANGUP\n"), "wait", "hung_up"),
        ((headers("fall"),), "fall", "error"),
        ((headers("elsewhere"),), "", "no_route"),
        (("agi_network: yes\n",), "", "no_request"),
        ((), "", "no_request"),
        (("x" * 20_000,), "", "malformed"),
    ],
)
async def test_a_session_ends_once(sent: tuple[str, ...], script: str, result: str) -> None:
    told = Told()
    async with serving(ROUTES) as server:
        server.on_end = told.note
        caller = await Caller.dial(server, script=None)
        for text in sent:
            if text[0].isdigit():  # an answer: to a command that was asked
                await caller.line()
            caller.send(text)
        if script in ("ask", "fall"):
            assert await caller.ended()
        await caller.close()
        assert await told.of(server) == [(script, result)]
    assert told.ends == [(script, result)]


async def test_headers_that_never_come_and_one_session_too_many() -> None:
    told = Told()
    async with serving(ROUTES, AgiLimits(sessions=1, header_timeout_s=0.3)) as server:
        server.on_end = told.note
        first = await Caller.dial(server, script=None)
        await until(lambda: server.sessions == 1)
        second = await Caller.dial(server)
        assert await second.ended()
        assert await first.ended()
        await until(lambda: len(told.ends) == 2)
    assert told.ends == [("", "refused"), ("", "malformed")]
    for caller in (first, second):
        await caller.close()


async def test_a_route_that_the_closing_server_ends_is_told_of() -> None:
    told, runs = Told(), asyncio.Event()

    async def endless(session: AgiSession) -> None:
        runs.set()
        await asyncio.Event().wait()

    async with serving({"long": endless}) as server:
        server.on_end = told.note
        caller = await Caller.dial(server, "long")
        await asyncio.wait_for(runs.wait(), WAIT_S)
    assert told.ends == [("long", "hung_up")]
    await caller.close()


def test_sessions_are_counted_by_route_and_result() -> None:
    names = {"route": "answered", "result": "failed"}
    before = metrics.value("prozvon_agi_sessions_ended_total", **names)
    lost = metrics.value("prozvon_agi_sessions_ended_total", route="none", result="no_request")
    took = metrics.value("prozvon_agi_session_seconds_count", route="answered")
    metrics.agi_ended("answered", "failed", 0.2)
    metrics.agi_ended("", "no_request", 0.2)
    assert metrics.value("prozvon_agi_sessions_ended_total", **names) == before + 1
    none = metrics.value("prozvon_agi_sessions_ended_total", route="none", result="no_request")
    assert none == lost + 1
    assert metrics.value("prozvon_agi_session_seconds_count", route="answered") == took + 1
