"""What is done over and over beside dialing outlives what the database refuses."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from dialer.database.pool import DatabaseError
from monitoring.repeated import repeat


class OverError(Exception):
    """Ends what has no end."""


async def test_refusals_are_logged_once_each_and_waited_out() -> None:
    fails: list[Exception | None] = [
        asyncpg.UndefinedTableError("no campaign"),
        asyncpg.UndefinedTableError("no campaign"),
        DatabaseError("no answer"),
        None,
        DatabaseError("no answer"),
        OverError(),
    ]

    async def step() -> bool:
        if error := fails.pop(0):
            raise error
        return False

    with capture_logs() as said, pytest.raises(OverError):
        await asyncio.wait_for(repeat(step, "not_done", first_s=0, every_s=0, rest=0), 30)
    assert [line["event"] for line in said] == ["not_done"] * 3
    assert not fails
