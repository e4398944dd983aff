"""Settings: file `prozvon.toml`, environment `PROZVON_*`, secrets from files.

Later sources win: defaults, file, environment. A nested key is `PROZVON_HTTP__PORT` in the
environment and `[http] port` in the file. A secret may be given as `<key>_file` instead of `<key>`;
secrets that nobody gave are made up once and kept in `<data_dir>/secrets` with mode 0600.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from campaigns.by_hand.model import Prefixes
from campaigns.campaign.model import WaitingSound
from dialer.config_calls import RouteSettings as RouteSettings
from dialer.config_calls import TransferSettings as TransferSettings
from dialer.config_calls import TrunkSettings as TrunkSettings
from dialer.config_section import (
    ADDRESS,
    CALLER_ID,
    NAME,
    PREFIX,
    Port,
    Seconds,
    Section,
    patterns,
)

PROJECT = Path(__file__).resolve().parents[1]
OTHER_VARIABLES = {"PROZVON_CONFIG", "PROZVON_ASTERISK_MIRROR"}
"""Variables that are no settings: where the file is, where set-up fetches Asterisk from."""


class ConfigError(Exception):
    """The settings cannot be used; the message names every wrong key and what is wrong with it."""


class DatabaseSettings(Section):
    """PostgreSQL. Without `url` an embedded server is started in `<data_dir>/postgres`."""

    url: SecretStr | None = None
    pool_size: Annotated[int, Field(ge=2, le=100)] = 8

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: SecretStr | None) -> SecretStr | None:
        """Never quotes the value: it has a password in it."""
        if url is None or _is_postgres_url(url.get_secret_value()):
            return url
        raise ValueError(
            "not a PostgreSQL URL such as postgresql://user:password@host:5432/database "
            "(write special letters of the password as %XX)"
        )


class AsteriskSettings(Section):
    """The node: one Asterisk server. `embedded` runs our own; else an existing one is used."""

    embedded: bool = True
    node: Annotated[str, Field(pattern=NAME)] = "main"
    host: str = "127.0.0.1"
    sip_bind: Annotated[str, Field(pattern=ADDRESS)] = Field(
        default="127.0.0.1",
        description="where the embedded Asterisk listens for SIP and RTP; a provider or a phone on "
        "another machine needs the machine's address, or 0.0.0.0",
    )
    external_address: Annotated[str, Field(pattern=ADDRESS)] | None = Field(
        default=None, description="our address as the internet sees it, behind NAT"
    )
    local_networks: tuple[str, ...] = Field(
        default=(), description='networks that reach us directly, such as "192.168.1.0/24"'
    )
    sip_port: Port = 15060
    permit: tuple[str, ...] = Field(
        default=("127.0.0.1/32",),
        description="networks from which the controller may log in to AMI and ARI of an Asterisk "
        "of yours; every other address is refused",
    )
    ami_port: Port = 15038
    ami_username: str = "prozvon"
    ami_secret: SecretStr | None = None
    http_port: Port = 18088
    ari_username: str = "prozvon"
    ari_secret: SecretStr | None = None
    rtp_first: Port = 20000
    rtp_last: Port = 21999
    config_dir: Path = Field(
        default=Path("/etc/asterisk"),
        description="where an Asterisk that is not embedded has its configuration",
    )
    cel_journal: Path | None = Field(
        default=None, description="the node's CEL file; known by itself for an embedded Asterisk"
    )
    phone_rtp_timeout_s: Annotated[int, Field(ge=2, le=3600)] = 15
    operator_ring_s: Seconds = 30.0

    @field_validator("permit")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        """With their length, as Asterisk's lists want them; not everybody."""
        found = [ip_network(text) for text in networks]  # its ValueError names what is wrong
        if not found or any(network.prefixlen == 0 for network in found):
            raise ValueError('name networks such as "192.0.2.0/24", not none and not everybody')
        return tuple(str(network) for network in found)

    @model_validator(mode="after")
    def _rtp_in_order(self) -> AsteriskSettings:
        if self.rtp_first >= self.rtp_last:
            raise ValueError("rtp_first must be below rtp_last")
        return self


class PhonesSettings(Section):
    """Operators' phones: TLS and SRTP, and phones in the browser.

    A browser on another machine needs `tls`: without it only a page of this machine may use the
    microphone, and Asterisk's websocket stays on the loopback. Without `certificate` and `key` a
    certificate of our own is made, which every phone and browser must be told to trust.
    """

    tls: bool = False
    tls_port: Port = 15061
    certificate: Path | None = None
    key: Path | None = None
    browser: bool = False
    browser_port: Port = Field(default=18089, description="wss; only with tls")
    browser_host: Annotated[str, Field(pattern=ADDRESS)] | None = Field(
        default=None, description="how browsers name the node; it must be in the certificate"
    )
    browser_login_s: Annotated[int, Field(ge=60, le=7 * 86_400)] = Field(
        default=3600, description="how long a browser phone's login lasts; its page renews it"
    )
    browser_rtp_timeout_s: Annotated[int, Field(ge=2, le=3600)] = Field(
        default=3, description="a browser that sends no sound for so long has lost its network"
    )
    return_limit_s: Annotated[float, Field(ge=0, le=120)] = Field(
        default=20.0, description="so long a person waits for an operator whose phone was lost"
    )
    outside_numbers: tuple[str, ...] = Field(
        default=(),
        description='numbers that may be an operator\'s phone, such as "+74951234567", '
        '"+7495xxxxxxx" (x: any digit) or "+79*"; none: every phone is a SIP or a browser one',
    )
    outside_trunks: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(), description="trunks that call outside phones; empty: all, by their routes"
    )
    outside_accept_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=10.0,
        description="an outside phone counts as answered only when 1 is pressed within so many "
        "seconds; 0: whoever answers is the operator, a voice box too",
    )
    outside_caller_id: Annotated[str, Field(pattern=CALLER_ID)] | None = Field(
        default=None, description="the number that outside phones see; empty: the trunk's"
    )

    @field_validator("outside_numbers")
    @classmethod
    def _are_patterns(cls, numbers: tuple[str, ...]) -> tuple[str, ...]:
        return patterns(numbers)

    @model_validator(mode="after")
    def _both_or_none(self) -> PhonesSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("give both certificate and key, or neither")
        return self


class AgiSettings(Section):
    """Where Asterisk reaches our FastAGI server."""

    host: str = "127.0.0.1"
    port: Port = 14573


class HttpSettings(Section):
    """Metrics, health and the desk's API."""

    host: str = "127.0.0.1"
    port: Port = 9464
    token: SecretStr | None = None
    page_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+/?$",
        description="how browsers reach us, when a web server with a certificate stands before us",
    )


class RecordingSettings(Section):
    """Where and how conversations are recorded, how long they are kept, and what disk it takes."""

    folder: Path | None = None
    format: Literal["wav", "opus"] = "wav"
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        default=None, description="then the file is deleted; a campaign may say otherwise"
    )
    min_free_mb: Annotated[int, Field(ge=0)] = Field(
        default=500, description="with less, campaigns that record dial nobody"
    )
    stop_free_mb: Annotated[int, Field(ge=0)] = Field(
        default=100, description="with less, recordings of conversations that go on are stopped"
    )


class FloorSettings(Section):
    """The floor this controller leases."""

    name: Annotated[str, Field(pattern=NAME)] = "main"
    time_zone: str = "Europe/Moscow"
    phone_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "RU"
    answer_limit_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    waiting_sound: WaitingSound = Field(
        default="ring", description="what a person hears until an operator is free"
    )
    drain_limit_s: Seconds = 60.0

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone such as Europe/Moscow")
        return name

    @field_validator("phone_region")
    @classmethod
    def _known_region(cls, region: str) -> str:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{region!r} is no region with phone numbers such as RU or US")
        return region


class DialingSettings(Section):
    """What may be dialed by hand. Beginnings of numbers with the country code: "+7", "7495"."""

    allowed_prefixes: tuple[Annotated[str, Field(pattern=PREFIX)], ...] = Field(
        default=(), description="empty: all but the forbidden ones; the longest that fits decides"
    )
    forbidden_prefixes: tuple[Annotated[str, Field(pattern=PREFIX)], ...] = ()

    @property
    def prefixes(self) -> Prefixes:
        return Prefixes(self.allowed_prefixes, self.forbidden_prefixes)


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Settings(BaseSettings):
    """All settings of one Prozvon process."""

    model_config = SettingsConfigDict(
        env_prefix="PROZVON_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    language: Literal["en", "ru"] = Field(
        default="en", description="of sentences that commands print; `--lang` comes first"
    )
    data_dir: Path = PROJECT / "var"
    cache_dir: Path = PROJECT / ".cache"
    database: DatabaseSettings = DatabaseSettings()
    asterisk: AsteriskSettings = AsteriskSettings()
    phones: PhonesSettings = PhonesSettings()
    agi: AgiSettings = AgiSettings()
    http: HttpSettings = HttpSettings()
    trunks: tuple[TrunkSettings, ...] = ()
    recording: RecordingSettings = RecordingSettings()
    floor: FloorSettings = FloorSettings()
    transfers: TransferSettings = TransferSettings()
    dialing: DialingSettings = DialingSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first: what init brings is the file's content (see `load`)."""
        return env_settings, init_settings

    @field_validator("trunks")
    @classmethod
    def _distinct(cls, trunks: tuple[TrunkSettings, ...]) -> tuple[TrunkSettings, ...]:
        names = [trunk.name for trunk in trunks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two trunks are named {', '.join(twice)}")
        return trunks

    @field_validator("data_dir", "cache_dir", mode="before")
    @classmethod
    def _not_empty(cls, path: Any) -> Any:
        if not str(path):
            raise ValueError("give a folder, or leave the key out")
        return path

    @model_validator(mode="after")
    def _absolute(self) -> Settings:
        """Asterisk and PostgreSQL run in folders of their own: a relative path is ours."""
        for key in ("data_dir", "cache_dir"):
            object.__setattr__(self, key, getattr(self, key).expanduser().absolute())
        return self

    @property
    def recordings_dir(self) -> Path:
        return (self.recording.folder or self.data_dir / "recordings").absolute()

    def secret(self, given: SecretStr | None, name: str) -> str:
        """The given secret, or the one kept (made up at the first call) in `<data_dir>/secrets`."""
        return given.get_secret_value() if given is not None else kept_secret(self.data_dir, name)


def _is_postgres_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("postgresql", "postgres") and (parts.port or 1) > 0
    except ValueError:
        return False


def kept_secret(data_dir: Path, name: str) -> str:
    """Reads `<data_dir>/secrets/<name>`; makes up 32 letters and keeps them there if absent."""
    path = data_dir / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(fd, "w") as file:
        file.write(secrets.token_urlsafe(24))
    return path.read_text().strip()


def load(path: Path | None = None) -> Settings:
    """Reads `path` (default `prozvon.toml` in the working folder, if there) and the environment.

    Raises ConfigError that names the key for unknown keys, bad values and unreadable files.
    """
    file = path or Path(os.environ.get("PROZVON_CONFIG", "prozvon.toml"))
    required = path is not None or "PROZVON_CONFIG" in os.environ
    values = _read_toml(file) if required or file.exists() else {}
    unknown = [f"{key}: unknown environment variable" for key in _unknown_environment()]
    if unknown:
        raise ConfigError("; ".join(unknown))
    try:
        return Settings(**values)
    except SettingsError as error:
        raise ConfigError(f"{error}: give lists and sections as JSON") from None
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(error, file))) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from None


def _unknown_environment() -> Iterator[str]:
    known = {f"PROZVON_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    for key in os.environ:
        if key.startswith("PROZVON_") and key.partition("__")[0] not in known:
            yield key


def _explain(error: ValidationError, file: Path) -> Iterator[str]:
    for item in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in item["loc"])
        variable = "PROZVON_" + "__".join(str(part).upper() for part in item["loc"])
        problem = "unknown key" if item["type"] == "extra_forbidden" else item["msg"]
        yield f"{key}: {problem} (in {file} or {variable})"
