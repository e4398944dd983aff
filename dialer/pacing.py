"""How many calls to place now. Pure: no clock, no I/O; the same inputs give the same decisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from campaigns.refusals import Sentence
from dialer.lead_choice import Hand, Turn
from dialer.ledger import Ledger
from dialer.pacing_budget import Spending, Standing
from dialer.pacing_model import Knowledge
from dialer.pacing_outlook import Outlook, graded

_WISH = 256
"""Lines more than there are, in the question how many would be used."""
ONE_TO_ONE = Sentence("one call per free operator", "по вызову на свободного оператора")


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
    """`calls` to place now, what held it from being more, and why, for a person to read."""

    calls: int
    limited_by: str  # operators | budget | lines
    reason: Sentence
    asked: int = 0  # calls that pacing would place if lines, leads and caps did not matter
    picks: tuple[int, ...] = ()  # places in `Leads.next` of the leads to dial, the first one first


class Pacer(Protocol):
    """Asked after events that change its input and at least once a second; taught by the events."""

    def decide(self, floor: Floor) -> int:
        """Calls to place now, 0..floor.lines."""

    def explain(self, floor: Floor, leads: Leads | None = None) -> Decision:
        """The same number as `decide`, with its reason; `leads`: what is known of single ones."""

    def attempt_ended(self, now: float, seconds: float, answered: bool, odds: float = 1.0) -> None:
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

    def explain(self, floor: Floor, leads: Leads | None = None) -> Decision:
        calls = self.decide(floor)
        wanted = max(0, floor.idle - len(floor.ringing) - floor.waiting)
        limited_by = "lines" if wanted > floor.lines else "operators"
        return Decision(calls, limited_by, _told(floor, ONE_TO_ONE), wanted)

    def attempt_ended(
        self, now: float, seconds: float, answered: bool, odds: float = 1.0
    ) -> None: ...

    def talk_ended(self, now: float, seconds: float) -> None: ...

    def wrap_ended(self, now: float, seconds: float) -> None: ...

    def abandoned(self, now: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Leads:
    """What is known of single leads: odds of an answer against the campaign's ordinary lead (1.0).

    `ringing` goes with `Floor.ringing`, place by place (another length is a ValueError); `next` are
    the leads that would be dialed now, in that order. Of those that follow each other with the
    same number in `runs` the engine picks which goes first.
    """

    ringing: tuple[float, ...]
    next: tuple[float, ...] = ()
    runs: tuple[int, ...] = ()


class Answer(NamedTuple):
    """What one look at the floor gives."""

    calls: int
    limited_by: str
    level: float  # the risk allowed
    picks: tuple[int, ...] = ()


class PredictivePacer:
    """Places calls ahead of free operators while the ledger allows the risk.

    For one more call: the mean chance, over the learned times to an answer, that no operator is
    there within `patience_s` of its answer. It is placed while that chance is at or under the level
    that the ledger allows now. The pacer books into its ledger; nobody else should. `now` is any
    clock that goes forward; give POSIX seconds where the state outlives the process, since the
    ledger's window is measured by it.
    """

    caution = 0.2  # standard deviations added to the chance of an answer
    spending = Spending()
    ceiling = 3.0  # times the cap

    def __init__(
        self, max_abandon_rate: float = 0.03, ledger: Ledger | None = None, patience_s: float = 2.0
    ) -> None:
        self.max_abandon_rate = max_abandon_rate
        self.ledger = ledger if ledger is not None else Ledger(max_abandon_rate)
        self.patience_s = patience_s
        self._known = Knowledge()
        self._slack = Slack()
        self._turn = Turn()
        self._outlook: Outlook | None = None
        self._asked: tuple[Floor, Leads | None] | None = None
        self._answer = Answer(0, "operators", 0.0)

    @property
    def odd_inputs(self) -> int:
        """Events and floors that could not be true (time going backwards, endless durations)."""
        return self._known.odd + self.ledger.odd

    @property
    def knowledge(self) -> Knowledge:
        """What it has learned (see `pacing_memory`)."""
        return self._known

    @property
    def slack(self) -> Slack:
        return self._slack

    @property
    def picks(self) -> tuple[int, ...]:
        """Places in `Leads.next` that the last decision chose to dial, the first one first."""
        return self._answer.picks

    def attempt_ended(self, now: float, seconds: float, answered: bool, odds: float = 1.0) -> None:
        """An attempt was answered by a person, or ended otherwise; `odds` as in `Leads`."""
        self._asked = None
        if answered:
            self.ledger.answered(now)
        sound = self._known.sound(now, seconds)
        if sound is not None:
            self._known.answering.ended(sound, answered)
            self._known.chance.ended(answered, graded(odds))

    def talk_ended(self, now: float, seconds: float) -> None:
        self._asked = None
        sound = self._known.sound(now, seconds)
        if sound is not None:
            self._known.talk.ended(sound)

    def wrap_ended(self, now: float, seconds: float) -> None:
        self._asked = None
        sound = self._known.sound(now, seconds)
        if sound is not None:
            self._known.wrap.ended(sound)

    def abandoned(self, now: float) -> None:
        self._asked = None
        self.ledger.abandoned(now)

    def decide(self, floor: Floor, leads: Leads | None = None) -> int:
        return self._decide(floor, leads).calls

    def explain(self, floor: Floor, leads: Leads | None = None) -> Decision:
        calls, limited_by, level, picks = self._decide(floor, leads)
        chance = self._outlook.chance if self._outlook is not None else 0.5
        answer, budget = f"{100.0 * chance:.0f} %", f"{100.0 * level:.1f} %"
        weighed = Sentence(
            f"{answer} answer, budget {budget}", f"отвечают {answer}, бюджет {budget}"
        )
        asked = calls if limited_by != "lines" else self._wish(floor, leads)
        return Decision(calls, limited_by, _told(floor, weighed), asked, picks)

    def _wish(self, floor: Floor, leads: Leads | None) -> int:
        """Calls it would place if there were lines enough. Leaves the engine as it was."""
        if leads is not None:  # of the leads that it does not know: ordinary ones
            leads = Leads(leads.ringing)
        kept = self.slack.state
        try:
            return self._weigh(replace(floor, lines=floor.lines + _WISH), leads).calls
        finally:
            self.slack.state = kept

    def _decide(self, floor: Floor, leads: Leads | None) -> Answer:
        if self._asked != (floor, leads):
            self._asked = None
            self._answer = self._weigh(floor, leads)
            self._asked = (floor, leads)
        return self._answer

    def _weigh(self, floor: Floor, leads: Leads | None) -> Answer:
        level = self.risk_level(floor.now)
        if not (floor.idle > 0 or floor.talking or floor.wrapping):
            return Answer(0, "operators", level)
        sure = max(0, floor.idle - floor.waiting - len(floor.ringing))
        hand = Hand(leads.next, leads.runs) if leads is not None else Hand((), ())
        if sure >= floor.lines or level <= 0.0:
            calls = max(0, min(sure, floor.lines))
            places = [hand.take(self._turn, 0.0) for _ in range(calls)]
            picks = tuple(place for place in places if place is not None)
        else:
            calls, picks = self._most(floor, leads, hand, sure, level)
        if calls >= floor.lines:
            return Answer(calls, "lines", level, picks)
        limited_by = "budget" if level < 0.4 * self.max_abandon_rate else "operators"
        return Answer(calls, limited_by, level, picks)

    def risk_level(self, now: float) -> float:
        """Chance of an abandoned person that one more call may carry now, 0..3 x the cap.

        Rises and falls smoothly with the unspent budget; at the bottom the pacer is progressive.
        """
        window = Standing(
            self.ledger.spendable(now),
            self.max_abandon_rate * self.ledger.totals(now)[0],
            0.5 * self._known.in_flight,
        )
        share = self.spending.share(window) / self._slack.ratio
        return self.max_abandon_rate * min(share, self.ceiling)

    def _most(
        self, floor: Floor, leads: Leads | None, hand: Hand, sure: int, level: float
    ) -> tuple[int, tuple[int, ...]]:
        """The most calls of which the last one is within `level`, `sure` ones carry no risk; and
        the places of the leads to dial."""
        outlook = self._refresh(floor)
        question = outlook.question(floor, leads.ringing if leads else None)
        limit = min(floor.lines, question.limit(sure))
        known = leads.next if leads is not None else ()
        picks: list[int] = []
        calls, answers, spent = 0, 0.0, 0.0
        while calls < limit:
            risk = question.risk() if calls >= sure else 0.0
            if risk > level:
                break
            row = outlook.fresh
            if known:
                place = hand.take(self._turn, risk / level)
                if place is None:
                    break
                picks.append(place)
                row = outlook.fresh_with(known[place])
            likely = row[-1] / outlook.fresh[-1]
            answers += likely
            spent += likely * risk
            calls += 1
            question.ring(row)
        self._slack.placed(answers, spent / level)
        return calls, tuple(picks)

    def _refresh(self, floor: Floor) -> Outlook:
        outlook = self._outlook
        self._known.saw_ringing(len(floor.ringing))
        if outlook is None or not 0.0 <= floor.now - outlook.built_at < outlook.good_for_s:
            outlook = self._outlook = Outlook(
                self._known,
                floor.now,
                (floor.talking, floor.wrapping),
                floor.ringing,
                self.patience_s,
            )
        outlook.follow(self._known, floor.now, self.caution)
        return outlook


class Slack:
    """Mean risk of the answers to come / the level allowed: under 1, because calls come whole.

    An answer is counted as a call to an ordinary lead. Dividing by it makes the level spend the
    budget that it is meant to spend.
    """

    memory = 300.0  # calls to ordinary leads

    def __init__(self) -> None:
        self._shares = 80.0
        self._calls = 100.0

    @property
    def state(self) -> tuple[float, float]:
        """What was learned, to be kept."""
        return self._shares, self._calls

    @state.setter
    def state(self, kept: tuple[float, float]) -> None:
        self._shares, self._calls = kept

    @property
    def ratio(self) -> float:
        return max(0.4, self._shares / self._calls)

    def placed(self, calls: float, shares: float) -> None:
        keep = (1.0 - 1.0 / self.memory) ** calls
        self._shares = self._shares * keep + shares
        self._calls = self._calls * keep + calls


def _told(floor: Floor, why: Sentence) -> Sentence:
    """What the floor looks like, and `why` as many calls as are decided."""
    idle, ringing, waiting = floor.idle, len(floor.ringing), floor.waiting
    return Sentence(
        f"{idle} free, {ringing} ringing{f', {waiting} waiting' if waiting else ''}, {why.en}",
        f"свободно {idle}, звонит {ringing}{f', ждёт {waiting}' if waiting else ''}, {why.ru}",
    )
