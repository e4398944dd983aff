"""The lease of a floor: who drives it, and what shows that another controller took it over."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from typing import TYPE_CHECKING

import psutil
import structlog

from dialer.journal import CONNECTION_ERRORS
from dialer.store import Store

if TYPE_CHECKING:
    from dialer.journal import Connection

log = structlog.get_logger(__name__)

LEASE_S = 15.0
RENEW_S = LEASE_S / 3
RENEW_LIMIT_S = 5.0


class LeaseLost(Exception):
    """Another controller took the floor; this one must stop at once."""


class Lease:
    """This process's hold of one floor."""

    def __init__(self, store: Store, holder: str) -> None:
        self._store, self._holder = store, holder
        self.known_until: float | None = None
        """Epoch seconds until which the one before us surely lived; None: there was none."""

    async def take(self) -> None:
        """Raises LeaseHeld while a controller that may be alive has the floor."""
        holder, expires_at = await self._store.lease_holder()
        # A holder renews its lease every third of it: that is when it was last alive.
        self.known_until = expires_at - LEASE_S if expires_at else None
        dead = [holder] if holder and is_dead(holder) else []
        await self._store.lease(self._holder, LEASE_S, dead)

    async def keep(self) -> None:
        """Renews it for ever. Raises LeaseLost when another controller has the floor."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                kept = await asyncio.wait_for(self._store.renew_lease(LEASE_S), RENEW_LIMIT_S)
            except CONNECTION_ERRORS as error:
                log.warning("lease_not_renewed", error=repr(error))
                continue
            if not kept:
                raise LeaseLost("another controller has taken this floor over; this one stops")

    async def check(self, connection: Connection) -> None:
        """After an outage longer than the lease another controller may have written meanwhile:
        then LeaseLost."""
        if not await self._store.holds_lease(connection):
            raise LeaseLost("another controller took this floor over while the database was away")


def new_holder() -> str:
    """A name for one controller: it tells whether that controller can still be alive."""
    process = psutil.Process()
    begun = f"{process.create_time():.0f}"
    return f"{socket.gethostname()}/{os.getpid()}/{begun}/{secrets.token_hex(4)}"


def is_dead(holder: str) -> bool:
    """Whether that controller was a process of this machine that is gone."""
    host, pid, begun, *_ = [*holder.split("/"), "", "", ""]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" != begun
    except psutil.NoSuchProcess:
        return True
