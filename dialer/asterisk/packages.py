"""Get an Asterisk that can be run: the machine's own, or Debian sid's packages unpacked.

An `asterisk` of a supported version on the PATH is used as it is. Otherwise the packages of
Debian sid are downloaded by apt (which checks the distribution's signatures) with a private
configuration, unpacked into a cache folder and run by their own dynamic loader. The host's
packages, apt lists and services are not touched, and root is not needed.

Cache folder: `apt/` (private apt state and the kept .deb files), `root/` (unpacked tree, with
the marker file `root/.prozvon.json` as its last written file), `lock`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dialer.locks import LockTimeoutError, file_lock

SUPPORTED_MAJORS = range(20, 24)
DEFAULT_MIRROR = "http://deb.debian.org/debian"
PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm")

# Raised when the unpacked tree is prepared differently, so that an old cache is built again.
RECIPE = 1
MARKER = ".prozvon.json"
NEEDED_BYTES = 700 * 1024 * 1024
APT_TIMEOUT_S = 900
LOCK_TIMEOUT_S = 1800

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}

OWN_ASTERISK = (
    f"Or install Asterisk {SUPPORTED_MAJORS[0]} to {SUPPORTED_MAJORS[-1]} yourself so that "
    "`asterisk` is on the PATH, and run this again."
)

Progress = Callable[[str], None]


class PackagesError(RuntimeError):
    """No Asterisk could be found or fetched; the message says why and what to do."""


@dataclass(frozen=True)
class AsteriskRuntime:
    """An Asterisk that can be started: `[*command, "-C", "/path/asterisk.conf", "-f"]`.

    `module_dir` and `data_dir` belong into `astmoddir` and `astdatadir` of asterisk.conf.
    `sounds_dir` holds the English prompts; `moh_dir` is None where no music is installed.
    """

    source: Literal["path", "packages"]
    version: str
    command: tuple[str, ...]
    module_dir: Path
    data_dir: Path
    sounds_dir: Path
    moh_dir: Path | None

    def has_prompt(self, name: str) -> bool:
        """Whether Playback(name) would find a sound file, for example `vm-goodbye`."""
        prompt = self.sounds_dir / name
        return any(prompt.parent.glob(f"{prompt.name}.*"))


def find_or_fetch(
    cache_dir: Path, progress: Progress, *, mirror: str = DEFAULT_MIRROR
) -> AsteriskRuntime:
    """Return a runnable Asterisk, downloading about 80 MB into `cache_dir` if there is none.

    `progress` gets one sentence a step. `mirror` is a Debian mirror that carries sid. Blocking
    (half a minute the first time, milliseconds later): call it in a thread. Raises
    PackagesError.
    """
    runtime = find_on_path(progress) or find_in_cache(cache_dir)
    if runtime is not None:
        return runtime
    try:
        with file_lock(
            cache_dir / "lock",
            timeout_s=LOCK_TIMEOUT_S,
            on_wait=lambda: progress("Waiting for another process that is fetching Asterisk"),
        ):
            return find_in_cache(cache_dir) or _fetch(cache_dir, progress, mirror)
    except (OSError, LockTimeoutError) as error:
        raise PackagesError(
            f"Asterisk could not be stored in {cache_dir}: {error}. "
            "Free some disk space or correct the folder's owner, and run this again."
        ) from error


# --- an Asterisk that is installed -------------------------------------------------------------


def find_on_path(progress: Progress) -> AsteriskRuntime | None:
    """The supported Asterisk on the PATH, or None; an unfit one is named to `progress`."""
    binary = shutil.which("asterisk")
    if binary is None:
        return None
    version = _ask_version([binary])
    if version is None or not _is_supported(version):
        progress(f"{binary} is not used: version {version or 'unknown'} is not supported")
        return None
    directories = _configured_directories(Path("/etc/asterisk/asterisk.conf"))
    module_dir = _first_with(
        [directories.get("astmoddir"), *_module_dirs(Path(binary))], "chan_pjsip.so"
    )
    data_dir = _first_with([directories.get("astdatadir"), *_data_dirs(Path(binary))], "sounds")
    if module_dir is None or data_dir is None:
        progress(f"{binary} is not used: its PJSIP module or its sounds were not found")
        return None
    return _runtime("path", version, (binary,), module_dir, data_dir)


def _module_dirs(binary: Path) -> list[Path]:
    prefix = binary.resolve().parent.parent
    prefixes = [prefix, Path("/usr")]
    folders = ["lib", "lib64", *(f"lib/{triplet}" for triplet in TRIPLETS.values())]
    return [base / folder / "asterisk/modules" for base in prefixes for folder in folders]


def _data_dirs(binary: Path) -> list[Path]:
    prefix = binary.resolve().parent.parent
    return [
        prefix / "share/asterisk",
        prefix / "var/lib/asterisk",
        Path("/usr/share/asterisk"),
        Path("/var/lib/asterisk"),
    ]


def _configured_directories(config: Path) -> dict[str, Path]:
    try:
        text = config.read_text(errors="replace")
    except OSError:
        return {}
    pairs = re.findall(r"^\s*(ast\w+dir)\s*=>?\s*([^\s;]+)", text, re.MULTILINE)
    return {name: Path(value) for name, value in pairs}


def _first_with(folders: Sequence[Path | None], entry: str) -> Path | None:
    return next((folder for folder in folders if folder and (folder / entry).exists()), None)


# --- an Asterisk that was fetched before -------------------------------------------------------


def find_in_cache(cache_dir: Path) -> AsteriskRuntime | None:
    """The Asterisk unpacked earlier, or None if there is none or it has to be built again."""
    root = cache_dir.absolute() / "root"
    try:
        marker = json.loads((root / MARKER).read_text())
    except (OSError, ValueError):
        return None
    if marker.get("recipe") != RECIPE or marker.get("architecture") != _architecture():
        return None
    version = str(marker["version"])
    return _unpacked_runtime(root, version) if _is_supported(version) else None


def _unpacked_runtime(root: Path, version: str) -> AsteriskRuntime:
    libraries = root / "usr/lib" / TRIPLETS[_architecture()]
    return _runtime(
        "packages",
        version,
        _loader_command(root, libraries),
        libraries / "asterisk/modules",
        root / "usr/share/asterisk",
    )


def _loader_command(root: Path, libraries: Path) -> tuple[str, ...]:
    """The command that runs sid's Asterisk with sid's C library whatever the host's is."""
    loader = next(iter(sorted(libraries.glob("ld-linux-*.so.*"))), None)
    if loader is None:
        raise PackagesError(
            f"The unpacked packages in {root} have no dynamic loader. Remove {root} and run this "
            f"again. {OWN_ASTERISK}"
        )
    return (str(loader), "--library-path", str(libraries), str(root / "usr/sbin/asterisk"))


def _runtime(
    source: Literal["path", "packages"],
    version: str,
    command: tuple[str, ...],
    module_dir: Path,
    data_dir: Path,
) -> AsteriskRuntime:
    moh_dir = data_dir / "moh"
    return AsteriskRuntime(
        source=source,
        version=version,
        command=command,
        module_dir=module_dir,
        data_dir=data_dir,
        sounds_dir=data_dir / "sounds" / "en",
        moh_dir=moh_dir if moh_dir.is_dir() and any(moh_dir.iterdir()) else None,
    )


def _ask_version(command: Sequence[str]) -> str | None:
    try:
        answer = subprocess.run(
            [*command, "-V"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stdout)


def parse_version(text: str) -> str | None:
    """`Asterisk 22.10.1~dfsg+...` -> `22.10.1`; None where there is no number."""
    found = re.search(r"Asterisk (?:certified[/-])?(\d+(?:\.\d+)*)", text)
    return found.group(1) if found else None


def _is_supported(version: str) -> bool:
    return int(version.partition(".")[0]) in SUPPORTED_MAJORS


# --- fetching and unpacking --------------------------------------------------------------------


def _fetch(cache_dir: Path, progress: Progress, mirror: str) -> AsteriskRuntime:
    cache_dir = cache_dir.absolute()
    keyring = _check_host(cache_dir)
    config = write_apt_config(cache_dir / "apt", keyring, mirror)
    progress(f"Reading the package list of Debian sid from {mirror}")
    _apt(config, ["update"])
    _apt(config, ["autoclean"])
    progress("Downloading Asterisk and all it needs, about 80 MB")
    _apt(config, ["-y", "--download-only", "install", *PACKAGES])
    packages = sorted((cache_dir / "apt/cache/archives").glob("*.deb"))
    progress(f"Unpacking {len(packages)} packages")
    runtime = _unpack(cache_dir, packages)
    progress(f"Asterisk {runtime.version} is ready")
    return runtime


def fetch_alone(
    cache_dir: Path, packages: Sequence[str], progress: Progress, mirror: str = DEFAULT_MIRROR
) -> Path:
    """The tree of some unpacked Debian packages, without what they depend on.

    For programs that need no more than the C library of the host (Prometheus's). Kept in
    `cache_dir`; blocking. Raises PackagesError.
    """
    cache_dir = cache_dir.absolute()
    root, partial = cache_dir / "root", cache_dir / "root.partial"
    cache_dir.mkdir(parents=True, exist_ok=True)
    with file_lock(cache_dir / "lock", timeout_s=LOCK_TIMEOUT_S):
        if root.exists():
            return root
        config = write_apt_config(cache_dir / "apt", _check_host(cache_dir), mirror)
        progress(f"Downloading {', '.join(packages)}")
        _apt(config, ["update"])
        archives = cache_dir / "apt/cache/archives"
        _apt(config, ["download", *packages], folder=archives)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for package in sorted(archives.glob("*.deb")):
            _unpack_one(package, partial)
        partial.rename(root)
    return root


def _check_host(cache_dir: Path) -> Path:
    """Raise PackagesError where fetching cannot work; return the keyring of Debian's archive."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise PackagesError(
                f"There is no Asterisk on the PATH, and it cannot be fetched because `{tool}` is "
                f"missing: this works on Debian and its relatives only. {OWN_ASTERISK}"
            )
    _architecture()
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        raise PackagesError(
            f"The signatures of Debian's packages cannot be checked: {KEYRINGS[0]} is missing. "
            f"Run `apt-get install debian-archive-keyring`. {OWN_ASTERISK}"
        )
    free = shutil.disk_usage(cache_dir).free
    if free < NEEDED_BYTES:
        raise PackagesError(
            f"Asterisk needs {NEEDED_BYTES // 2**20} MB in {cache_dir}, and only "
            f"{free // 2**20} MB are free. Free some disk space and run this again."
        )
    return keyring


def _architecture() -> str:
    machine = os.uname().machine
    if machine not in MACHINES:
        raise PackagesError(
            f"Asterisk cannot be fetched for this processor ({machine}); "
            f"{' and '.join(MACHINES)} are supported. {OWN_ASTERISK}"
        )
    return MACHINES[machine]


APT_CONFIG = """\
Dir::State "{base}/state";
Dir::State::status "{base}/state/status";
Dir::Cache "{base}/cache";
Dir::Log "{base}/log";
Dir::Etc::sourcelist "{base}/sources.list";
Dir::Etc::sourceparts "{base}/empty";
Dir::Etc::preferences "{base}/preferences";
Dir::Etc::preferencesparts "{base}/empty";
APT::Architecture "{architecture}";
#clear APT::Architectures;
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
#clear APT::Update;
#clear DPkg;
"""


def write_apt_config(base: Path, keyring: Path, mirror: str) -> Path:
    """Write the private apt configuration below `base` and return its file.

    apt reads it after the host's own /etc/apt/apt.conf.d, so a proxy set there stays in force.
    An empty dpkg status makes apt download every dependency down to the C library; the host's
    hooks are cleared because they act on the host's own apt lists.
    """
    if not re.fullmatch(r"[a-z]+://?[^\s\"\[\]]+", mirror):
        raise PackagesError(f"{mirror!r} is not the address of a Debian mirror.")
    for folder in ("state", "cache/archives/partial", "log", "empty"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "state/status").touch()
    (base / "preferences").touch()
    (base / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror} sid main\n")
    config = base / "apt.conf"
    config.write_text(APT_CONFIG.format(base=base, architecture=_architecture()))
    return config


def _apt(config: Path, arguments: Sequence[str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            ["apt-get", "-c", str(config), "-q", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=APT_TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PackagesError(
            f"`apt-get {arguments[0]}` took more than {APT_TIMEOUT_S} s. Check the network, "
            f"or name a nearer Debian mirror. {OWN_ASTERISK}"
        ) from error
    # apt-get update ends with 0 even when nothing could be fetched; only its lines tell.
    if done.returncode != 0 or re.search(r"^(Err:|W: Failed to fetch)", done.stdout, re.MULTILINE):
        raise PackagesError(_apt_failure(arguments, done.stdout))


def _apt_failure(arguments: Sequence[str], output: str) -> str:
    last_lines = "\n".join(f"    {line}" for line in output.strip().splitlines()[-8:])
    if "No space left" in output or "not enough free space" in output:
        advice = "The disk is full: free some space and run this again."
    elif "is expired" in output or "is not valid yet" in output:
        # Freshness is part of the signature's worth, so it is not switched off here.
        advice = (
            "Correct this machine's clock if it is wrong; else the mirror is stale: name another."
        )
    else:
        advice = (
            "Check that this machine reaches the Debian mirror (proxy settings in "
            "/etc/apt/apt.conf.d are used), or name another mirror in PROZVON_ASTERISK_MIRROR."
        )
    command = " ".join(["apt-get", *arguments])
    return f"`{command}` failed. {advice} {OWN_ASTERISK} apt's last lines:\n{last_lines}"


def _unpack(cache_dir: Path, packages: Sequence[Path]) -> AsteriskRuntime:
    """Unpack beside the final place and rename: a killed run leaves no half tree behind."""
    partial, root = cache_dir / "root.partial", cache_dir / "root"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # Two at once: decompression is the work, and the packages share no files but folders.
    with ThreadPoolExecutor(max_workers=2) as workers:
        list(workers.map(lambda package: _unpack_one(package, partial), packages))
    _drop_set_id_bits(partial)
    _link_english_prompts(partial / "usr/share/asterisk/sounds")
    version = _verify(partial)
    marker = {"recipe": RECIPE, "architecture": _architecture(), "version": version}
    (partial / MARKER).write_text(json.dumps(marker))
    shutil.rmtree(root, ignore_errors=True)
    partial.rename(root)
    return _unpacked_runtime(root, version)


def _unpack_one(package: Path, root: Path) -> None:
    done = subprocess.run(
        ["dpkg-deb", "-x", str(package), str(root)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        package.unlink(missing_ok=True)
        raise PackagesError(
            f"{package.name} could not be unpacked: {done.stderr.strip()}. It was removed; if the "
            "disk is not full, run this again to download it anew."
        )


def _drop_set_id_bits(root: Path) -> None:
    """Nothing may become root through a copy of `passwd` that no one updates."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not path.is_symlink() and mode & 0o6000:
                path.chmod(mode & 0o1777)


def _link_english_prompts(sounds: Path) -> None:
    """`sounds/en` is made by update-alternatives in a real installation; unpacked it is missing,
    and Playback would fail in silence."""
    link = sounds / "en"
    if (link / "beep.gsm").exists():
        return
    voice = next((path.parent for path in sorted(sounds.glob("en_*/beep.gsm"))), None)
    if voice is None:
        raise PackagesError(
            f"Debian's packages brought no English prompts into {sounds}. {OWN_ASTERISK}"
        )
    link.unlink(missing_ok=True)
    link.symlink_to(voice.name)


def _verify(root: Path) -> str:
    """The version of the unpacked Asterisk, asked of the program itself."""
    libraries = root / "usr/lib" / TRIPLETS[_architecture()]
    version = _ask_version(_loader_command(root, libraries))
    if version is None:
        raise PackagesError(
            f"The unpacked Asterisk in {root} does not start on this machine. {OWN_ASTERISK}"
        )
    if not _is_supported(version):
        raise PackagesError(
            f"Debian sid offers Asterisk {version} by now, which Prozvon does not know yet. "
            f"{OWN_ASTERISK}"
        )
    return version


def main() -> int:
    """`python -m dialer.asterisk.packages [CACHE_DIR]`: used by `make setup`."""
    cache_dir = Path(sys.argv[1] if len(sys.argv) > 1 else ".cache/asterisk")
    mirror = os.environ.get("PROZVON_ASTERISK_MIRROR", DEFAULT_MIRROR)
    try:
        runtime = find_or_fetch(cache_dir, lambda line: print_line(f"  {line}"), mirror=mirror)
    except PackagesError as error:
        print_line(f"error: {error}")
        return 1
    print_line(f"Asterisk {runtime.version} ({runtime.source}): {runtime.command[-1]}")
    return 0


def print_line(line: str) -> None:
    """Progress of a long set-up step, for a person, hence not a log line."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
