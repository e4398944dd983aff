"""The floor's own legal profile in the database."""

from __future__ import annotations

import pytest

from campaigns.legal.model import LegalError
from campaigns.legal.service import LegalService
from campaigns.legal.shipped import shipped
from dialer.database.pool import Pool
from tests.database.staff import TestFloor


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
