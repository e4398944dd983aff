"""Pacers side by side in virtual time; writes its parts of docs/reference/pacing.md.

    python bench/pacing.py                    some floors, one hour each: minutes; prints only
    python bench/pacing.py --full             all parts whole (hours), into the page
    python bench/pacing.py --full --part decide   one part: floors, others, caps, leads, decide
    python bench/pacing.py --full --shifts 1      noisier
    python bench/pacing.py --full --print         into no page

Every pacer works the same shifts: call number k of a shift has the same fate under each of them.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import statistics
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from _page import write_part

from dialer.pacing import Floor, Leads, Pacer, PredictivePacer, ProgressivePacer
from dialer.pacing_model import AnswerChance, with_odds
from dialer.pacing_sim import LogNormal, Mix, Person, Scenario, Shift, Uniform, simulate

HOUR = 3600.0


class DialLevelPacer(ProgressivePacer):
    """An adaptive dial level, written from what is known of VICIdial's algorithms.

    calls = level x (free + talking) - calls not yet over, topped up every 2.5 s; wrap-up counts as
    a pause. Every 15 s the level is multiplied by 1 + the mean of (free - waiting) / operators over
    15 samples, one a second, within 1..`highest`. Answers and drops are counted since the shift's
    begin, once a minute; over the limit and with more than 50 calls, `method` is:
    hard: level 1. average: half the level. tapered: the level x (clock hours left) / 10, so that
    nothing happens while ten hours are left. `available_only`: only free operators count.
    """

    def __init__(
        self,
        max_abandon_rate: float = 0.03,
        method: str = "hard",
        highest: float = 3.0,
        available_only: bool = False,
    ) -> None:
        super().__init__(max_abandon_rate)
        self._method, self._highest, self._only_free = method, highest, available_only
        self._level = 1.0
        self._samples: deque[float] = deque(maxlen=15)
        self._sample_at = self._adapt_at = self._dial_at = self._count_at = 0.0
        self._calls = self._answered = self._dropped = 0
        self._over = False

    def attempt_ended(self, now: float, seconds: float, answered: bool, odds: float = 1.0) -> None:
        self._calls += 1
        self._answered += answered

    def abandoned(self, now: float) -> None:
        self._dropped += 1

    def decide(self, floor: Floor) -> int:
        self._sample(floor)
        if floor.now < self._dial_at:
            return 0
        self._dial_at = floor.now + 2.5
        base = floor.idle if self._only_free else floor.idle + len(floor.talking)
        wanted = round(self._level * base) - (0 if self._only_free else len(floor.talking))
        return max(0, min(floor.lines, wanted - len(floor.ringing) - floor.waiting))

    def _sample(self, floor: Floor) -> None:
        if floor.now < self._sample_at:
            return
        self._sample_at = floor.now + 1.0
        operators = floor.idle + len(floor.talking) + len(floor.wrapping)
        self._samples.append((floor.idle - floor.waiting) / max(1, operators))
        if floor.now >= self._count_at:
            self._count_at = floor.now + 60.0
            share = self._dropped / max(1, self._answered)
            self._over = self._calls > 50 and share > self.max_abandon_rate
        if floor.now >= self._adapt_at:
            self._adapt_at = floor.now + 15.0
            self._adapt(floor.now)

    def _adapt(self, now: float) -> None:
        level = min(self._highest, self._level * (1.0 + statistics.fmean(self._samples)))
        if self._over and self._method == "hard":
            level = 1.0
        elif self._over and self._method == "average":
            level /= 2.0
        elif self._over:
            level *= min(1.0, max(0.0, 8.0 - now / HOUR) / 10.0)
        self._level = max(1.0, level)


TUNED = tuple(
    (method, highest, only)
    for method in ("hard", "tapered")
    for highest in (2.0, 3.0, 5.0, 8.0)
    for only in (False, True)
)
"""Settings among which the best one is chosen for each floor in hindsight."""


@dataclass(frozen=True)
class Dialing:
    """Post-dial delay and ringing; infinite where the call would have been given up before."""

    delay: Uniform
    ring: LogNormal
    longest_s: float

    def __call__(self, luck: random.Random) -> float:
        ring_s = self.ring(luck)
        return self.delay(luck) + ring_s if ring_s < self.longest_s else math.inf


class TrueChance(AnswerChance):
    """The chance of an answer as the scenario has it."""

    chance = 0.5

    def now(self, usual: float) -> tuple[float, float]:
        return self.chance, 0.0


class KnowingPacer(PredictivePacer):
    """The engine's question, asked with the scenario's true times and chance, at a fixed risk."""

    def __init__(self, scenario: Scenario, level: float, samples: int = 20_000) -> None:
        super().__init__()
        self._scenario, self._level = scenario, level
        self._shares: dict[int, Callable[[float], float]] = {}
        self._truth = self._known.chance = TrueChance()
        luck = random.Random(f"truth {scenario.name}")
        known = self._known
        known.answering.memory = known.talk.memory = known.wrap.memory = math.inf
        for _ in range(samples):
            answer_s = scenario.answer_s(luck)
            known.answering.ended(min(answer_s, scenario.failure_s(luck)), answer_s < math.inf)
            known.answering.ended(scenario.failure_s(luck), False)
            known.talk.ended(scenario.talk_s(luck))
            known.wrap.ended(scenario.wrap_s(luck))

    def decide(self, floor: Floor, leads: Leads | None = None) -> int:
        hour = int(floor.now / HOUR)
        if hour not in self._shares:
            self._shares[hour] = self._share_at(floor.now)
        share = self._shares[hour]
        self._truth.chance = share(self._scenario.chance_at(floor.now))
        return super().decide(floor, leads)

    def _share_at(self, now: float) -> Callable[[float], float]:
        """From the ordinary lead's chance to that of all leads of this hour on average."""
        scenario, luck = self._scenario, random.Random(f"leads {now}")
        if scenario.people is not None:
            odds = [scenario.people(luck, now)[1] for _ in range(4000)]
        elif scenario.lead_odds is not None:
            odds = [scenario.lead_odds(luck) for _ in range(4000)]
        else:
            return lambda chance: chance
        return lru_cache(lambda chance: statistics.fmean(with_odds(chance, o) for o in odds))

    def risk_level(self, now: float) -> float:
        return self._level

    def attempt_ended(
        self, now: float, seconds: float, answered: bool, odds: float = 1.0
    ) -> None: ...

    def talk_ended(self, now: float, seconds: float) -> None: ...

    def wrap_ended(self, now: float, seconds: float) -> None: ...


def knowing(scenario: Scenario, cap: float, seed: int = 0) -> Shift:
    """The knowing pacer with the risk that spends the cap of this very shift."""
    low, high, best = cap / 8.0, 2.0 * cap, Shift()
    for _ in range(5):
        level = (low + high) / 2.0
        shift = simulate(scenario, KnowingPacer(scenario, level), seed)
        if shift.abandon_rate > cap:
            high = level
        else:
            low, best = level, shift
    return best


TALK = Mix(((0.35, Uniform(10, 25)), (0.45, LogNormal(75, 0.6)), (0.20, LogNormal(180, 0.8))))
BASE = Scenario(
    "5 operators, 25 % answer",
    5,
    chance=((0.0, 0.25),),
    answer_s=Dialing(Uniform(1, 3), LogNormal(9, 0.55), 27.0),
    failure_s=Mix(((0.15, Uniform(2, 7)), (0.10, Uniform(1.5, 6)), (0.75, Uniform(26, 33)))),
    talk_s=TALK,
    wrap_s=LogNormal(20, 0.6),
)
LUNCH = tuple(
    (o, (3.5 + o % 3 * 0.5) * HOUR, (4.0 + o % 3 * 0.5) * HOUR) for o in range(15)
) + tuple((o, 0.0, (o - 5) * 600.0) for o in range(6, 15))


def floor_of(name: str, operators: int, chance: float, **changes: object) -> Scenario:
    base = replace(BASE, name=name, operators=operators, chance=((0.0, chance),))
    return replace(base, **changes)  # type: ignore[arg-type]


SCENARIOS = (
    floor_of("2 operators, 30 % answer", 2, 0.30),
    floor_of("3 operators, 30 % answer", 3, 0.30),
    BASE,
    floor_of("5 operators, 25 % answer, 4 hours", 5, 0.25, hours=4.0),
    floor_of("8 operators, 35 %, short wrap-up", 8, 0.35, wrap_s=LogNormal(12, 0.5)),
    floor_of("10 operators, 25 % answer", 10, 0.25),
    floor_of("10 operators, 60 % answer", 10, 0.60),
    floor_of(
        "10 operators, very uneven talks",
        10,
        0.25,
        talk_s=Mix(
            ((0.5, Uniform(5, 20)), (0.35, LogNormal(90, 1.0)), (0.15, LogNormal(420, 1.2)))
        ),
        wrap_s=LogNormal(25, 1.2),
    ),
    floor_of("7 operators, long talks", 7, 0.30, talk_s=LogNormal(240, 0.9)),
    floor_of("12 operators, short talks", 12, 0.22, talk_s=LogNormal(25, 0.8)),
    floor_of("20 operators, 25 % answer", 20, 0.25),
    floor_of("20 operators, 8 % answer", 20, 0.08),
    floor_of(
        "20 operators, slow ringing",
        20,
        0.25,
        answer_s=Dialing(Uniform(2, 6), LogNormal(16, 0.5), 40.0),
        failure_s=Mix(((0.25, Uniform(2, 9)), (0.75, Uniform(40, 50)))),
    ),
    replace(
        BASE,
        name="20 operators, collapse and spike",
        operators=20,
        chance=((0.0, 0.35), (2.5 * HOUR, 0.10), (4 * HOUR, 0.25), (5 * HOUR, 0.55)),
    ),
    replace(
        BASE,
        name="20 operators, list dead for an hour, twice",
        operators=20,
        chance=((0.0, 0.30), (2 * HOUR, 0.02), (3 * HOUR, 0.30), (6 * HOUR, 0.03), (7 * HOUR, 0.3)),
    ),
    floor_of("15 operators, coming and going", 15, 0.25, away=LUNCH),
    floor_of("30 operators on 45 lines", 30, 0.20, lines=45),
    floor_of("50 operators, 20 % answer", 50, 0.20),
    floor_of("100 operators, long wrap-up", 100, 0.25, wrap_s=LogNormal(30, 0.7)),
    floor_of("300 operators, 25 % answer", 300, 0.25, hours=2.0),
)
OTHERS = (
    floor_of(
        "4 operators, 22 %, slower ringing",
        4,
        0.22,
        answer_s=Dialing(Uniform(1, 3), LogNormal(11, 0.6), 27.0),
    ),
    floor_of(
        "6 operators, short and very short talks",
        6,
        0.28,
        talk_s=Mix(((0.6, Uniform(5, 12)), (0.4, LogNormal(50, 0.8)))),
    ),
    floor_of(
        "4 operators, 45 %, even talks", 4, 0.45, talk_s=LogNormal(90, 0.5), wrap_s=Uniform(15, 15)
    ),
    floor_of("3 operators, 2 hours", 3, 0.33, hours=2.0),
    floor_of(
        "9 operators, 18 %",
        9,
        0.18,
        talk_s=LogNormal(60, 1.0),
        wrap_s=LogNormal(15, 1.0),
        hours=4.0,
    ),
    replace(
        BASE,
        name="10 operators, list dead twice",
        operators=10,
        hours=6.0,
        chance=(
            (0.0, 0.30),
            (1.5 * HOUR, 0.015),
            (2.5 * HOUR, 0.30),
            (4.5 * HOUR, 0.04),
            (5 * HOUR, 0.35),
        ),
    ),
    replace(
        BASE,
        name="8 operators, the chance jumps every 20 minutes",
        operators=8,
        hours=4.0,
        chance=tuple((i * 1200.0, 0.15 if i % 2 else 0.45) for i in range(12)),
    ),
    floor_of(
        "6 operators, breaks, half away, some leave",
        6,
        0.27,
        hours=6.0,
        away=(
            *((o, (2.0 + o % 3 / 3.0) * HOUR, (2.0 + (o % 3 + 1) / 3.0) * HOUR) for o in range(6)),
            *((o, 4.0 * HOUR, 4.0 * HOUR + 1200) for o in (0, 2, 4)),
            (5, 0.0, 1.5 * HOUR),
            (1, 5.0 * HOUR, 9 * HOUR),
        ),
    ),
    floor_of("16 operators on 26 lines", 16, 0.25, lines=26, hours=3.0),
    floor_of(
        "25 operators, 15 %, long ringing",
        25,
        0.15,
        hours=3.0,
        answer_s=Dialing(Uniform(1, 3), LogNormal(14, 0.5), 40.0),
        failure_s=Mix(((0.25, Uniform(2, 7)), (0.75, Uniform(36, 48)))),
    ),
    floor_of("80 operators, 12 %", 80, 0.12, hours=2.0),
)
"""Floors on which nothing of the engine was chosen."""
CAPS = (
    *(
        floor_of(f"{operators} operators", operators, chance, hours=hours)
        for operators, chance, hours in (
            (2, 0.35, 4.0),
            (3, 0.33, 2.0),
            (3, 0.30, 4.0),
            (4, 0.22, 3.0),
            (5, 0.25, 4.0),
            (8, 0.30, 2.0),
        )
    ),
    *(
        replace(scenario, hours=min(scenario.hours, 3.0))
        for scenario in OTHERS
        if 3 < scenario.operators <= 6
    ),
)
"""Small floors, where one person more breaks the cap."""
AREA_EFFECTS = tuple(0.8 * math.sin(12.9 * i) for i in range(24))
TRIED_EFFECTS = (0.5, 0.0, -0.6, -1.1, -1.5)


def believable(luck: random.Random, now: float) -> Person:
    """A lead of a worked base: kind of number, area, hour, earlier attempts, and its own luck.

    Mobiles answer better towards the evening and fixed phones worse; each attempt without an answer
    makes the next one less likely; a third of the log-odds' variance is nothing one could know.
    """
    mobile, area = luck.random() < 0.6, luck.randrange(len(AREA_EFFECTS))
    tried = luck.choice((0, 0, 1, 1, 2, 3, 4))
    hour = 10 + int(now / HOUR)
    evening = (hour - 14) / 4.0
    log_odds = (0.5 + 0.7 * evening if mobile else -0.8 - 0.9 * evening) + AREA_EFFECTS[area]
    log_odds += TRIED_EFFECTS[tried] + luck.gauss(0.0, 0.7)
    kind = "mobile" if mobile else "fixed"
    features = (f"kind {kind}", f"area {area}", f"tried {tried}", f"{kind} at {hour // 3 * 3}")
    return features, math.exp(max(-3.0, min(3.0, log_odds)))


BELIEVABLE = tuple(
    floor_of(f"{n} operators, a worked base, 4 hours", n, 0.20, people=believable, hours=4.0)
    for n in (3, 5)
)


@dataclass(frozen=True)
class Line:
    """Mean figures of some shifts of one pacer."""

    utilisation: float
    abandoned: float
    broken: int
    shifts: int
    wait_s: float


def mean_of(shifts: Sequence[Shift], cap: float) -> Line:
    return Line(
        statistics.fmean(s.utilisation for s in shifts),
        statistics.fmean(s.abandon_rate for s in shifts),
        sum(s.abandon_rate > cap for s in shifts),
        len(shifts),
        statistics.fmean(s.wait_s for s in shifts),
    )


Make = Callable[[float], Pacer]


def one_shift(scenario: Scenario, make: Make, cap: float, seed: int) -> Shift:
    return simulate(scenario, make(cap), seed)


def best_tuned(scenario: Scenario, cap: float, seeds: int) -> Line:
    """The dial level with the settings that are best on these very shifts within the cap."""
    best = run_here(scenario, ProgressivePacer, cap, seeds)
    for method, highest, only in TUNED:
        make = partial(DialLevelPacer, method=method, highest=highest, available_only=only)
        line = run_here(scenario, make, cap, seeds)
        if line.abandoned <= cap and line.utilisation > best.utilisation:
            best = line
    return best


def run_here(scenario: Scenario, make: Make, cap: float, seeds: int) -> Line:
    return mean_of([one_shift(scenario, make, cap, seed) for seed in range(seeds)], cap)


class Cores:
    """Shifts on every core; results come in the order they were asked for."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def line(self, scenario: Scenario, make: Make, cap: float, seeds: int) -> Callable[[], Line]:
        asked = [self._pool.submit(one_shift, scenario, make, cap, s) for s in range(seeds)]
        return lambda: mean_of([future.result() for future in asked], cap)

    def shift(self, scenario: Scenario, make: Make, cap: float, seed: int) -> Callable[[], Shift]:
        return self._pool.submit(one_shift, scenario, make, cap, seed).result

    def call(self, work: Callable[..., Line], *given: object) -> Callable[[], Line]:
        asked: Future[Line] = self._pool.submit(work, *given)
        return asked.result


@contextmanager
def cores() -> Iterator[Cores]:
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        yield Cores(pool)


def knowing_line(scenario: Scenario, cap: float, seeds: int) -> Line:
    return mean_of([knowing(scenario, cap, seed) for seed in range(seeds)], cap)


def floors_part(scenarios: Sequence[Scenario], shifts: int) -> str:
    """A table of pacers by floor."""
    rows = [
        "| floor | progressive | dial level, hard | tapered | tuned | predictive 1 % | "
        "predictive 3 % | knowing 1 % | knowing 3 % | wait s: progressive | predictive 3 % |",
        "|" + " --- |" * 11,
    ]
    broken, total, ahead = [0, 0], 0, 0
    ratios: list[list[float]] = [[], []]
    with cores() as many:
        asked = [(s, _asked(many, s, shifts if s.operators <= 10 else 1)) for s in scenarios]
        for scenario, lines in asked:
            plain, hard, tapered, tuned, low, high, *knows = [line() for line in lines]
            total += high.shifts
            for place, line in enumerate((low, high)):
                broken[place] += line.broken
                if knows:
                    first = one_of(line, knows[place])
                    ratios[place].append(first)
            ahead += high.utilisation > max(x.utilisation for x in (hard, tapered, tuned))
            known = [f"{line.utilisation:.3f}" for line in knows] or ["", ""]
            cells = [cell(line) for line in (plain, hard, tapered, tuned, low)]
            rows.append(
                f"| {scenario.name} | {' | '.join(cells)} | **{high.utilisation:.3f}** "
                f"({100 * high.abandoned:.1f}) | {' | '.join(known)} | {plain.wait_s:.0f} | "
                f"{high.wait_s:.0f} |"
            )
            print(rows[-1], flush=True)
    rows += [
        "",
        f"Ahead of the dial level, tuned or not, on {ahead} of {len(scenarios)} floors. Cap broken "
        f"on {broken[0]} of {total} shifts at 1 %,\n{broken[1]} of {total} at 3 %.",
    ]
    if ratios[0]:
        told = [f"{statistics.fmean(r):.3f} (worst {min(r):.3f})" for r in ratios]
        rows.append(f"Predictive / knowing where both ran: {told[0]} at 1 %, {told[1]} at 3 %.")
    return page(rows)


def one_of(line: Line, known: Line) -> float:
    return line.utilisation / known.utilisation


def _asked(many: Cores, scenario: Scenario, count: int) -> list[Callable[[], Line]]:
    """Progressive, hard, tapered, tuned, predictive at 1 and 3 %, and knowing on small floors."""
    tapered = partial(DialLevelPacer, method="tapered")
    asked = [
        many.line(scenario, ProgressivePacer, 0.03, count),
        many.line(scenario, DialLevelPacer, 0.03, count),
        many.line(scenario, tapered, 0.03, count),
        many.call(best_tuned, scenario, 0.03, 1),
        many.line(scenario, PredictivePacer, 0.01, count),
        many.line(scenario, PredictivePacer, 0.03, count),
    ]
    if scenario.operators <= KNOWING:
        asked += [many.call(knowing_line, scenario, cap, count) for cap in (0.01, 0.03)]
    return asked


KNOWING = 10


def cell(line: Line) -> str:
    return f"{line.utilisation:.3f} ({100 * line.abandoned:.1f})"


def caps_part(scenarios: Sequence[Scenario], shifts: int) -> str:
    """Many shifts of small floors: how often is the cap broken?"""
    rows = ["| cap | shifts | broken | mean abandoned % | worst % |", "|" + " --- |" * 5]
    notes = []
    with cores() as many:
        for cap in (0.01, 0.03):
            asked = [
                (scenario, many.shift(scenario, PredictivePacer, cap, 1000 + seed))
                for seed in range(shifts)
                for scenario in scenarios
            ]
            rates = [(scenario, shift().abandon_rate) for scenario, shift in asked]
            rows.append(caps_row(cap, [rate for _, rate in rates]))
            notes += broken_note(cap, [scenario for scenario, rate in rates if rate > cap])
            print(rows[-1], flush=True)
    return page([*rows, *notes])


def caps_row(cap: float, rates: Sequence[float]) -> str:
    broken = sum(rate > cap for rate in rates)
    return (
        f"| {100 * cap:.0f} % | {len(rates)} | {broken} | "
        f"{100 * statistics.fmean(rates):.2f} | {100 * max(rates):.2f} |"
    )


def broken_note(cap: float, scenarios: Sequence[Scenario]) -> list[str]:
    """Where it was broken."""
    counts = Counter(f"{scenario.name}, {scenario.hours:g} hours" for scenario in scenarios)
    told = "; ".join(f"{name}: {count}" for name, count in counts.items())
    return ["", f"Broken at {100 * cap:.0f} %: {told}."] if told else []


def leads_part(scenarios: Sequence[Scenario], shifts: int) -> str:
    rows = [
        "| floor | averages only | odds learned | true odds told | gain of the learned ones | "
        "knowing the averages | learned against that |",
        "|" + " --- |" * 7,
    ]
    with cores() as many:
        asked = [
            (
                scenario,
                [
                    many.line(scenario, PredictivePacer, 0.03, shifts),
                    many.line(replace(scenario, learn_odds=True), PredictivePacer, 0.03, shifts),
                    many.line(replace(scenario, tell_odds=True), PredictivePacer, 0.03, shifts),
                    many.call(knowing_line, scenario, 0.03, shifts),
                ],
            )
            for scenario in scenarios
        ]
        for scenario, lines in asked:
            plain, learned, told, knows = [line() for line in lines]
            rows.append(
                f"| {scenario.name} | {cell(plain)} | **{learned.utilisation:.3f}** "
                f"({100 * learned.abandoned:.1f}) | {cell(told)} | "
                f"x {learned.utilisation / plain.utilisation:.3f} | {cell(knows)} | "
                f"x {learned.utilisation / knows.utilisation:.3f} |"
            )
            print(rows[-1], flush=True)
    return page(rows)


class Timed(PredictivePacer):
    """Notes the processor time of every decision, in microseconds."""

    def __init__(self, max_abandon_rate: float = 0.03) -> None:
        super().__init__(max_abandon_rate)
        self.spent_us: list[float] = []

    def decide(self, floor: Floor, leads: Leads | None = None) -> int:
        before = time.thread_time_ns()
        calls = super().decide(floor, leads)
        self.spent_us.append((time.thread_time_ns() - before) / 1000.0)
        return calls


BOUNDS_US = (200.0, 2000.0)
"""Of `decide()` on 300 operators: median, 99th percentile."""


def decide_part() -> str:
    rows = ["| operators | median us | p99 us | worst ms |", "|" + " --- |" * 4]
    for operators in (5, 20, 100, 300):
        pacer = Timed()
        simulate(floor_of("timing", operators, 0.25, hours=0.5), pacer, 0)
        spent = sorted(pacer.spent_us)
        median, high = spent[len(spent) // 2], spent[int(0.99 * len(spent))]
        rows.append(f"| {operators} | {median:.0f} | {high:.0f} | {spent[-1] / 1000.0:.1f} |")
        print(rows[-1], flush=True)
    rows += [
        "",
        f"300 operators against the bounds: median {median / BOUNDS_US[0]:.2f} of "
        f"{BOUNDS_US[0]:.0f} us, p99 {high / BOUNDS_US[1]:.2f} of {BOUNDS_US[1] / 1000:.0f} ms.",
    ]
    return page(rows)


def page(parts: Iterable[str]) -> str:
    return "\n".join(parts) + "\n"


def whole_parts(shifts: int, cap_shifts: int) -> dict[str, Callable[[], str]]:
    return {
        "decide": decide_part,
        "leads": lambda: leads_part(BELIEVABLE, shifts),
        "others": lambda: floors_part(OTHERS, shifts),
        "caps": lambda: caps_part(CAPS, cap_shifts),
        "floors": lambda: floors_part(SCENARIOS, shifts),
    }


def short_parts() -> dict[str, Callable[[], str]]:
    """A look at every part in a few minutes: too noisy to tell two engines apart."""
    return {
        "decide": decide_part,
        "leads": lambda: leads_part(an_hour(BELIEVABLE[:1]), 1),
        "others": lambda: floors_part(an_hour(OTHERS[1::4]), 1),
        "caps": lambda: caps_part(an_hour(CAPS[:3]), 2),
        "floors": lambda: floors_part(an_hour(SCENARIOS[2:12:4]), 1),
    }


def an_hour(scenarios: Sequence[Scenario]) -> list[Scenario]:
    return [replace(scenario, hours=1.0) for scenario in scenarios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true", help="every floor whole; writes the page")
    parser.add_argument("--shifts", type=int, default=2, help="shifts of each small floor")
    parser.add_argument("--cap-shifts", type=int, default=15, help="of each floor of the caps part")
    parser.add_argument("--print", action="store_true", help="print only, write nothing")
    parser.add_argument("--part", choices=("decide", "leads", "others", "caps", "floors"))
    chosen = parser.parse_args()
    made = whole_parts(chosen.shifts, chosen.cap_shifts) if chosen.full else short_parts()
    for name, make in made.items():
        if chosen.part in (None, name):
            sys.stdout.write(f"-- {name}\n")
            text = make()
            if chosen.full and not chosen.print:
                write_part(name, text)


if __name__ == "__main__":
    main()
