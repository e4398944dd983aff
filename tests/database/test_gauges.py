"""What the database says of running campaigns, as Prometheus sees it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from dialer.database.pool import Pool
from dialer.ids import new_id
from monitoring import metrics
from monitoring.gauges.service import Gauges
from monitoring.rollups.service import Rollups
from tests.database.store_floor import Floor, moment, running_floor

HOUR_S = 3600.0
NOW = datetime(2026, 3, 4, 15, 40, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, 21, tzinfo=UTC)
"""Yesterday's beginning in Moscow, where the floor is."""
OUTCOMES = ("answered", "no_answer", "busy", "invalid")


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


async def assert_true(floor: Floor, database: str) -> None:
    """Gauges say what the rows say."""
    await Gauges(database, floor.rows.id).refresh(NOW)
    row = await floor.pool.fetchrow(
        "select name, (select count(*) from lead where status <> 'done'), "
        "(select count(*) from lead where status = 'done' and (select max(placed_at) "
        "from attempt where lead_id = lead.id) >= $1), "
        "(select count(distinct date_trunc('hour', placed_at)) from attempt "
        "where placed_at >= $1), "
        "(select count(distinct date_trunc('hour', placed_at)) from attempt "
        "where date_trunc('hour', placed_at) > $2) from campaign",
        MIDNIGHT, NOW - timedelta(days=1),
    )  # fmt: skip
    assert row is not None
    name, leads, closed, hours, day_hours = row
    assert of_campaign(name, "leads_left") == leads > 0
    assert of_campaign(name, "dialed_day_seconds") == day_hours * HOUR_S
    assert of_campaign(name, "work_left_seconds") == pytest.approx(leads * hours / closed * HOUR_S)
    rows = await floor.pool.fetch(
        "select list.name, outcome, count(*) from attempt join lead on lead.id = lead_id "
        "join contact on contact.id = lead.contact_id join list on list.id = list_id "
        "where placed_at >= $1 and outcome is not null group by 1, 2",
        NOW - timedelta(days=1),
    )
    true = {(name, outcome): count for name, outcome, count in rows}
    for key in [(f"list {number}", outcome) for number in (0, 40) for outcome in OUTCOMES]:
        name, outcome = key
        found = metrics.value("prozvon_list_attempts_day", list=name, outcome=outcome)
        assert found == true.get(key, 0), key
    assert len(true) >= len(OUTCOMES)


async def test_roll_ups_and_rows_together_say_what_the_rows_say(
    floor: Floor, database: str
) -> None:
    """Given four days of dials up to now, rolled up or not, and late corrections of any kind."""
    dice, rollups = random.Random(3), Rollups(database, floor.rows.id)
    leads = [lead for _ in range(2) for lead in await floor.add_leads(40)]
    for lead in leads * 3:
        at = NOW - timedelta(days=4) * dice.random()
        await dialed(floor, lead, at.timestamp(), dice.choice(OUTCOMES))
    await dialed(floor, leads[0], NOW.timestamp() - 60)  # not rolled up yet
    done = "update lead set status = 'done' where id = any($1)"
    await floor.pool.execute(done, [lead for lead in leads if lead == leads[0] or lead % 3])
    await assert_true(floor, database)
    await rollups.fill(NOW)
    await assert_true(floor, database)
    await floor.pool.execute("update attempt set outcome = 'invalid' where outcome = 'busy'")
    await assert_true(floor, database)
    await floor.pool.execute("delete from attempt where hashtext(id::text) % 4 = 0")
    await floor.pool.execute("update lead set status = case when id % 5 = 0 then 'done' else "
                             "'retry' end where id % 2 = 0 and id <> $1", leads[0])  # fmt: skip
    await rollups.fill(NOW)
    await assert_true(floor, database)
    await floor.pool.execute("update report_cell set busy = busy + 1")
    with pytest.raises(AssertionError, match="busy"):
        await assert_true(floor, database)
