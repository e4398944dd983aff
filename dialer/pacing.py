"""How many calls to place now. Pure: no clock, no I/O; the same inputs give the same decisions."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Protocol

from dialer import pacing_model as model
from dialer import pacing_odds as odds
from dialer.ledger import Ledger
from dialer.pacing_outlook import BusyOutlook, RingOutlook


@dataclass(frozen=True, slots=True)
class Floor:
    """What the dialer sees at a decision (times in seconds, tuples in no particular order)."""

    now: float  # monotonic
    idle: int  # operators free to take a call
    talking: tuple[float, ...]  # elapsed seconds of each conversation
    wrapping: tuple[float, ...]  # elapsed seconds of each wrap-up
    ringing: tuple[float, ...]  # seconds since each still unanswered call was placed
    waiting: int  # answered people waiting for an operator
    lines: int  # further calls the trunks allow now


@dataclass(frozen=True, slots=True)
class Decision:
    """`calls` to place now, what held it from being more, and one line a person can read."""

    calls: int
    limited_by: str  # operators | budget | lines
    reason: str


class Pacer(Protocol):
    """Asked after events that change its input and at least once a second; taught by the events."""

    def decide(self, floor: Floor) -> int:
        """Calls to place now, 0..floor.lines."""

    def explain(self, floor: Floor) -> Decision:
        """The same number as `decide`, with its reason."""

    def attempt_ended(self, now: float, seconds: float, answered: bool) -> None:
        """An attempt was answered by a person, or ended otherwise, after `seconds` of dialing."""

    def talk_ended(self, now: float, seconds: float) -> None: ...

    def wrap_ended(self, now: float, seconds: float) -> None: ...

    def abandoned(self, now: float) -> None:
        """An answered person got no operator in time."""


class ProgressivePacer:
    """One call per free operator: nobody who answers waits. Learns nothing."""

    def __init__(self, max_abandon_rate: float = 0.03) -> None:
        self.max_abandon_rate = max_abandon_rate

    def decide(self, floor: Floor) -> int:
        return max(0, min(floor.lines, floor.idle - len(floor.ringing) - floor.waiting))

    def explain(self, floor: Floor) -> Decision:
        calls = self.decide(floor)
        wanted = floor.idle - len(floor.ringing) - floor.waiting
        limited_by = "lines" if wanted > floor.lines else "operators"
        return Decision(calls, limited_by, f"{calls}: {_seen(floor)}, one call per free operator")

    def attempt_ended(self, now: float, seconds: float, answered: bool) -> None: ...

    def talk_ended(self, now: float, seconds: float) -> None: ...

    def wrap_ended(self, now: float, seconds: float) -> None: ...

    def abandoned(self, now: float) -> None: ...


class PredictivePacer:
    """Places calls ahead of free operators while the ledger allows the risk.

    For one more call: mean chance, over the learned times to an answer, that no operator is there
    within `patience_s` of the answer. It is placed while that chance is at or under the level the
    ledger's budget allows now.
    """

    caution = 0.5  # standard deviations added to the chance of an answer
    base = 0.4
    thrift = 0.8
    start = 6.0
    ceiling = 3.0  # times the cap-spending risk

    def __init__(
        self, max_abandon_rate: float = 0.03, ledger: Ledger | None = None, patience_s: float = 2.0
    ) -> None:
        self.max_abandon_rate = max_abandon_rate
        self.ledger = ledger or Ledger(max_abandon_rate)
        self.patience_s = patience_s
        self.odd_inputs = 0
        self._now = 0.0
        self._answering = model.Answering(2000.0)
        self._chance = model.AnswerChance()
        self._talk = model.Durations(75.0, 1500.0)
        self._wrap = model.Durations(20.0, 1500.0)
        self._slack = _Slack()
        self._view: _View | None = None

    # ---- learning
    def attempt_ended(self, now: float, seconds: float, answered: bool) -> None:
        if answered:
            self.ledger.answered(now)
        if self._sound(now, seconds):
            self._answering.ended(seconds, answered)
            self._chance.ended(answered)

    def talk_ended(self, now: float, seconds: float) -> None:
        if self._sound(now, seconds):
            self._talk.ended(seconds)

    def wrap_ended(self, now: float, seconds: float) -> None:
        if self._sound(now, seconds):
            self._wrap.ended(seconds)

    def abandoned(self, now: float) -> None:
        self.ledger.abandoned(now)

    def _sound(self, now: float, seconds: float) -> bool:
        if not (isfinite(now) and isfinite(seconds) and seconds >= 0.0):
            self.odd_inputs += 1
            return False
        return True

    # ---- deciding
    def decide(self, floor: Floor) -> int:
        return self._decide(floor)[0]

    def explain(self, floor: Floor) -> Decision:
        calls, limited_by = self._decide(floor)
        return Decision(calls, limited_by, f"{calls}: {_seen(floor)}")

    def _decide(self, floor: Floor) -> tuple[int, str]:
        if floor.lines <= 0 or not (floor.idle or floor.talking or floor.wrapping):
            return 0, "lines" if floor.lines <= 0 else "operators"
        sure = floor.idle - floor.waiting - len(floor.ringing)
        if sure >= floor.lines:
            return floor.lines, "lines"
        level = self.risk_level(floor.now)
        if level <= 0.0:
            return max(0, sure), "budget"
        view = self._refresh(floor)
        calls, risk = view.most(floor, max(0, sure), level)
        self._slack.placed(calls - max(0, sure), max(0, sure), risk, level)
        return calls, "lines" if calls == floor.lines else "budget"

    def risk_level(self, now: float) -> float:
        budget = self.ledger.spendable(now)
        earned = self.max_abandon_rate * self.ledger.totals(now)[0]
        reserve = self.thrift * sqrt(earned + self.start)
        share = self.base + (1.0 - self.base) * budget / reserve
        return self.max_abandon_rate / self._slack.ratio * min(max(share, 0.0), self.ceiling)

    def _refresh(self, floor: Floor) -> _View:
        view = self._view
        if view is None or not 0.0 <= floor.now - view.built_at < view.good_for:
            view = self._view = _View(self, floor)
        if not 0.0 <= floor.now - view.ring_at < 1.0:
            view.refresh_chance(self, floor)
        return view


class _Slack:
    """Mean risk of the calls placed / the level allowed: under 1, because calls come whole."""

    memory = 300.0

    def __init__(self) -> None:
        self._risk = 0.5 * 30.0
        self._level = 30.0

    @property
    def ratio(self) -> float:
        return max(0.2, self._risk / self._level)

    def placed(self, risky: int, sure: int, risk: float, level: float) -> None:
        if risky + sure == 0:
            return
        keep = (1.0 - 1.0 / self.memory) ** (risky + sure)
        self._risk = self._risk * keep + risk / level
        self._level = self._level * keep + risky + sure


class _View:
    """What is likely soon, as of `built_at`."""

    def __init__(self, pacer: PredictivePacer, floor: Floor) -> None:
        self.built_at = floor.now
        self.ring_at = -1.0
        self.good_for = min(60.0, 5.0 + 0.2 * pacer._talk.count)
        self.chance = 0.0
        self.outlook = RingOutlook(*pacer._answering.curves(floor.ringing))
        mean, _ = pacer._chance.estimate(0.0, 0.0)
        self.later = self.outlook.later(mean)
        by = tuple(s + pacer.patience_s for s in self.outlook.points)
        talk = model.survival(pacer._talk.hazards(floor.talking), 1100)
        wrap = model.survival(pacer._wrap.hazards(floor.wrapping), 1100)
        self.busy = BusyOutlook(talk, wrap, by)
        self.refresh_chance(pacer, floor)

    def refresh_chance(self, pacer: PredictivePacer, floor: Floor) -> None:
        self.ring_at = floor.now
        later = self.later
        pending = sum(row[0] for row in later.rows(floor.ringing))
        mean, sd = pacer._chance.estimate(pending, len(floor.ringing) - pending)
        chance = min(0.98, mean + pacer.caution * sd)
        if abs(chance - self.chance) > 0.02 * self.chance:
            self.chance = chance
            self.later = self.outlook.later(mean)
            self.ring = self.outlook.table(chance)
            self.fresh = self.outlook.fresh(chance)

    def most(self, floor: Floor, sure: int, level: float) -> tuple[int, float]:
        """The most calls whose last one is within `level`, and the sum of their risks."""
        need = floor.idle - floor.waiting
        base = odds.moments(
            self.ring.packed(floor.ringing),
            self.busy.talking.packed(floor.talking) + self.busy.wrapping.packed(floor.wrapping),
        )
        calls, spent = sure, 0.0
        while calls < floor.lines:
            risk = odds.shortage(base, need, calls, self.fresh)
            if risk > level:
                break
            spent += risk
            calls += 1
        return calls, spent


def _seen(floor: Floor) -> str:
    waiting = f", {floor.waiting} waiting" if floor.waiting else ""
    return f"{floor.idle} free, {len(floor.ringing)} ringing{waiting}"
