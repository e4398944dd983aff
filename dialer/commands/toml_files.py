"""TOML files that people give to commands."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from dialer.commands.common import CommandError


def read_toml(file: Path, id: str) -> dict[str, Any]:
    """The document of a file. Raises CommandError `id` when it is no TOML; OSError."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(
            id, f"{file} is no TOML: {error}", f"{file}: это не TOML: {error}", status=422
        ) from error
