"""PURE. A legal profile: what a campaign may do. Profiles are data, never code for a country.

`read` makes one of a TOML or JSON document (the shipped ones are in `profiles/`); `problems` says
what of a campaign's settings contradicts it. A contradiction blocks the campaign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from campaigns.refusals import Refusal, Sentence

DAY_S = 86_400
DEFAULT_PROFILE = "own"
DAY_KINDS = ("workday", "weekend", "holiday")
DAY_MINUTES = 24 * 60
MESSAGE_PARTS = ("company", "number", "opt_out_key")
"""What the message to abandoned people may be confirmed to name."""
MODES_THAT_ABANDON = ("progressive", "predictive")

Window = tuple[int, int]
"""Minutes since midnight: from (inclusive), to (exclusive), at most 1440."""


class LegalError(Refusal):
    """A profile is not known or not well-formed, or a campaign contradicts it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Abandonment(_Part):
    """At most `max_rate` (share) of those who answer may be abandoned in any `window_s` seconds;
    abandoned is who has no operator `operator_within_s` seconds after the answer."""

    max_rate: float = Field(ge=0, le=1)
    window_s: float = Field(ge=3600, le=366 * DAY_S)
    operator_within_s: float = Field(gt=0, le=10)


class Hours(_Part):
    """Calling hours in the called person's local time, by the kind of the day."""

    workday: tuple[Window, ...]
    weekend: tuple[Window, ...]
    holiday: tuple[Window, ...]

    @field_validator("*", mode="before")
    @classmethod
    def _minutes(cls, value: Any) -> Any:
        return tuple(window(pair) for pair in value)

    def on(self, kind: str) -> tuple[Window, ...]:
        """The windows of a day of `kind` (one of DAY_KINDS)."""
        windows: tuple[Window, ...] = getattr(self, kind)
        return windows


class Limits(_Part):
    """Dials to one person, over all campaigns of the floor, that reached the line. None: no limit.

    Days, weeks (from Monday) and months are those of the person's local calendar."""

    in_all: int | None = Field(None, ge=1)
    per_day: int | None = Field(None, ge=1)
    per_week: int | None = Field(None, ge=1)
    per_month: int | None = Field(None, ge=1)


class Consent(_Part):
    """In which modes a person must have consented before."""

    modes: tuple[str, ...] = ()


class AfterAbandoned(_Part):
    """No dial for `pause_s` seconds after an abandoned call; a mode that guarantees an operator may
    be excepted."""

    pause_s: float = Field(0, ge=0)
    except_modes: tuple[str, ...] = ()


class Registry(_Part):
    """A public do-not-call register that must have been imported within `max_age_days`."""

    name: str = Field(pattern=r"[a-z][a-z0-9_]{0,31}$")
    max_age_days: int = Field(ge=1, le=366)


class Message(_Part):
    """What an abandoned person must hear: name, number, an opt-out key; whether marketing may be
    in it."""

    name: bool = True
    number: bool = True
    opt_out_key: bool = False
    marketing: bool = False

    def demanded(self) -> tuple[str, ...]:
        """Those of MESSAGE_PARTS that must be named, in their order."""
        wanted = zip(MESSAGE_PARTS, (self.name, self.number, self.opt_out_key), strict=True)
        return tuple(part for part, needed in wanted if needed)


class Title(_Part):
    en: str
    ru: str


class Profile(_Part):
    """One version of a profile. The newest version that is in force counts."""

    name: str = Field(pattern=r"[a-z][a-z0-9_]{0,31}$")
    version: int = Field(ge=1)
    in_force_from: date
    title: Title
    modes: tuple[str, ...] = Field(min_length=1)
    minimum_ring_s: float = Field(ge=0, le=60)
    calendar: str = Field("ru", pattern=r"[a-z][a-z0-9_]{0,31}$")
    caller_id_needed: bool = False
    recording_needed: bool = False
    records_kept_days: int = Field(1096, ge=1)
    abandonment: Abandonment
    hours: Hours
    limits: Limits = Limits()  # type: ignore[call-arg]
    consent: Consent = Consent()
    after_abandoned: AfterAbandoned = AfterAbandoned()  # type: ignore[call-arg]
    registry: Registry | None = None
    message: Message = Message()

    def needs_consent(self, mode: str) -> bool:
        return mode in self.consent.modes

    def pause_after_abandoned_s(self, mode: str) -> float:
        """Seconds without a dial after an abandoned call; 0 in a mode that is excepted."""
        return 0.0 if mode in self.after_abandoned.except_modes else self.after_abandoned.pause_s


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Why a campaign may not dial under its profile. `id` is stable, `key` names the setting."""

    id: str
    key: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a campaign that a profile has a say in."""

    mode: str = "progressive"
    caller_id: str | None = None
    ring_timeout_s: float = 25.0
    recording: bool = False
    max_abandon_rate: float = 0.03
    message_names: frozenset[str] = frozenset()


def window(pair: Any) -> Window:
    """["09:00", "21:30"] -> (540, 1290). Raises ValueError."""
    if isinstance(pair, str) or len(pair) != 2:
        raise ValueError("a window is two times, as ['09:00', '21:00']")
    begin, end = (_minutes(value) for value in pair)
    if not 0 <= begin < end <= DAY_MINUTES:
        raise ValueError(f"a window goes from an earlier to a later time of one day, not {pair}")
    return begin, end


def _minutes(value: Any) -> int:
    if isinstance(value, int):
        return value
    hour, _, minute = str(value).partition(":")
    if not (hour.isdigit() and minute.isdigit() and len(minute) == 2 and int(minute) < 60):
        raise ValueError(f"{value!r} is no time; write 09:00")
    return int(hour) * 60 + int(minute)


def clock_time(minutes: int) -> str:
    """540 -> 09:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def read(document: Mapping[str, Any], source: str) -> Profile:
    """The profile in a document. Raises LegalError `bad_profile` that names every wrong key."""
    try:
        return Profile.model_validate(dict(document))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()
        )
        raise LegalError(
            "bad_profile",
            f"{source} is no legal profile: {told}",
            f"{source}: это не правовой профиль: {told}",
            status=422,
        ) from None


def in_force(versions: Mapping[int, Profile], on: date) -> Profile | None:
    """The newest of `versions` that is in force on that day."""
    begun = [profile for profile in versions.values() if profile.in_force_from <= on]
    return max(begun, key=lambda profile: profile.version, default=None)


def problems(profile: Profile, rules: Rules) -> list[Contradiction]:
    """Everything in a campaign's settings that its profile forbids; empty: it may dial."""
    return [*_mode(profile, rules), *_ring(profile, rules), *_others(profile, rules),
            *_message(profile, rules)]  # fmt: skip


def _mode(profile: Profile, rules: Rules) -> Iterator[Contradiction]:
    if rules.mode not in profile.modes:
        allowed = ", ".join(profile.modes)
        yield Contradiction(
            "legal_mode",
            "mode",
            Sentence(
                f"the legal profile {profile.name} does not allow the mode {rules.mode}; "
                f"choose one of: {allowed}",
                f"правовой профиль {profile.name} не разрешает режим {rules.mode}; "
                f"возможны: {allowed}",
            ),
        )


def _ring(profile: Profile, rules: Rules) -> Iterator[Contradiction]:
    if rules.ring_timeout_s < profile.minimum_ring_s:
        least, given = profile.minimum_ring_s, rules.ring_timeout_s
        yield Contradiction(
            "legal_ring",
            "ring_timeout_s",
            Sentence(
                f"the legal profile {profile.name} lets a phone ring {least:g} s at least; "
                f"raise ring_timeout_s from {given:g}",
                f"по правовому профилю {profile.name} телефон звонит не меньше {least:g} с; "
                f"увеличьте ring_timeout_s (сейчас {given:g})",
            ),
        )


def _others(profile: Profile, rules: Rules) -> Iterator[Contradiction]:
    cap = profile.abandonment.max_rate
    if rules.max_abandon_rate > cap:
        yield Contradiction(
            "legal_abandonment",
            "max_abandon_rate",
            Sentence(
                f"the legal profile {profile.name} allows {cap:.1%} abandoned calls; "
                f"lower max_abandon_rate from {rules.max_abandon_rate:.1%}",
                f"правовой профиль {profile.name} допускает {cap:.1%} брошенных вызовов; "
                f"уменьшите max_abandon_rate (сейчас {rules.max_abandon_rate:.1%})",
            ),
        )
    if profile.caller_id_needed and not rules.caller_id:
        yield Contradiction(
            "legal_caller_id",
            "caller_id",
            Sentence(
                f"the legal profile {profile.name} needs a caller id that can be called back; "
                "set caller_id",
                f"правовой профиль {profile.name} требует номер, на который можно перезвонить; "
                "задайте caller_id",
            ),
        )
    if profile.recording_needed and not rules.recording:
        yield Contradiction(
            "legal_recording",
            "recording",
            Sentence(
                f"the legal profile {profile.name} needs conversations recorded; set recording",
                f"правовой профиль {profile.name} требует записи разговоров; включите recording",
            ),
        )


def _message(profile: Profile, rules: Rules) -> Iterator[Contradiction]:
    """Where the machine dials ahead of operators, somebody may hear the message."""
    lacks = [part for part in profile.message.demanded() if part not in rules.message_names]
    if not lacks or rules.mode not in MODES_THAT_ABANDON:
        return
    told = ", ".join(lacks)
    command = f'message={{sound = "/PATH", names = {_toml(profile.message.demanded())}}}'
    yield Contradiction(
        "legal_message",
        "message",
        Sentence(
            f"the legal profile {profile.name} demands that the message to abandoned people names: "
            f"{told}; record one, hear it, and confirm it: prozvon campaign edit NAME '{command}'",
            f"правовой профиль {profile.name} требует, чтобы сообщение при нехватке операторов "
            f"называло: {told}; запишите его, прослушайте и подтвердите: "
            f"prozvon campaign edit NAME '{command}'",
        ),
    )


def _toml(parts: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{part}"' for part in parts) + "]"
