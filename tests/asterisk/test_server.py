"""One real Asterisk on a minimal configuration: started, adopted, killed, explained."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from dialer.asterisk.packages import AsteriskRuntime, find_or_fetch
from dialer.asterisk.server import AsteriskError, AsteriskServer, InstanceLayout, hostname_resolves

PROJECT = Path(__file__).parents[2]

ASTERISK_CONF = """\
[directories]
astetcdir => {layout.etc}
astmoddir => {runtime.module_dir}
astvarlibdir => {layout.lib}
astdbdir => {layout.lib}
astkeydir => {layout.keys}
astdatadir => {runtime.data_dir}
astagidir => {layout.lib}
astspooldir => {layout.spool}
astrundir => {layout.run}
astlogdir => {layout.log}
"""


@pytest.fixture(scope="module")
def runtime() -> AsteriskRuntime:
    return find_or_fetch(PROJECT / ".cache/asterisk", lambda line: None)


@pytest.fixture
async def server(runtime: AsteriskRuntime, tmp_path: Path) -> AsyncIterator[AsteriskServer]:
    server = AsteriskServer(runtime, rendered(runtime, InstanceLayout("test", tmp_path / "node")))
    yield server
    await server.kill()


def rendered(runtime: AsteriskRuntime, layout: InstanceLayout) -> InstanceLayout:
    layout.create()
    layout.config.write_text(ASTERISK_CONF.format(layout=layout, runtime=runtime))
    (layout.etc / "modules.conf").write_text("[modules]\nautoload=no\nload=app_dial.so\n")
    (layout.etc / "logger.conf").write_text("[logfiles]\nmessages => notice,warning,error\n")
    return layout


async def test_a_started_server_answers_and_stops(server: AsteriskServer) -> None:
    await server.start()
    assert server.alive() and not server.adopted
    assert "Asterisk " + server.runtime.version in await server.cli("core show version")

    pid = server.pid
    assert pid is not None
    await server.stop()
    assert not server.alive() and server.pid is None
    assert _is_over(pid)


def _is_over(pid: int) -> bool:
    """Gone, or dead and not collected yet: its parent is the machine's first process."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_running_instance_is_adopted(server: AsteriskServer) -> None:
    await server.start()
    second = AsteriskServer(server.runtime, server.layout)
    await second.start()
    assert second.adopted
    assert second.pid == server.pid


async def test_it_is_found_even_without_its_pid_file(server: AsteriskServer) -> None:
    await server.start()
    server.layout.pidfile.unlink()
    second = AsteriskServer(server.runtime, server.layout)
    await second.start()
    assert second.pid == server.pid


async def test_the_pid_of_another_process_is_not_taken_for_asterisk(
    server: AsteriskServer,
) -> None:
    server.layout.pidfile.write_text(str(os.getpid()))
    await server.start()
    assert not server.adopted
    assert server.pid != os.getpid()


async def test_after_a_crash_a_new_one_starts_on_the_same_folder(server: AsteriskServer) -> None:
    await server.start()
    first = server.pid
    await server.kill()
    assert not server.alive()
    with pytest.raises(AsteriskError, match="does not answer"):
        await server.cli("core show version")

    await server.start()
    assert server.alive() and server.pid != first


async def test_two_starters_at_once_leave_one_process(server: AsteriskServer) -> None:
    second = AsteriskServer(server.runtime, server.layout)
    await asyncio.gather(server.start(), second.start())
    assert server.pid == second.pid
    assert {server.adopted, second.adopted} == {True, False}


STARTER = """
import asyncio, os, signal, sys
from pathlib import Path
from dialer.asterisk.packages import find_or_fetch
from dialer.asterisk.server import AsteriskServer, InstanceLayout
runtime = find_or_fetch(Path(sys.argv[1]), lambda line: None)
asyncio.run(AsteriskServer(runtime, InstanceLayout("test", Path(sys.argv[2]))).start())
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_it_outlives_the_sigkill_of_the_program_that_started_it(
    server: AsteriskServer,
) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, PROJECT / ".cache/asterisk", server.layout.root, cwd=PROJECT
    )
    assert await asyncio.wait_for(starter.wait(), 40) == -signal.SIGKILL
    await server.start()
    assert server.adopted


async def test_a_start_that_fails_shows_why(runtime: AsteriskRuntime, tmp_path: Path) -> None:
    layout = rendered(runtime, InstanceLayout("broken", tmp_path / "node"))
    (layout.etc / "modules.conf").write_text("[modules]\nautoload=no\nrequire=no_such.so\n")
    with pytest.raises(AsteriskError, match=r"(?s)ended while starting.*no_such") as error:
        await AsteriskServer(runtime, layout).start()
    assert str(layout.log) in str(error.value)


async def test_a_missing_configuration_is_named(runtime: AsteriskRuntime, tmp_path: Path) -> None:
    layout = InstanceLayout("empty", tmp_path)
    with pytest.raises(AsteriskError, match=r"asterisk\.conf is missing"):
        await AsteriskServer(runtime, layout).start()


async def test_a_path_too_long_for_a_socket_still_works(
    runtime: AsteriskRuntime, tmp_path: Path
) -> None:
    layout = rendered(runtime, InstanceLayout("long", tmp_path / ("x" * 100)))
    assert not layout.run.is_relative_to(tmp_path)
    assert layout.run == InstanceLayout("long", tmp_path / ("x" * 100)).run
    server = AsteriskServer(runtime, layout)
    try:
        await server.start()
        assert "uptime" in (await server.cli("core show uptime")).lower()
    finally:
        await server.kill()
        for leftover in layout.run.iterdir():
            leftover.unlink()
        layout.run.rmdir()


async def test_a_console_command_is_one_line(server: AsteriskServer) -> None:
    with pytest.raises(AsteriskError, match="one line"):
        await server.cli("core show version\ncore stop now")


@pytest.mark.parametrize(("name", "known"), [("localhost", True), ("absent.invalid", False)])
async def test_an_unknown_host_name_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, known: bool
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert await hostname_resolves() is known
