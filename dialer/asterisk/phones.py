"""Operators' SIP phones, added and removed at once by ARI push configuration.

A phone is three objects of Asterisk's res_pjsip, all with the id `op-<login>`: auth, aor and
endpoint. They are kept in the node's own database (sorcery.conf), outlive a restart, and need
no reload. The phone registers with the user name `op-<login>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Protocol
from urllib.parse import quote

import aiohttp
import structlog

from dialer.ids import SIP_REALM

log = structlog.get_logger(__name__)

PREFIX: Final = "op-"
LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
HA1: Final = re.compile(r"[0-9a-f]{32}\Z")
CODEC: Final = re.compile(r"[a-z0-9]{2,16}\Z")
REQUEST_TIMEOUT_S: Final = 5.0

Attributes = Mapping[str, str]


class PhoneKind(StrEnum):
    """How a phone reaches the node: SIP, SIP by TLS with SRTP, or a browser (WebRTC)."""

    SIP = "sip"
    SIP_TLS = "sip_tls"
    BROWSER = "browser"


CODECS: Final[Mapping[PhoneKind, tuple[str, ...]]] = {
    PhoneKind.SIP: ("alaw", "ulaw"),
    PhoneKind.SIP_TLS: ("alaw", "ulaw"),
    PhoneKind.BROWSER: ("opus", "ulaw"),
}


class PhonesError(Exception):
    """A phone could not be added, removed or listed; the message says what to do."""


class Manager(Protocol):
    """What is needed of `AmiClient`."""

    async def list_action(
        self, name: str, fields: Mapping[str, str] | None = None, *, timeout_s: float | None = None
    ) -> list[Mapping[str, str]]: ...


class PhoneProvisioner:
    """Adds and removes phones on one node.

    `base_url` is where ARI is, such as `http://127.0.0.1:18088`. `ami` is asked for what
    there is, which ARI 22.10 can write and delete but not list. `rtp_timeout_s`: a phone that
    sends no sound for so long during a call is taken for vanished. Every method raises
    PhonesError, and what `ami` raises.
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        session: aiohttp.ClientSession,
        ami: Manager,
        *,
        rtp_timeout_s: int = 15,
        browser_rtp_timeout_s: int = 3,
        named_transport: bool = True,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        """`named_transport`: the node is ours and has `transport-udp`; else it chooses itself."""
        self._named_transport = named_transport
        self._ari = f"{base_url.rstrip('/')}/ari"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(username, password, "utf-8")}
        self._session = session
        self._ami = ami
        self._rtp_timeout_s = rtp_timeout_s
        self._browser_rtp_timeout_s = browser_rtp_timeout_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def add(
        self,
        login: str,
        *,
        ha1: str,
        kind: PhoneKind = PhoneKind.SIP,
        codecs: Sequence[str] = (),
        transport: str = "udp",
    ) -> None:
        """Make the phone of `login` work; again with another `ha1`, kind or codecs to change it.

        `transport` counts for plain SIP. A call in progress is not touched.
        """
        phone = endpoint_id(login)
        codecs = codecs or CODECS[kind]
        _check(ha1, codecs, transport)
        fields = _endpoint_fields(phone, codecs)
        fields |= self._fields_of(kind, transport)
        await self._put("auth", phone, _auth_fields(phone, ha1))
        await self._put("aor", phone, _aor_fields())
        # What an endpoint of another kind had and this one does not name must not stay.
        await self._delete("endpoint", phone)
        await self._put("endpoint", phone, fields)
        log.info("phone_added", login=login, kind=kind.value)

    def _fields_of(self, kind: PhoneKind, transport: str) -> dict[str, str]:
        if kind is PhoneKind.BROWSER:
            # `webrtc` brings ICE, DTLS-SRTP with a certificate made for the endpoint, RTCP on one
            # port. No transport: the phone is where its websocket is.
            timeout = str(self._browser_rtp_timeout_s)
            return {"webrtc": "yes", "rtp_timeout": timeout}
        fields = {"rtp_timeout": str(self._rtp_timeout_s), "transport": f"transport-{transport}"}
        if kind is PhoneKind.SIP_TLS:
            fields |= {"transport": "transport-tls", "media_encryption": "sdes"}
        if not self._named_transport:
            fields.pop("transport")
        return fields

    async def remove(self, login: str) -> None:
        """Take the phone of `login` away: it can neither register nor call, nor be called.

        Its registered contact is gone at once too, or a phone added later under the same login
        would ring at the old place. A call in progress goes on until it is hung up. Removing a
        phone that is not there is no error.
        """
        phone = endpoint_id(login)
        contacts = await self._contacts(phone)
        await self._delete("endpoint", phone)
        await self._delete("aor", phone)
        await self._delete("auth", phone)
        # The phone may have registered between the first look and the removal of its aor.
        for contact in {*contacts, *await self._contacts(phone)}:
            await self._delete("contact", contact)
        log.info("phone_removed", login=login, contacts=len(contacts))

    async def provisioned(self) -> set[str]:
        """Logins that have a phone on this node, registered or not."""
        ids = await self._stored("ps_endpoints", "endpoint")
        return {name.removeprefix(PREFIX) for name in ids if name.startswith(PREFIX)}

    async def registered(self, login: str) -> bool:
        """Whether the phone of `login` has a contact, that is, can be called."""
        return bool(await self._contacts(endpoint_id(login)))

    async def _contacts(self, phone: str) -> list[str]:
        """Ids of the phone's contacts: `op-<login>;@<hash>`."""
        ids = await self._stored("registrar", "contact")
        return [contact for contact in ids if contact.partition(";@")[0] == phone]

    async def _stored(self, family: str, kind: str) -> list[str]:
        """Ids of Asterisk's own objects of one kind.

        Read where sorcery keeps them: ARI cannot list them, and its list of endpoints still has
        a removed one while its last call ends (22.10).
        """
        rows = await self._ami.list_action("DBGetTree", {"Family": family, "Key": kind})
        return [row["Key"].removeprefix(f"/{family}/{kind}/") for row in rows]

    async def _put(self, kind: str, object_id: str, fields: Attributes) -> None:
        body = {"fields": [{"attribute": key, "value": value} for key, value in fields.items()]}
        status, answer = await self._request("PUT", _path(kind, object_id), json=body)
        _expect(status, answer, f"write {kind} {object_id}")

    async def _delete(self, kind: str, object_id: str) -> None:
        status, answer = await self._request("DELETE", _path(kind, object_id))
        if status != 404:
            _expect(status, answer, f"remove {kind} {object_id}")

    async def _request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        try:
            async with self._session.request(
                method, self._ari + path, headers=self._headers, timeout=self._timeout, **options
            ) as response:
                body = await response.json(content_type=None) if response.status != 204 else None
                return response.status, body
        except TimeoutError as error:
            raise PhonesError(
                f"ARI at {self._ari} did not answer within {self._timeout.total} s; is Asterisk "
                "overloaded or still starting?"
            ) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise PhonesError(
                f"ARI at {self._ari} cannot be used ({error}); check that Asterisk runs and that "
                "http.conf has this address and port."
            ) from error


def endpoint_id(login: str) -> str:
    """`op-<login>`, the id of the operator's endpoint. Raises PhonesError for a bad login."""
    if not LOGIN.match(login):
        raise PhonesError(
            f"The login {login!r} cannot name a phone: use up to 32 of a-z, 0-9, _ and -, "
            "beginning with a letter or a digit."
        )
    return PREFIX + login


def _check(ha1: str, codecs: Iterable[str], transport: str) -> None:
    if not HA1.match(ha1):
        raise PhonesError(
            "A phone's digest has 32 hexadecimal digits; let Prozvon make it: prozvon operator add."
        )
    if not codecs or not all(CODEC.match(codec) for codec in codecs):
        raise PhonesError(f"{list(codecs)} is no list of codecs such as alaw, ulaw, g722.")
    if transport not in ("udp", "tcp"):
        raise PhonesError(f"The transport {transport!r} is not known; use udp or tcp.")


def _auth_fields(phone: str, ha1: str) -> Attributes:
    return {"auth_type": "md5", "username": phone, "md5_cred": ha1, "realm": SIP_REALM}


def _aor_fields() -> Attributes:
    return {
        # One phone a login: the newest registration counts, as after a restart of the phone.
        "max_contacts": "1",
        "remove_existing": "yes",
        "qualify_frequency": "10",
        "qualify_timeout": "2.0",
        "minimum_expiration": "30",
        "default_expiration": "120",
        "maximum_expiration": "600",
    }


def _endpoint_fields(phone: str, codecs: Sequence[str]) -> dict[str, str]:
    return {
        "context": "prozvon-phone",
        "aors": phone,
        "auth": phone,
        "identify_by": "username",
        "disallow": "all",
        "allow": ",".join(codecs),
        # Sound must pass Asterisk: it is recorded, and moved between persons without re-INVITE.
        "direct_media": "no",
        # Phones sit behind NAT and write addresses into SIP that nobody can reach.
        "rtp_symmetric": "yes",
        "force_rport": "yes",
        "rewrite_contact": "yes",
        # A phone on hold sends nothing; its qualify tells whether it is still there.
        "rtp_timeout_hold": "0",
        "allow_transfer": "no",
        "allow_subscribe": "no",
        # A re-INVITE at every bridge would only tell the phone a number it must not show.
        "send_connected_line": "no",
        "trust_connected_line": "no",
        "device_state_busy_at": "1",
    }


def _path(kind: str, object_id: str) -> str:
    return f"/asterisk/config/dynamic/res_pjsip/{kind}/{quote(object_id, safe='')}"


def _expect(status: int, body: Any, what: str) -> Any:
    if status < 300:
        return body
    if status == 401:
        raise PhonesError("ARI refused the login; check asterisk.ari_username and its secret.")
    message = body.get("message", body) if isinstance(body, dict) else body
    raise PhonesError(
        f"Asterisk would not {what}: {status} {message}. Check sorcery.conf, and that the modules "
        "res_ari_asterisk and res_sorcery_astdb are loaded."
    )
