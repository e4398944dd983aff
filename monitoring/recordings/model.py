"""PURE. Recordings: names of files, what a list shows, which channel somebody wants to hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from dialer.refusal import Refusal

LONGEST_KEEP_DAYS = 36_500
LIST_LIMIT = 1000


class RecordingError(Refusal):
    """A recording that cannot be paused, heard or deleted as asked."""


class Channels(StrEnum):
    """What to hear of a recording: both sides apart, both mixed, or one."""

    STEREO = "stereo"
    MONO = "mono"
    PERSON = "person"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Pause:
    """A silent span, in seconds from the beginning of the conversation."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished recording. `path` is None when there is no file; `problem` says why."""

    attempt_id: UUID
    campaign: str
    operator: str | None
    began_at: datetime
    path: Path | None
    seconds: float
    bytes: int
    sha256: str | None
    finished_at: datetime
    stopped_for: str | None
    problem: str | None
    deleted_at: datetime | None
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of the list; None and zero mean all."""

    operator: str | None = None
    campaign: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


def base_of(recording: str | Path) -> str:
    """What the node is told: the file's name without its suffix."""
    return str(Path(recording).with_suffix(""))


def legs_of(recording: str | Path) -> tuple[Path, Path]:
    """The files that the node writes while they talk: (person's side, our side)."""
    base = base_of(recording)
    return Path(f"{base}-person.wav"), Path(f"{base}-operator.wav")


def channels_of(text: str) -> Channels:
    """Raises RecordingError `bad_channels`."""
    try:
        return Channels(text)
    except ValueError:
        known = ", ".join(Channels)
        raise RecordingError(
            "bad_channels", 422, f"channels is one of {known}", f"channels: одно из {known}"
        ) from None


def check_days(days: int) -> int:
    """Raises RecordingError `bad_days`."""
    if not 1 <= days <= LONGEST_KEEP_DAYS:
        raise RecordingError(
            "bad_days",
            422,
            f"keep recordings 1 to {LONGEST_KEEP_DAYS} days",
            f"хранить записи можно от 1 до {LONGEST_KEEP_DAYS} дней",
        )
    return days


def check_limit(limit: int) -> int:
    """Raises RecordingError `bad_limit`."""
    if not 1 <= limit <= LIST_LIMIT:
        raise RecordingError(
            "bad_limit", 422, f"limit is 1 to {LIST_LIMIT}", f"limit: от 1 до {LIST_LIMIT}"
        )
    return limit


def pauses_of(
    began_at: datetime, ended_at: datetime, spans: Iterable[tuple[datetime, datetime | None]]
) -> tuple[Pause, ...]:
    """Spans on the clock as spans of the recording, cut to it; an open one lasts to the end."""
    length = max(0.0, (ended_at - began_at).total_seconds())
    cut = [
        (
            min(length, max(0.0, (start - began_at).total_seconds())),
            min(length, max(0.0, ((end or ended_at) - began_at).total_seconds())),
        )
        for start, end in spans
    ]
    return tuple(Pause(start, end) for start, end in sorted(cut) if end > start)
