"""What systemd is told, over a real NOTIFY_SOCKET."""

from __future__ import annotations

import asyncio
import configparser
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialer.config import FloorSettings
from dialer.notify import Notifier

UNIT = Path(__file__).parents[2] / "packaging/systemd/prozvon.service"


@contextmanager
def systemd(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(5)
        yield listener


@pytest.mark.parametrize("abstract", [False, True])
def test_ready_and_stopping_are_said(tmp_path: Path, abstract: bool) -> None:
    name = f"prozvon-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    given, bound = (f"@{name}", f"\0{name}") if abstract else (name, name)
    with systemd(bound) as listener:
        notifier = Notifier({"NOTIFY_SOCKET": given})
        notifier.ready("floor main")
        assert listener.recv(100) == b"READY=1\nSTATUS=floor main"
        notifier.stopping("finishing 3 calls")
        assert listener.recv(100) == b"STOPPING=1\nSTATUS=finishing 3 calls"


async def test_signs_of_life_come_twice_as_often_as_asked_for(tmp_path: Path) -> None:
    with systemd(str(tmp_path / "notify")) as listener:
        listener.setblocking(False)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "40000"}
        notifier = Notifier(environment)
        assert notifier.watchdog_s == 0.04
        task = asyncio.create_task(notifier.watchdog())
        loop = asyncio.get_running_loop()
        for _ in range(3):
            assert await asyncio.wait_for(loop.sock_recv(listener, 100), 5) == b"WATCHDOG=1"
        task.cancel()


async def test_nobody_listens_and_nobody_asks(tmp_path: Path) -> None:
    Notifier({}).ready("")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("")
    for other in ({}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}):
        await asyncio.wait_for(Notifier(other).watchdog(), 1)


def test_the_unit_gives_the_drain_its_time() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["KillMode"] == "mixed"
    assert float(service["TimeoutStopSec"]) > FloorSettings().drain_limit_s + 30
    assert float(service["WatchdogSec"]) > 0
    assert service["ExecStart"].endswith("prozvon serve")
