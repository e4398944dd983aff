"""How long a busy thread keeps Python for itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Python's own is 5 ms. The event loop asks for a turn with every 200 KB that a COPY sends, and in
# the controller with every event of a call.
TURN_S = 0.0005

_before: list[float] = []


@contextmanager
def short_turns() -> Iterator[None]:
    """Let a thread that reads a file give way after TURN_S; for the event loop's thread alone."""
    _before.append(sys.getswitchinterval())
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        # Others may be at it still: the first one's value comes back with the last one's end.
        first = _before[0]
        _before.pop()
        if not _before:
            sys.setswitchinterval(first)
