"""The highest rate of calls this machine's Asterisk carries: with Prozvon, and by a bare loop.

The bare loop originates the same calls into the same bridges with the same recording, with neither
database nor routing: each call is told its operator beforehand. The rate is raised in steps; a step
is carried while at least 93 % of what was asked for was answered, bridged and ended meanwhile.
Goal: at least 0.85 of the bare loop.

    python bench/saturation.py [--step 10] [--seconds 12] [--full]
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from _load import BARE, load_floor, run
from _page import write_section

CARRIED = 0.93
CALL_S = 2.0
"""A call's whole length: those begun in the last seconds of a step end after it."""


async def highest(
    dial: Callable[[float], Awaitable[int]], step: float, seconds: float, say: str
) -> float:
    """Calls that ended in each second, at the last step that was carried."""
    await dial(step)  # not counted: a hundred calls of operators have just been set up
    best, rate = 0.0, step
    while rate <= 400:
        ended = await dial(rate)
        reached = ended / (seconds - CALL_S)
        print(f"{say}: asked for {rate:g}, ended {reached:.1f} calls/s", flush=True)
        best = max(best, reached)
        if reached < CARRIED * rate:
            return best
        rate += step
    return best


async def measure(step: float, seconds: float) -> str:
    async with load_floor(operators=100, contacts=20_000) as floor:
        await floor.other_ways()
        own = await highest(
            lambda rate: floor.dial_ourselves(rate, seconds), step, seconds, "Prozvon"
        )
        await floor.leave()
        channels = await floor.seat_waiting()
        bare = await highest(
            lambda rate: floor.dial(BARE, rate, seconds, channels), step, seconds, "bare loop"
        )
        await floor.unseat()
    return (
        "| Prozvon, calls/s | bare loop, calls/s | ratio |\n| --- | --- | --- |\n"
        f"| {own:.1f} | {bare:.1f} | {own / bare:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--full", action="store_true", help="write the page's section")
    arguments = parser.parse_args()
    text = run(measure(arguments.step, arguments.seconds))
    print(text)
    if arguments.full:
        write_section("saturation", __doc__ or "", text)


if __name__ == "__main__":
    main()
