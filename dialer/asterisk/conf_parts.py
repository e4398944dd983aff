"""Parts of the PBX's configuration: a trunk, and what encrypted phones need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class Escaped(str):
    """Text of our own with a semicolon that is escaped already."""


@dataclass(frozen=True)
class TrunkConf:
    """One way out to the telephone network; its endpoint is `trunk-<name>`.

    Give `host` as an address where you can: a name costs a DNS look-up. `register` needs
    `username`. `qualify_s` is the seconds between two OPTIONS, 0 for none. `rtp_timeout_s`
    hangs up when the trunk sends no sound for so long, 0 for never. `srtp`: sound only encrypted
    (SDES), with `transport` tls. `ca`: who vouches for the provider's certificate, where the
    machine's list (`CA_LIST`) does not.
    """

    name: str
    host: str
    port: int = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"
    username: str | None = None
    password: str | None = None
    from_user: str | None = None
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    qualify_s: int = 10
    rtp_timeout_s: int = 60
    register: bool = False
    srtp: bool = False
    ca: Path | None = None

    @property
    def tls_transport(self) -> str:
        """The end of the name of the transport that calls this trunk by TLS."""
        return "trunk-tls" if self.ca is None else f"trunk-tls-{self.name}"

    @property
    def uri_transport(self) -> str:
        """What a URI of this trunk ends with; a semicolon begins a comment unless escaped."""
        return "" if self.transport == "udp" else Escaped(f"\\;transport={self.transport}")


@dataclass(frozen=True)
class TlsConf:
    """SIP over TLS, and with browsers the websocket over TLS (wss), with one certificate (PEM)."""

    certificate: Path
    key: Path
    sip_port: int
    browser_port: int
