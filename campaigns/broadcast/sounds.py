"""The files that a broadcast plays, where they can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaigns.message.sounds import no_file
from campaigns.refusals import Sentence

NOT_SET = Sentence("no message is set; set its broadcast", "сообщение не задано; задайте broadcast")


def trouble(broadcast: Mapping[str, Any] | None) -> Sentence | None:
    """Why nothing would be heard; None when all is there."""
    if broadcast is None:
        return NOT_SET
    sound = missing_sound(broadcast)
    return no_file(sound) if sound else None


def missing_sound(broadcast: Mapping[str, Any]) -> str:
    """The first sound whose folder is on this machine and has no such file; "" for none."""
    for step in broadcast["steps"]:
        path = Path(step["sound"])
        if path.parent.is_dir() and not any(path.parent.glob(f"{path.name}.*")):
            return str(path)
    return ""
