"""Simulations asked for by HTTP: they run beside the controller, in one process of low priority."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from campaigns.pacing.measured import Day
from campaigns.pacing.model import PacingError
from dialer.pacing_sim import Shift
from dialer.whatif import Plan, outlook_of, trial

KEPT = 20
MOST_SHIFTS = 200
NICE = 10


def shift_hours(plans: Sequence[Plan], replications: int) -> float:
    """Operator hours that have to be simulated."""
    return replications * sum(p.scenario.operators * p.scenario.hours for p in plans)


@dataclass(slots=True)
class Simulation:
    """One question and how far it is."""

    id: int
    plans: Sequence[Plan]
    day: Day | None
    shifts: list[list[Future[Shift]]] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        """For the answer: done of total, the outlooks as soon as all are done, or the error."""
        futures = [future for own in self.shifts for future in own]
        done = sum(future.done() for future in futures)
        view: dict[str, Any] = {"id": self.id, "done": done, "total": len(futures)}
        if self.day is not None:
            view["fact"] = asdict(self.day)
        if done < len(futures):
            return view
        failed = next((f.exception() for f in futures if f.exception() is not None), None)
        if failed is not None:
            return {**view, "error": repr(failed)}
        view["outlooks"] = [
            asdict(outlook_of(plan, [future.result() for future in own]))
            for plan, own in zip(self.plans, self.shifts, strict=True)
        ]
        return view


class Simulations:
    """The last `KEPT` simulations of this process; memory only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Simulation] = OrderedDict()
        self._ids = itertools.count(1)
        self._pool: ProcessPoolExecutor | None = None

    def start(self, plans: Sequence[Plan], replications: int, day: Day | None) -> Simulation:
        """Raises PacingError `too_much` for more than MOST_SHIFTS shifts."""
        if len(plans) * replications > MOST_SHIFTS:
            raise PacingError(
                "too_much",
                f"{len(plans) * replications} shifts are too many here, {MOST_SHIFTS} the most; "
                "use `prozvon simulate`",
                f"{len(plans) * replications} смен здесь слишком много, не больше {MOST_SHIFTS}; "
                "используйте `prozvon simulate`",
                status=422,
            )
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, spawn, initializer=os.nice, initargs=(NICE,))
        made = Simulation(next(self._ids), plans, day)
        made.shifts = [
            [self._pool.submit(trial, plan, seed) for seed in range(replications)] for plan in plans
        ]
        self._kept[made.id] = made
        while len(self._kept) > KEPT:
            _, oldest = self._kept.popitem(last=False)
            _cancel(oldest)
        return made

    def view(self, id: int) -> dict[str, Any]:
        """Raises PacingError `unknown_simulation`."""
        if id not in self._kept:
            raise PacingError(
                "unknown_simulation",
                f"there is no simulation {id}; the last {KEPT} are kept while `serve` runs",
                f"нет расчёта {id}; последние {KEPT} хранятся, пока работает `serve`",
                status=404,
            )
        return self._kept[id].view()

    async def close(self) -> None:
        """What has not begun is dropped; a shift under way is waited for in a thread."""
        for simulation in self._kept.values():
            _cancel(simulation)
        if self._pool is not None:
            pool, self._pool = self._pool, None
            for process in tuple((pool._processes or {}).values()):
                process.terminate()
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _cancel(simulation: Simulation) -> None:
    for own in simulation.shifts:
        for future in own:
            future.cancel()
