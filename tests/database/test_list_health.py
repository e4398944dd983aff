"""Health of a list from real attempts, in the called person's own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.list_health.service import ListHealthService
from campaigns.lists.errors import ListError
from dialer.database.pool import Pool
from tests.database.staff import TestFloor

# A Monday; 07:00 UTC is 10:00 in Moscow, 11:00 in Samara, 16:00 in Yakutsk... of the same day.
MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    floor = await TestFloor.make(pool)
    await floor.add_list("base", 6)
    await pool.execute(
        "insert into campaign (floor_id, trunk_id, name) values ($1, $2, 'spring')",
        floor.id,
        floor.trunk_id,
    )
    await pool.execute(
        "insert into lead (campaign_id, contact_id) "
        "select campaign.id, contact.id from campaign, contact order by contact.id limit 5"
    )
    return floor


async def dial(floor: TestFloor, lead: int, outcome: str, at: datetime, done: bool = False) -> None:
    """The attempt on the lead's own phone, and the lead as it is then."""
    await floor.pool.execute(
        "insert into attempt (id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone, "
        "placed_at, ended_at, outcome) select $1, $2, lead.campaign_id, lead.id, $3, $4, e164, "
        "$5, $5, $6 from lead join contact_phone using (contact_id) where lead.id = $7",
        uuid4(),
        floor.id,
        floor.node_id,
        floor.trunk_id,
        at,
        outcome,
        lead,
    )
    await floor.pool.execute(
        "update lead set approaches = approaches + 1, status = $2 where id = $1",
        lead,
        "done" if done else "retry",
    )


async def lead_ids(pool: Pool) -> list[int]:
    return [row["id"] for row in await pool.fetch("select id from lead order by id")]


async def test_the_health_of_a_list(floor: TestFloor, pool: Pool) -> None:
    first, second, third, fourth, _ = await lead_ids(pool)
    tuesday = MONDAY + timedelta(days=1)
    await dial(floor, first, "answered", MONDAY, done=True)
    await dial(floor, second, "invalid", MONDAY, done=True)
    await dial(floor, third, "no_answer", MONDAY)
    await dial(floor, third, "busy", tuesday)
    await dial(floor, fourth, "failed", tuesday)

    health = await ListHealthService(pool, floor.id).health("base")
    assert (health.shares.attempts, health.shares.counted) == (5, 4)
    assert (health.shares.invalid, health.shares.no_answer, health.shares.busy) == (0.25,) * 3
    assert [(str(day.day), day.shares.attempts) for day in health.days] == [
        ("2026-03-02", 3),
        ("2026-03-03", 2),
    ]
    leads = health.leads
    assert (leads.contacts, leads.without_lead, leads.open, leads.closed) == (6, 1, 3, 2)
    assert (leads.touched, leads.reached, leads.first_touch) == (4, 1, 1)
    assert (health.not_reached_share, health.first_touch_share) == (0.75, 0.5)
    assert (health.closed_per_day, health.days_left) == (1.0, 4.0)


async def test_a_new_list_has_no_pace(floor: TestFloor, pool: Pool) -> None:
    health = await ListHealthService(pool, floor.id).health("base")
    assert health.shares.answered is None and health.days == () and health.warnings == ()
    assert (health.days_left, health.not_reached_share) == (None, None)
    with pytest.raises(ListError, match="no list named 'none'"):
        await ListHealthService(pool, floor.id).health("none")


async def test_hours_are_those_of_the_called(floor: TestFloor, pool: Pool) -> None:
    ids = await lead_ids(pool)
    await pool.execute(
        "update contact set time_zone = 'Asia/Yakutsk' where id = "
        "(select contact_id from lead where id = $1)",
        ids[0],
    )
    await pool.execute(
        "with sets as (insert into zone_set (zones) values ('{Europe/Samara}'), "
        "('{Asia/Omsk,Europe/Samara}') returning id, cardinality(zones) as size) "
        "update contact_phone set zone_set_id = sets.id from sets, lead "
        "where lead.contact_id = contact_phone.contact_id "
        "and ((lead.id = $1 and size = 1) or (lead.id = $2 and size = 2))",
        ids[1],
        ids[2],
    )
    now = datetime.now(UTC)
    at = (now - timedelta(days=(now.weekday()) + 7)).replace(hour=7, minute=0, second=0)
    for lead in ids[:4]:
        await dial(floor, lead, "answered", at)
    await dial(floor, ids[4], "invalid", at)
    learned = await ListHealthService(pool, floor.id).best_hours()
    cells = {place: cell.dials for place, cell in learned.cells.items()}
    # Yakutsk (+9), Samara (+4), and the floor's own Moscow (+3) where the phone does not say.
    assert cells == {(0, 16): 1, (0, 11): 1, (0, 10): 2}
