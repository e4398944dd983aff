"""Two campaigns on one floor by weights, and one that needs a skill, on real servers."""

from __future__ import annotations

import asyncio
from collections import Counter

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
            and "english" in floor_app.app.board.campaigns[english].decision.reason
        ),
        "the campaign says which skill is missing",
    )
    assert not await floor_app.attempts()
    await floor_app.sign_in("t5")
    large = await floor_app.campaign(
        *[number("0101") for _ in range(60)], weight=3.0, wrap_up_limit_s=1.0
    )
    small = await floor_app.campaign(
        *[number("0101") for _ in range(60)], weight=1.0, wrap_up_limit_s=1.0
    )
    rows = await floor_app.attempts()
    while sum(1 for r in rows if r["outcome"] and r["campaign_id"] != english) < 24:
        await asyncio.sleep(0.2)
        rows = await floor_app.attempts()
    talks: Counter[int] = Counter()
    for row in rows:
        if row["operator"]:
            talks[row["campaign_id"]] += 1
            if row["campaign_id"] == english:
                assert row["operator"] == "t5"
    assert talks[english] == 4
    assert 1.8 < talks[large] / talks[small] < 5.5
    for campaign in (large, small, english):
        await floor_app.set_campaign(campaign, "paused")
