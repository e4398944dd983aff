"""PURE. Who is on whose line, and who may speak there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from dialer.refusal import Refusal


class Mode(StrEnum):
    """What a supervisor does: hears both; speaks to the operator only; speaks to both."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


SPY_OPTIONS = {Mode.LISTEN: "", Mode.WHISPER: "w", Mode.BARGE: "B"}
"""ChanSpy's option of each mode."""


class SupervisionError(Refusal):
    """A supervisor cannot do that now."""


@dataclass(slots=True)
class Session:
    """One supervisor on one operator's line.

    `spied` is the operator's channel the node was told last; `up` that the supervisor hears.
    """

    id: UUID
    supervisor_id: int
    supervisor: str
    operator_id: int
    operator: str
    mode: Mode
    since: float
    seq: int = 0
    up: bool = False
    spied: str = ""

    @property
    def leg_id(self) -> str:
        """The Uniqueid of the supervisor's own leg."""
        return f"sv-{self.id}"


def mode_of(text: str) -> Mode:
    """Raises SupervisionError `bad_mode`."""
    try:
        return Mode(text)
    except ValueError:
        raise SupervisionError("bad_mode", 422, f"mode is one of {', '.join(Mode)}") from None


def check_voice(sessions: Iterable[Session], operator: str, supervisor: str, mode: Mode) -> None:
    """Two supervisors who speak to one operator talk into each other: one at a time.

    Raises SupervisionError `line_taken` that names who speaks.
    """
    if mode is Mode.LISTEN:
        return
    for other in sessions:
        if other.operator == operator and other.supervisor != supervisor:
            _check_other(other)


def _check_other(other: Session) -> None:
    if other.mode is Mode.LISTEN:
        return
    verb = "whispers to" if other.mode is Mode.WHISPER else "is in the call of"
    raise SupervisionError(
        "line_taken",
        409,
        f"{other.supervisor} {verb} {other.operator} already; you may listen, or wait until "
        f"{other.supervisor} stops",
    )
