"""How this process reaches its node, as the settings say."""

from __future__ import annotations

import aiohttp

from dialer.asterisk.ami import AmiSettings
from dialer.asterisk.conf import PbxConf, TrunkConf
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.phones import Manager, PhoneProvisioner
from dialer.asterisk.server import InstanceLayout
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


def pbx_conf(
    settings: Settings, *, runtime_layout: InstanceLayout, runtime: AsteriskRuntime
) -> PbxConf:
    """The embedded PBX's configuration from the settings."""
    asterisk = settings.asterisk
    return PbxConf(
        layout=runtime_layout,
        runtime=runtime,
        bind=asterisk.sip_bind,
        external_address=asterisk.external_address,
        local_networks=asterisk.local_networks,
        sip_port=asterisk.sip_port,
        ami_port=asterisk.ami_port,
        http_port=asterisk.http_port,
        rtp_first=asterisk.rtp_first,
        rtp_last=asterisk.rtp_last,
        ami_username=asterisk.ami_username,
        ami_secret=settings.secret(asterisk.ami_secret, "ami"),
        ari_username=asterisk.ari_username,
        ari_secret=settings.secret(asterisk.ari_secret, "ari"),
        agi_host=settings.agi.host,
        agi_port=settings.agi.port,
        recordings_dir=settings.recordings_dir,
        answer_limit_s=settings.floor.answer_limit_s,
        phone_rtp_timeout_s=asterisk.phone_rtp_timeout_s,
        trunks=tuple(
            TrunkConf(
                name=trunk.name,
                host=trunk.host,
                port=trunk.port,
                username=trunk.username,
                password=trunk.password.get_secret_value() if trunk.password else None,
            )
            for trunk in settings.trunks
        ),
    )
