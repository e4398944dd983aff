"""Reports against shifts and attempts whose seconds and counts are known."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.operators.service import OperatorService
from dialer.database.pool import Pool
from monitoring.reports.catalog import request
from monitoring.reports.period import Period
from monitoring.reports.service import ReportService
from tests.database.staff import ROWS, TestFloor, after

MOSCOW = ZoneInfo("Europe/Moscow")
DAY = Period(after(-3600), after(3600), MOSCOW)


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    floor = await TestFloor.make(pool)
    await floor.add_campaign("spring")
    return floor


async def rows(
    floor: TestFloor, name: str, by: str, period: Period = DAY
) -> dict[Any, dict[str, Any]]:
    """Rows of the report's first table by their first name, each by keys of columns."""
    service = ReportService(floor.pool, floor.id)
    made = await service.make(request(name, period, by=by), datetime.now(UTC))
    table = made.tables[0]
    keys = [column.key for column in table.form.columns]
    return {row.cells[0]: dict(zip(keys, row.cells, strict=True)) for row in table.rows}


async def leads(floor: TestFloor) -> list[int]:
    return [row["id"] for row in await floor.pool.fetch(ROWS.leads, "spring")]


async def test_line_time_is_dialing_talking_hold_and_consult(floor: TestFloor) -> None:
    anna = await floor.add_operator("anna")
    states = ["connecting", "ready", "dialing", "talking", "hold", "consult", "wrap_up", "paused"]
    begins = [(state, after(2**i)) for i, state in enumerate(states)]
    await floor.add_shift(anna, begins, after(2**8))
    row = (await rows(floor, "productivity", "operator"))["anna"]
    assert [row[f"{state}_s"] for state in states] == [float(2**i) for i in range(8)]
    assert row["line_s"] == 4 + 8 + 16 + 32
    assert row["shift_s"] == sum(row[f"{state}_s"] for state in states) == 255


async def test_states_are_cut_to_the_period(floor: TestFloor) -> None:
    anna = await floor.add_operator("anna")
    await floor.add_shift(anna, [("ready", after(0)), ("talking", after(100))], after(200))
    part = Period(after(60), after(130), MOSCOW)
    row = (await rows(floor, "productivity", "operator", part))["anna"]
    assert (row["ready_s"], row["talking_s"]) == (40, 30)
    later = Period(after(200), after(300), MOSCOW)
    assert (await rows(floor, "productivity", "operator", later))["anna"]["shift_s"] == 0


async def test_a_state_that_is_not_over_counts_up_to_now(floor: TestFloor) -> None:
    anna = await floor.add_operator("anna")
    now = datetime.now(UTC)
    begun = now - timedelta(seconds=50)
    await floor.add_shift(anna, [("ready", begun), ("talking", now - timedelta(seconds=20))], None)
    period = Period(begun, now + timedelta(hours=1), MOSCOW)
    row = (await rows(floor, "productivity", "operator", period))["anna"]
    assert row["ready_s"] == 30
    assert 20 <= row["line_s"] < 50


async def test_dials_conversations_and_intervals_of_an_operator(floor: TestFloor) -> None:
    anna, boris = await floor.add_operator("anna"), await floor.add_operator("boris")
    ids = await leads(floor)
    for number, interval in enumerate([None, 10.0, 20.0, 30.0, 40.0]):
        await floor.add_attempt(
            ids[number],
            after(number),
            outcome="no_answer",
            dial_operator_id=anna,
            operator_dial_interval_s=interval,
        )
    # Dialed for one, taken by the other.
    await floor.add_attempt(
        ids[5], after(9), outcome="answered", dial_operator_id=anna, operator_id=boris,
        bridged_at=after(10), ended_at=after(20),
    )  # fmt: skip
    await floor.add_attempt(ids[6], after(-7200), outcome="busy", dial_operator_id=anna)
    found = await rows(floor, "productivity", "operator")
    assert (found["anna"]["dials"], found["anna"]["conversations"]) == (6, 0)
    assert (found["boris"]["dials"], found["boris"]["conversations"]) == (0, 1)
    assert found["anna"]["interval_median_s"] == pytest.approx(25, rel=0.02)
    assert found["anna"]["interval_p90_s"] == pytest.approx(37, rel=0.02)
    assert found["boris"]["interval_median_s"] is None


async def test_former_staff_stay_in_the_reports_of_their_time(floor: TestFloor) -> None:
    anna = await floor.add_operator("anna")
    await floor.add_shift(anna, [("talking", after(0))], after(5))
    await OperatorService(floor.pool, floor.id).remove("anna", "olga")
    assert (await rows(floor, "productivity", "operator"))["anna"]["line_s"] == 5
    later = Period(after(4000), after(5000), MOSCOW)
    assert await rows(floor, "productivity", "operator", later) == {}


async def test_a_campaign_with_its_outcomes_and_intervals(floor: TestFloor) -> None:
    ids = await leads(floor)
    for number, outcome in enumerate(["answered", "answered", "answered", "abandoned", "busy"]):
        bridged = after(number + 1) if outcome == "answered" else None
        await floor.add_attempt(
            ids[number], after(number), outcome=outcome, bridged_at=bridged, dial_interval_s=number
        )
    await floor.add_attempt(ids[5], after(6))
    await floor.add_attempt(ids[6], DAY.until, outcome="busy")
    row = (await rows(floor, "outcomes", "campaign"))["spring"]
    assert (row["dials"], row["in_progress"]) == (6, 1)
    assert (row["answered"], row["abandoned"], row["busy"], row["machine"]) == (3, 1, 1, 0)
    work = (await rows(floor, "productivity", "campaign"))["spring"]
    assert work["conversations"] == 3
    assert work["interval_p90_s"] == pytest.approx(3.6, rel=0.02)
    later = Period(after(4000), after(5000), MOSCOW)
    assert await rows(floor, "outcomes", "campaign", later) == {}
