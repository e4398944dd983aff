"""The carrier's own record of every call: the truth that Prozvon's database is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dialer.asterisk.cel import CelJournal, ChannelHistory, UserEvent, summarise
from dialer.demo.numbers import Kind, Script, parse

NETWORK = "carrier-network"
"""The dialplan's context where calls come in."""

DIALED = "PROZVON_DIALED"
RINGING = "PROZVON_RINGING"
EARLY_MEDIA = "PROZVON_EARLY_MEDIA"
ENDS = "PROZVON_ENDS"
"""User events of the carrier's dialplan. ENDS comes just before the network or the person ends
the call: Asterisk's own `hangupsource` is the same channel for a refusal and for a caller's BYE."""


@dataclass(frozen=True)
class CarrierCall:
    """One call as the network saw it. Times are Unix seconds, None for what did not happen.

    `kind` is the drawn one for a random number. `ring_s` and `talk_s` are the plan, not the
    fact. `cause` is the Q.850 cause, `ended_by_caller` whether the other side hung up first.
    """

    number: str
    kind: Kind
    ring_s: float
    talk_s: float
    started_at: float
    ringing_at: float | None
    early_media_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: int | None
    ended_by_caller: bool
    channel: str

    def overlaps(self, other: CarrierCall) -> bool:
        """Whether both calls were in progress at one moment."""
        first, second = sorted((self, other), key=lambda call: call.started_at)
        return first.ended_at is None or first.ended_at > second.started_at


@dataclass(frozen=True)
class DoubleDials:
    """Numbers dialed twice. `overlapping`: two calls at once. `after_answer`: dialed again
    although an earlier call was answered."""

    overlapping: frozenset[str]
    after_answer: frozenset[str]


class CarrierRecord:
    """Reads the carrier's journal. Operators' phones are not calls here. Blocking."""

    def __init__(self, journal: Path) -> None:
        self._journal = CelJournal(journal)

    def calls(self, since: float | None = None) -> list[CarrierCall]:
        """Calls begun at or after `since` (Unix time, None: ever), oldest first."""
        histories = summarise(self._journal.read(since)).values()
        found = [call for call in map(_call, histories) if call is not None]
        return sorted(found, key=lambda call: call.started_at)

    def counts(self, since: float | None = None) -> dict[Kind, int]:
        """Number of calls by kind, kinds without calls left out."""
        return dict(Counter(call.kind for call in self.calls(since)))

    def answered(self, since: float | None = None) -> list[CarrierCall]:
        """Calls that the person, or the machine, took."""
        return [call for call in self.calls(since) if call.answered_at is not None]

    def double_dialed(self, since: float | None = None) -> DoubleDials:
        """Numbers that one list should never have dialed in this way."""
        return find_double_dials(self.calls(since))


def find_double_dials(calls: Iterable[CarrierCall]) -> DoubleDials:
    """Compare every call with the earlier calls to its number."""
    overlapping: set[str] = set()
    after_answer: set[str] = set()
    earlier: dict[str, list[CarrierCall]] = {}
    for call in sorted(calls, key=lambda call: call.started_at):
        for before in earlier.setdefault(call.number, []):
            if call.overlaps(before):
                overlapping.add(call.number)
            if before.answered_at is not None:
                after_answer.add(call.number)
        earlier[call.number].append(call)
    return DoubleDials(frozenset(overlapping), frozenset(after_answer))


def _call(history: ChannelHistory) -> CarrierCall | None:
    plan = _plan(history)
    if plan is None or history.created_at is None:
        return None
    number, script = plan
    return CarrierCall(
        number=number,
        kind=script.kind,
        ring_s=script.ring_s,
        talk_s=script.talk_s,
        started_at=history.created_at,
        ringing_at=_at(history.user_event(RINGING)),
        early_media_at=_at(history.user_event(EARLY_MEDIA)),
        answered_at=history.answered_at,
        ended_at=history.hangup_at,
        cause=history.cause,
        ended_by_caller=history.hangup_at is not None and not history.user_event(ENDS),
        channel=history.channel,
    )


def _plan(history: ChannelHistory) -> tuple[str, Script] | None:
    """Number and script of a call, None for a leg that is none."""
    dialed = history.user_event(DIALED)
    if dialed is not None:
        words = dict(word.partition("=")[::2] for word in dialed.text.split())
        script = Script(Kind(words["kind"]), float(words["ring"]), float(words["talk"]))
        return words["number"], script
    if history.context == NETWORK and not history.exten.startswith("phone-"):
        # Cancelled, or the carrier killed, before the dialplan's first line.
        return history.exten, parse(history.exten)
    return None


def _at(event: UserEvent | None) -> float | None:
    return event.at if event else None
