"""Two campaigns on one floor by weights, and one that needs a skill, on real servers."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from tests.fixtures_floor import FloorApp, number


async def test_operators_are_shared_three_to_one_and_a_skill_is_kept(floor_app: FloorApp) -> None:
    await floor_app.hire("t5")
    await floor_app.pool.execute("update operator set skills = '{english}' where login = 't5'")
    english = await floor_app.campaign(
        *[number("0101") for _ in range(4)], skills=["english"], wrap_up_limit_s=1.0
    )
    await floor_app.sign_in("t1", "t2", "t3", "t4")
    await floor_app.until(
        lambda: (
            english in floor_app.app.board.campaigns
            and "english" in floor_app.app.board.campaigns[english].decision.reason.en
        ),
        "the campaign says which skill is missing",
    )
    assert not await floor_app.attempts()
    for login in ("t1", "t2", "t3", "t4"):
        floor_app.app.desk.pause(login, "the campaigns get their leads first")
    large, small = [
        await floor_app.campaign(
            *[number("0101") for _ in range(60)], weight=weight, wrap_up_limit_s=1.0
        )
        for weight in (3.0, 1.0)
    ]
    board = floor_app.app.board
    await floor_app.until(
        lambda: all(c in board.campaigns and board.campaigns[c].buffer for c in (large, small)),
        "both campaigns have leads to dial",
    )
    await floor_app.sign_in("t5")
    for login in ("t1", "t2", "t3", "t4"):
        floor_app.app.desk.ready(login)
    shared: list[Any] = []
    while len(shared) < 32 or not all(row["outcome"] for row in shared[:32]):
        await asyncio.sleep(0.2)
        rows = await floor_app.attempts()
        shared = [row for row in rows if row["campaign_id"] in (large, small)]
    dialed = Counter(row["campaign_id"] for row in shared[:32])
    assert 22 <= dialed[large] <= 26, f"three to one: 24 of 32, not {dialed[large]}"
    talked = [row for row in await floor_app.attempts() if row["campaign_id"] == english]
    assert [row["operator"] for row in talked] == ["t5"] * 4
    for campaign in (large, small, english):
        await floor_app.set_campaign(campaign, "paused")
