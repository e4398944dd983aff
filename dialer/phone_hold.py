"""Hold by the phone's own key: a re-INVITE that sends no sound (SIP sendonly or inactive).

Asterisk plays its music to the other side and says so (Hold, Unhold; 22.10). Operator and person
stay in their bridge, so nothing is moved: only the operator's state follows, by the event's time.
After a restart of the controller such a hold counts as talking until the phone holds again.
"""

from __future__ import annotations

from dialer.asterisk import events as ev
from dialer.board import Board
from dialer.operators import Hold, Talking


class PhoneHold:
    """Watches the operators' legs."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def on_event(self, event: ev.Event) -> None:
        """Of an operator who does not talk, a hold changes nothing."""
        if not isinstance(event, ev.HoldStarted | ev.HoldEnded):
            return
        seat = self._board.seat_of_leg(event.unique_id)
        state = seat.state if seat is not None else None
        if seat is None or state is None:
            return
        if isinstance(event, ev.HoldStarted) and isinstance(state, Talking):
            seat.become(state.hold_by_phone(max(event.at, state.since)))
        elif isinstance(event, ev.HoldEnded) and isinstance(state, Hold) and state.by_phone:
            seat.become(state.talk(max(event.at, state.since)))
