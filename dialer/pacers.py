"""A campaign's pacing by its mode, with one memory and one ledger whatever the mode is. PURE.

What is learned in progressive dialing serves predictive dialing later; the law counts abandoned
people in both.
"""

from __future__ import annotations

from dialer.ledger import Ledger
from dialer.pacing import Pacer, PredictivePacer, ProgressivePacer


class Booking(ProgressivePacer):
    """One call per free operator; learns nothing and books the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(max_abandon_rate=ledger.max_rate)
        self._ledger = ledger

    def attempt_ended(self, now: float, seconds: float, answered: bool, odds: float = 1.0) -> None:
        if answered:
            self._ledger.answered(now)

    def abandoned(self, now: float) -> None:
        self._ledger.abandoned(now)


class Learning(ProgressivePacer):
    """One call per free operator, while the engine learns from it (and books the ledger)."""

    def __init__(self, engine: PredictivePacer) -> None:
        super().__init__(max_abandon_rate=engine.max_abandon_rate)
        self._engine = engine

    def attempt_ended(self, now: float, seconds: float, answered: bool, odds: float = 1.0) -> None:
        self._engine.attempt_ended(now, seconds, answered, odds)

    def talk_ended(self, now: float, seconds: float) -> None:
        self._engine.talk_ended(now, seconds)

    def wrap_ended(self, now: float, seconds: float) -> None:
        self._engine.wrap_ended(now, seconds)

    def abandoned(self, now: float) -> None:
        self._engine.abandoned(now)


def pacer_of(mode: str, engine: PredictivePacer) -> Pacer:
    """The pacer of a campaign in `mode` whose memory and ledger are `engine`'s."""
    return engine if mode == "predictive" else Learning(engine)
