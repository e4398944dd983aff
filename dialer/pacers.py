"""A campaign's pacing by its mode, with one memory and one ledger whatever the mode is. PURE.

What is learned in progressive dialing serves predictive dialing later; the law counts abandoned
people in both.
"""

from __future__ import annotations

from campaigns.refusals import Sentence
from dialer.ledger import Ledger
from dialer.pacing import Decision, Floor, Leads, Pacer, PredictivePacer, ProgressivePacer


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


class Broadcasting(Learning):
    """As many calls as lines and calls per second leave; no operator is needed."""

    def decide(self, floor: Floor) -> int:
        return max(0, floor.lines)

    def explain(self, floor: Floor, leads: Leads | None = None) -> Decision:
        calls = self.decide(floor)
        ringing, listening = len(floor.ringing), floor.waiting
        reason = Sentence(
            f"{ringing} ringing, {listening} listening, what the lines leave",
            f"звонит {ringing}, слушает {listening}, сколько оставляют линии",
        )
        return Decision(calls, "lines", reason, calls)


def pacer_of(mode: str, engine: PredictivePacer) -> Pacer:
    """The pacer of a campaign in `mode` whose memory and ledger are `engine`'s."""
    if mode == "predictive":
        return engine
    return Broadcasting(engine) if mode == "broadcast" else Learning(engine)
