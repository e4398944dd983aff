"""The collector of cyclic garbage must not stop the loop: with 5,000 live calls one full search
took 0.3 to 0.5 s.

What the process is made of is left out of every search, young objects are searched seldom, and all
of them only now and then. Nearly all of a call's memory is freed without, by counting references.
"""

from __future__ import annotations

import asyncio
import gc

YOUNG, MIDDLE = 5_000, 50
"""Objects made and not freed before a search of the youngest; such searches before the next."""
NEVER = 1_000_000
FULL_S = 600.0


async def collect_seldom() -> None:
    """For ever, as it was before when cancelled."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    try:
        while True:
            await asyncio.sleep(FULL_S)
            gc.collect()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
