"""Named, supervised background work: the death of one task stops the process loudly."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

CANCEL_AGAIN_S = 0.2


class Tasks:
    """A TaskGroup's tasks by name, and short commands whose failure is only logged."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs `work`; its exception ends the whole group."""
        task = self._group.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def command(
        self, name: str, work: Coroutine[Any, Any, Any], *expected: type[Exception]
    ) -> asyncio.Task[Any]:
        """Runs a command to the outside world; an `expected` failure is logged, others are loud."""
        task = self.start(name, self._logged(name, work, expected))
        # Cancelled before its first step, the wrapper never awaits `work`.
        task.add_done_callback(lambda _: work.close())
        return task

    async def _logged(
        self, name: str, work: Coroutine[Any, Any, Any], expected: tuple[type[Exception], ...]
    ) -> None:
        try:
            await work
        except expected as error:
            log.warning("command_failed", command=name, error=repr(error))

    async def end(self) -> None:
        """Cancels everything until it has ended.

        More than once: `wait_for` of Python 3.11 loses a cancellation that meets its result.
        """
        while self._running:
            self.cancel_all()
            await asyncio.wait(tuple(self._running), timeout=CANCEL_AGAIN_S)

    def cancel_all(self) -> None:
        """Asks every task to end."""
        for task in tuple(self._running):
            task.cancel()
