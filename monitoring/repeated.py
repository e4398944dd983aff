"""Work that is done over and over beside dialing, on database connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from dialer.database.pool import DatabaseError
from dialer.journal import CONNECTION_ERRORS

log = structlog.get_logger(__name__)


async def repeat(
    step: Callable[[], Awaitable[bool]], failed: str, *, first_s: float, every_s: float, rest: float
) -> None:
    """For ever; what the database refuses is logged once, as the event `failed`, and waited out.

    After a step nothing is done for `every_s` and at least `rest` times as long as it took; for
    only the latter where it returns True, as there is more to do.
    """
    loop, pause, said = asyncio.get_running_loop(), first_s, ""
    while True:
        await asyncio.sleep(pause)
        begun, behind = loop.time(), False
        try:
            behind, said = await step(), ""
        except (DatabaseError, asyncpg.PostgresError, *CONNECTION_ERRORS) as error:
            # Nothing of this may end dialing.
            if type(error).__name__ != said:
                said = type(error).__name__
                log.warning(failed, error=repr(error))
        pause = rest * (loop.time() - begun)
        if not behind:
            pause = max(every_s, pause)
