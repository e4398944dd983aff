"""Ports for tests: each is given to one test run or worker only, as long as that process lives.

A port that merely is free now may be taken by another worker, or as the source of somebody's
connection, before the server under test listens on it. All ports here lie below the ephemeral
range (32768 on Linux), and a byte of one file is locked for each: whoever holds the lock has it.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

SINGLE = range(10000, 15000)
BLOCKS = range(23000, 32700, 100)
"""Ranges for RTP begin here; the product's own and its demo's lie between."""

_given: set[int] = set()
_locks = os.open(
    Path(tempfile.gettempdir()) / f"prozvon-test-ports-{os.geteuid()}",
    os.O_RDWR | os.O_CREAT,
    0o600,
)


def free_port() -> int:
    """A port of the loopback that is free for TCP and UDP."""
    for port in random.sample(SINGLE, len(SINGLE)):
        if reserve([port]):
            return port
    raise AssertionError("no port is left for tests")


def rtp_block(size: int = 200) -> tuple[int, int]:
    """First and last port of a range for RTP; `size` is rounded up to whole hundreds."""
    hundreds = -(-size // 100)
    starts = range(BLOCKS.start, BLOCKS.stop - 100 * hundreds, 100)
    for first in random.sample(starts, len(starts)):
        if reserve(range(first, first + 100 * hundreds, 100)):
            return first, first + size - 1
    raise AssertionError("no block of ports is left for tests")


def reserve(ports: Sequence[int]) -> bool:
    """All of `ports` for this process, or none of them."""
    taken: list[int] = []
    for port in ports:
        if not _lock(port):
            for mine in taken:
                _unlock(mine)
            return False
        taken.append(port)
    return True


def _lock(port: int) -> bool:
    if port in _given:
        return False
    try:
        fcntl.lockf(_locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _given.add(port)
    if _is_free(port):
        return True
    _unlock(port)
    return False


def _unlock(port: int) -> None:
    _given.discard(port)
    fcntl.lockf(_locks, fcntl.LOCK_UN, 1, port)


def _is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
