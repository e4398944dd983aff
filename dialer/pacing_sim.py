"""A floor in virtual time: what a pacer would give, with stated or measured times. Pure.

Call number k of a seed has the same fate under every pacer (answered or not, ring, talk and wrap-up
times), so that pacers are compared on the same luck. What is modelled: a call rings until a person
answers or it fails; the person takes the operator free for the longest, or waits `patience_s` and
is abandoned; an operator talks, wraps up, is free; a break begins when the operator is free; each
ringing, waiting or talking call holds one line. Utilisation is the share of signed-in time in
conversation or wrap-up.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dialer.lead_choice import OVERDUE_S, at_hand
from dialer.lead_odds import Features, LeadOdds
from dialer.pacing import Floor, Leads, Pacer, PredictivePacer
from dialer.pacing_model import with_odds

Sampler = Callable[[random.Random], float]

"""Leads at hand, of which the next ones are told and may be chosen."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds drawn from measured ones: one of `values`, smeared by up to `smear` of itself."""

    values: tuple[float, ...]
    smear: float = 0.05

    def __call__(self, luck: random.Random) -> float:
        return luck.choice(self.values) * luck.uniform(1.0 - self.smear, 1.0 + self.smear)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Seconds with this mean and coefficient of variation."""

    mean_s: float
    variation: float

    def __call__(self, luck: random.Random) -> float:
        square = math.log(1.0 + self.variation * self.variation)
        return luck.lognormvariate(math.log(self.mean_s) - square / 2.0, math.sqrt(square))


@dataclass(frozen=True, slots=True)
class Uniform:
    low_s: float
    high_s: float

    def __call__(self, luck: random.Random) -> float:
        return luck.uniform(self.low_s, self.high_s)


@dataclass(frozen=True, slots=True)
class Mix:
    """One of several kinds, by weight."""

    kinds: tuple[tuple[float, Sampler], ...]

    def __call__(self, luck: random.Random) -> float:
        pick = luck.random() * sum(weight for weight, _ in self.kinds)
        for weight, kind in self.kinds:
            pick -= weight
            if pick < 0.0:
                return kind(luck)
        return self.kinds[-1][1](luck)


Person = tuple[Features, float]
People = Callable[[random.Random, float], Person]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A floor to run. `chance` is (from second, chance of an answer by a person), in order.

    `answer_s` may be infinite: that person would have come too late, and the call fails instead.

    `away` is (operator, leaves at, returns at) in seconds; `lead_odds` draws each lead's odds of an
    answer against the ordinary lead's, and `tell_odds` says whether the pacer is told. Instead,
    `people` draws each lead with its features and true odds at that second of the shift; with
    `learn_odds` the pacer is told what `LeadOdds` has learned from the features. With `choose` the
    pacer picks among the leads at hand, as far as odds are told.
    """

    name: str
    operators: int
    chance: tuple[tuple[float, float], ...]
    answer_s: Sampler
    failure_s: Sampler
    talk_s: Sampler
    wrap_s: Sampler
    hours: float = 8.0
    lines: int = 0  # 0: ten an operator and twenty
    patience_s: float = 2.0
    away: tuple[tuple[int, float, float], ...] = ()
    lead_odds: Sampler | None = None
    tell_odds: bool = False
    people: People | None = None
    learn_odds: bool = False
    choose: bool = False

    def chance_at(self, now: float) -> float:
        return next(p for start, p in reversed(self.chance) if start <= now or start == 0.0)


@dataclass(slots=True)
class Shift:
    """What came of it. Times in seconds, over all operators."""

    signed_in_s: float = 0.0
    busy_s: float = 0.0
    placed: int = 0
    answered: int = 0
    abandoned: int = 0
    conversations: int = 0
    most_lines: int = 0

    @property
    def utilisation(self) -> float:
        return self.busy_s / self.signed_in_s if self.signed_in_s else 0.0

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def per_hour(self) -> float:
        """Conversations an operator hour."""
        return self.conversations / (self.signed_in_s / 3600.0) if self.signed_in_s else 0.0

    @property
    def wait_s(self) -> float:
        """From free to the next conversation, on average."""
        return (self.signed_in_s - self.busy_s) / max(1, self.conversations)


@dataclass(slots=True)
class _Call:
    placed_at: float
    answered: bool
    ring_s: float
    talk_s: float
    wrap_s: float
    features: Features = ()
    told: float = 1.0  # odds that the pacer was told
    over: bool = False  # taken by an operator, or abandoned


class Simulation:
    """One shift, event by event; `run` yields the seconds done, for a progress bar.

    `model`: what was learned of single leads on the days before.
    """

    def __init__(
        self, scenario: Scenario, pacer: Pacer, seed: int, model: LeadOdds | None = None
    ) -> None:
        self.scenario, self.pacer = scenario, pacer
        self.shift = Shift()
        self.now = 0.0
        self._fates = random.Random(f"fates {scenario.name} {seed}")  # noqa: S311 simulated luck
        self._odds_luck = random.Random(f"odds {scenario.name} {seed}")  # noqa: S311
        self._at_hand: list[tuple[float, Person]] = []  # since when, oldest first
        self._due: deque[Person] = deque()  # chosen, to be dialed now
        self.model = model if model is not None else LeadOdds()
        self._lines = scenario.lines or 10 * scenario.operators + 20
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._ringing: dict[int, _Call] = {}
        self._waiting: deque[_Call] = deque()
        self._idle: deque[int] = deque(range(scenario.operators))
        self._talking: dict[int, float] = {}
        self._wrapping: dict[int, float] = {}
        self._leaving: set[int] = set()
        for operator, leaves, returns in scenario.away:
            self._at(leaves, lambda o=operator: self._leave(o))  # type: ignore[misc]
            self._at(returns, lambda o=operator: self._return(o))  # type: ignore[misc]

    def run(self) -> Iterator[float]:
        """Each step is one decision; ends with the shift."""
        end = self.scenario.hours * 3600.0
        while self._events and self._events[0][0] <= 0.0:
            heapq.heappop(self._events)[2]()
        while self.now < end:
            self._place()
            tick = min(self.now + 1.0, end)
            due = bool(self._events) and self._events[0][0] <= tick
            then = self._events[0][0] if due else tick
            self._pass(then - self.now)
            self.now = then
            if due:
                heapq.heappop(self._events)[2]()
            yield self.now

    def _at(self, when: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, what))

    def _pass(self, seconds: float) -> None:
        busy = len(self._talking) + len(self._wrapping)
        self.shift.busy_s += seconds * busy
        self.shift.signed_in_s += seconds * (busy + len(self._idle))

    def _place(self) -> None:
        now = self.now
        used = len(self._ringing) + len(self._waiting) + len(self._talking)
        free_lines = max(0, self._lines - used)
        floor = Floor(
            now,
            len(self._idle),
            tuple(now - at for at in self._talking.values()),
            tuple(now - at for at in self._wrapping.values()),
            tuple(now - call.placed_at for call in self._ringing.values()),
            len(self._waiting),
            free_lines,
        )
        for _ in range(self._ask(floor)):
            self._dial()
        self.shift.most_lines = max(self.shift.most_lines, used + free_lines - self._free_lines())

    def _free_lines(self) -> int:
        used = len(self._ringing) + len(self._waiting) + len(self._talking)
        return max(0, self._lines - used)

    def _ask(self, floor: Floor) -> int:
        if not isinstance(self.pacer, PredictivePacer) or not self._tells():
            return self.pacer.decide(floor)
        while len(self._at_hand) < at_hand(self.scenario.operators):
            self._at_hand.append((self.now, self._draw()))
        hand = self._at_hand
        ringing = tuple(call.told for call in self._ringing.values())
        odds = tuple(self._told(person) for _, person in hand)
        calls = self.pacer.decide(floor, Leads(ringing, odds, self._runs()))
        picks = self.pacer.picks
        self._due.extend(hand[place][1] for place in picks)
        self._at_hand = [hand[place] for place in range(len(hand)) if place not in picks]
        return calls

    def _runs(self) -> tuple[int, ...]:
        """Who may change places: those that are overdue go first, as they came."""
        if not self.scenario.choose:
            return ()
        late = sum(self.now - since > OVERDUE_S for since, _ in self._at_hand)
        return (*range(late), *[late] * (len(self._at_hand) - late))

    def _tells(self) -> bool:
        learned = self.scenario.learn_odds and self.model.trusted
        return self.scenario.tell_odds or learned

    def _told(self, person: Person) -> float:
        if self.scenario.tell_odds:
            return person[1]
        return self.model.odds(person[0]) if self._tells() else 1.0

    def _draw(self) -> Person:
        if self.scenario.people is not None:
            return self.scenario.people(self._odds_luck, self.now)
        sampler = self.scenario.lead_odds
        return (), sampler(self._odds_luck) if sampler else 1.0

    def _dial(self) -> None:
        scenario, luck = self.scenario, self._fates
        person = self._due.popleft() if self._due else self._draw()
        share, answer_s, failure_s = (
            luck.random(),
            scenario.answer_s(luck),
            scenario.failure_s(luck),
        )
        talk_s, wrap_s = scenario.talk_s(luck), scenario.wrap_s(luck)
        likely = with_odds(scenario.chance_at(self.now), person[1])
        answered = share < likely and answer_s < math.inf
        ring_s = answer_s if answered else failure_s
        number = self.shift.placed
        self._ringing[number] = _Call(
            self.now, answered, ring_s, talk_s, wrap_s, person[0], self._told(person)
        )
        self.shift.placed += 1
        self._at(self.now + ring_s, lambda: self._rung(number))

    def _rung(self, number: int) -> None:
        call = self._ringing.pop(number)
        if call.answered:
            self.shift.answered += 1
            self._waiting.append(call)
            self._serve()
            if not call.over:
                self._at(self.now + self.scenario.patience_s, lambda: self._give_up(call))
        if self.scenario.learn_odds:
            self.model.ended(call.features, call.answered)
        self.pacer.attempt_ended(self.now, call.ring_s, call.answered, call.told)

    def _serve(self) -> None:
        while self._waiting and self._idle:
            call, operator = self._waiting.popleft(), self._idle.popleft()
            call.over = True
            self._talking[operator] = self.now
            self.shift.conversations += 1
            self._at(self.now + call.talk_s, self._talked(operator, call))

    def _give_up(self, call: _Call) -> None:
        if call.over:
            return
        call.over = True
        self._waiting.remove(call)
        self.shift.abandoned += 1
        self.pacer.abandoned(self.now)

    def _talked(self, operator: int, call: _Call) -> Callable[[], None]:
        def end() -> None:
            del self._talking[operator]
            self._wrapping[operator] = self.now
            self.pacer.talk_ended(self.now, call.talk_s)
            self._at(self.now + call.wrap_s, lambda: self._wrapped(operator, call.wrap_s))

        return end

    def _wrapped(self, operator: int, seconds: float) -> None:
        del self._wrapping[operator]
        if operator in self._leaving:
            self._leaving.discard(operator)
        else:
            self._idle.append(operator)
        self.pacer.wrap_ended(self.now, seconds)
        self._serve()

    def _leave(self, operator: int) -> None:
        if operator in self._idle:
            self._idle.remove(operator)
        else:
            self._leaving.add(operator)

    def _return(self, operator: int) -> None:
        if operator in self._leaving:
            self._leaving.discard(operator)
        elif operator not in (*self._idle, *self._talking, *self._wrapping):
            self._idle.append(operator)
            self._serve()


def simulate(scenario: Scenario, pacer: Pacer, seed: int, model: LeadOdds | None = None) -> Shift:
    """A whole shift at once."""
    simulation = Simulation(scenario, pacer, seed, model)
    for _ in simulation.run():
        pass
    return simulation.shift
