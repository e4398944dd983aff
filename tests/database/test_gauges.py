"""What the database says of running campaigns, as Prometheus sees it."""

from __future__ import annotations

import pytest

from dialer.database.pool import Pool
from dialer.ids import new_id
from monitoring import metrics
from monitoring.gauges.service import Gauges
from tests.database.store_floor import Floor, moment, running_floor

HOUR_S = 3600.0


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    return await running_floor(pool)


async def dialed(floor: Floor, lead: int, at: float, outcome: str = "no_answer") -> None:
    await floor.pool.execute(
        "insert into attempt (id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone, "
        "placed_at, ended_at, outcome, ended_by) "
        "values ($1, $2, $3, $4, $5, $6, '+79990000001', $7, $7, $8, 'person')",
        new_id(at), floor.rows.id, floor.campaign_id, lead, floor.rows.node_id,
        floor.rows.trunk_id, moment(at), outcome,
    )  # fmt: skip


def of_campaign(name: str, what: str) -> float:
    return metrics.value(f"prozvon_campaign_{what}", campaign=name)


async def test_work_left_goes_by_the_last_day_alone(floor: Floor, database: str) -> None:
    """Given six leads of which two were closed in two hours of today and one the day before
    yesterday, then the three that are left are three hours of dialing."""
    name = await floor.pool.fetchval("select name from campaign where id = $1", floor.campaign_id)
    leads = await floor.add_leads(6)
    now = (await floor.pool.fetchval("select now()")).timestamp()
    this_hour = now - now % HOUR_S
    for lead, at in zip(
        leads, (now - 50 * HOUR_S, this_hour - HOUR_S, this_hour - HOUR_S + 60, this_hour - 2),
        strict=False,
    ):  # fmt: skip
        await dialed(floor, lead, at)
    await dialed(floor, leads[3], this_hour - 2 * HOUR_S, "busy")
    await floor.pool.execute("update lead set status = 'done' where id = any($1)", leads[:3])
    gauges = Gauges(database, floor.rows.id)
    await gauges.refresh()
    assert of_campaign(name, "leads_left") == 3
    assert of_campaign(name, "dialed_day_seconds") == 2 * HOUR_S
    assert of_campaign(name, "work_left_seconds") == 3 * HOUR_S
    found = {
        outcome: metrics.value("prozvon_list_attempts_day", list="list 0", outcome=outcome)
        for outcome in ("no_answer", "busy", "answered")
    }
    assert found == {"no_answer": 3, "busy": 1, "answered": 0}
    await floor.pool.execute("update campaign set status = 'paused'")
    await gauges.refresh()
    assert 'campaign_leads_left{campaign="' not in b"".join(metrics.exposition()).decode()
