"""How this process reaches its node, as the settings say."""

from __future__ import annotations

import aiohttp

from dialer.asterisk.ami import AmiSettings
from dialer.asterisk.phones import Manager, PhoneProvisioner
from dialer.config import Settings


def ami_settings(settings: Settings) -> AmiSettings:
    """The manager interface and our login there."""
    asterisk = settings.asterisk
    return AmiSettings(
        host=asterisk.host,
        port=asterisk.ami_port,
        username=asterisk.ami_username,
        secret=settings.secret(asterisk.ami_secret, "ami"),
    )


def ari_url(settings: Settings) -> str:
    return f"http://{settings.asterisk.host}:{settings.asterisk.http_port}"


def sip_server(settings: Settings) -> str:
    """Where an operator's phone finds the node: the address it listens on, where it is just one."""
    asterisk = settings.asterisk
    anywhere = asterisk.sip_bind in ("0.0.0.0", "::")  # noqa: S104 - a comparison
    return asterisk.sip_bind if asterisk.embedded and not anywhere else asterisk.host


def phone_provisioner(
    settings: Settings, session: aiohttp.ClientSession, ami: Manager
) -> PhoneProvisioner:
    """Adds and removes operators' phones on the node."""
    asterisk = settings.asterisk
    return PhoneProvisioner(
        ari_url(settings),
        asterisk.ari_username,
        settings.secret(asterisk.ari_secret, "ari"),
        session,
        ami,
        rtp_timeout_s=asterisk.phone_rtp_timeout_s,
    )
