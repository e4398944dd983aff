"""Line time as it passes: counters that are right at any moment, not only when a call ends."""

from __future__ import annotations

from uuid import UUID

from dialer.board import Board
from dialer.calls import Committing, Ended
from dialer.operators import State, StateChange
from monitoring import metrics


class LineTime:
    """Counts operators' states and trunks' calls up to now; told of every end."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._states: dict[str, float] = {}
        self._calls: dict[UUID, float] = {}

    def state_changed(self, change: StateChange) -> None:
        """The old state's rest is counted; the new one counts from its beginning."""
        if change.old is not None:
            self._count_state(change.login, change.old, change.new.since)
        self._states[change.login] = change.new.since
        metrics.operator_seated(change.login)

    def signed_out(self, login: str, state: State, at: float) -> None:
        self._count_state(login, state, at)
        self._states.pop(login, None)

    def attempt_ended(self, ended: Ended) -> None:
        begun = self._calls.pop(ended.id, ended.placed_at)
        metrics.trunk_line_time(ended.trunk, ended.ended_at - begun)

    def up_to(self, now: float) -> None:
        """Counts everything that still runs, up to `now`."""
        for seat in self._board.seats.values():
            self._count_state(seat.login, seat.state, now)
        for attempt in self._board.attempts.values():
            if not isinstance(attempt, Committing):
                begun = self._calls.get(attempt.id, attempt.placed_at)
                metrics.trunk_line_time(attempt.trunk, now - begun)
                self._calls[attempt.id] = max(begun, now)

    def _count_state(self, login: str, state: State, until: float) -> None:
        begun = max(self._states.get(login, state.since), state.since)
        metrics.operator_time(login, state.kind, until - begun)
        self._states[login] = max(begun, until)
