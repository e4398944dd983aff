"""The node for one command: AMI and ARI without the controller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import aiohttp

from dialer.asterisk.ami import AmiClient, AmiError
from dialer.asterisk.events import Event
from dialer.asterisk.phones import PhoneProvisioner, PhonesError
from dialer.config import Settings
from dialer.node import ami_settings, ari_url, phone_provisioner

CONNECT_TIMEOUT_S = 1.0
AMI_TIMEOUT_S = 4.0


async def listens(host: str, port: int, *, timeout_s: float = CONNECT_TIMEOUT_S) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout_s)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), timeout_s)
    return True


@contextlib.asynccontextmanager
async def ami_link(
    settings: Settings, on_event: Callable[[Event], None] = lambda event: None
) -> AsyncIterator[AmiClient]:
    """A ready link. Raises AmiError when there is none in a few seconds."""
    client = AmiClient(
        ami_settings(settings),
        on_event=on_event,
        on_up=lambda: None,
        on_down=lambda reason: None,
    )
    task = asyncio.create_task(client.run())
    try:
        await client.wait_ready(AMI_TIMEOUT_S)
        yield client
    finally:
        await client.close()
        await task


@contextlib.asynccontextmanager
async def node_phones(settings: Settings) -> AsyncIterator[PhoneProvisioner]:
    """Adds and removes phones on the node. Raises PhonesError or AmiError when it is not there."""
    asterisk = settings.asterisk
    if not await listens(asterisk.host, asterisk.http_port):
        raise PhonesError(f"nothing listens at {ari_url(settings)}, where Asterisk's ARI should be")
    async with aiohttp.ClientSession() as session, ami_link(settings) as ami:
        yield phone_provisioner(settings, session, ami)


NODE_ERRORS = (PhonesError, AmiError, OSError)
"""What the node may raise when it is down, or refuses."""
