"""The simulated carrier: a second Asterisk that plays the telephone network and its people.

It takes calls to any number over real SIP and RTP (docs/reference/simulated-carrier.md), hosts
the simulated operators' SIP phones, and keeps its own record of every call.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

import structlog

from dialer.asterisk.cel import (
    JOURNAL_EVENTS,
    JOURNAL_FILE,
    JOURNAL_MAPPING,
)
from dialer.asterisk.conf import render_folder
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.server import AsteriskServer, InstanceLayout
from dialer.demo.carrier_record import DIALED, EARLY_MEDIA, ENDS, RINGING, CarrierRecord
from dialer.demo.numbers import DEMO_SHARES, RANDOM_KINDS, RULES, Kind
from dialer.demo.voices import write_voices

log = structlog.get_logger(__name__)

TEMPLATES = Path(__file__).parents[2] / "asterisk-conf" / "carrier"

LONGEST_S = 600
"""A simulated person's patience, also when ringing: nothing is left behind for ever."""
MACHINE_LISTENS_S = 20
PHONE_LONGEST_S = 24 * 3600
_DRAW_RANGE = 1_000_000
_DIGITS = re.compile(r"\d+")
_TIMEOUT_S = 10.0
_SIGN_OFF_TIMEOUT_S = 3.0
_SETTLED_FILES = ("asterisk.conf", "manager.conf", "modules.conf", "pjsip.conf", "rtp.conf")
_REFUSALS_OF_CLI = ("No such command", "is not a known channel", "failed", "Usage:")


class CarrierError(RuntimeError):
    """The carrier did not do what was asked; the message says what to do."""


@dataclass(frozen=True)
class Phone:
    """A simulated operator's SIP phone: registers as `op-<login>`, answers by itself.

    `registrar` is the PBX, `address:port`; with `tls` where it listens for that, and sound is SRTP.
    """

    login: str
    secret: str = field(repr=False)
    registrar: str = "127.0.0.1:15060"
    tls: bool = False

    @property
    def username(self) -> str:
        """The SIP user: the PBX's endpoint id."""
        return f"op-{self.login}"


@dataclass(frozen=True)
class Account:
    """A customer of the carrier that registers and calls with a password.

    Its calls must have `username` in From; whoever calls without is known by address.
    """

    username: str
    secret: str = field(repr=False)


class Manners(StrEnum):
    """What a phone does with the next call it gets; LATE and DROP take seconds."""

    ANSWER = "answer"
    LATE = "late"
    DROP = "drop"
    MUTE = "mute"
    NEVER = "never"
    BUSY = "busy"


class TalkLaw(StrEnum):
    """Distribution of a random person's talk time."""

    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"


@dataclass(frozen=True)
class Behaviour:
    """How the network and the people of random numbers (tail 9xxx) behave. Times in seconds.

    Ring delay: `ring_min_s` plus an exponential time, `ring_mean_s` in the mean, cut at
    `ring_max_s`. Talk: exponential with mean `talk_centre_s`, or lognormal with median
    `talk_centre_s` and shape `talk_sigma`; cut at `talk_max_s`. The post-dial delay holds for
    every number. Shares are weights of any sum.
    """

    shares: Mapping[Kind, float] = field(default_factory=lambda: DEMO_SHARES)
    post_dial_delay_s: float = 0.1
    ring_min_s: float = 1.0
    ring_mean_s: float = 4.0
    ring_max_s: float = 30.0
    talk_law: TalkLaw = TalkLaw.LOGNORMAL
    talk_centre_s: float = 15.0
    talk_sigma: float = 0.8
    talk_max_s: float = 300.0

    def __post_init__(self) -> None:
        unknown = set(self.shares) - set(RANDOM_KINDS)
        if unknown:
            raise ValueError(f"A random call cannot become {sorted(unknown)}; see RANDOM_KINDS.")
        if min(self.shares.values(), default=0) < 0 or sum(self.shares.values()) <= 0:
            raise ValueError("Shares are weights: none below zero, at least one above.")
        if not 0 <= self.ring_min_s <= self.ring_mean_s <= self.ring_max_s:
            raise ValueError("Ring delays: 0 <= ring_min_s <= ring_mean_s <= ring_max_s.")

    def global_values(self) -> dict[str, str]:
        """The dialplan's global variables."""
        weights = [self.shares.get(kind, 0.0) for kind in RANDOM_KINDS]
        edges = [round(_DRAW_RANGE * edge / sum(weights)) for edge in accumulate(weights)]
        values: dict[str, object] = {
            f"CARRIER_UP_TO_{kind}": edge for kind, edge in zip(RANDOM_KINDS, edges, strict=True)
        }
        values |= {
            "CARRIER_POST_DIAL_DELAY_S": f"{self.post_dial_delay_s:.3f}",
            "CARRIER_RING_MIN_S": f"{self.ring_min_s:.3f}",
            "CARRIER_RING_SPREAD_S": f"{self.ring_mean_s - self.ring_min_s:.3f}",
            "CARRIER_RING_MAX_S": f"{self.ring_max_s:.3f}",
            "CARRIER_TALK_LAW": self.talk_law.value,
            "CARRIER_TALK_CENTRE_S": f"{self.talk_centre_s:.3f}",
            "CARRIER_TALK_SIGMA": f"{self.talk_sigma:.3f}",
            "CARRIER_TALK_MAX_S": f"{self.talk_max_s:.3f}",
        }
        return {name: str(value) for name, value in values.items()}


@dataclass(frozen=True)
class CarrierTls:
    """Where trunks may come by TLS, and with which certificate (PEM)."""

    port: int
    certificate: Path
    key: Path


@dataclass(frozen=True)
class CarrierConf:
    """All that the carrier's configuration is rendered from. Everything is on 127.0.0.1."""

    runtime: AsteriskRuntime
    layout: InstanceLayout
    ami_secret: str = field(repr=False)
    ami_user: str = "carrier"
    sip_port: int = 15160
    ami_port: int = 15138
    rtp_first_port: int = 22000
    rtp_last_port: int = 23999
    phones: tuple[Phone, ...] = ()
    accounts: tuple[Account, ...] = ()
    behaviour: Behaviour = field(default_factory=Behaviour)
    tls: CarrierTls | None = None

    @property
    def journal(self) -> Path:
        """The CEL journal that Asterisk writes."""
        return self.layout.log / "cel-custom" / JOURNAL_FILE

    @property
    def voices(self) -> Path:
        """Folder of the people's voices."""
        return self.layout.lib / "voices"


MODULES = (
    "app_celgenuserevent",
    "app_exec",
    "app_mixmonitor",
    "app_playback",
    "app_playtones",
    "app_senddtmf",
    "app_stack",
    "bridge_simple",
    "cel_custom",
    "chan_pjsip",
    "codec_alaw",
    "codec_resample",
    "codec_ulaw",
    "format_pcm",
    "format_sln",
    "format_wav",
    "func_cut",
    "func_global",
    "func_logic",
    "func_math",
    "func_rand",
    "func_sprintf",
    "func_strings",
    "pbx_config",
    "res_clioriginate",
    "res_musiconhold",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration",
    "res_pjsip_pubsub",
    "res_pjsip_registrar",
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_rtp_asterisk",
    "res_sorcery_astdb",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_srtp",
    "res_timing_timerfd",
)

MODULES_OF_SOME = ("res_cdrel_custom",)
"""Needed where they exist: cel_custom became a user of this one within Asterisk 22."""


def render_carrier(conf: CarrierConf) -> list[Path]:
    """Write the carrier's folders, voices and configuration files; return the latter."""
    conf.layout.create()
    (conf.layout.log / "cel-custom").mkdir(exist_ok=True)
    write_voices(conf.voices)
    return render_folder(TEMPLATES, conf.layout.etc, _template_values(conf))


def _modules(module_dir: Path) -> list[str]:
    found = [name for name in MODULES_OF_SOME if (module_dir / f"{name}.so").exists()]
    return [*MODULES, *found]


def _template_values(conf: CarrierConf) -> Mapping[str, object]:
    return {
        "conf": conf,
        "modules": _modules(conf.runtime.module_dir),
        "global_values": conf.behaviour.global_values(),
        "journal": {
            "file": JOURNAL_FILE,
            "mapping": JOURNAL_MAPPING,
            "events": ",".join(JOURNAL_EVENTS),
        },
        "events": {"dialed": DIALED, "ringing": RINGING, "early_media": EARLY_MEDIA, "ends": ENDS},
        "rules": RULES,
        "random_kinds": RANDOM_KINDS,
        "refusals": REFUSALS,
        "draw_range": _DRAW_RANGE,
        "longest_s": LONGEST_S,
        "machine_listens_s": MACHINE_LISTENS_S,
        "phone_longest_s": PHONE_LONGEST_S,
    }


REFUSALS: Mapping[Kind, int] = MappingProxyType(
    {
        rule.kind: rule.sip
        for rule in RULES
        if rule.sip is not None and rule.sip >= 400 and rule.ring_digits is None
    }
)
"""Kinds that are a SIP code and nothing else."""


class SimulatedCarrier:
    """Starts, steers and stops a carrier. Tests may also use its AMI (`conf.ami_*`)."""

    def __init__(self, conf: CarrierConf) -> None:
        self.conf = conf
        self.server = AsteriskServer(conf.runtime, conf.layout)
        self.record = CarrierRecord(conf.journal)

    async def start(self) -> None:
        """Render the configuration and start Asterisk, or bring a running one up to date.

        Phones that a running carrier had and `conf` has not sign off. A running carrier is
        started anew when ports or modules differ: Asterisk cannot change them while it runs.
        """
        before = self._settled()
        render_carrier(self.conf)
        await self.server.start()
        if self.server.adopted and self._settled() != before:
            await self.server.stop()
            await self.server.start()
        if self.server.adopted:
            await self._sign_off(keep=self.conf.phones)
            await self._cli("module reload")
            await self.set_behaviour(self.conf.behaviour)

    def _settled(self) -> list[str]:
        """The configuration that a reload does not change."""
        files = [self.conf.layout.etc / name for name in _SETTLED_FILES]
        return [file.read_text() for file in files if file.exists()]

    async def stop(self) -> None:
        """End the carrier; calls are hung up."""
        await self.server.stop()

    async def set_phones(self, phones: Iterable[Phone]) -> None:
        """Make these the only phones; the rest unregister. Calls in progress go on."""
        self.conf = replace(self.conf, phones=tuple(phones))
        await self._sign_off(keep=self.conf.phones)
        render_carrier(self.conf)
        await self._cli("module reload res_pjsip.so")
        await self._cli("module reload res_pjsip_outbound_registration.so")

    async def _sign_off(self, keep: Iterable[Phone]) -> None:
        """Unregister the other phones, waiting for the registrar's word a moment.

        A registration that is only removed from the file cannot sign off any more: by then
        Asterisk has forgotten its credentials.
        """
        gone = await self._phone_states() - {phone.login for phone in keep}
        for login in gone:
            await self._cli(f"pjsip send unregister phone-{login}")
        deadline = time.monotonic() + _SIGN_OFF_TIMEOUT_S
        while await self._phone_states("Registered") & gone:
            if time.monotonic() > deadline:
                log.warning("phones_not_signed_off", logins=sorted(gone))
                return
            await asyncio.sleep(0.05)

    async def registered_phones(self) -> set[str]:
        """Logins of the phones whose registration was accepted."""
        return await self._phone_states("Registered")

    async def _phone_states(self, state: str = "") -> set[str]:
        """Logins of the phones that Asterisk knows, or of those in this state."""
        rows = (await self._cli("pjsip show registrations")).splitlines()
        words = [row.split() for row in rows if row.strip().startswith("phone-")]
        return {w[0].partition("/")[0].removeprefix("phone-") for w in words if state in ("", w[2])}

    async def set_behaviour(self, behaviour: Behaviour) -> None:
        """Change shares, distributions and post-dial delay; calls begun keep the old ones."""
        self.conf = replace(self.conf, behaviour=behaviour)
        for name, value in behaviour.global_values().items():
            await self._set_global(name, value)

    async def set_manners(self, login: str, manners: Manners, seconds: float = 0) -> None:
        """How this phone takes its next calls."""
        await self._set_global(f"PHONE_{login}", f"{manners.value}:{seconds:.3f}")

    async def phone_channel(self, login: str) -> str | None:
        """Name of the channel on which this phone is in a call, or rings: the newest.

        A PBX that was killed says no goodbye; its calls stay at the phone for a while.
        """
        found: list[tuple[list[int], str]] = []
        for line in (await self._cli("core show channels concise")).splitlines():
            fields = line.split("!")
            if fields[1:3] == ["carrier-phones", f"phone-{login}"]:
                found.append(([int(part) for part in _DIGITS.findall(fields[-1])], fields[0]))
        return max(found)[1] if found else None

    async def hang_up_phone(self, login: str) -> None:
        """The operator puts the handset down. Raises CarrierError if there is no call."""
        await self._cli(f"channel request hangup {await self._need_channel(login)}")

    async def mute_phone(self, login: str) -> None:
        """The phone stops sending RTP and says no goodbye, as one whose network is gone."""
        channel = await self._need_channel(login)
        await self._cli(f"channel redirect {channel} carrier-phones,phone-{login},muted")

    async def sound(self, channel: str, frequency_hz: int) -> None:
        """From now on a person or a phone (by its channel here) speaks with one tone."""
        await self._cli(f"channel redirect {channel} carrier-tone,{frequency_hz},1")

    async def hear(self, channel: str, file: Path) -> None:
        """Write into `file` (.sln48: raw samples of 16 bits) what a person or a phone hears.

        48,000 samples a second although the line has 8,000: Asterisk 22.10 writes whenever it has
        32 KiB, which is a third of a second of these, and two seconds of a .wav.
        """
        mixed = file.with_suffix(".mixed.sln48")
        await self._cli(f"mixmonitor start {channel} {mixed},r({file})")

    async def person_channel(self, number: str) -> str | None:
        """Name of the channel on which the person with this number is being called."""
        for line in (await self._cli("core show channels concise")).splitlines():
            fields = line.split("!")
            if line.startswith("PJSIP/pbx-") and fields[1].startswith("carrier-"):
                dialed = await self._cli(f"core show channel {fields[0]}")
                if f"NUMBER={number}" in dialed:
                    return fields[0]
        return None

    async def listen(self, channel: str, file: Path, seconds: float) -> None:
        """Writes what this person or phone hears to `file` (WAV)."""
        await self._cli(f"mixmonitor start {channel} {file}.mix.wav,r({file})")
        await asyncio.sleep(seconds)
        await self._cli(f"mixmonitor stop {channel}")

    async def _need_channel(self, login: str) -> str:
        channel = await self.phone_channel(login)
        if channel is None:
            raise CarrierError(f"The phone of {login} is in no call; is its operator signed in?")
        return channel

    async def _set_global(self, name: str, value: str) -> None:
        await self._cli(f"dialplan set global {name} {value}")

    async def _cli(self, command: str) -> str:
        answer = await self.server.cli(command, timeout_s=_TIMEOUT_S)
        # The console reports success whatever happened; only its words tell.
        if any(refusal in answer for refusal in _REFUSALS_OF_CLI):
            raise CarrierError(f"The carrier refused `{command}`: {answer.strip()}")
        return answer
