"""PURE. What the line said -> the one outcome of an attempt.

Sources: ITU-T Q.850 cause values, RFC 3261 section 21 and RFC 8197 (607) response codes, and the
mapping that Asterisk 22's chan_pjsip makes of them (docs/reference/outcomes.md lists the rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How an attempt ended, as the line told it."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    INVALID = "invalid"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    MACHINE = "machine"
    ABANDONED = "abandoned"
    FAILED = "failed"
    UNKNOWN = "unknown"


class EndedBy(StrEnum):
    """Who or what ended the attempt."""

    PERSON = "person"
    OPERATOR = "operator"
    DIALER = "dialer"  # cancelled while ringing: nobody was left to take the call
    RING_TIMEOUT = "ring_timeout"
    NETWORK = "network"
    NODE = "node"
    PHONE_LOST = "phone_lost"


CANCELS: Final = (EndedBy.DIALER, EndedBy.OPERATOR, EndedBy.PHONE_LOST)
"""Who on our side can take a call back before it is answered: that is no trunk's failure."""


SIP_OUTCOMES: Final[dict[int, Outcome]] = {
    403: Outcome.REJECTED,
    404: Outcome.INVALID,
    408: Outcome.NO_ANSWER,
    410: Outcome.INVALID,
    429: Outcome.CONGESTION,
    480: Outcome.NO_ANSWER,
    484: Outcome.INVALID,
    485: Outcome.INVALID,
    486: Outcome.BUSY,
    487: Outcome.NO_ANSWER,
    500: Outcome.CONGESTION,
    502: Outcome.CONGESTION,
    503: Outcome.CONGESTION,
    504: Outcome.CONGESTION,
    600: Outcome.BUSY,
    603: Outcome.REJECTED,
    604: Outcome.INVALID,
    606: Outcome.FAILED,
    607: Outcome.REJECTED,
    608: Outcome.REJECTED,
}

SIP_CLASS_OUTCOMES: Final[dict[int, Outcome]] = {
    3: Outcome.FAILED,
    4: Outcome.FAILED,  # 401, 402, 407, 488: the provider refuses us, not the person
    5: Outcome.CONGESTION,
    6: Outcome.REJECTED,
}
"""For codes without a row of their own, by their first digit."""

CAUSE_OUTCOMES: Final[dict[int, Outcome]] = {
    1: Outcome.INVALID,  # unallocated number
    2: Outcome.CONGESTION,  # no route to transit network
    3: Outcome.CONGESTION,  # no route to destination
    16: Outcome.NO_ANSWER,  # normal clearing before an answer: the dialer or the network gave up
    17: Outcome.BUSY,
    18: Outcome.NO_ANSWER,  # no user responding
    19: Outcome.NO_ANSWER,  # user alerted, no answer
    20: Outcome.NO_ANSWER,  # subscriber absent
    21: Outcome.REJECTED,
    22: Outcome.INVALID,  # number changed
    27: Outcome.CONGESTION,  # destination out of order
    28: Outcome.INVALID,  # address incomplete
    29: Outcome.FAILED,  # facility rejected
    31: Outcome.NO_ANSWER,  # normal, unspecified
    34: Outcome.CONGESTION,  # no circuit
    38: Outcome.CONGESTION,  # network out of order
    41: Outcome.CONGESTION,
    42: Outcome.CONGESTION,
    44: Outcome.CONGESTION,
    47: Outcome.CONGESTION,
    58: Outcome.FAILED,  # no common codec
    65: Outcome.FAILED,
    79: Outcome.FAILED,
    88: Outcome.FAILED,
    102: Outcome.CONGESTION,  # recovery on timer expiry
    111: Outcome.FAILED,
}

DIAL_STATUS_OUTCOMES: Final[dict[str, Outcome]] = {
    "BUSY": Outcome.BUSY,
    "CONGESTION": Outcome.CONGESTION,
    "NOANSWER": Outcome.NO_ANSWER,
    "CANCEL": Outcome.NO_ANSWER,
}

OWN_TIMEOUT: Final = 408
"""PJSIP itself ends an INVITE that got no reply at all with 408 (timer B of RFC 3261, 32.0 s), and
22.10 sends DialEnd NOANSWER and cause 18 for it, as if the far end had refused."""


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """All that the line told about one attempt until its end.

    `rang` is None where nobody watched (read back from the CEL journal, which has no ringing).
    `refused_by_network` is True when the far end itself ended the dialing (a DialEnd was seen):
    that tells its 480 from our own ring timeout, Asterisk reports both as cause 19.
    """

    answered: bool = False
    conversed: bool = False
    abandoned: bool = False
    rang: bool | None = False
    refused_by_network: bool = False
    cause: int = 0
    sip_code: int | None = None
    dial_status: str = ""
    channel_existed: bool = True


def outcome_of(line: LineEvidence) -> Outcome:
    """The outcome: answered calls first, then what refused, then silence.

    An answered person who hangs up inside the legal limit, before an operator was there, is
    `answered` without a conversation: 16 CFR 310.4(b)(4) counts those left without an operator.
    """
    if line.answered:
        return Outcome.ABANDONED if line.abandoned and not line.conversed else Outcome.ANSWERED
    if not line.channel_existed:
        return Outcome.FAILED
    silent = not line.refused_by_network or line.sip_code == OWN_TIMEOUT
    return _never_rang(line) if silent and line.rang is False else _refused(line)


def _never_rang(line: LineEvidence) -> Outcome:
    """No ringing, no refusal: a dead trunk looks like a ring timeout (cause 19, SIP 480).

    A refusal that came without DialEnd still carries its own cause.
    """
    refused = _refused(line)
    return Outcome.FAILED if refused is Outcome.NO_ANSWER else refused


def _refused(line: LineEvidence) -> Outcome:
    if line.sip_code in SIP_OUTCOMES:
        return SIP_OUTCOMES[line.sip_code]
    if line.sip_code is not None and line.sip_code // 100 in SIP_CLASS_OUTCOMES:
        return SIP_CLASS_OUTCOMES[line.sip_code // 100]
    if line.cause in CAUSE_OUTCOMES:
        return CAUSE_OUTCOMES[line.cause]
    return DIAL_STATUS_OUTCOMES.get(line.dial_status, Outcome.FAILED)


def costs_approach(outcome: Outcome, ended_by: EndedBy | None) -> bool:
    """Whether the lead pays an approach: not for what trunk, node or dialer did."""
    if outcome in (Outcome.FAILED, Outcome.CONGESTION):
        return False
    if ended_by is EndedBy.PHONE_LOST:  # cut off by us, and told that we will call back
        return False
    return not (outcome is Outcome.NO_ANSWER and ended_by is EndedBy.DIALER)
