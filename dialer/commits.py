"""Attempts are committed before they are dialed, those of one moment together.

A campaign's attempts go in one statement; what is placed while it is under way goes in the next
one. So a floor that dials hundreds of calls a second asks the disk for tens of commits.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from dialer.calls import Attempt
from dialer.store import Dial, Store
from dialer.tasks import Tasks

COMMIT_LIMIT_S = 5.0

Waiting = tuple[Attempt, Dial, asyncio.Future[bool]]


class Commits:
    """Of one floor."""

    def __init__(self, store: Store, tasks: Tasks) -> None:
        self._store, self._tasks = store, tasks
        self._queues: dict[int, list[Waiting]] = {}

    def commit(self, attempt: Attempt, dial: Dial) -> asyncio.Future[bool]:
        """Whether the attempt was committed; if not, it must not be dialed.

        Raises what the database raises, TimeoutError when it gives no answer in time.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        queue = self._queues.get(attempt.campaign_id)
        if queue is None:
            queue = self._queues[attempt.campaign_id] = []
            name = f"commit attempts of {attempt.campaign_id}"
            self._tasks.start(name, self._write(attempt.campaign_id))
        queue.append((attempt, dial, done))
        return done

    async def _write(self, campaign_id: int) -> None:
        """Until nothing of the campaign waits."""
        while batch := self._queues[campaign_id]:
            self._queues[campaign_id] = []
            try:
                async with asyncio.timeout(COMMIT_LIMIT_S):
                    committed = await self._store.commit_attempts([(a, d) for a, d, _ in batch])
            except Exception as error:  # each is told, and decides
                _tell(batch, error)
            else:
                _tell(batch, committed)
        del self._queues[campaign_id]


def _tell(batch: list[Waiting], came: set[UUID] | Exception) -> None:
    for attempt, _, done in batch:
        if done.done():
            continue
        if isinstance(came, Exception):
            done.set_exception(came)
        else:
            done.set_result(attempt.id in came)
