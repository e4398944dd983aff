"""Tells systemd how this process is: READY=1, STOPPING=1, WATCHDOG=1 (sd_notify(3)).

Without NOTIFY_SOCKET nothing is sent. The watchdog's sign of life comes out of the event loop, so a
loop that hangs is a process that systemd restarts.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping

import structlog

log = structlog.get_logger(__name__)


class Notifier:
    """One process's line to systemd; `environment` as systemd sets it."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # "@" stands for the leading NUL of an abstract socket.
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self.watchdog_s = _watchdog_s(environment)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str) -> None:
        self._send(f"STOPPING=1\nSTATUS={status}")

    async def watchdog(self) -> None:
        """A sign of life at twice the rate that systemd asks for; returns when it asks for none."""
        while self.watchdog_s > 0:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.connect(self._address)
                line.send(text.encode())
        except OSError as error:
            log.warning("systemd_not_told", text=text.partition("\n")[0], error=str(error))


def _watchdog_s(environment: Mapping[str, str]) -> float:
    """Seconds until systemd gives this process up; 0 when it does not watch it."""
    wanted = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(wanted) / 1e6 if wanted.isdigit() and meant else 0.0
