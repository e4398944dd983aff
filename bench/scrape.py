"""A scrape of a floor with 500 campaigns and 1,000 operators, every series in use.

Goals: under 100 ms, the event loop held for at most 10 ms. The ratio to prometheus_client's own
writer is measured in the same run; CPU time of this process, so that a busy machine does not count.

    python bench/scrape.py [--full]
"""

from __future__ import annotations

import gc
import statistics
import sys
import time

from _page import write_section
from prometheus_client import generate_latest

from dialer.operators import OperatorState
from dialer.outcomes import Outcome
from monitoring import metrics

CAMPAIGNS, OPERATORS, RUNS = 500, 1000, 15
RUNNING = [
    metrics.CampaignNow(f"campaign {n}", "predictive", 100, 2, 0.03) for n in range(CAMPAIGNS)
]


def fill() -> None:
    """Every campaign and operator has worked."""
    for number in range(CAMPAIGNS):
        name = f"campaign {number}"
        metrics.dial_started(name, None, 1.0, None)
        for limit in ("operators", "budget", "lines", "cps", "leads"):
            metrics.decided(name, limit, 1, 1)
    metrics.campaigns_now(RUNNING)
    metrics.work_now((f"campaign {n}", 1000, 3600.0) for n in range(CAMPAIGNS))
    for number in range(OPERATORS):
        login = f"op{number}"
        metrics.dial_started("campaign 1", login, 1.0, 2.0)
        metrics.conversation_began("campaign 1", login, 0.01)
        for state in OperatorState:
            metrics.operator_time(login, state, 1.0)
    metrics.lists_now((f"list {n}", outcome.value, 5) for n in range(200) for outcome in Outcome)


def main() -> None:
    fill()
    b"".join(metrics.exposition())  # the first one makes the labels' text
    ours, theirs, slices = [], [], []
    for _ in range(RUNS):
        gc.collect()  # what the library's writer left behind is not ours to clear
        begun = last = time.process_time()
        size = lines = 0
        metrics.campaigns_now(RUNNING)
        now = time.process_time()
        slices.append(now - last)
        last = now
        for piece in metrics.exposition():
            now = time.process_time()
            slices.append(now - last)
            last, size, lines = now, size + len(piece), lines + piece.count(b"\n")
        ours.append(last - begun)
        begun = time.process_time()
        generate_latest(metrics.REGISTRY)
        theirs.append(time.process_time() - begun)
    mine, library = statistics.median(ours), statistics.median(theirs)
    text = (
        f"{lines:,} lines, {size >> 10:,} KiB\n\n"
        "| | CPU time | goal |\n| --- | ---: | --- |\n"
        f"| one scrape | {mine * 1000:.1f} ms | under 100 ms |\n"
        f"| longest hold of the event loop | {max(slices) * 1000:.1f} ms | at most 10 ms |\n"
        f"| the same by prometheus_client | {library * 1000:.1f} ms | |\n\n"
        f"Ratio to prometheus_client: {mine / library:.2f}."
    )
    print(text)
    if "--full" in sys.argv[1:]:
        write_section("scrape", __doc__ or "", text)


if __name__ == "__main__":
    main()
