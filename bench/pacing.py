"""Pacers side by side in virtual time; writes its parts of docs/reference/pacing.md.

    python bench/pacing.py                    some floors, one hour each: minutes; prints only
    python bench/pacing.py --full             all parts whole (hours), into the page
    python bench/pacing.py --full --part decide   one part: floors, others, caps, leads, decide
    python bench/pacing.py --full --shifts 1      noisier
    python bench/pacing.py --full --hours 2       shifts of no more than two hours
    python bench/pacing.py --full --print         into no page

Every pacer works the same shifts: call number k of a shift has the same fate under each of them.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from _floors import BELIEVABLE, CAPS, OTHERS, SCENARIOS, floor_of
from _pacers import TUNED, DialLevelPacer, knowing, second_day
from _page import write_part

from dialer.pacing import Floor, Leads, Pacer, PredictivePacer, ProgressivePacer
from dialer.pacing_sim import Scenario, Shift, simulate


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


@dataclass(frozen=True)
class Scope:
    """How much is run. `hindsight`: also the pacers that are tuned or know the truth, which take
    nine tenths of the time; `processes` None: one a core."""

    shifts: int = 1
    cap_shifts: int = 2
    hindsight: bool = True
    processes: int | None = None
    hours: float | None = None

    def shortened(self, scenarios: Sequence[Scenario]) -> list[Scenario]:
        """None of them longer than `hours`."""
        longest = self.hours or math.inf
        return [replace(scenario, hours=min(scenario.hours, longest)) for scenario in scenarios]

    @property
    def told(self) -> str:
        """What a reader of a table must know of the scope."""
        shifts = "One shift" if self.shifts == 1 else f"{self.shifts} shifts of each small floor"
        return shifts if self.hours is None else f"{shifts}, of at most {self.hours:g} hours"

    @contextmanager
    def cores(self) -> Iterator[Cores]:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.processes, mp_context=spawn) as pool:
            yield Cores(pool)


def knowing_line(scenario: Scenario, cap: float, seeds: int) -> Line:
    return mean_of([knowing(scenario, cap, seed) for seed in range(seeds)], cap)


def floors_part(scenarios: Sequence[Scenario], scope: Scope) -> str:
    """A table of pacers by floor."""
    scenarios = scope.shortened(scenarios)
    rows = [
        "| floor | progressive | dial level, hard | tapered | tuned | predictive 1 % | "
        "predictive 3 % | knowing 1 % | knowing 3 % | wait s: progressive | predictive 3 % |",
        "|" + " --- |" * 11,
    ]
    found: list[Found] = []
    with scope.cores() as many:
        asked = [(scenario, _asked(many, scenario, scope)) for scenario in scenarios]
        for scenario, (always, perhaps) in asked:
            some = [line() if line else None for line in perhaps]
            found.append(Found(*[line() for line in always], *some))
            rows.append(found[-1].row(scenario.name))
            print(rows[-1], flush=True)
    return page([*rows, "", f"{scope.told}.", *summary(found)])


Made = Callable[[], Line] | None


@dataclass(frozen=True)
class Found:
    """One floor's lines; None where one was not run."""

    plain: Line
    hard: Line
    tapered: Line
    low: Line
    high: Line
    tuned: Line | None
    knowing_low: Line | None
    knowing_high: Line | None

    def row(self, name: str) -> str:
        cells = [cell(x) for x in (self.plain, self.hard, self.tapered, self.tuned, self.low)]
        best = f"**{self.high.utilisation:.3f}** ({100 * self.high.abandoned:.1f})"
        knows = [f"{x.utilisation:.3f}" if x else "" for x in self.knowing]
        waits = [f"{self.plain.wait_s:.0f}", f"{self.high.wait_s:.0f}"]
        return f"| {name} | {' | '.join([*cells, best, *knows, *waits])} |"

    @property
    def knowing(self) -> tuple[Line | None, Line | None]:
        return self.knowing_low, self.knowing_high

    @property
    def ahead(self) -> bool:
        others = [x.utilisation for x in (self.hard, self.tapered, self.tuned) if x]
        return self.high.utilisation > max(others)


def summary(found: Sequence[Found]) -> Iterator[str]:
    shifts = sum(f.high.shifts for f in found)
    low, high = sum(f.low.broken for f in found), sum(f.high.broken for f in found)
    tuned = ", tuned or not," if all(f.tuned for f in found) else " as it comes"
    yield (
        f"Ahead of the dial level{tuned} on {sum(f.ahead for f in found)} of {len(found)} floors. "
        f"Cap broken on {low} of {shifts}\nshifts at 1 %, {high} of {shifts} at 3 %."
    )
    pairs = [((f.low, f.knowing_low), (f.high, f.knowing_high)) for f in found]
    for cap, at in zip((1, 3), zip(*pairs, strict=True), strict=True):
        ratios = [line.utilisation / known.utilisation for line, known in at if known]
        if ratios:
            told = f"{statistics.fmean(ratios):.3f} (worst {min(ratios):.3f})"
            yield f"Predictive / knowing at {cap} %, where both ran: {told}."


def _asked(
    many: Cores, scenario: Scenario, scope: Scope
) -> tuple[list[Callable[[], Line]], list[Made]]:
    """The lines of `Found`, in its order; knowing on small floors only, big ones for one shift."""
    count = scope.shifts if scenario.operators <= 10 else 1
    always = [
        many.line(scenario, ProgressivePacer, 0.03, count),
        many.line(scenario, DialLevelPacer, 0.03, count),
        many.line(scenario, partial(DialLevelPacer, method="tapered"), 0.03, count),
        many.line(scenario, PredictivePacer, 0.01, count),
        many.line(scenario, PredictivePacer, 0.03, count),
    ]
    perhaps: list[Made] = [None, None, None]
    if scope.hindsight:
        perhaps[0] = many.call(best_tuned, scenario, 0.03, 1)
        if scenario.operators <= KNOWING:
            perhaps[1] = many.call(knowing_line, scenario, 0.01, count)
            perhaps[2] = many.call(knowing_line, scenario, 0.03, count)
    return always, perhaps


KNOWING = 10


def cell(line: Line | None) -> str:
    if line is None:
        return ""
    return f"{line.utilisation:.3f} ({100 * line.abandoned:.1f})"


def caps_part(scenarios: Sequence[Scenario], scope: Scope) -> str:
    """Many shifts of small floors: how often is the cap broken?"""
    rows = ["| cap | shifts | broken | mean abandoned % | worst % |", "|" + " --- |" * 5]
    notes = []
    with scope.cores() as many:
        for cap in (0.01, 0.03):
            asked = [
                (scenario, many.shift(scenario, PredictivePacer, cap, 1000 + seed))
                for seed in range(scope.cap_shifts)
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


def second_day_line(scenario: Scenario, cap: float, seeds: int) -> Line:
    return mean_of([second_day(scenario, cap, seed) for seed in range(seeds)], cap)


def leads_part(scenarios: Sequence[Scenario], scope: Scope) -> str:
    rows = [
        "| floor | averages only | odds learned, first day | second day | true odds told | "
        "knowing the averages | first day against that | second day | told |",
        "|" + " --- |" * 9,
    ]
    with scope.cores() as many:
        asked = [
            (scenario, _asked_of_leads(many, scenario, scope.shifts)) for scenario in scenarios
        ]
        for scenario, lines in asked:
            plain, learned, second, told, knows = [line() for line in lines]
            ratios = [f"x {x.utilisation / knows.utilisation:.3f}" for x in (learned, second, told)]
            cells = [cell(x) for x in (plain, learned, second, told, knows)]
            rows.append(f"| {scenario.name} | {' | '.join([*cells, *ratios])} |")
            print(rows[-1], flush=True)
    return page(rows)


def _asked_of_leads(many: Cores, scenario: Scenario, shifts: int) -> list[Callable[[], Line]]:
    learned = replace(scenario, learn_odds=True, choose=True)
    told = replace(scenario, tell_odds=True, choose=True)
    return [
        many.line(scenario, PredictivePacer, 0.03, shifts),
        many.line(learned, PredictivePacer, 0.03, shifts),
        many.call(second_day_line, learned, 0.03, shifts),
        many.line(told, PredictivePacer, 0.03, shifts),
        many.call(knowing_line, scenario, 0.03, shifts),
    ]


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


REPEATS = 3


def decisions_us(scenario: Scenario) -> list[float]:
    """Every decision of a shift, sorted. The least of `REPEATS` runs, which are the same decision
    by decision: what other work on the machine adds is not the engine's."""
    pacers = [Timed() for _ in range(REPEATS)]
    for pacer in pacers:
        simulate(scenario, pacer, 0)
    return sorted(map(min, *(pacer.spent_us for pacer in pacers)))


def decide_part() -> str:
    rows = ["| operators | median us | p99 us | worst ms |", "|" + " --- |" * 4]
    for operators in (5, 20, 100, 300):
        spent = decisions_us(floor_of("timing", operators, 0.25, hours=0.5))
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


def parts(scope: Scope, *, whole: bool) -> dict[str, Callable[[], str]]:
    """By name. Not whole: a look at each in a few minutes, too noisy to tell engines apart."""
    leads, others = (
        (BELIEVABLE, OTHERS) if whole else (an_hour(BELIEVABLE[:1]), an_hour(OTHERS[1::4]))
    )
    caps, floors = (CAPS, SCENARIOS) if whole else (an_hour(CAPS[:3]), an_hour(SCENARIOS[2:12:4]))
    return {
        "decide": decide_part,
        "leads": lambda: leads_part(leads, scope),
        "others": lambda: floors_part(others, scope),
        "caps": lambda: caps_part(caps, scope),
        "floors": lambda: floors_part(floors, scope),
    }


def an_hour(scenarios: Sequence[Scenario]) -> list[Scenario]:
    return [replace(scenario, hours=1.0) for scenario in scenarios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true", help="every floor whole; writes the page")
    parser.add_argument("--shifts", type=int, default=2, help="shifts of each small floor")
    parser.add_argument("--cap-shifts", type=int, default=15, help="of each floor of the caps part")
    parser.add_argument("--hours", type=float, help="longest shift of the floors, others parts")
    parser.add_argument("--no-hindsight", action="store_true", help="a tenth of the time")
    parser.add_argument("--processes", type=int, help="instead of one a core")
    parser.add_argument("--print", action="store_true", help="print only, write nothing")
    parser.add_argument("--part", choices=("decide", "leads", "others", "caps", "floors"))
    chosen = parser.parse_args()
    scope = Scope(processes=chosen.processes, hindsight=not chosen.no_hindsight)
    scope = replace(scope, hours=chosen.hours)
    if chosen.full:
        scope = replace(scope, shifts=chosen.shifts, cap_shifts=chosen.cap_shifts)
    made = parts(scope, whole=chosen.full)
    for name, make in made.items():
        if chosen.part in (None, name):
            sys.stdout.write(f"-- {name}\n")
            text = make()
            if chosen.full and not chosen.print:
                write_part(name, text)


if __name__ == "__main__":
    main()
