"""The file of a campaign's message, where it can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaigns.legal.model import Contradiction
from campaigns.message.model import sound
from campaigns.refusals import Sentence


def missing(message: Mapping[str, Any] | None, language: str) -> str:
    """The message's sound when its folder is on this machine and has no such file; "" otherwise.

    As Asterisk looks: in the folder of the language first, then beside it.
    """
    path = Path(sound(message))
    if not path.name or not path.parent.is_dir():
        return ""
    folders = (path.parent / language, path.parent)
    found = any(any(folder.glob(f"{path.name}.*")) for folder in folders)
    return "" if found else str(path)


def trouble(message: Mapping[str, Any] | None, language: str) -> Sentence | None:
    """Why the message would not be heard; None when it would."""
    path = missing(message, language)
    return no_file(path) if path else None


def no_file(path: str) -> Sentence:
    return Sentence(f"there is no sound file {path}", f"нет звукового файла {path}")


def contradictions(message: Mapping[str, Any] | None, language: str) -> list[Contradiction]:
    """The same as a refusal."""
    path = missing(message, language)
    told = Sentence(
        f"there is no sound file {path}.wav for the message: put it there, or change message",
        f"нет звукового файла {path}.wav для сообщения: положите его туда или измените message",
    )
    return [Contradiction("message_missing", "message", told)] if path else []
