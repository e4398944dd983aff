"""Line time as it passes: counters that are right at any moment, not only when a call ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar
from uuid import UUID

from dialer.board import Board
from dialer.calls import Committing, Ended
from dialer.operators import OperatorState, Reserved, State, StateChange, Talking
from monitoring import metrics

T = TypeVar("T")
STEP = 250
"""Operators or calls counted in one go: a millisecond or less."""


class LineTime:
    """Counts operators' states and trunks' calls up to now; told of every end.

    An end may be learned late (the link was lost): what was counted too much then is owed, and is
    taken off what follows, because a counter never goes down.
    """

    def __init__(self, board: Board, since: float = 0.0) -> None:
        """`since` (epoch seconds): the process's start; what was before, the last one counted."""
        self._board, self._since = board, since
        self._states: dict[str, float] = {}
        self._calls: dict[UUID, float] = {}
        self._owed: dict[tuple[str, str], float] = {}

    def state_changed(self, change: StateChange) -> None:
        """The old state's rest is counted; the new one counts from its beginning."""
        if change.old is not None:
            self._count_state(change.login, change.old, change.new.since)
            if isinstance(change.old, Reserved) and isinstance(change.new, Talking):
                metrics.operator_waited(change.new.since - change.old.free_since)
        self._states[change.login] = change.new.since
        metrics.operator_seated(change.login)

    def signed_out(self, login: str, state: State, at: float) -> None:
        self._count_state(login, state, at)
        self._states.pop(login, None)

    def attempt_ended(self, ended: Ended) -> None:
        seconds = self._lasted(self._counted_to(ended.id, ended.placed_at), ended.ended_at)
        metrics.trunk_line_time(ended.trunk, self._settled(("trunk", ended.trunk), seconds))
        self._calls.pop(ended.id, None)

    def up_to(self, now: float) -> None:
        """Counts everything that still runs, up to `now`."""
        for _ in self.steps(now):
            pass

    def steps(self, now: float) -> Iterator[None]:
        """The same in short steps; between them anything may happen on the floor."""
        for logins in _steps(self._board.seats):
            for login in logins:
                if (seat := self._board.seats.get(login)) is not None:
                    until = max(now, self._states.get(login, seat.state.since))
                    self._count_state(login, seat.state, until)
            yield
        for ids in _steps(self._board.attempts):
            lasted: defaultdict[str, float] = defaultdict(float)
            for attempt_id in ids:
                attempt = self._board.attempts.get(attempt_id)
                if attempt is not None and not isinstance(attempt, Committing):
                    begun = self._counted_to(attempt_id, attempt.placed_at)
                    self._calls[attempt_id] = until = max(begun, now)
                    lasted[attempt.trunk] += self._lasted(begun, until)
            for trunk, seconds in lasted.items():
                metrics.trunk_line_time(trunk, self._settled(("trunk", trunk), seconds))
            yield

    def _counted_to(self, attempt_id: UUID, placed_at: float) -> float:
        return self._calls.get(attempt_id, placed_at)

    def _count_state(self, login: str, state: State, until: float) -> None:
        begun = self._states.get(login, state.since)
        self._states[login] = until
        kind: OperatorState = state.kind
        seconds = self._settled((login, kind.value), self._lasted(begun, until))
        metrics.operator_time(login, kind, seconds)

    def _lasted(self, begun: float, until: float) -> float:
        """Seconds since this process began; negative when more was counted already."""
        return max(until, self._since) - max(begun, self._since)

    def _settled(self, key: tuple[str, str], seconds: float) -> float:
        seconds += self._owed.pop(key, 0.0)
        if seconds < 0:
            self._owed[key] = seconds
        return max(0.0, seconds)


def _steps(keys: Iterable[T]) -> Iterator[list[T]]:
    every = list(keys)
    for first in range(0, len(every), STEP):
        yield every[first : first + STEP]
