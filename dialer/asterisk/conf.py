"""Rendering of Asterisk's configuration: templates in, a private folder of .conf files out.

``render_folder`` is generic (the simulated carrier uses it as well), ``render_pbx`` renders the
PBX of a floor from a ``PbxConf``. Nothing that a person typed reaches a template: the values are
settings, and every value printed by a template still goes through ``config_value``.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from dialer.asterisk import cel
from dialer.asterisk.conf_parts import Escaped
from dialer.asterisk.conf_parts import TlsConf as TlsConf
from dialer.asterisk.conf_parts import TrunkConf as TrunkConf
from dialer.asterisk.events import EVENT_NAMES
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.server import InstanceLayout
from dialer.ids import SIP_REALM

ASTERISK_CONF = Path(__file__).resolve().parents[2] / "asterisk-conf"
SOUNDS = ASTERISK_CONF / "sounds"
LANGUAGES = ("en", "ru")
DEFAULT_MESSAGE = "prozvon-abandoned"
REQUIRED_PROMPTS = (
    DEFAULT_MESSAGE,
    "prozvon-opt-out",
    "prozvon-no-calls",
    "prozvon-sorry",
    "prozvon-cut-off",
)
"""Prompts that the dialplan plays, without language and suffix."""

SOUND_SUFFIXES = (".wav", ".alaw", ".ulaw", ".sln", ".g722")
"""Kinds of sound files for which the PBX loads a format module."""

AMI_READ = ("system", "call", "user", "dtmf")
AMI_WRITE = ("call", "originate", "reporting")
"""Rights of the controller's AMI user. Without `system` there is no DBDel (use Setvar of
DB_DELETE()), no PJSIPShow* but PJSIPShowRegistrationsOutbound (use DeviceStateList or Getvar)."""

NARROWED = {
    "BridgeLeave": ("header(Uniqueid),method(starts_with)) = op-",),
    "DialState": ("header(DialStatus),method(exact)) = PROGRESS",),
    "OriginateResponse": (
        "header(Response),method(exact)) = Failure",
        "header(ActionID),method(starts_with)) = sv-",  # supervisors' legs
    ),
}
"""Events of which only some tell anything that no other event does: that a call rings or was
answered comes as Newstate."""
AMI_FILTERS = (
    *(f"action(include),name({name})) =" for name in sorted(EVENT_NAMES - NARROWED.keys())),
    *(f"action(include),name({name}),{only}" for name in NARROWED for only in NARROWED[name]),
    "action(exclude),name(DialEnd),header(DialStatus),method(exact)) = ANSWER",
)
"""What passes to the controller, as in manager.conf; answers to actions are never filtered. An
event that says nothing costs Asterisk and controller as much as one that does."""

MODULES = (
    # what others stand on
    "res_timing_timerfd",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_sorcery_memory_cache",
    "pbx_config",
    # sound
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "codec_g722",
    "codec_resample",
    "format_pcm",
    "format_wav",
    "format_sln",
    "res_musiconhold",
    # SIP
    "res_pjproject",
    "res_rtp_asterisk",
    "res_pjsip",
    "res_pjsip_pubsub",
    "res_pjsip_session",
    "res_pjsip_sdp_rtp",
    "res_pjsip_authenticator_digest",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration",
    "res_pjsip_registrar",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_caller_id",
    "res_pjsip_dtmf_info",
    "res_pjsip_logger",
    "res_pjsip_nat",
    "res_pjsip_rfc3326",
    "chan_pjsip",
    # bridges. Without bridge_native_rtp, which forwards packets with the far side's own numbers:
    # when a supervisor, a recording or a hold ends that, numbers jump back, and an Asterisk at the
    # far end (22.10, seen) drops everything that follows: silence until the hang-up.
    "bridge_simple",
    "bridge_holding",
    "bridge_softmix",
    "bridge_builtin_features",
    # what the dialplan uses
    "res_speech",
    "res_agi",
    "app_bridgewait",
    "app_celgenuserevent",
    "app_confbridge",
    "app_exec",
    "app_mixmonitor",
    "app_playtones",
    "app_playback",
    "app_playtones",
    "app_senddtmf",
    "app_stack",
    "app_userevent",
    "func_channel",
    "func_db",
    "func_global",
    "func_groupcount",
    "func_logic",
    "func_timeout",
    "res_mutestream",
    # what the controller and doctor ask
    "func_pjsip_aor",
    "func_pjsip_contact",
    "func_pjsip_endpoint",
    "res_manager_devicestate",
    "app_chanspy",
    "res_security_log",
    "res_stasis",
    "res_http_websocket",
    "res_ari",
    "res_prometheus",
    "res_ari_model",
    "res_ari_asterisk",
    "res_ari_endpoints",
    # the journal
    "cel_custom",
)
NEWER_MODULES = ("res_cdrel_custom", "res_websocket_client")
"""Loaded where the installed Asterisk has them: what cel_custom and res_ari of 22.8 stand on."""

BROWSER_MODULES = (
    "res_srtp",
    "res_pjsip_transport_websocket",
    "res_format_attr_opus",
)
OPUS_MODULES = ("codec_opus_open_source", "codec_opus")
"""Either turns a browser's Opus into what the trunk speaks; without, browsers speak u-law."""
TLS_MODULES = ("res_srtp",)

_FORBIDDEN = {"\r": "carriage return", "\n": "line feed", "\0": "NUL", ";": "semicolon"}
_NOT_DIALPLAN_WORD = re.compile(r"""[][,&|(){}$"'\\?\s]""")
_DIGIT = re.compile(r"[0-9*#]\Z")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")


CA_LIST = "/etc/ssl/certs/ca-certificates.crt"
"""Who vouches for a provider's TLS certificate (Debian's ca-certificates)."""


class ConfError(Exception):
    """A setting that cannot be written into Asterisk's configuration; the text says which."""


@dataclass(frozen=True)
class PbxConf:
    """Everything the PBX's configuration depends on.

    `bind` is where SIP and RTP listen, `control_bind` where AMI and ARI do; `control_permit` are
    the networks that may log in there. `answer_limit_s` is the legal limit from the answer to an
    operator. `opt_out_digit` must be the one that the message names. With `external_address`,
    what is not in `local_networks` is told to send its SIP and RTP there. `browser`: phones may
    be browsers; without `tls` only those of this machine. `return_limit_s`: how long a person waits
    for an operator whose phone was lost.
    """

    layout: InstanceLayout
    runtime: AsteriskRuntime
    sip_port: int
    ami_port: int
    http_port: int
    rtp_first: int
    rtp_last: int
    ami_secret: str
    ari_secret: str
    agi_host: str
    agi_port: int
    recordings_dir: Path
    trunks: tuple[TrunkConf, ...] = ()
    bind: str = "127.0.0.1"
    control_bind: str = "127.0.0.1"
    control_permit: tuple[str, ...] = ("127.0.0.1/32",)
    external_address: str | None = None
    local_networks: tuple[str, ...] = ()
    ami_username: str = "prozvon"
    ari_username: str = "prozvon"
    answer_limit_s: float = 2.0
    phone_rtp_timeout_s: int = 15
    default_message: str = DEFAULT_MESSAGE
    opt_out_digit: str = "9"
    seek_limit_s: int = 30
    third_limit_s: int = 300
    language: str = "ru"
    sounds_dir: Path = SOUNDS
    tls: TlsConf | None = None
    browser: bool = False
    return_limit_s: float = 20.0


def render_pbx(conf: PbxConf) -> list[Path]:
    """Write the PBX's configuration into `conf.layout.etc`; returns the files, sorted.

    Raises ConfError for a setting that Asterisk would misunderstand, a prompt or a module that
    is not there.
    """
    _check(conf)
    _check_modules(conf)
    # cel_custom writes nothing into a folder that is not there.
    (conf.layout.log / "cel-custom").mkdir(parents=True, exist_ok=True)
    return render_folder(ASTERISK_CONF / "pbx", conf.layout.etc, _pbx_values(conf))


def pbx_texts(conf: PbxConf, *, foreign: bool) -> dict[str, str]:
    """The same files as texts, by name. `foreign`: for an Asterisk with transports of its own.

    Raises ConfError as `render_pbx`, but for modules.
    """
    _check(conf)
    values = _pbx_values(conf, foreign=foreign)
    return render_texts(ASTERISK_CONF / "pbx", values)


def required_modules(runtime: AsteriskRuntime) -> list[str]:
    """Names of the modules the PBX loads, without suffix."""
    newer = [name for name in NEWER_MODULES if (runtime.module_dir / f"{name}.so").exists()]
    return [*newer, *MODULES]


def phone_modules(conf: PbxConf) -> list[str]:
    """What SRTP and browsers need beside `required_modules`."""
    encrypted = conf.tls is not None or any(trunk.srtp for trunk in conf.trunks)
    wanted = [*(TLS_MODULES if encrypted else ()), *(BROWSER_MODULES if conf.browser else ())]
    opus = opus_module(conf.runtime) if conf.browser else None
    return [*dict.fromkeys(wanted), *([opus] if opus else [])]


def opus_module(runtime: AsteriskRuntime) -> str | None:
    """The module that understands Opus, where one is installed."""
    there = (name for name in OPUS_MODULES if (runtime.module_dir / f"{name}.so").exists())
    return next(there, None)


def missing_modules(runtime: AsteriskRuntime) -> list[str]:
    """Those of `required_modules` that are not installed; empty when all is well."""
    return [
        name
        for name in required_modules(runtime)
        if not (runtime.module_dir / f"{name}.so").exists()
    ]


def missing_prompts(
    sounds_dir: Path = SOUNDS, prompts: tuple[str, ...] = REQUIRED_PROMPTS
) -> list[str]:
    """`en/prozvon-abandoned` and the like for every prompt without a sound file, per language."""
    return [
        f"{language}/{prompt}"
        for language in LANGUAGES
        for prompt in prompts
        if not any((sounds_dir / language / f"{prompt}{s}").is_file() for s in SOUND_SUFFIXES)
    ]


def _check(conf: PbxConf) -> None:
    for what, word in (
        ("sounds_dir", str(conf.sounds_dir)),
        ("recordings_dir", str(conf.recordings_dir)),
        ("agi_host", conf.agi_host),
        ("default_message", conf.default_message),
    ):
        if not word or _NOT_DIALPLAN_WORD.search(word):
            raise ConfError(
                f"{what} is {word!r}: spaces, quotes, brackets and , & | $ ? mean something else "
                "in a dialplan. Choose another name or move the folder."
            )
    if not _DIGIT.match(conf.opt_out_digit):
        raise ConfError(f"opt_out_digit is {conf.opt_out_digit!r}; give one of 0-9, * or #.")
    if not 0.1 <= conf.answer_limit_s <= 60:
        raise ConfError(f"answer_limit_s is {conf.answer_limit_s}; give 0.1 to 60 seconds.")
    _check_trunks(conf.trunks)
    if missing := missing_prompts(conf.sounds_dir, (*REQUIRED_PROMPTS, conf.default_message)):
        raise ConfError(f"No sound file in {conf.sounds_dir} for: {', '.join(missing)}.")


def _check_modules(conf: PbxConf) -> None:
    missing = missing_modules(conf.runtime) + [
        name
        for name in phone_modules(conf)
        if not (conf.runtime.module_dir / f"{name}.so").exists()
    ]
    if missing:
        raise ConfError(
            f"Asterisk {conf.runtime.version} in {conf.runtime.module_dir} lacks the modules "
            f"{', '.join(missing)}; install them or use the packages Prozvon fetches."
        )


def _check_trunks(trunks: tuple[TrunkConf, ...]) -> None:
    names = [trunk.name for trunk in trunks]
    for trunk in trunks:
        if not _NAME.match(trunk.name) or names.count(trunk.name) > 1:
            raise ConfError(
                f"Trunk name {trunk.name!r}: each is used once and has up to 32 of a-z 0-9 _ -."
            )
        if not trunk.host or re.search(r"[\s@<>\"]", trunk.host):
            raise ConfError(f"Trunk {trunk.name}: host {trunk.host!r} is no address or host name.")
        if (trunk.username is None) != (trunk.password is None):
            raise ConfError(f"Trunk {trunk.name}: give both username and password, or neither.")
        if trunk.srtp and trunk.transport != "tls":
            raise ConfError(f"Trunk {trunk.name}: srtp needs transport tls, which hides its keys.")
        if trunk.ca is not None and not trunk.ca.is_file():
            raise ConfError(f"Trunk {trunk.name}: there is no file {trunk.ca} (ca).")
        if trunk.register and trunk.username is None:
            raise ConfError(f"Trunk {trunk.name}: to register it needs username and password.")


def _pbx_values(conf: PbxConf, *, foreign: bool = False) -> dict[str, object]:
    ours = "prozvon" if foreign else "transport"
    tls = (trunk for trunk in conf.trunks if trunk.transport == "tls")
    return {
        "conf": conf,
        "foreign": foreign,
        "ours": ours,
        "layout": conf.layout,
        "runtime": conf.runtime,
        "modules": [*required_modules(conf.runtime), *phone_modules(conf)],
        "transports": sorted({"udp", *(trunk.transport for trunk in conf.trunks)} - {"tls"}),
        "trunk_tls": {f"{ours}-{trunk.tls_transport}": trunk.ca or CA_LIST for trunk in tls},
        "limit": f"{conf.answer_limit_s:.3f}",
        "return_limit": f"{conf.return_limit_s + 5:.3f}",
        "agi": f"agi://{conf.agi_host}:{conf.agi_port}",
        "sounds": conf.sounds_dir,
        "hold_dir": conf.sounds_dir / "hold",
        "message": conf.default_message,
        "realm": SIP_REALM,
        "opt_out": conf.opt_out_digit,
        "seek_limit": conf.seek_limit_s,
        "third_limit": conf.third_limit_s,
        "ari_acl": _knows_ari_acl(conf.runtime.version),
        "ami_read": AMI_READ,
        "ami_write": AMI_WRITE,
        "ami_filters": AMI_FILTERS,
        "cel_file": cel.JOURNAL_FILE,
        "cel_mapping": cel.JOURNAL_MAPPING,
        "cel_events": ",".join(cel.JOURNAL_EVENTS),
    }


def _knows_ari_acl(version: str) -> bool:
    """Address lists for ARI came with 20.19, 22.9 and 23.3; before, they are an error."""
    number = tuple(int(part) for part in version.split("."))
    return number >= {20: (20, 19), 22: (22, 9), 23: (23, 3)}.get(number[0], (24,))


def config_value(value: object) -> object:
    """Return what a template may print for ``value``: booleans become yes and no.

    Raises ConfError for a string that would end its line (CR, LF, NUL) or turn its rest into a
    comment (semicolon), and for None, which is always a forgotten setting.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        raise ConfError("A template prints a setting that has no value; set it or test it first.")
    if isinstance(value, Escaped):
        return value
    if isinstance(value, (str, Path)):
        text = str(value)
        for char, name in _FORBIDDEN.items():
            if char in text:
                raise ConfError(f"The setting {text!r} contains a {name}; remove it.")
        return text
    return value


def render_folder(template_dir: Path, out_dir: Path, values: Mapping[str, object]) -> list[Path]:
    """Render every ``*.j2`` of ``template_dir`` into ``out_dir`` without its suffix.

    All templates are rendered before the first file is written, each file is replaced in one
    step and readable by its owner only (they contain secrets). Plain files of ``out_dir`` that
    no template made are removed. Returns the written paths, sorted.
    Raises ConfError for an unknown or dangerous value.
    """
    texts = render_texts(template_dir, values)
    out_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = [_write_private(out_dir / name, text) for name, text in texts.items()]
    for path in out_dir.iterdir():
        if path.is_file() and path.name not in texts:
            path.unlink()
    return written


def render_texts(template_dir: Path, values: Mapping[str, object]) -> dict[str, str]:
    """Every ``*.j2`` of ``template_dir``, rendered, by its name without the suffix."""
    environment = _environment(template_dir)
    texts = {
        path.name.removesuffix(".j2"): _render(environment, path.name, values)
        for path in sorted(template_dir.glob("*.j2"))
    }
    if not texts:
        raise ConfError(f"No templates (*.j2) in {template_dir}; is the installation complete?")
    return texts


def _environment(template_dir: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_dir),
        undefined=jinja2.StrictUndefined,
        # Runs on every printed expression, so that no template can forget the check.
        finalize=config_value,
        autoescape=False,  # noqa: S701 - not HTML; config_value is the escaping here
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _render(environment: jinja2.Environment, name: str, values: Mapping[str, object]) -> str:
    try:
        return environment.get_template(name).render(values)
    except jinja2.UndefinedError as error:
        raise ConfError(f"Template {name} needs a setting that was not given: {error}") from error
    except ConfError as error:
        raise ConfError(f"Template {name}: {error}") from error


def _write_private(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` in one step; Asterisk never reads half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
