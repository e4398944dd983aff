"""Simulated operators' hands: they talk, hang up, give dispositions, through the desk's service."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from campaigns.refusals import Refusal
from dialer.desk import Desk, DeskError

LOOK_S = 0.1
DISPOSITIONS = ("agreed", "interested", "refused", "refused", "refused", "no_talk", "call_back")


@dataclass(frozen=True, slots=True)
class Habits:
    """Bounds in seconds: how long wrap-up takes, after how long the operator ends a talk."""

    wrap_up_s: tuple[float, float] = (0.5, 2.0)
    talk_limit_s: tuple[float, float] = (8.0, 16.0)


async def operate(desk: Desk, login: str, rng: random.Random, habits: Habits) -> None:
    """One operator at work, until cancelled or signed out."""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            view = desk.seat(login)
        except DeskError:
            return
        if view.state == "talking":
            await _talk(desk, login, rng, habits)
        elif view.state == "wrap_up":
            await asyncio.sleep(rng.uniform(*habits.wrap_up_s))
            await _quietly_dispose(desk, login, rng.choice(DISPOSITIONS))


async def _talk(desk: Desk, login: str, rng: random.Random, habits: Habits) -> None:
    """Talks until the person hangs up, or the operator has had enough."""
    loop = asyncio.get_running_loop()
    enough_at = loop.time() + rng.uniform(*habits.talk_limit_s)
    while loop.time() < enough_at:
        await asyncio.sleep(LOOK_S)
        if not _is_talking(desk, login):
            return
    try:
        desk.hang_up(login)
    except DeskError:
        return  # the person hung up first
    while _is_talking(desk, login):
        await asyncio.sleep(LOOK_S)


def _is_talking(desk: Desk, login: str) -> bool:
    try:
        return desk.seat(login).state == "talking"
    except DeskError:
        return False


async def _quietly_dispose(desk: Desk, login: str, code: str) -> None:
    try:
        await desk.dispose(login, code)
    except Refusal:
        return  # the wrap-up's limit was faster
