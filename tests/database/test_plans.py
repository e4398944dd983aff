"""Plans, and the report that compares them with what was done."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.database.pool import Pool
from monitoring.plans.model import Plan, PlanError, weekdays_of
from monitoring.plans.service import PlanService
from monitoring.reports.catalog import Filters, request
from monitoring.reports.period import Period, period
from monitoring.reports.service import ReportService
from tests.database.staff import ROWS, TestFloor, after

MOSCOW = ZoneInfo("Europe/Moscow")
MONDAY = date(2026, 3, 2)
NAME = 'Весна "24" 🌷'


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    """Anna of the team north dials ten times from 12:00 in Moscow on, every 20 minutes."""
    floor = await TestFloor.make(pool)
    await floor.add_campaign(NAME)
    anna = await floor.add_operator("anna")
    await floor.add_operator("boris")
    await pool.execute(ROWS.team, anna, "north")
    for number, row in enumerate(await pool.fetch(ROWS.leads, NAME)):
        await floor.add_attempt(
            row["id"], after(1200 * number), outcome="answered", dial_operator_id=anna,
            operator_id=anna, bridged_at=after(1200 * number + 9), said="agreed",
            answered_at=after(1200 * number + 9), ended_at=after(1200 * number + 30),
        )  # fmt: skip
    await floor.add_shift(anna, [("talking", after(0))], after(3600))
    return floor


async def rows(
    floor: TestFloor, by: str, when: Period, now: datetime, filters: Filters | None = None
) -> list[tuple[object, ...]]:
    asked = request("plan", when, by=by, filters=filters)
    report = await ReportService(floor.pool, floor.id).make(asked, now)
    return [tuple(str(c) if i == 0 else c for i, c in enumerate(row.cells))
            for row in report.table("plan").rows]  # fmt: skip


async def test_plan_and_fact_at_the_checkpoint_and_after(floor: TestFloor) -> None:
    plans = PlanService(floor.pool, floor.id)
    for kind, subject, amount in (("operator", "anna", 8), ("team", "north", 20),
                                  ("campaign", NAME, 10), ("floor", "", 40)):  # fmt: skip
        await plans.set(Plan(kind, subject, "target", amount, MONDAY), "olga")
    await plans.set(Plan("operator", "anna", "line_s", 7200, MONDAY), "olga")
    noon = datetime(2026, 3, 2, 12, 50, tzinfo=MOSCOW)
    today = period("2026-03-02", None, MOSCOW, noon)
    line, target = await rows(floor, "operator", today, noon)
    made = await ReportService(floor.pool, floor.id).make(
        request("plan", today, by="operator"), noon
    )
    drawn = [[row.cells[0] for row in chart.rows(made.table("plan"))] for chart in made.charts]
    assert [chart.title.en for chart in made.charts] == [
        f"{made.title.en}: {measure}" for measure in ("target calls", "line time, s")
    ]
    assert drawn == [["anna"], ["anna"]]
    assert (line[3], line[4], target[3:]) == (7200, 3000, (8, 3, 0.375, 5, None, None, None))
    evening = datetime(2026, 3, 2, 20, tzinfo=MOSCOW)
    today = period("2026-03-02", None, MOSCOW, evening)
    assert (await rows(floor, "operator", today, evening))[1][3:] == (8, 10, 1.25, 0, 4, 3, False)
    assert (await rows(floor, "team", today, evening))[0][2:6] == (20, 10, 0.5, 10)
    assert (await rows(floor, "campaign", today, evening))[0][2:5] == (10, 10, 1)
    (day,) = await rows(floor, "day", today, evening)
    assert (day[0], day[2], day[3], day[7]) == ("2026-03-02", 40, 10, 3)
    assert await rows(floor, "operator", today, evening, Filters(operators=("boris",))) == []
    week = Period(today.since, today.since + timedelta(days=7), MOSCOW)
    assert (await rows(floor, "operator", week, evening))[1][3:5] == (40, 10)


async def test_a_new_plan_takes_over_from_its_day_and_one_that_ends_is_over(
    floor: TestFloor,
) -> None:
    plans = PlanService(floor.pool, floor.id)
    every = weekdays_of("sat-mon, wed")
    assert every == (0, 2, 5, 6)
    await plans.set(Plan("operator", "anna", "dials", 50, MONDAY, None, every), "olga")
    later = MONDAY + timedelta(days=7)
    await plans.set(Plan("operator", "anna", "dials", 60, later), "olga")
    found = [(plan.amount, plan.since, plan.until) for plan in await plans.plans()]
    assert found == [(50, MONDAY, later), (60, later, None)]
    await plans.end("operator", "anna", "dials", MONDAY + timedelta(days=2), "olga")
    found = [(plan.amount, plan.since, plan.until) for plan in await plans.plans()]
    assert found == [(50, MONDAY, MONDAY + timedelta(days=2))]
    with pytest.raises(PlanError) as caught:
        await plans.end("operator", "anna", "target", MONDAY, "olga")
    assert caught.value.id == "unknown_plan"


@pytest.mark.parametrize(
    ("plan", "id"),
    [
        (Plan("operator", "vera", "dials", 5, MONDAY), "unknown_operator"),
        (Plan("team", "south", "dials", 5, MONDAY), "unknown_team"),
        (Plan("campaign", "none", "dials", 5, MONDAY), "unknown_campaign"),
        (Plan("floor", "north", "dials", 5, MONDAY), "bad_plan"),
        (Plan("operator", "anna", "smiles", 5, MONDAY), "bad_plan"),
        (Plan("operator", "anna", "dials", float("nan"), MONDAY), "bad_plan"),
        (Plan("operator", "anna", "dials", 5, MONDAY, None, ()), "bad_plan"),
        (Plan("operator", "anna", "dials", 5, MONDAY, None, (0,), time(13), 1.5), "bad_plan"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused(floor: TestFloor, plan: Plan, id: str) -> None:
    with pytest.raises(PlanError) as caught:
        await PlanService(floor.pool, floor.id).set(plan, "olga")
    assert caught.value.id == id
    assert await PlanService(floor.pool, floor.id).plans() == []


def test_a_floor_in_another_zone_has_its_own_days() -> None:
    plan = Plan("floor", "", "dials", 5, MONDAY)
    at = plan.checkpoint_at(MONDAY, ZoneInfo("Asia/Kathmandu"))
    assert at.astimezone(UTC) == datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
