"""How this process reaches its node, as the settings say."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from dialer.asterisk.ami import AmiSettings
from dialer.asterisk.certificate import checked, own_certificate
from dialer.asterisk.conf import PbxConf, TlsConf, TrunkConf
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.phones import Manager, PhoneKind, PhoneProvisioner
from dialer.asterisk.server import InstanceLayout
from dialer.board import Board
from dialer.config import Settings, TrunkSettings
from dialer.lines import Trunk
from dialer.phone_legs import OutsideRules, PhoneLegs
from dialer.routing import Route


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
        browser_rtp_timeout_s=settings.phones.browser_rtp_timeout_s,
        named_transport=asterisk.embedded,
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
        control_permit=asterisk.permit,
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
        tls=_tls(settings) if settings.phones.tls else None,
        browser=settings.phones.browser,
        return_limit_s=settings.phones.return_limit_s,
        seek_limit_s=settings.transfers.seek_limit_s,
        third_limit_s=settings.transfers.third_limit_s,
        trunks=tuple(trunk_conf(trunk) for trunk in settings.trunks),
    )


def trunk_conf(trunk: TrunkSettings) -> TrunkConf:
    """The trunk as Asterisk is told of it."""
    return TrunkConf(
        name=trunk.name,
        host=trunk.host,
        port=trunk.port,
        transport=trunk.transport,
        username=trunk.username,
        password=trunk.password.get_secret_value() if trunk.password else None,
        from_user=trunk.from_user,
        codecs=trunk.codecs,
        qualify_s=trunk.qualify_s,
        rtp_timeout_s=trunk.rtp_timeout_s,
        register=trunk.registers,
        srtp=trunk.srtp,
        ca=trunk.ca.absolute() if trunk.ca else None,
    )


def trunk_of(trunk: TrunkSettings, trunk_id: int) -> Trunk:
    """The trunk as the controller counts it; `trunk_id` is its row."""
    return Trunk(
        trunk.name,
        trunk_id,
        trunk.lines,
        trunk.calls_per_second,
        tech_prefix=trunk.tech_prefix,
        plus=trunk.plus,
    )


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """Every trunk's routes, with what they leave to the trunk filled in."""
    found = []
    for trunk in settings.trunks:
        if not trunk.routes:
            found.append(Route(trunk.name, "", trunk.weight, trunk.caller_ids))
        for route in trunk.routes:
            weight = trunk.weight if route.weight is None else route.weight
            caller_ids = route.caller_ids or trunk.caller_ids
            found.append(Route(trunk.name, route.prefix, weight, caller_ids))
    return tuple(found)


def phone_legs(settings: Settings, board: Board, clock: Callable[[], float]) -> PhoneLegs:
    """How operators' phones are called."""
    return PhoneLegs(board, clock, settings.asterisk.operator_ring_s, outside_rules(settings))


def outside_rules(settings: Settings) -> OutsideRules:
    """Which outside numbers may be operators' phones, and how they are called."""
    phones = settings.phones
    return OutsideRules(
        phones.outside_numbers,
        phones.outside_trunks,
        phones.outside_caller_id,
        phones.outside_accept_s,
    )


def _tls(settings: Settings) -> TlsConf:
    """The certificate of the settings, else one of our own. Raises CertificateError."""
    phones = settings.phones
    if phones.certificate is not None and phones.key is not None:
        certificate, key = checked(phones.certificate, phones.key)
    else:
        names = [sip_server(settings), settings.phones.browser_host, "localhost"]
        certificate, key = own_certificate(settings.data_dir / "tls", [n for n in names if n])
    return TlsConf(certificate, key, phones.tls_port, phones.browser_port)


def phone_address(settings: Settings, kind: PhoneKind) -> str:
    """Where a SIP phone of this kind registers, for people: `address:port (protocol)`."""
    if kind is PhoneKind.SIP_TLS:
        return f"{sip_server(settings)}:{settings.phones.tls_port} (TLS, SRTP)"
    return f"{sip_server(settings)}:{settings.asterisk.sip_port} (UDP)"


def websocket_url(settings: Settings) -> str:
    """Where a browser phone finds the node."""
    phones = settings.phones
    host = phones.browser_host or sip_server(settings)
    if phones.tls:
        return f"wss://{host}:{phones.browser_port}/ws"
    return f"ws://{settings.asterisk.host}:{settings.asterisk.http_port}/ws"


class NodePhonesNow:
    """Phones on the node for those who are no task of their own: a session for each request."""

    def __init__(self, settings: Settings, ami: Manager) -> None:
        self._settings, self._ami = settings, ami

    async def add(self, login: str, *, ha1: str, kind: PhoneKind) -> None:
        async with aiohttp.ClientSession() as session:
            await phone_provisioner(self._settings, session, self._ami).add(
                login, ha1=ha1, kind=kind
            )

    async def remove(self, login: str) -> None:
        async with aiohttp.ClientSession() as session:
            await phone_provisioner(self._settings, session, self._ami).remove(login)
