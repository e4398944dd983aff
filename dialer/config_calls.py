"""Settings of calls: the ways out to the telephone network, and what operators may do in a call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from dialer.config_section import ADDRESS, CALLER_ID, NAME, Port, Section, patterns
from dialer.talk.codes import DEFAULT_CODES, TARGET, problem_of

CallerId = Annotated[str, Field(pattern=CALLER_ID)]
SipUser = Annotated[str, Field(pattern=r"^[0-9A-Za-z._+*-]{1,80}$")]


class RouteSettings(Section):
    """Numbers that a trunk takes, and what it shows there. See dialer/routing.py."""

    prefix: Annotated[str, Field(pattern=r"^(\+?[0-9]{1,15})?$")] = Field(
        default="", description="begin of the number, as +7495; empty: every number"
    )
    weight: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, description="share among trunks of the same prefix; 0: reserve"
    )
    caller_ids: tuple[CallerId, ...] = Field(
        default=(), description="numbers to show in turn; empty: those of the trunk"
    )

    @field_validator("prefix")
    @classmethod
    def _with_plus(cls, prefix: str) -> str:
        """Numbers are kept as +<digits>."""
        return f"+{prefix}" if prefix and not prefix.startswith("+") else prefix


class TrunkSettings(Section):
    """One way out to the telephone network."""

    name: Annotated[str, Field(pattern=NAME)]
    host: Annotated[str, Field(pattern=ADDRESS)]
    port: Port = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"
    srtp: bool = Field(default=False, description="sound only encrypted (SDES); needs tls")
    ca: Path | None = Field(
        default=None, description="who vouches for its certificate (PEM), if the machine's list not"
    )
    username: SipUser | None = None
    password: SecretStr | None = None
    from_user: SipUser | None = None
    registers: bool = Field(
        default=False, alias="register", description="register at the provider with the username"
    )
    codecs: tuple[Literal["alaw", "ulaw", "g722"], ...] = ("alaw", "ulaw")
    qualify_s: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=10, description="seconds between two OPTIONS; 0: the provider does not answer them"
    )
    rtp_timeout_s: Annotated[int, Field(ge=0, le=3600)] = 60
    lines: Annotated[int, Field(ge=1, le=100_000)] = 100
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 10.0
    tech_prefix: Annotated[str, Field(pattern=r"^[0-9*#]{0,15}$")] = Field(
        default="", description="what the provider wants before every number"
    )
    plus: bool = Field(default=True, description="dial +7495..., not 7495...")
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    caller_ids: tuple[CallerId, ...] = ()
    routes: tuple[RouteSettings, ...] = Field(
        default=(), description="numbers that it takes; empty: every number"
    )

    @field_validator("codecs")
    @classmethod
    def _some_codec(cls, codecs: tuple[str, ...]) -> tuple[str, ...]:
        if not codecs:
            raise ValueError("name at least one codec")
        return codecs

    @model_validator(mode="after")
    def _credentials(self) -> TrunkSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("give both username and password, or neither")
        if self.registers and self.username is None:
            raise ValueError("register needs username and password")
        if self.transport != "tls" and (self.srtp or self.ca is not None):
            raise ValueError('srtp and ca need transport = "tls"')
        prefixes = [route.prefix for route in self.routes]
        if len(set(prefixes)) < len(prefixes):
            raise ValueError("two routes have the same prefix")
        return self


class TransferSettings(Section):
    """What operators may do with a live call. Limits in seconds."""

    numbers: tuple[str, ...] = Field(
        default=(),
        description='numbers that a call may be handed to, such as "+74951234567", "+7495xxxxxxx" '
        '(x: any digit) or "+7800*"; none: only operators',
    )
    codes: dict[str, str] = Field(
        default_factory=lambda: dict(DEFAULT_CODES),
        description='what each * code of a phone does, such as hold = "*1"; those left out are off',
    )
    targets: dict[str, str] = Field(
        default_factory=dict,
        description='digits after a code: 7 = "stage:sale", "skill:pension", "operator:olga" '
        'or "number:+74951234567"',
    )
    hold_limit_s: Annotated[float, Field(ge=5, le=3600)] = 300.0
    park_limit_s: Annotated[float, Field(ge=2, le=3600)] = 120.0
    group_limit_s: Annotated[float, Field(ge=2, le=600)] = 60.0
    seek_limit_s: Annotated[int, Field(ge=5, le=600)] = Field(
        default=30, description="so long a person whose operator is gone waits for any other"
    )
    third_limit_s: Annotated[int, Field(ge=30, le=3600)] = Field(
        default=300, description="so long a called number may wait with music"
    )
    ring_timeout_s: Annotated[float, Field(ge=5, le=120)] = 30.0

    @field_validator("numbers")
    @classmethod
    def _are_patterns(cls, numbers: tuple[str, ...]) -> tuple[str, ...]:
        return patterns(numbers)

    @field_validator("codes")
    @classmethod
    def _are_codes(cls, codes: dict[str, str]) -> dict[str, str]:
        if problem := problem_of(codes):
            raise ValueError(problem)
        return codes

    @field_validator("targets")
    @classmethod
    def _are_targets(cls, targets: dict[str, str]) -> dict[str, str]:
        for digits, target in targets.items():
            if not TARGET.fullmatch(target) or not digits.isdigit() or len(digits) > 6:
                raise ValueError(
                    f"{digits} = {target!r}: give up to 6 digits, and operator:, stage:, skill: "
                    "or number: with a name"
                )
        return targets
