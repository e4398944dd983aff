"""An event loop whose time moves only when nothing is left to be done at the present moment.

While a callback is ready, a thread works or PostgreSQL owes an answer, time stands still; then it
jumps to the next timer. A minute of a floor takes as long as its work takes.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

LOOK_AGAIN_S = 1.0
"""Real seconds after which somebody who owes an answer is looked at again."""
READY_FOR_QUERY = ord("Z")

Connect = Callable[[Callable[[], Any]], tuple[Any, Any]]


class _Selector(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's time."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None or self.loop.is_owed:
            return super().select(LOOK_AGAIN_S)
        self.loop.move(timeout)
        return found


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time begins at 0. Ports in `lines` are answered within the process."""

    def __init__(self) -> None:
        self._now = 0.0
        self._owed: set[object] = set()
        self.lines: dict[int, Connect] = {}
        self.stalls: list[tuple[float, float]] = []
        """In order: between these two times (not at them) no timer is called, but after them."""
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        self._now = self.after_stall(self._now + seconds)

    def after_stall(self, at: float) -> float:
        """This time, or the end of the stall that it lies in."""
        begin, end = self._stall(at)
        return end if begin < at < end else at

    def before_stall(self, at: float) -> float:
        """This time, or the beginning of the stall that it lies in."""
        begin, end = self._stall(at)
        return begin if begin < at < end else at

    def _stall(self, at: float) -> tuple[float, float]:
        index = bisect_left(self.stalls, (at, -math.inf)) - 1
        return self.stalls[index] if index >= 0 else (-math.inf, -math.inf)

    @property
    def is_owed(self) -> bool:
        """Whether somebody outside works for us."""
        return bool(self._owed)

    async def settled(self) -> None:
        """Returns when nothing is left to be done at the present moment."""
        while True:
            await asyncio.sleep(0)
            if not self.is_owed and not getattr(self, "_ready", ()):
                return

    def owe(self, who: object) -> None:
        self._owed.add(who)

    def paid(self, who: object) -> None:
        self._owed.discard(who)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self.owe(future)
        future.add_done_callback(self.paid)
        return future

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **more: Any
    ) -> tuple[Any, Any]:
        if port in self.lines:
            return self.lines[port](protocol_factory)
        return await super().create_connection(protocol_factory, host, port, **more)

    async def create_unix_connection(
        self, protocol_factory: Callable[[], Any], path: Any = None, **more: Any
    ) -> tuple[Any, Any]:
        """PostgreSQL's: from what is sent until it is ready for the next query, it owes us."""
        made = _Watched(protocol_factory(), self)
        self.owe(made)
        try:
            await super().create_unix_connection(lambda: made, path, **more)
        except BaseException:
            self.paid(made)
            raise
        return made.transport, made.inner


class _Watched(asyncio.Protocol):
    """Between asyncpg and its socket: reads the frames of PostgreSQL's protocol, version 3."""

    transport: _Told

    def __init__(self, inner: Any, loop: VirtualTimeLoop) -> None:
        self.inner, self._loop, self._frames = inner, loop, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = _Told(transport, lambda: self._loop.owe(self))
        self.inner.connection_made(self.transport)

    def data_received(self, data: bytes) -> None:
        self._frames += data
        while len(self._frames) >= 5:
            size = 1 + int.from_bytes(self._frames[1:5], "big")
            if len(self._frames) < size:
                break
            if self._frames[0] == READY_FOR_QUERY:
                self._loop.paid(self)
            del self._frames[:size]
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        answer: bool | None = self.inner.eof_received()
        return answer

    def connection_lost(self, exc: Exception | None) -> None:
        self._loop.paid(self)
        self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


class _Told:
    """A transport that tells of every write."""

    def __init__(self, transport: Any, on_write: Callable[[], None]) -> None:
        self._transport, self._on_write = transport, on_write

    def write(self, data: Any) -> None:
        self._on_write()
        self._transport.write(data)

    def writelines(self, data: Any) -> None:
        self._on_write()
        self._transport.writelines(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
