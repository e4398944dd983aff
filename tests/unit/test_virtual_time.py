"""Time that moves only when nothing is left to do."""

from __future__ import annotations

import asyncio
import time

from dialer.replay.virtual_time import VirtualTimeLoop


def test_an_hour_takes_no_time_and_timers_keep_their_order() -> None:
    seen: list[tuple[float, str]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((asyncio.get_running_loop().time(), name))

    async def main() -> None:
        await asyncio.gather(wait("b", 3600), wait("a", 1800), wait("c", 3600.5))

    began = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert seen == [(1800.0, "a"), (3600.0, "b"), (3600.5, "c")]
    assert time.monotonic() - began < 60


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        timer = asyncio.create_task(asyncio.sleep(0.001))
        await asyncio.to_thread(time.sleep, 0.05)
        return loop.time(), timer.done()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == (0.0, False)


def test_a_timer_of_a_stall_comes_when_the_stall_is_over() -> None:
    """As a loop that was late once calls its timers: what came meanwhile comes before them."""
    seen: list[tuple[float, str]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        def note(name: str) -> None:
            seen.append((loop.time(), name))

        loop.stalls = [(2.0, 2.5), (4.0, 4.1)]
        for at in (1.9, 2.2, 2.45, 3.0):
            loop.call_at(at, note, f"timer {at}")
        told = loop.before_stall(2.4)
        loop.call_at(told, note, "told at 2.4")
        assert [loop.before_stall(x) for x in (1.0, 2.0, 2.5, 3.0)] == [1.0, 2.0, 2.5, 3.0]
        await asyncio.sleep(3.5)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert seen == [
        (1.9, "timer 1.9"),
        (2.0, "told at 2.4"),
        (2.5, "timer 2.2"),
        (2.5, "timer 2.45"),
        (3.0, "timer 3.0"),
    ]


def test_settled_is_when_all_that_follows_from_the_present_moment_is_done() -> None:
    async def main() -> tuple[list[int], float]:
        loop, done = asyncio.get_running_loop(), list[int]()
        assert isinstance(loop, VirtualTimeLoop)

        def step(left: int) -> None:
            done.append(left)
            if left:
                loop.call_soon(step, left - 1)

        step(5)
        await loop.settled()
        return done, loop.time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == ([5, 4, 3, 2, 1, 0], 0.0)
