"""The floor's own legal profile in the database."""

from __future__ import annotations

import pytest

from campaigns.legal.model import LegalError
from campaigns.legal.service import LegalService
from campaigns.legal.shipped import shipped
from campaigns.rules.affected import affected, calendars_in_use
from dialer.database.pool import Pool
from dialer.demo.rules import OPEN_PROFILE
from tests.database.staff import TestFloor
from tests.database.store_floor import running_floor


async def test_the_floor_defines_its_own_profile_and_the_newest_version_counts(pool: Pool) -> None:
    floor = await TestFloor.make(pool)
    service = LegalService(pool, floor.id)
    careful = await service.profile("own")
    assert careful == shipped()["own"][1]
    document = {**careful.model_dump(mode="json"), "minimum_ring_s": 5}
    assert (await service.define(document, "anna")).version == 2
    assert (await service.define({**document, "minimum_ring_s": 7}, "anna")).version == 3
    assert (await service.profile("own")).minimum_ring_s == 7
    assert (await service.profiles())["own"].version == 3
    assert (await service.versions("own"))[2].minimum_ring_s == 5
    noted = await pool.fetch("select actor, details from audit where action = 'legal_defined'")
    assert [(r["actor"], r["details"]) for r in noted] == [
        ("anna", {"version": 2}),
        ("anna", {"version": 3}),
    ]


async def test_a_wrong_profile_is_refused_and_nothing_is_kept(pool: Pool) -> None:
    floor = await TestFloor.make(pool)
    service = LegalService(pool, floor.id)
    with pytest.raises(LegalError, match="hours"):
        await service.define({"minimum_ring_s": 5}, "anna")
    assert (await service.profile("own")).version == 1
    with pytest.raises(LegalError) as refused:
        await service.profile("mars")
    assert refused.value.id == "unknown_profile"
    assert "mars" in refused.value.to("ru")


async def test_a_new_version_tells_which_campaigns_it_touches(pool: Pool) -> None:
    floor = await running_floor(pool)
    await floor.pool.execute(
        "insert into campaign (floor_id, trunk_id, name, status, mode, limits) values "
        "($1, $2, 'by hand', 'approved', 'manual', '{\"per_day\": 4}'), "
        "($1, $2, 'over', 'archived', 'progressive', '{}')",
        floor.rows.id, floor.rows.trunk_id,
    )  # fmt: skip
    strict = {**OPEN_PROFILE, "modes": ["manual"], "limits": {"per_day": 3}}
    await LegalService(pool, floor.rows.id).define(strict, "anna")
    by_hand, c = await affected(pool, floor.rows.id, "own")
    assert (by_hand.campaign, by_hand.status, by_hand.stops) == ("by hand", "approved", ())
    assert "per_day = 3" in by_hand.narrows[0].en
    assert (c.campaign, c.status, c.narrows) == ("c", "running", ())
    assert "progressive" in c.stops[0].ru
    assert await affected(pool, floor.rows.id, "uk") == []
    [calendar] = await calendars_in_use(pool, "main")
    assert calendar.name == "ru"
    assert await calendars_in_use(pool, "no such floor") == []
