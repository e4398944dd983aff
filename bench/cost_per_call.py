"""CPU of the controller for each call against CPU of Asterisk for the same calls, all on.

Goals: at most 0.35, better 0.15. `--profile` prints where the controller's time goes.

    python bench/cost_per_call.py [--seconds 30] [--rate 20] [--profile] [--full]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats

from _load import load_floor, run
from _page import write_section


async def measure(rate: float, seconds: float, profile: cProfile.Profile | None) -> str:
    async with load_floor(operators=60, contacts=int(rate * seconds * 1.5) + 200) as floor:
        idle_from = floor.cpu()
        await asyncio.sleep(5)
        idle = (floor.cpu().controller - idle_from.controller) / 5
        await floor.ami.close()  # the observer's own work would be counted as the controller's
        before = floor.cpu()
        if profile:
            profile.enable()
        floor.rate(rate)
        await asyncio.sleep(seconds)
        floor.rate(0.001)
        await asyncio.sleep(4)
        if profile:
            profile.disable()
        after = floor.cpu()
        calls = await floor.app.pool.fetchval(
            "select count(*) from attempt where campaign_id = $1 and outcome is not null",
            floor.campaign_id,
        )
    ours = 1000 * (after.controller - before.controller - idle * (seconds + 4)) / calls
    with_idle = 1000 * (after.controller - before.controller) / calls
    asterisk = 1000 * (after.asterisk - before.asterisk) / calls
    return (
        "| calls | controller ms/call | the same, idle time included | Asterisk ms/call | ratio |\n"
        "| --- | --- | --- | --- | --- |\n"
        f"| {calls} | {ours:.2f} | {with_idle:.2f} | {asterisk:.2f} | {with_idle / asterisk:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--full", action="store_true", help="write the page's section")
    arguments = parser.parse_args()
    profile = cProfile.Profile() if arguments.profile else None
    text = run(measure(arguments.rate, arguments.seconds, profile))
    print(text)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    elif arguments.full:
        write_section("cost_per_call", __doc__ or "", text)


if __name__ == "__main__":
    main()
