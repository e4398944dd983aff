"""Pacers side by side in virtual time; writes docs/reference/pacing.md.

    python bench/pacing.py                 run all, print, write the page (about half an hour)
    python bench/pacing.py --shifts 1      quicker and noisier
    python bench/pacing.py --print         print only
    python bench/pacing.py --decide        only the time of one decision

Every pacer works the same shifts: call number k of a shift has the same fate under each of them.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dialer.pacing import Floor, Leads, Pacer, PredictivePacer, ProgressivePacer
from dialer.pacing_model import AnswerChance
from dialer.pacing_sim import LogNormal, Mix, Scenario, Shift, Uniform, simulate

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "pacing.md"
HOUR = 3600.0


class RatioPacer(ProgressivePacer):
    """A fixed number of lines for each free operator."""

    lines_per_operator = 2.0

    def decide(self, floor: Floor) -> int:
        wanted = round(self.lines_per_operator * floor.idle)
        return max(0, min(floor.lines, wanted - len(floor.ringing) - floor.waiting))


class DialLevelPacer(ProgressivePacer):
    """An adaptive dial level with a hard drop limit, after what VICIdial is known to do.

    A level of 1..3 lines for each operator who is free or talks, moved every 15 s by the mean of
    (free - waiting) / operators over 15 one-second samples; back to 1 while the day's drops are
    over the limit; calls are topped up every 2.5 s.
    """

    def __init__(self, max_abandon_rate: float = 0.03) -> None:
        super().__init__(max_abandon_rate)
        self._level = 1.0
        self._samples: deque[float] = deque(maxlen=15)
        self._sample_at = self._adapt_at = self._dial_at = 0.0
        self._answered = self._dropped = 0

    def attempt_ended(self, now: float, seconds: float, answered: bool) -> None:
        self._answered += answered

    def abandoned(self, now: float) -> None:
        self._dropped += 1

    def decide(self, floor: Floor) -> int:
        self._sample(floor)
        if floor.now < self._dial_at:
            return 0
        self._dial_at = floor.now + 2.5
        wanted = round(self._level * (floor.idle + len(floor.talking))) - len(floor.talking)
        return max(0, min(floor.lines, wanted - len(floor.ringing) - floor.waiting))

    def _sample(self, floor: Floor) -> None:
        if floor.now < self._sample_at:
            return
        self._sample_at = floor.now + 1.0
        operators = floor.idle + len(floor.talking) + len(floor.wrapping)
        self._samples.append((floor.idle - floor.waiting) / max(1, operators))
        if floor.now < self._adapt_at:
            return
        self._adapt_at = floor.now + 15.0
        self._level *= 1.0 + statistics.fmean(self._samples)
        over = self._answered > 50 and self._dropped > self.max_abandon_rate * self._answered
        self._level = 1.0 if over else min(3.0, max(1.0, self._level))


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
        self._truth.chance = self._scenario.chance_at(floor.now)
        return super().decide(floor, leads)

    def risk_level(self, now: float) -> float:
        return self._level

    def attempt_ended(
        self, now: float, seconds: float, answered: bool, odds: float = 1.0
    ) -> None: ...

    def talk_ended(self, now: float, seconds: float) -> None: ...

    def wrap_ended(self, now: float, seconds: float) -> None: ...


def knowing(scenario: Scenario, cap: float) -> Shift:
    """The knowing pacer with the risk that spends the cap of this very shift."""
    low, high, best = cap / 8.0, 2.0 * cap, Shift()
    for _ in range(5):
        level = (low + high) / 2.0
        shift = simulate(scenario, KnowingPacer(scenario, level), 0)
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
LEAD_ODDS = Mix(((0.5, Uniform(0.2, 0.3)), (0.3, Uniform(0.8, 1.2)), (0.2, Uniform(5.0, 7.0))))
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
GRADED = tuple(
    floor_of(f"{n} operators, leads that differ", n, 0.20, lead_odds=LEAD_ODDS) for n in (5, 10, 20)
)


@dataclass(frozen=True)
class Line:
    """Mean figures of some shifts of one pacer."""

    utilisation: float
    abandoned: float
    broken: int
    shifts: int
    wait_s: float


def mean_of(shifts: list[Shift], cap: float) -> Line:
    return Line(
        statistics.fmean(s.utilisation for s in shifts),
        statistics.fmean(s.abandon_rate for s in shifts),
        sum(s.abandon_rate > cap for s in shifts),
        len(shifts),
        statistics.fmean(s.wait_s for s in shifts),
    )


def run(scenario: Scenario, make: Callable[[], Pacer], cap: float, shifts: int) -> Line:
    return mean_of([simulate(scenario, make(), seed) for seed in range(shifts)], cap)


def main_table(shifts: int) -> list[str]:
    rows = [
        "| floor | progressive | 2 lines a free operator | dial level | predictive 1 % | "
        "predictive 3 % | knowing, 3 % | wait s: progressive | predictive 3 % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    broken = total = 0
    for scenario in SCENARIOS:
        count = shifts if scenario.operators <= 10 else 1
        plain = run(scenario, ProgressivePacer, 1.0, count)
        ratio = run(scenario, RatioPacer, 1.0, count)
        level = run(scenario, DialLevelPacer, 0.03, count)
        low = run(scenario, lambda: PredictivePacer(0.01), 0.01, count)
        high = run(scenario, PredictivePacer, 0.03, count)
        known = f"{knowing(scenario, 0.03).utilisation:.3f}" if scenario.operators <= 10 else ""
        broken, total = broken + low.broken + high.broken, total + 2 * count
        rows.append(
            f"| {scenario.name} | {cell(plain)} | {cell(ratio)} | {cell(level)} | {cell(low)} | "
            f"**{high.utilisation:.3f}** ({100 * high.abandoned:.1f}) | {known} | "
            f"{plain.wait_s:.0f} | {high.wait_s:.0f} |"
        )
        print(rows[-1], flush=True)
    return [*rows, "", f"Predictive broke its cap on {broken} of {total} shifts."]


def cell(line: Line) -> str:
    return f"{line.utilisation:.3f} ({100 * line.abandoned:.1f})"


def graded_table() -> list[str]:
    rows = [
        "| floor | averages only | each lead's own odds | gain |",
        "| --- | --- | --- | --- |",
    ]
    for scenario in GRADED:
        plain = run(scenario, PredictivePacer, 0.03, 2)
        told = run(replace(scenario, tell_odds=True), PredictivePacer, 0.03, 2)
        gain = told.utilisation / plain.utilisation
        rows.append(f"| {scenario.name} | {cell(plain)} | {cell(told)} | x {gain:.3f} |")
        print(rows[-1], flush=True)
    return rows


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


def decide_table() -> list[str]:
    rows = ["| operators | median us | p99 us | worst ms |", "| --- | --- | --- | --- |"]
    for operators in (5, 20, 100, 300):
        pacer = Timed()
        simulate(floor_of("timing", operators, 0.25, hours=0.5), pacer, 0)
        spent = sorted(pacer.spent_us)
        median, high = spent[len(spent) // 2], spent[int(0.99 * len(spent))]
        rows.append(f"| {operators} | {median:.0f} | {high:.0f} | {spent[-1] / 1000.0:.1f} |")
        print(rows[-1], flush=True)
    return rows


def page(parts: Iterable[str]) -> str:
    return "\n".join(parts) + "\n"


INTRO = """# Pacing: measured

Written by `python bench/pacing.py`; do not edit by hand. Every pacer works the same simulated
shifts of 8 hours (unless the name says otherwise; 300 operators: 2 hours), cold start included.
Cells: share of signed-in time in conversation or wrap-up, and in brackets the per cent of answered
people who were abandoned (no operator within 2 s). "Dial level" is an adaptive level of 1 to 3
lines with a hard 3 % limit, after what VICIdial is known to do. "Knowing" asks the engine's own
question with the true times and the true chance of an answer, at a fixed risk chosen in hindsight:
what perfect learning would give (floors up to 10). "Wait" is from free to the next conversation.
How the engine works: [ADR 4](../adr/0004-pacing-engine.md).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shifts", type=int, default=2, help="shifts of each small floor")
    parser.add_argument("--print", action="store_true", help="print only, write nothing")
    parser.add_argument("--decide", action="store_true", help="only the time of one decision")
    chosen = parser.parse_args()
    timing = decide_table()
    if chosen.decide:
        return
    text = page(
        (
            INTRO,
            "## Floors\n",
            *main_table(chosen.shifts),
            "\n## Leads that differ\n",
            "Half of the leads have a quarter of the ordinary odds of an answer, a fifth have six "
            "times the\nordinary odds (3 % cap). The pacer is told, or not.\n",
            *graded_table(),
            "\n## One decision\n",
            "Processor time of `decide()` over half an hour of simulated work.\n",
            *timing,
        )
    )
    if not chosen.print:
        PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
