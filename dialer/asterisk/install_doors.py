"""Doors of an Asterisk that is not ours: AMI, ARI, FastAGI, SIP transports, the browsers' port.

Whoever opens a door there is its administrator: what the settings need and is shut is a problem
with the lines that open it. Only transports for encrypted SIP are added, at ports of their own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from dialer.asterisk.conf import PbxConf
from dialer.asterisk.foreign import ForeignConf, Problem, Section

CERTIFICATE, KEY = "certificate.pem", "key.pem"
"""Copies that Asterisk may read, in the folder of our own."""
WEBSOCKET = ("ws", "wss")


def with_own_certificate(conf: PbxConf, folder: Path) -> PbxConf:
    """The certificate is read from a copy in `folder`."""
    if conf.tls is None:
        return conf
    tls = replace(conf.tls, certificate=folder / CERTIFICATE, key=folder / KEY)
    return replace(conf, tls=tls)


def is_our_pjsip(foreign: ForeignConf) -> Callable[[str], bool]:
    """Which sections of pjsip.conf are written; a websocket transport of theirs is enough."""
    has_websocket = bool(_protocols(foreign) & set(WEBSOCKET))

    def ours(name: str) -> bool:
        if name == "prozvon-ws":
            return not has_websocket
        return name.startswith(("prozvon-", "trunk-"))

    return ours


def door_problems(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    """AMI and ARI must be open, at the ports that the settings name, to who logs in."""
    if not foreign.yes("manager.conf", "general", "enabled", default=False):
        yield Problem("ami_off", "manager.conf: set `enabled = yes` in [general]")
    if not foreign.yes("http.conf", "general", "enabled", default=False):
        yield Problem("http_off", "http.conf: set `enabled = yes` in [general]; ARI needs it")
    if not foreign.yes("ari.conf", "general", "enabled", default=True):
        yield Problem("ari_off", "ari.conf: set `enabled = yes` in [general]")
    ports = (
        ("manager.conf", "port", "5038", conf.ami_port, "asterisk.ami_port"),
        ("http.conf", "bindport", "8088", conf.http_port, "asterisk.http_port"),
    )
    for file, key, default, wanted, setting in ports:
        found = foreign.value(file, "general", key) or default
        if found != str(wanted):
            text = f"{file} has {key} {found}, and the settings have {setting} = {wanted}"
            yield Problem("wrong_port", f"{text}; make them the same")
    if not all(_is_loopback(network) for network in conf.control_permit):
        yield from _closed_to_others(conf, foreign)


def _closed_to_others(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    """The controller is on another machine (`asterisk.permit`)."""
    elsewhere = ", ".join(n for n in conf.control_permit if not _is_loopback(n))
    for file in ("manager.conf", "http.conf"):
        bound = foreign.value(file, "general", "bindaddr")
        if bound is not None and _is_loopback(bound):
            yield Problem(
                "closed_to_others",
                f"{file} has bindaddr = {bound}, so {elsewhere} (asterisk.permit) cannot come; set "
                "it to this machine's address in that network, not to 0.0.0.0",
            )
    if _is_loopback(conf.agi_host):
        yield Problem(
            "agi_elsewhere",
            f"agi.host is {conf.agi_host}, this machine, and the controller is elsewhere "
            "(asterisk.permit); set it to the controller's address",
        )


def _is_loopback(text: str) -> bool:
    """Of an address or a network; a name is not looked up."""
    try:
        return ipaddress.ip_network(text, strict=False).is_loopback
    except ValueError:
        return text == "localhost"


def phone_problems(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    """Transports that phones and trunks need, and the port of the browsers' websocket."""
    yield from _missing_transports(conf, foreign)
    if conf.tls is not None:
        yield from _port_taken(conf, foreign, conf.tls.sip_port)
    if conf.browser and conf.tls is not None:
        yield from _no_https(foreign, conf.tls.browser_port)


def _missing_transports(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    """UDP and TCP are theirs; ours are for TLS and websockets."""
    if foreign.value("sorcery.conf", "res_pjsip", "transport") is not None:
        return  # they are in a database of theirs
    there = _protocols(foreign)
    for protocol in ("udp", "tcp"):
        users = [trunk.name for trunk in conf.trunks if trunk.transport == protocol]
        if users and protocol not in there:
            yield Problem(
                "no_transport",
                f"pjsip.conf has no transport with `protocol = {protocol}`, which the trunks "
                f"{', '.join(users)} need; add one, or set their transport",
            )


def _port_taken(conf: PbxConf, foreign: ForeignConf, port: int) -> Iterator[Problem]:
    for part in _transports(foreign):
        values = dict(part.pairs)
        stream = values.get("protocol", "udp") in ("tcp", "tls")
        if stream and values.get("bind", "").rpartition(":")[2] == str(port):
            yield Problem(
                "port_taken",
                f"[{part.name}] of yours in pjsip.conf listens on port {port}; give "
                "phones.tls_port another one",
            )


def _no_https(foreign: ForeignConf, port: int) -> Iterator[Problem]:
    """There is one HTTPS server in an Asterisk, and it is theirs."""
    on = foreign.yes("http.conf", "general", "tlsenable", default=False)
    bound = foreign.value("http.conf", "general", "tlsbindaddr") or "0.0.0.0:8089"
    folder = foreign.skip
    if not on:
        yield Problem(
            "https_off",
            f"http.conf: browser phones come by wss; set `tlsenable = yes`, `tlsbindaddr = "
            f"0.0.0.0:{port}`, `tlscertfile = {folder / CERTIFICATE}` and `tlsprivatekey = "
            f"{folder / KEY}` (or a certificate of yours) in [general], or phones.browser = false",
        )
    elif (bound.rpartition(":")[2] or "8089") != str(port):
        yield Problem(
            "wrong_port",
            f"http.conf has tlsbindaddr {bound}, and the settings have phones.browser_port = "
            f"{port}; make them the same",
        )


# --- their transports


def _protocols(foreign: ForeignConf) -> set[str]:
    return {dict(part.pairs).get("protocol", "udp") for part in _transports(foreign)}


def _transports(foreign: ForeignConf) -> list[Section]:
    return [
        part
        for part in foreign.inherited("pjsip.conf")
        if dict(part.pairs).get("type") == "transport"
    ]
