"""PURE. What is asked of the node to place a call, and what the operator does meanwhile."""

from __future__ import annotations

from campaigns.broadcast.model import variables
from campaigns.campaign.modes import BROADCAST
from campaigns.message.model import sound
from dialer.asterisk.ami_wire import OriginateRequest
from dialer.board import Campaign
from dialer.calls import Attempt
from dialer.lines import Trunk
from dialer.operators import Dialing, Previewing, Ready
from monitoring.recordings.model import base_of

TAKER = "PROZVON_OPERATOR"
"""The variable of a person's channel that names the operator's channel to take."""


def person_request(
    campaign: Campaign, attempt: Attempt, trunk: Trunk, taker: str = ""
) -> OriginateRequest:
    """The call of one attempt; its id is the channel's.

    `taker`: the channel of the operator whose dial it is. The node takes that one at the answer
    without asking, if still free; nobody: it asks.
    """
    ring = campaign.ring_timeout_s + campaign.post_dial_delay_s
    broadcast = campaign.broadcast if attempt.mode == BROADCAST else None
    played = variables(broadcast) if broadcast else {}
    return OriginateRequest(
        action_id=str(attempt.id),
        channel=f"PJSIP/{trunk.dialed(attempt.lead.phone)}@trunk-{trunk.name}",
        channel_id=str(attempt.id),
        context="prozvon-broadcast" if played else "prozvon-answered",
        exten="s",
        priority=1,
        timeout_ms=int(ring * 1000),
        caller_id=attempt.caller_id,
        variables={
            "__PROZVON_ATTEMPT": str(attempt.id),
            "PROZVON_RECORDING": base_of(attempt.recording) if attempt.recording else "",
            "PROZVON_MESSAGE": sound(campaign.message),
            TAKER: taker,
            "CHANNEL(language)": campaign.language,
            **played,
        },
    )


def own_dial(state: Ready | Previewing, attempt: Attempt) -> Dialing:
    """The state of the operator for whom `attempt` is placed."""
    if isinstance(state, Previewing) or attempt.by_hand:
        return state.dial_by_hand(attempt.placed_at, attempt.id)
    return state.dial(attempt.placed_at, attempt.id)


async def nothing_before(attempt: Attempt) -> None:
    """What is done before an Originate where nobody listens."""
