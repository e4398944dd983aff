"""A scrape of a floor with 500 campaigns and 1,000 operators, every series in use.

All that a scrape does: the floor is looked at in steps (`Telemetry.collect`), then the text is
written in slices. Goals: under 100 ms, the event loop held for at most 10 ms. The ratio to
prometheus_client's own writer is measured in the same run; CPU time of this process, so that a busy
machine does not count.

    python bench/scrape.py [--full]
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
from _page import write_section
from prometheus_client import generate_latest

from dialer.asterisk.ami import AmiClient
from dialer.asterisk.ami_wire import AmiSettings
from dialer.board import Board, Campaign
from dialer.calls import Committing, Lead
from dialer.journal import Journal
from dialer.line_time import LineTime
from dialer.lines import Trunk
from dialer.operators import OperatorState, Ready, Seat, Talking
from dialer.outcomes import Outcome
from dialer.pacing import PredictivePacer
from dialer.telemetry import Telemetry
from monitoring import metrics
from monitoring.families import REGISTRY

CAMPAIGNS, OPERATORS, LISTS, CALLS, TRUNKS, RUNS = 500, 1000, 200, 2000, 4, 15
NOW = 1_750_000_000.0


class Clock:
    """Every scrape is a second after the one before."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def counted() -> None:
    """Every campaign and operator has worked."""
    for number in range(CAMPAIGNS):
        name = f"campaign {number}"
        metrics.dial_started(name, None, 1.0, None)
        for limit in ("operators", "budget", "lines", "cps", "leads"):
            metrics.decided(name, limit, 1, 1)
    for number in range(OPERATORS):
        login = f"op{number}"
        metrics.dial_started("campaign 1", login, 1.0, 2.0)
        metrics.conversation_began("campaign 1", login, 0.01)
        for state in OperatorState:
            metrics.operator_time(login, state, 1.0)
    from_the_database(5)


def from_the_database(count: int) -> tuple[float, float]:
    """Gauges that are read there every 15 s: how long it took to set each kind, s."""
    work = [(f"campaign {n}", count, 3600.0, 3600.0) for n in range(CAMPAIGNS)]
    lists = [(f"list {n}", outcome.value, count) for n in range(LISTS) for outcome in Outcome]
    begun = time.process_time()
    metrics.work_now(work)
    between = time.process_time()
    metrics.lists_now(lists)
    return between - begun, time.process_time() - between


def running() -> Board:
    """The same floor as it is now: everybody at work, `CALLS` calls out."""
    trunks = {f"trunk {n}": Trunk(f"trunk {n}", n, 1000, 50.0) for n in range(TRUNKS)}
    board = Board(1, 1, trunks=trunks, recovered=True)
    for number in range(CAMPAIGNS):
        engine = PredictivePacer()
        for second in range(200):
            engine.attempt_ended(NOW - 10.0 * second, 8.0, answered=True)
        board.campaigns[number] = Campaign(
            number, f"campaign {number}", "predictive", "ru", (), (), 25.0, 10.0, 60.0, False, 4,
            0.03, engine,
        )  # fmt: skip
    for number in range(OPERATORS):
        login, state = f"op{number}", Talking(NOW, uuid4()) if number % 2 else Ready(NOW)
        board.seats[login] = Seat(number, login, uuid4(), NOW, lambda change: None, state)
    for number in range(CALLS):
        lead = Lead(number, number, "+74950000000", 1, 0, 4)
        placed = Committing(
            id=uuid4(), campaign_id=number % CAMPAIGNS, lead=lead, trunk=f"trunk {number % TRUNKS}",
            placed_at=NOW,
        ).placed()  # fmt: skip
        board.attempts[placed.id] = placed
    return board


def telemetry(clock: Clock) -> Telemetry:
    """On a node and a database that are away: what the process knows is all that is asked."""
    settings = AmiSettings("127.0.0.1", 1, "nobody", "none")
    ami = AmiClient(settings, on_event=lambda e: None, on_up=lambda: None, on_down=lambda why: None)
    pool = asyncpg.create_pool("postgresql://127.0.0.1:1/none", min_size=0)
    board = running()
    return Telemetry(
        board, LineTime(board, NOW), ami, Journal(pool), pool, clock,
        recordings_dir=Path.cwd(), min_free_bytes=1,
    )  # fmt: skip


async def measured() -> str:
    counted()
    clock = Clock()
    floor = telemetry(clock)
    list(floor.collect(0))
    b"".join(metrics.exposition())  # the first one makes the series' text
    ours, theirs, looks, slices = [], [], [], []
    told: list[float] = []
    for _ in range(RUNS):
        gc.collect()  # what the library's writer left behind is not ours to clear
        clock.now += 1.0
        told.extend(from_the_database(int(clock.now)))
        begun = last = time.process_time()
        for _ in floor.collect(0):
            now = time.process_time()
            looks.append(now - last)
            last = now
        now = time.process_time()
        looks.append(now - last)
        last = now
        size = lines = 0
        for piece in metrics.exposition():
            now = time.process_time()
            slices.append(now - last)
            last, size, lines = now, size + len(piece), lines + piece.count(b"\n")
        ours.append(last - begun)
        begun = time.process_time()
        generate_latest(REGISTRY)
        theirs.append(time.process_time() - begun)
    rows = (
        ("one scrape", statistics.median(ours), "under 100 ms"),
        ("longest hold of the event loop", max(*looks, *slices, *told), "at most 10 ms"),
        ("the longest step of the look at the floor", max(looks), ""),
        ("the longest slice of text", max(slices), ""),
        ("the longest of setting what the database says, every 15 s", max(told), ""),
        ("the text alone by prometheus_client", statistics.median(theirs), ""),
    )
    table = "\n".join(f"| {what} | {took * 1000:.1f} ms | {goal} |" for what, took, goal in rows)
    ratio = statistics.median(ours) / statistics.median(theirs)
    return (
        f"{lines:,} lines, {size >> 10:,} KiB\n\n"
        f"| | CPU time | goal |\n| --- | ---: | --- |\n{table}\n\n"
        f"Ratio to prometheus_client: {ratio:.2f}."
    )


def main() -> None:
    text = asyncio.run(measured())
    print(text)
    if "--full" in sys.argv[1:]:
        write_section("scrape", __doc__ or "", text)


if __name__ == "__main__":
    main()
