"""A tiny second Asterisk that dials the simulated carrier, and what its tests share."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from dialer.asterisk.cel import CelJournal, summarise
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.server import AsteriskServer, InstanceLayout
from dialer.demo.carrier import Behaviour, CarrierConf, render_carrier
from tests.ports import free_port, rtp_block

T = TypeVar("T")

CALLER_MODULES = (
    "app_dial",
    "func_hangupcause",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_registrar",
)

CALLER_PJSIP = """\
[global]
type = global
endpoint_identifier_order = username
default_realm = caller
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip_port}
[carrier]
type = endpoint
transport = udp
allow = !all,alaw
[olga-k_1]
type = auth
auth_type = userpass
username = op-olga-k_1
password = secret-1
[petr]
type = auth
auth_type = userpass
username = op-petr
password = secret-2
[phone](!)
type = endpoint
transport = udp
allow = !all,alaw
rtp_timeout = 2
[op-olga-k_1](phone)
auth = olga-k_1
aors = op-olga-k_1
[op-petr](phone)
auth = petr
aors = op-petr
[op-olga-k_1]
type = aor
max_contacts = 1
remove_existing = yes
[op-petr]
type = aor
max_contacts = 1
remove_existing = yes
"""

CALLER_EXTENSIONS = """\
[caller]
exten => _[+0-9].,1,Set(NUMBER=${{EXTEN}})
 same => n,Dial(PJSIP/carrier/sip:${{EXTEN}}@127.0.0.1:{carrier_port},6,gS(4))
 same => n,Hangup()
exten => phone,1,Dial(${{PJSIP_DIAL_CONTACTS(op-olga-k_1)}},10,g)
 same => n,Hangup()
exten => h,1,Set(SIP=${{HANGUPCAUSE(${{HANGUPCAUSE_KEYS()}},tech)}})
 same => n,CELGenUserEvent(CALLED,number=${{NUMBER}} status=${{DIALSTATUS}} sip=${{SIP:4:3}})
"""


@dataclass(frozen=True)
class Called:
    """What the caller's side knows of its call."""

    status: str
    sip: str


class Caller:
    """A tiny second Asterisk: dials the carrier and is the registrar of its phones."""

    def __init__(self, conf: CarrierConf, carrier_port: int) -> None:
        self.conf = conf
        self.server = AsteriskServer(conf.runtime, conf.layout)
        self._carrier_port = carrier_port

    async def start(self) -> None:
        render_carrier(self.conf)
        etc = self.conf.layout.etc
        with (etc / "modules.conf").open("a") as modules:
            modules.writelines(f"require = {name}.so\n" for name in CALLER_MODULES)
        (etc / "pjsip.conf").write_text(CALLER_PJSIP.format(sip_port=self.conf.sip_port))
        extensions = CALLER_EXTENSIONS.format(carrier_port=self._carrier_port)
        (etc / "extensions.conf").write_text(extensions)
        await self.server.start()

    async def dial(self, exten: str) -> None:
        await self.server.cli(
            f"channel originate Local/{exten}@caller application Wait 60", timeout_s=20
        )

    def called(self, since: float) -> dict[str, Called]:
        """Results by number."""
        histories = summarise(CelJournal(self.conf.journal).read(since)).values()
        events = [event for history in histories for event in history.user_events]
        found = [re.fullmatch(r"number=(\S*) status=(\S*) sip=(\S*)", e.text) for e in events]
        return {match[1]: Called(match[2], match[3]) for match in found if match}


def conf_of(
    name: str,
    runtime: AsteriskRuntime,
    tmp_path_factory: pytest.TempPathFactory,
) -> CarrierConf:
    first_rtp_port, last_rtp_port = rtp_block(500)
    return CarrierConf(
        runtime=runtime,
        layout=InstanceLayout(name, tmp_path_factory.mktemp(name)),
        ami_secret="not-secret",
        sip_port=free_port(),
        ami_port=free_port(),
        rtp_first_port=first_rtp_port,
        rtp_last_port=last_rtp_port,
        behaviour=Behaviour(post_dial_delay_s=0.15),
    )


async def until(what: str, probe: Callable[[], Awaitable[T]], timeout_s: float = 15) -> T:
    """Ask again and again until the answer is true; fail with `what`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := await probe():
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {timeout_s} s: {what}")
