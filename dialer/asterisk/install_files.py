"""Carries out a plan of `dialer.asterisk.install`: all of it or nothing, and takes it back."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dialer.asterisk.install import (
    BACKUP,
    FOLDER,
    MARKER,
    TOUCHED,
    Change,
    InstallError,
    Plan,
    block,
    without_block,
)


def apply(plan: Plan, etc: Path) -> list[Path]:
    """Writes what the plan needs; the files that changed. What they had goes to `backup` first.

    Raises InstallError `problems`, or `not_writable` when nothing was changed.
    """
    if plan.problems:
        raise InstallError("problems", "; ".join(problem.text for problem in plan.problems))
    folder, changes = etc / FOLDER, plan.changes
    was_there, done = folder.exists(), list[Change]()
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
        _same_owner(folder, etc)
        # The marker first: a folder without it is taken for somebody else's.
        for change in sorted(changes, key=lambda c: c.path.name != MARKER):
            if change.path.parent == etc and change.before is not None:
                _keep(folder / BACKUP, change)
            done.append(change)
            _write(change.path, change.after, etc)
    except OSError as error:
        _roll_back(done, folder, was_there=was_there)
        raise InstallError(
            "not_writable",
            f"{error.filename or etc} cannot be written ({error.strerror}); nothing was changed. "
            "Run this as root",
        ) from error
    return [change.path for change in changes]


def remove(etc: Path) -> list[Path]:
    """Takes all of it out; the files that changed. Nothing is there: changes nothing.

    Raises InstallError `foreign_folder`, `not_restored`, `not_writable`.
    """
    folder = etc / FOLDER
    if folder.exists() and not (folder / MARKER).exists():
        raise InstallError("foreign_folder", f"{folder} is not ours; it stays as it is")
    restored = {etc / file: _restored(etc, file) for file in TOUCHED if _has_block(etc / file)}
    try:
        for path, text in restored.items():
            if text is None:
                path.unlink()
            else:
                _write(path, text, etc)
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise InstallError(
            "not_writable",
            f"{error.filename or etc} cannot be written ({error.strerror}). Again, as root",
        ) from error
    return [*restored, folder] if restored else []


def _has_block(path: Path) -> bool:
    return path.is_file() and block(path.name).encode() in path.read_bytes()


def _restored(etc: Path, file: str) -> bytes | None:
    """Their file without our block; None: it was not there before."""
    text = without_block((etc / file).read_bytes(), file)
    kept = etc / FOLDER / BACKUP / file
    return None if not text and not kept.exists() else text


def _keep(backup: Path, change: Change) -> None:
    """The first one counts: what was there before Prozvon."""
    target = backup / change.path.name
    if change.before is not None and not target.exists():
        backup.mkdir(mode=0o750, exist_ok=True)
        _write(target, change.before, change.path)


def _write(path: Path, text: bytes, like: Path) -> None:
    """In one step; mode and owner stay, a new file gets those of `like`'s folder, closed to others.

    A link is followed: what it points to is replaced.
    """
    path = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        _take_after(Path(temporary), path, like)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _take_after(temporary: Path, path: Path, like: Path) -> None:
    if path.exists():
        status = path.stat()
        temporary.chmod(stat.S_IMODE(status.st_mode))
        _own(temporary, status.st_uid, status.st_gid)
    else:
        temporary.chmod(0o640)
        _same_owner(temporary, like)


def _same_owner(path: Path, like: Path) -> None:
    """Readable for whoever Asterisk runs as: the owner of what it reads now."""
    manager = like / "manager.conf" if like.is_dir() else like
    status = (manager if manager.exists() else like).stat()
    _own(path, status.st_uid, status.st_gid)


def _own(path: Path, uid: int, gid: int) -> None:
    status = path.stat()
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.chown(path, uid, gid)


def _roll_back(done: Sequence[Change], folder: Path, *, was_there: bool) -> None:
    for change in reversed(done):
        try:
            if change.before is None:
                change.path.unlink(missing_ok=True)
            elif change.path.read_bytes() != change.before:
                _write(change.path, change.before, change.path.parent)
        except OSError:  # it could not be changed either
            continue
    if not was_there:
        shutil.rmtree(folder, ignore_errors=True)
