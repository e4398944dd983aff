"""Prozvon's part in the configuration of an Asterisk that already serves an office.

What is ours stands in a folder of our own, `prozvon/`, below theirs; into each of their files that
must know of it goes one marked block with one `#tryinclude`, which Asterisk passes over in silence
should the folder be gone. What the block stands behind is never changed, so that taking the block
out gives the file back byte for byte. The fragments are cut from the same templates as our own PBX.
"""

from __future__ import annotations

import difflib
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dialer.asterisk import cel
from dialer.asterisk.conf import PbxConf, pbx_texts, phone_modules, required_modules
from dialer.asterisk.foreign import ForeignConf, Problem
from dialer.asterisk.install_doors import (
    CERTIFICATE,
    KEY,
    door_problems,
    is_our_pjsip,
    phone_problems,
    with_own_certificate,
)
from dialer.asterisk.packages import AsteriskRuntime, parse_version

FOLDER = "prozvon"
VERSIONS = range(20, 24)
OPEN = "; >>> prozvon: made by `prozvon asterisk install`, taken out by its --remove"
CLOSE = "; <<< prozvon"
MARKER = ".installed-by-prozvon"
BACKUP = "backup"

TOUCHED = (
    "acl.conf",
    "ari.conf",
    "cel.conf",
    "cel_custom.conf",
    "confbridge.conf",
    "extensions.conf",
    "manager.conf",
    "pjsip.conf",
    "sorcery.conf",
)
"""Their files that get a block."""

OURS_ALONE = frozenset(
    {
        "res_sorcery_memory_cache",
        "res_pjsip_logger",
        "res_security_log",
        "res_prometheus",
        "res_speech",
        "bridge_native_rtp",
        "app_chanspy",
        "res_pjsip_dtmf_info",
        "res_pjsip_rfc3326",
    }
)
"""Modules that our own PBX loads and an office's need not."""

SORCERY_KINDS = ("endpoint", "auth", "aor")


class InstallError(Exception):
    """An installation that cannot be looked at or done; `id` is stable."""

    def __init__(self, id: str, text: str) -> None:
        super().__init__(text)
        self.id = id


@dataclass(frozen=True, slots=True)
class Change:
    """One file as it is (None: not there) and as it must be."""

    path: Path
    before: bytes | None
    after: bytes
    secret: bool = False

    @property
    def needed(self) -> bool:
        return self.before != self.after

    def diff(self) -> str:
        """Unified diff; of a file with secrets only that it changes."""
        if self.secret:
            return f"{self.path}: {'written' if self.before is None else 'changed'} (has secrets)\n"
        old = (self.before or b"").decode(errors="replace").splitlines(keepends=True)
        new = self.after.decode(errors="replace").splitlines(keepends=True)
        source = "/dev/null" if self.before is None else str(self.path)
        return "".join(difflib.unified_diff(old, new, source, str(self.path)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What must change, and what is in the way. `notes` are for people to know."""

    own: tuple[Change, ...] = ()
    theirs: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> list[Change]:
        return [change for change in (*self.own, *self.theirs) if change.needed]

    @property
    def installed(self) -> bool:
        return not self.changes and not self.problems


def foreign_runtime(etc: Path, command: str) -> AsteriskRuntime:
    """The Asterisk whose configuration is in `etc`; `command` starts it, as "asterisk".

    Raises InstallError `no_asterisk`, `not_readable`.
    """
    if not (etc / "asterisk.conf").is_file():
        raise InstallError("no_asterisk", f"{etc} has no asterisk.conf; name the folder: --etc DIR")
    conf = ForeignConf(etc, etc / FOLDER)
    try:
        modules = conf.value("asterisk.conf", "directories", "astmoddir")
        data = conf.value("asterisk.conf", "directories", "astdatadir")
    except OSError as error:
        raise _not_readable(etc, error) from error
    return AsteriskRuntime(
        source="path",
        version=_version(command),
        command=tuple(shlex.split(command)),
        module_dir=Path(modules) if modules else _module_dir(),
        data_dir=Path(data or "/var/lib/asterisk"),
        sounds_dir=Path(data or "/var/lib/asterisk") / "sounds/en",
        moh_dir=None,
    )


def _version(command: str) -> str:
    try:
        answer = subprocess.run(
            [*shlex.split(command), "-V"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(
            "no_asterisk", f"`{command} -V` cannot be run ({error}); name it: --asterisk COMMAND"
        ) from error
    version = parse_version(answer.stdout)
    if version is None:
        raise InstallError("no_asterisk", f"`{command} -V` names no version: {answer.stdout!r}")
    return version


def _module_dir() -> Path:
    found = sorted(Path("/usr/lib").glob("*/asterisk/modules"))
    return found[0] if found else Path("/usr/lib/asterisk/modules")


def _not_readable(etc: Path, error: OSError) -> InstallError:
    return InstallError(
        "not_readable",
        f"{error.filename or etc} cannot be read ({error.strerror}); run this as root or as a "
        "member of Asterisk's group",
    )


def plan(conf: PbxConf, etc: Path) -> Plan:
    """What an installation of `conf` would change in `etc`. Changes nothing.

    Raises InstallError `not_readable`; ConfError for settings that cannot be written.
    """
    foreign = ForeignConf(etc, etc / FOLDER)
    try:
        problems = tuple(_problems(conf, foreign))
        if any(problem.id == "wrong_version" for problem in problems):
            return Plan(problems=problems)
        own = tuple(_own(conf, foreign))
        theirs = tuple(_theirs(etc))
    except OSError as error:
        raise _not_readable(etc, error) from error
    return Plan(own, theirs, problems, tuple(_notes(conf, foreign, theirs)))


# --- what is written


def _own(conf: PbxConf, foreign: ForeignConf) -> Iterator[Change]:
    folder = foreign.etc / FOLDER
    texts = pbx_texts(with_own_certificate(conf, folder), foreign=True)
    users = (conf.ami_username, conf.ari_username)
    picked = {
        "extensions.conf": pick(texts["extensions.conf"], lambda n: n.startswith("prozvon-")),
        "pjsip.conf": pick(texts["pjsip.conf"], is_our_pjsip(foreign)),
        "manager.conf": pick(texts["manager.conf"], lambda n: n in users),
        "ari.conf": pick(texts["ari.conf"], lambda n: n in users),
        "acl.conf": pick(texts["acl.conf"], lambda n: n.startswith("prozvon-")),
        "confbridge.conf": pick(texts["confbridge.conf"], lambda n: n.startswith("prozvon_")),
        "cel.conf": _cel(foreign),
        "cel_custom.conf": _cel_custom(foreign),
        "sorcery.conf": _sorcery(foreign),
    }
    for name, text in picked.items():
        path = folder / name
        body = f"; Written by `prozvon asterisk install`; changes made here are lost.\n{text}"
        secret = name in ("pjsip.conf", "manager.conf", "ari.conf")
        yield Change(path, _bytes(path), body.encode(), secret)
    if conf.tls is not None:
        for name, source in ((CERTIFICATE, conf.tls.certificate), (KEY, conf.tls.key)):
            yield Change(folder / name, _bytes(folder / name), source.read_bytes(), secret=True)
    yield Change(folder / MARKER, _bytes(folder / MARKER), b"")


def pick(text: str, wanted: Callable[[str], bool]) -> str:
    """PURE. The sections of a configuration file whose names are wanted, as they stand."""
    chunks = re.split(r"(?m)^(?=\[)", text)
    return "".join(chunk for chunk in chunks if (name := _name(chunk)) and wanted(name))


def _name(chunk: str) -> str:
    match = re.match(r"\[([^\]]+)\]", chunk)
    return match[1] if match else ""


def _cel(foreign: ForeignConf) -> str:
    """`events` adds to theirs, and `enable` is the last word."""
    mark = "(+)" if foreign.has_section("cel.conf", "general") else ""
    return f"[general]{mark}\nenable = yes\nevents = {','.join(cel.JOURNAL_EVENTS)}\n"


def _cel_custom(foreign: ForeignConf) -> str:
    mark = "(+)" if foreign.has_section("cel_custom.conf", "mappings") else ""
    return f"[mappings]{mark}\n{cel.JOURNAL_FILE} => {cel.JOURNAL_MAPPING}\n"


def _sorcery(foreign: ForeignConf) -> str:
    """Phones in the node's own database, behind whatever is asked now.

    The first mapping of a kind replaces Asterisk's built-in one, so that it has to be said too.
    """
    known = {
        key.split("/")[0]
        for part in foreign.sections("sorcery.conf")
        if part.name == "res_pjsip"
        for key, _ in part.pairs
        if not key.endswith("/cache")
    }
    lines = [
        "[res_pjsip](+)" if foreign.has_section("sorcery.conf", "res_pjsip") else "[res_pjsip]"
    ]
    for kind in SORCERY_KINDS:
        if kind not in known:
            lines.append(f"{kind} = config,pjsip.conf,criteria=type={kind}")
        lines.append(f"{kind} = astdb,ps_{kind}s")
    return "\n".join(lines) + "\n"


def block(file: str) -> str:
    """What goes to the end of one of their files."""
    return f"{OPEN}\n#tryinclude {FOLDER}/{file}\n{CLOSE}\n"


def with_block(text: bytes, file: str) -> bytes:
    """PURE. Their file with our block behind it; the same when it is there."""
    ours = block(file).encode()
    if ours in text:
        return text
    # The line break before the block belongs to it: not theirs to keep.
    return text + b"\n" + ours


def without_block(text: bytes, file: str) -> bytes:
    """PURE. What `with_block` was given, also when they wrote more behind the block."""
    return text.replace(b"\n" + block(file).encode(), b"", 1)


def _theirs(etc: Path) -> Iterator[Change]:
    for file in TOUCHED:
        path = etc / file
        before = _bytes(path)
        yield Change(path, before, with_block(before or b"", file))


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


# --- what is in the way


def _problems(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    version = conf.runtime.version
    if int(version.partition(".")[0]) not in VERSIONS:
        text = f"this is Asterisk {version}; Prozvon is made for {VERSIONS[0]} to {VERSIONS[-1]}"
        yield Problem("wrong_version", text)
        return
    yield from _folder_problems(foreign)
    yield from _module_problems(conf, foreign)
    yield from _name_problems(conf, foreign)
    yield from door_problems(conf, foreign)
    yield from phone_problems(conf, foreign)
    if foreign.value("cel.conf", "general", "dateformat"):
        yield Problem(
            "cel_dateformat",
            "cel.conf sets dateformat, and the journal needs epoch seconds; take it out, or write "
            "your own CEL files with ${STRFTIME(...)}",
        )


def _folder_problems(foreign: ForeignConf) -> Iterator[Problem]:
    folder = foreign.etc / FOLDER
    if folder.exists() and not (folder / MARKER).exists():
        yield Problem("foreign_folder", f"{folder} is there and not ours; move it away")
    for file in TOUCHED:
        text = _bytes(foreign.etc / file) or b""
        whole = block(file).encode() in text
        if not whole and (OPEN.encode() in text or CLOSE.encode() in text):
            yield Problem(
                "broken_block",
                f"the block of Prozvon in {foreign.etc / file} was changed; take the lines from "
                f"`{OPEN[:14]}` to `{CLOSE}` out",
            )


def _module_problems(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    needed = [*required_modules(conf.runtime), *phone_modules(conf)]
    wanted = [name for name in needed if name not in OURS_ALONE]
    folder = conf.runtime.module_dir
    missing = [name for name in wanted if not (folder / f"{name}.so").exists()]
    if missing:
        yield Problem(
            "missing_modules",
            f"{folder} has no {', '.join(missing)}; install the package of your Asterisk that has "
            "them",
        )
    loads, noloads = _loaded(foreign)
    autoload = foreign.yes("modules.conf", "modules", "autoload", default=True)
    kept_out = sorted(set(wanted) & noloads)
    if kept_out:
        text = f"modules.conf keeps out {', '.join(kept_out)}; take their noload lines out"
        yield Problem("noload", text)
    if not autoload and (lacking := sorted(set(wanted) - loads - noloads)):
        lines = " ".join(f"`load = {name}.so`" for name in lacking)
        yield Problem(
            "not_loaded", f"modules.conf has autoload = no and lacks {lines}; add them to [modules]"
        )


def _loaded(foreign: ForeignConf) -> tuple[set[str], set[str]]:
    """(modules named to be loaded, those kept out)."""
    loads: set[str] = set()
    noloads: set[str] = set()
    for part in foreign.sections("modules.conf"):
        for key, value in part.pairs:
            name = value.removesuffix(".so")
            if key.lower() in ("load", "require", "preload", "preload-require", "load-once"):
                loads.add(name)
            elif key.lower() == "noload":
                noloads.add(name)
    return loads, noloads


def _name_problems(conf: PbxConf, foreign: ForeignConf) -> Iterator[Problem]:
    def taken(file: str, wanted: Callable[[str], bool]) -> list[str]:
        return sorted({part.name for part in foreign.sections(file) if wanted(part.name)})

    def is_phone_or_trunk(name: str) -> bool:
        return name in trunks or name.startswith(("prozvon-", "op-"))

    trunks = {f"trunk-{trunk.name}" for trunk in conf.trunks}
    clashes = {
        "extensions.conf": taken("extensions.conf", lambda n: n.startswith("prozvon-")),
        "pjsip.conf": taken("pjsip.conf", is_phone_or_trunk),
        "manager.conf": taken("manager.conf", lambda n: n == conf.ami_username),
        "ari.conf": taken("ari.conf", lambda n: n == conf.ari_username),
        "confbridge.conf": taken("confbridge.conf", lambda n: n.startswith("prozvon_")),
        "acl.conf": taken("acl.conf", lambda n: n.startswith("prozvon-")),
    }
    for file, names in clashes.items():
        if names:
            yield Problem(
                "name_taken",
                f"{file} of yours has {', '.join(f'[{name}]' for name in names)}, a name that "
                "Prozvon needs; rename it there, or the trunk or user in Prozvon's settings",
            )


def _notes(conf: PbxConf, foreign: ForeignConf, theirs: tuple[Change, ...]) -> Iterator[str]:
    if conf.browser and conf.tls is None:
        yield "phones.browser without phones.tls: only browsers of this machine can be phones"
    if not foreign.yes("cel.conf", "general", "enable", default=False):
        yield "CEL is off here and will be turned on; CEL files of yours are written then"
    new = [change.path.name for change in theirs if change.before is None]
    if new:
        yield f"you have no {', '.join(new)}; made with nothing but the block, and removed with it"
