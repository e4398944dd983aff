"""The files that a broadcast plays, where they can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def trouble(broadcast: Mapping[str, Any] | None) -> str:
    """Why nothing would be heard, as a sentence; "" when all is there."""
    if broadcast is None:
        return "no message is set; set its broadcast"
    sound = missing_sound(broadcast)
    return f"there is no sound file {sound}" if sound else ""


def missing_sound(broadcast: Mapping[str, Any]) -> str:
    """The first sound whose folder is on this machine and has no such file; "" for none."""
    for step in broadcast["steps"]:
        path = Path(step["sound"])
        if path.parent.is_dir() and not any(path.parent.glob(f"{path.name}.*")):
            return str(path)
    return ""
