"""From a person's answer to an operator: Prozvon, Queue() and AgentRequest(), in one run.

Prozvon with everything on: PostgreSQL, recording, metrics, routing by FastAGI. Queue() rings phones
that answer at once; AgentRequest() has its agents on nailed-up calls and is told whom to take.
Goals: p50 at most 0.25 of Queue's and 1.5 of AgentRequest's, p99 no worse than either.

    python bench/answer_to_operator.py [--seconds 20] [--rates 20,40] [--full]
"""

from __future__ import annotations

import argparse

from _load import AGENTS, QUEUE, load_floor, quantile, run
from _page import write_section

OPERATORS = 90


async def measure(rates: list[float], seconds: float) -> dict[tuple[str, float], list[float]]:
    found = {}
    contacts = int(sum(rates) * seconds * 1.5) + 200
    async with load_floor(operators=OPERATORS, contacts=contacts) as floor:
        await floor.other_ways()
        for rate in rates:
            await floor.dial_ourselves(rate, seconds)
            found["Prozvon", rate] = floor.observer.milliseconds()
        await floor.leave()
        for rate in rates:
            await floor.dial(QUEUE, rate, seconds)
            found["Queue()", rate] = floor.observer.milliseconds()
        agents = await floor.seat_agents()
        for rate in rates:
            await floor.dial(AGENTS, rate, seconds, agents)
            found["AgentRequest()", rate] = floor.observer.milliseconds()
        await floor.unseat()
    return found


def report(found: dict[tuple[str, float], list[float]], rates: list[float]) -> str:
    lines = ["| calls/s | way | calls | p50 ms | p99 ms | p50 of Prozvon / this |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for rate in rates:
        own = quantile(found["Prozvon", rate], 0.5)
        for way in ("Prozvon", "Queue()", "AgentRequest()"):
            values = found[way, rate]
            p50, p99 = quantile(values, 0.5), quantile(values, 0.99)
            lines.append(
                f"| {rate:g} | {way} | {len(values)} | {p50:.1f} | {p99:.1f} | {own / p50:.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rates", default="20,40")
    parser.add_argument("--full", action="store_true", help="write the page's section")
    arguments = parser.parse_args()
    rates = [float(rate) for rate in arguments.rates.split(",")]
    found = run(measure(rates, arguments.seconds))
    text = report(found, rates)
    print(text)
    if arguments.full:
        write_section("answer_to_operator", __doc__ or "", text)


if __name__ == "__main__":
    main()
