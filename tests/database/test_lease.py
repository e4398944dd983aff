"""Two controllers and one floor, in a real PostgreSQL: who may take it, and who must stop."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from dialer import lease
from dialer.database.pool import Pool
from dialer.lease import LEASE_S, Lease, LeaseLost, new_holder
from dialer.store import LeaseHeld, Store
from tests.database.store_floor import Floor, running_floor

HOLDER = "from dialer.lease import new_holder; print(new_holder(), flush=True); input()"


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    floor = await running_floor(pool)
    await floor.store.release_lease()
    return floor


def lease_of(floor: Floor, holder: str) -> Lease:
    return Lease(Store(floor.pool, floor.rows.id, floor.rows.node_id), holder)


async def test_a_floor_whose_controller_died_is_taken_at_once(floor: Floor) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    holder = process.stdout.readline().strip()
    await lease_of(floor, holder).take()
    next_one = lease_of(floor, new_holder())
    with pytest.raises(LeaseHeld, match=holder):
        await next_one.take()
    process.communicate("\n")
    await next_one.take()
    assert next_one.known_until is not None


async def test_a_controller_of_another_machine_is_waited_for(floor: Floor) -> None:
    await lease_of(floor, "elsewhere/1/0/ab").take()
    with pytest.raises(LeaseHeld, match="elsewhere"):
        await lease_of(floor, new_holder()).take()


async def test_whoever_lost_the_floor_stops(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_S", 0.01)
    first = lease_of(floor, "first")
    await first.take()
    keeping = asyncio.create_task(first.keep())
    async with floor.pool.acquire() as connection:
        await first.check(connection)
        await Store(floor.pool, floor.rows.id, 1).lease("second", LEASE_S, ["first"])
        with pytest.raises(LeaseLost, match="while the database was away"):
            await first.check(connection)
    with pytest.raises(LeaseLost, match="this one stops"):
        await asyncio.wait_for(keeping, 10)
    with pytest.raises(LeaseHeld):
        await lease_of(floor, "third").take()
