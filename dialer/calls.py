"""PURE. One attempt: a frozen dataclass per state, transitions as methods.

    Committing -> Placed -> Ringing -> Answered -> Assigned -> Conversing -> Ended
                    |__________|__________|___________|__________________________^

Only the methods of a state can be called in it; what else an event may mean in a state is decided
where events come in (`dialer.controller`). Times are epoch seconds; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar
from uuid import UUID

from campaigns.campaign.modes import BROADCAST, BY_HAND
from dialer.outcomes import CANCELS, EndedBy, LineEvidence, Outcome, outcome_of

NORMAL_CLEARING = 16
"""Q.850."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A claimed lead: what is dialed, and what it has behind it before this attempt.

    `operator_id`: only this operator takes it. `standing`: (priority, place) by its campaign's
    order; leads of equal standing may be dialed in any order, one without keeps its place. `facts`:
    where the person is, the other phones, how often each outcome was
    (`campaigns.rules.service.kept_facts`).
    """

    id: int
    campaign_id: int
    phone: str
    approaches: int
    failures: int
    max_approaches: int
    operator_id: int | None = None
    callback_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    standing: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What every state of an attempt knows.

    `mode` is the campaign's when it was placed: a call keeps that mode's promise to the end.
    `dial_operator` is the login of the operator whose dial this is (not in predictive); `channel`
    the Asterisk channel name once there is one; `caller_id` the number that is shown; `intent` who
    asked for the hang-up, if we know.
    """

    id: UUID
    campaign_id: int
    lead: Lead
    trunk: str
    placed_at: float
    mode: str = "progressive"
    dial_operator: str | None = None
    recording: str | None = None
    caller_id: str | None = None
    channel: str = ""
    rang_at: float | None = None
    rang_known: bool = True
    progressed: bool = False
    refused_by_network: bool = False
    dial_status: str = ""
    intent: EndedBy | None = None
    abandoned: bool = False

    def seen(self: A, channel: str) -> A:
        """The channel exists on the node."""
        return self if self.channel else replace(self, channel=channel)

    def wants_end(self: A, by: EndedBy) -> A:
        """Somebody on our side asked for the hang-up; the first one counts."""
        return self if self.intent else replace(self, intent=by)

    def dialed_for(self: A, operator: str | None) -> A:
        """The call is for this operator now, or for nobody: whose dial it was has left."""
        return replace(self, dial_operator=operator)

    def unwatched(self: A) -> A:
        """For some time nobody saw whether it rang."""
        return replace(self, rang_known=False)

    def dial_ended(self: A, dial_status: str) -> A:
        """The far end finished the dialing by itself; NOANSWER also follows our own hang-up."""
        ours = self.intent in CANCELS and dial_status == "NOANSWER"
        refused = dial_status not in ("ANSWER", "CANCEL", "") and not ours
        return replace(self, dial_status=dial_status, refused_by_network=refused)

    @property
    def by_hand(self) -> bool:
        """An operator decided this dial and listens to its ringing."""
        return self.mode in BY_HAND

    @property
    def cut_off(self) -> bool:
        """Our cancel is on its way: picked up now, the person is cut off without an operator."""
        return self.mode != BROADCAST and self.intent in (EndedBy.RING_TIMEOUT, *CANCELS)

    def network_alive(self: A, at: float) -> A:
        """Early media: the network answered, and its own tone or voice is the first ringing.

        Told after the answer, it says nothing about when it rang.
        """
        rang_at = self.rang_at
        if rang_at is None and not isinstance(self, Live):
            rang_at = max(at, self.placed_at)
        return replace(self, progressed=True, rang_at=rang_at)

    def ended(self, at: float, *, cause: int, sip_code: int | None, by: EndedBy) -> Ended:
        """The channel is gone (or never was: `channel` is empty)."""
        answered_at = getattr(self, "answered_at", None)
        bridged_at = getattr(self, "bridged_at", None)
        # Hung up before its INVITE left, a channel gets cause 21 and SIP 603 (Asterisk 22.10): that
        # is our cancel and nobody's refusal.
        cancelled = self.intent in CANCELS and not self.refused_by_network
        line = LineEvidence(
            answered=answered_at is not None,
            conversed=bridged_at is not None,
            abandoned=self.abandoned or self.cut_off,
            rang=self._rang(),
            refused_by_network=self.refused_by_network,
            cause=NORMAL_CLEARING if cancelled else cause,
            sip_code=None if cancelled else sip_code,
            dial_status=self.dial_status,
            channel_existed=bool(self.channel),
        )
        return self._end(at, outcome_of(line), cause=cause, sip_code=sip_code, by=self.intent or by)

    def lost(self, at: float, *, known_dead: bool) -> Ended:
        """The node no longer knows the channel and its journal does not say how it ended.

        `known_dead`: the journal has its beginning, so it was cut by the node's own death.
        """
        if getattr(self, "bridged_at", None) is not None:
            outcome = Outcome.ANSWERED
        elif getattr(self, "answered_at", None) is not None:
            heard = self.mode == BROADCAST and not self.abandoned
            outcome = Outcome.ANSWERED if heard else Outcome.ABANDONED
        else:
            outcome = Outcome.UNKNOWN
        by = EndedBy.NODE if known_dead else (self.intent or EndedBy.NODE)
        return self._end(at, outcome, cause=None, sip_code=None, by=by)

    def _latest(self) -> float:
        """The last time that is known of this attempt: a clock may be set back meanwhile."""
        names = ("placed_at", "rang_at", "answered_at", "bridged_at")
        return max(getattr(self, name, None) or 0.0 for name in names)

    def _rang(self) -> bool | None:
        if self.rang_at is not None or self.progressed:
            return True
        return False if self.rang_known else None

    def _end(
        self, at: float, outcome: Outcome, *, cause: int | None, sip_code: int | None, by: EndedBy
    ) -> Ended:
        return _become(
            Ended,
            self,
            ended_at=max(at, self._latest()),
            outcome=outcome,
            cause=cause,
            sip_code=sip_code,
            ended_by=by,
            answered_at=getattr(self, "answered_at", None),
            bridged_at=getattr(self, "bridged_at", None),
            operator=getattr(self, "operator", None),
        )


A = TypeVar("A", bound=Attempt)
_KEPT = tuple(field.name for field in fields(Attempt))


def _become(kind: type[A], source: Attempt, **changes: Any) -> A:
    """A new state that keeps what the old one knew."""
    known = {name: getattr(source, name) for name in _KEPT}
    return kind(**{**known, **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Committing(Attempt):
    """The attempt's row is being committed; nothing was sent to the node."""

    def placed(self) -> Placed:
        return _become(Placed, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialing(Attempt):
    """The person's phone is being reached (base of Placed and Ringing)."""

    def answered(self, at: float) -> Answered:
        """The person (or machine) picked up."""
        return _become(Answered, self, answered_at=max(at, self._latest()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed(Dialing):
    """Originate was sent."""

    def ringing(self, at: float) -> Ringing:
        rang_at = max(at, self.placed_at) if self.rang_at is None else self.rang_at
        return _become(Ringing, self, rang_at=rang_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing(Dialing):
    """The far end rings since `rang_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live(Attempt):
    """Picked up at `answered_at` (base of the states after the answer)."""

    answered_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Live):
    """Waits for an operator."""

    def assigned(self, operator: str) -> Assigned:
        return _become(Assigned, self, answered_at=self.answered_at, operator=operator)

    def bridged(self, at: float, operator: str) -> Conversing:
        """Found in a bridge with an operator (after a restart or a lost link)."""
        return self.assigned(operator).bridged(at, operator)

    def left_alone(self) -> Answered:
        """The identification message began: no operator was there in time."""
        return replace(self, abandoned=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(Live):
    """The dialplan was told which operator to take; not bridged yet."""

    operator: str

    def bridged(self, at: float, operator: str) -> Conversing:
        return _become(
            Conversing,
            self,
            answered_at=self.answered_at,
            bridged_at=max(at, self._latest()),
            operator=operator,
            intent=None,
        )

    def missed(self) -> Answered:
        """The operator could not be taken: back to waiting."""
        return _become(Answered, self, answered_at=self.answered_at)

    def left_alone(self) -> Answered:
        return self.missed().left_alone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversing(Live):
    """Talks with `operator` since `bridged_at`."""

    bridged_at: float
    operator: str

    def handed_to(self, operator: str) -> Conversing:
        """Another operator has the person now."""
        return replace(self, operator=operator)

    @property
    def answer_to_operator_s(self) -> float:
        return self.bridged_at - self.answered_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Attempt):
    """Over, with its one outcome."""

    ended_at: float
    outcome: Outcome
    ended_by: EndedBy
    cause: int | None
    sip_code: int | None
    answered_at: float | None
    bridged_at: float | None
    operator: str | None

    @property
    def line_s(self) -> float:
        """Trunk line time: from placing to hang-up."""
        return self.ended_at - self.placed_at

    @property
    def ring_s(self) -> float | None:
        """From the first ringing to the answer or the end."""
        if self.rang_at is None:
            return None
        return (self.answered_at or self.ended_at) - self.rang_at

    @property
    def talk_s(self) -> float | None:
        return None if self.bridged_at is None else self.ended_at - self.bridged_at
