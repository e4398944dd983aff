"""What the doctor's checks are made of: findings, bounded in time, and how HTTP is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg

from dialer.asterisk.ami import AmiError
from dialer.database.pool import DatabaseError

LIMIT_S = 12.0
REQUEST_TIMEOUT_S = 5.0

Check = Callable[[], Awaitable[str]]


class Trouble(Exception):
    """A check found something wrong; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    check: str
    ok: bool
    text: str


async def finding(name: str, check: Check) -> Finding:
    """Carries out one check, bounded in time."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return Finding(name, True, await check())
    except TimeoutError:
        return Finding(name, False, f"no answer in {LIMIT_S:g} s; the machine may be overloaded")
    except (aiohttp.ClientError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Finding(name, False, f"{type(error).__name__}: {error}")
    except (Trouble, AmiError, DatabaseError, OSError) as error:
        return Finding(name, False, str(error))


def http_session(headers: dict[str, str] | None = None) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    return aiohttp.ClientSession(timeout=timeout, headers=headers)


async def read_json(response: aiohttp.ClientResponse) -> Any:
    """The body; None where it is not JSON."""
    try:
        return await response.json(content_type=None)
    except ValueError:
        return None
