"""Whole reports out of rows whose counts and seconds are known."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialer.database.pool import Pool
from dialer.outcomes import EndedBy
from monitoring.reports.catalog import Filters, request
from monitoring.reports.errors import ReportError
from monitoring.reports.forms import ENDED_BY, FORMS
from monitoring.reports.maker import NO_TEAM
from monitoring.reports.period import Period
from monitoring.reports.service import ReportService, reports_pool
from monitoring.reports.sheet import Report
from tests.database.staff import NINE, ROWS, TestFloor, after

MOSCOW = ZoneInfo("Europe/Moscow")
DAY = Period(after(-43200), after(43200), MOSCOW)
NOW = after(86400)
NAME = 'Весна "24" 🌷; =1+1'


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    """Anna dials three times and talks twice; the second person she hands over to Boris."""
    floor = await TestFloor.make(pool)
    await floor.add_campaign(NAME)
    anna, boris = await floor.add_operator("anna"), await floor.add_operator("boris")
    ids = [row["id"] for row in await pool.fetch(ROWS.leads, NAME)]
    own = {"dial_operator_id": anna, "dial_interval_s": 20.0}
    await floor.add_attempt(
        ids[0], after(0), outcome="no_answer", ended_at=after(12), ended_by="operator",
        rang_at=after(4), **own,
    )  # fmt: skip
    await floor.add_attempt(
        ids[1], after(20), outcome="answered", rang_at=after(22), answered_at=after(29),
        bridged_at=after(30), ended_at=after(36), operator_id=anna, said="refused",
        operator_dial_interval_s=20.0, **own,
    )  # fmt: skip
    handed = await floor.add_attempt(
        ids[2], after(60), outcome="answered", rang_at=after(62), answered_at=after(69),
        bridged_at=after(70), ended_at=after(170), operator_id=boris, said="agreed",
        operator_dial_interval_s=40.0, **own,
    )  # fmt: skip
    for operator, begin, end, how in ((anna, 70, 110, "answer"), (boris, 110, 170, "transfer")):
        await pool.execute(ROWS.part, handed, operator, after(begin), after(end), how)
    await floor.add_attempt(ids[3], after(7200), outcome="abandoned", answered_at=after(7205),
                            ended_at=after(7212), ended_by="person")  # fmt: skip
    states = [("ready", after(0)), ("talking", after(60)), ("paused", after(110))]
    await floor.add_shift(anna, states, after(200))
    return floor


async def make(floor: TestFloor, name: str, by: str | None = None, **changes: Any) -> Report:
    asked = replace(request(name, DAY, by=by), **changes)
    return await ReportService(floor.pool, floor.id).make(asked, NOW)


def cells(report: Report, table: str, row: int | None = 0) -> dict[str, Any]:
    """One row by the keys of columns; None: the totals."""
    found = report.table(table)
    line = found.totals if row is None else found.rows[row]
    assert line is not None
    return dict(zip((column.key for column in found.form.columns), line.cells, strict=True))


async def test_productivity_by_operator(floor: TestFloor) -> None:
    report = await make(floor, "productivity", "operator")
    anna, boris, total = (cells(report, "work", row) for row in (0, 1, None))
    assert (anna["operator"], anna["name"]) == ("anna", "Name of anna")
    assert (anna["dials"], anna["conversations"], anna["talk_s"]) == (3, 2, 46)
    assert (boris["dials"], boris["conversations"], boris["talk_s"]) == (0, 1, 60)
    assert (total["dials"], total["conversations"], total["talk_s"]) == (4, 2, 106)
    gaps = (anna["interval_median_s"], anna["interval_p90_s"], anna["given_up_ring_s"])
    assert gaps == pytest.approx((30, 38, 8), rel=0.02)
    assert (anna["given_up"], anna["short"]) == (1, 1)
    assert (anna["line_s"], anna["shift_s"], anna["paused_s"]) == (50, 200, 90)
    assert anna["occupancy"] == round(50 / 110, 6)
    assert boris["occupancy"] is None


@pytest.mark.parametrize(
    ("by", "key", "first"),
    [("campaign", "campaign", NAME), ("list", "list", "old"), ("day", "day", date(2026, 3, 2)),
     ("hour", "hour", 12)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["productivity", "conversion", "outcomes"])
async def test_rows_of_every_cut_add_up_to_the_same_totals(
    floor: TestFloor, name: str, by: str, key: str, first: object
) -> None:
    report = await make(floor, name, by)
    table = report.tables[0]
    number = table.form.index("dials")
    assert cells(report, table.key)[key] == first
    assert table.totals is not None
    assert sum(int(str(row.cells[number])) for row in table.rows) == 4 == table.totals.cells[number]


async def test_time_of_operators_by_hour_of_the_viewers_clocks(floor: TestFloor) -> None:
    kathmandu = Period(DAY.since, DAY.until, ZoneInfo("Asia/Kathmandu"))  # + 5:45
    report = await make(floor, "productivity", "hour", period=kathmandu)
    row = cells(report, "work")
    assert (row["hour"], row["shift_s"], row["dials"]) == (14, 200, 3)


async def test_a_day_of_25_hours_is_one_day(floor: TestFloor) -> None:
    anna = await floor.pool.fetchval(ROWS.operator_id, "anna")
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime(2025, 10, 26, tzinfo=berlin)
    end = datetime(2025, 10, 27, tzinfo=berlin)
    await floor.add_shift(anna, [("talking", begin - timedelta(hours=2))], end)
    period = Period(begin, end, berlin)
    by_day = await make(floor, "productivity", "day", period=period)
    assert [row.cells[0] for row in by_day.table("work").rows] == [date(2025, 10, 26)]
    assert cells(by_day, "work")["line_s"] == 25 * 3600
    by_hour = await make(floor, "productivity", "hour", period=period)
    assert len(by_hour.table("work").rows) == 24
    assert cells(by_hour, "work", 2)["line_s"] == 2 * 3600


async def test_conversion_outcomes_and_dispositions(floor: TestFloor) -> None:
    report = await make(floor, "conversion", "operator")
    anna, boris = cells(report, "conversion", 0), cells(report, "conversion", 1)
    assert (anna["productive"], anna["target"], anna["productive_share"]) == (1, 0, 0.5)
    assert (boris["productive"], boris["target"], boris["target_share"]) == (1, 1, 1)
    report = await make(floor, "outcomes", "campaign")
    row = cells(report, "outcomes")
    assert [row[k] for k in ("answered", "no_answer", "abandoned", "busy")] == [2, 1, 1, 0]
    assert [(r.cells[0], r.cells[2]) for r in report.table("dispositions").rows] == [
        ("agreed", 1),
        ("refused", 1),
    ]


async def test_a_disposition_that_is_corrected_later_is_followed(floor: TestFloor) -> None:
    await floor.pool.execute(ROWS.correct, "refused", "agreed")
    report = await make(floor, "conversion", "campaign")
    row = cells(report, "conversion")
    assert (row["target"], row["refusal"], row["target_share"]) == (2, 0, 1)


async def test_the_abandonment_ledger_with_its_attempts(floor: TestFloor) -> None:
    report = await make(floor, "abandonment")
    row = cells(report, "ledger")
    assert (row["people"], row["abandoned"], row["abandoned_share"]) == (3, 1, 0.333333)
    window = cells(report, "windows")
    assert (window["people"], window["abandoned"], window["kept"]) == (3, 1, False)
    assert NAME in report.warnings[0].ru
    assert [r.cells[5:] for r in report.table("attempts").rows] == [(7.0, ENDED_BY[EndedBy.PERSON])]


async def test_leads_that_were_not_reached(floor: TestFloor) -> None:
    report = await make(floor, "reach")
    row = cells(report, "reach")
    assert [row[k] for k in ("leads", "touched", "reached")] == [10, 4, 3]
    assert row["not_reached_share"] == 0.25


async def test_two_periods_beside_each_other(floor: TestFloor) -> None:
    now = Period(after(7000), after(43200), MOSCOW)
    before = Period(after(-100), after(100), MOSCOW)
    report = await make(floor, "outcomes", "campaign", period=now, compare=before)
    row = report.table("outcomes").rows[0]
    assert row.before is not None
    assert (row.cells[1], row.before[1]) == (1, 3)


async def test_filters_narrow_and_unknown_names_are_told(floor: TestFloor) -> None:
    only = Filters(operators=("boris",), campaigns=(NAME,))
    report = await make(floor, "productivity", "operator", filters=only)
    assert [row.cells[0] for row in report.table("work").rows] == ["boris"]
    with pytest.raises(ReportError, match="'anna'") as caught:
        await make(floor, "productivity", filters=Filters(operators=("ana",)))
    assert caught.value.id == "unknown_operator"


async def test_an_empty_period_says_so(floor: TestFloor) -> None:
    empty = Period(NINE - timedelta(days=3660), NINE - timedelta(days=3650), MOSCOW)
    for name, forms in FORMS.items():
        report = await make(floor, name, period=empty)
        assert [table.key for table in report.tables] == [form.key for form in forms]
    report = await make(floor, "outcomes", period=empty)
    assert report.nothing is not None and "campaign status" in report.nothing.en
    plan = await make(floor, "plan", period=empty)
    assert plan.nothing is not None and "prozvon plan set" in plan.nothing.ru


async def test_a_report_that_takes_too_long_names_a_shorter_period(
    floor: TestFloor, database: str
) -> None:
    own = await reports_pool(database)
    try:
        async with floor.pool.acquire() as connection, connection.transaction():
            await connection.execute(ROWS.lock_attempts)
            with pytest.raises(ReportError, match="--from 2026-03-02T") as caught:
                await ReportService(own, floor.id, 0.2).make(request("outcomes", DAY), NOW)
    finally:
        await own.close()
    assert caught.value.id == "too_large"


async def test_every_report_can_be_written_down(floor: TestFloor) -> None:
    for name in FORMS:
        report = await make(floor, name)
        assert json.dumps([[str(c) for c in r.cells] for t in report.tables for r in t.rows])


async def test_best_hours_are_those_of_the_called_people(floor: TestFloor) -> None:
    await floor.pool.execute(ROWS.move_contacts, "Asia/Yekaterinburg")
    report = await make(floor, "best-hours")
    # 09:00 UTC of a Monday is 14:00 there; two of three answered, and one at 16:00.
    rows = [row.cells[:5] for row in report.table("hours").rows]
    assert rows == [(0, 14, 3, 2, 0.666667), (0, 16, 1, 1, 1.0)]
    totals = report.table("hours").totals
    assert totals is not None
    assert totals.cells[2:5] == (4, 3, 0.75)


async def test_lists_with_their_days_of_work_left(floor: TestFloor) -> None:
    await floor.add_list(NAME, 3, 500)
    await floor.pool.execute(ROWS.finish_dialed, NAME)
    report = await make(floor, "lists")
    old, new = (cells(report, "lists", row) for row in (0, 1))
    assert (old["list"], old["contacts"], old["open"], old["closed"]) == ("old", 10, 6, 4)
    assert (old["closed_per_day"], old["days_left"], old["not_reached_share"]) == (4, 1.5, 0.25)
    assert (new["list"], new["open"], new["days_left"]) == (NAME, 3, None)
    assert [warning.en for warning in report.warnings] == ["old: work for 1.5 days is left"]


async def test_callbacks_are_kept_late_missed_or_wait(floor: TestFloor) -> None:
    anna = await floor.pool.fetchval(ROWS.operator_id, "anna")
    ids = [row["id"] for row in await floor.pool.fetch(ROWS.leads, NAME)]
    for lead, status, promised, dialed in (
        (ids[4], "done", after(0), after(300)),
        (ids[5], "done", after(0), after(3600)),
        (ids[6], "waiting", after(0), None),
        (ids[7], "waiting", DAY.until - timedelta(seconds=1), None),
        (ids[8], "canceled", after(0), None),
    ):
        callback = await floor.pool.fetchval(ROWS.callback, lead, promised, status, anna)
        if dialed:
            attempt = await floor.add_attempt(lead, dialed, outcome="no_answer")
            await floor.pool.execute(ROWS.of_callback, attempt, callback)
    for by in ("operator", "campaign", "list", "day"):
        report = await make(floor, "callbacks", by)
        service = ReportService(floor.pool, floor.id)
        report = await service.make(request("callbacks", DAY, by=by), DAY.until)
        row = cells(report, "callbacks")
        counts = [row[k] for k in ("promised", "kept", "late", "missed", "waiting", "canceled")]
        assert counts == [4, 1, 1, 1, 1, 1]
        assert (row["kept_share"], row["late_median_s"]) == (0.333333, 1950)


async def test_teams_as_rows_and_as_a_filter(floor: TestFloor) -> None:
    anna = await floor.pool.fetchval(ROWS.operator_id, "anna")
    await floor.pool.execute(ROWS.team, anna, 'Север "1"')
    report = await make(floor, "productivity", "team")
    rows = [(str(row.cells[0]), row.cells[1]) for row in report.table("work").rows]
    assert rows == [(str(NO_TEAM), 0), ('Север "1"', 3)]
    only = await make(floor, "productivity", filters=Filters(teams=('Север "1"',)))
    assert [row.cells[0] for row in only.table("work").rows] == ["anna"]
    with pytest.raises(ReportError, match="Север") as caught:
        await make(floor, "conversion", filters=Filters(teams=("Север",)))
    assert caught.value.id == "unknown_team"


async def test_waits_for_a_conversation_in_a_predictive_campaign(floor: TestFloor) -> None:
    boris = await floor.pool.fetchval(ROWS.operator_id, "boris")
    states = [("connecting", after(10)), ("ready", after(20)), ("reserved", after(75)),
              ("talking", after(80)), ("wrap_up", after(90))]  # fmt: skip
    await floor.add_shift(boris, states, after(95))
    report = await make(floor, "productivity", "operator")
    assert cells(report, "work", 1)["wait_median_s"] is None
    await floor.pool.execute(ROWS.predictive)
    report = await make(floor, "productivity", "operator")
    assert cells(report, "work", 1)["wait_median_s"] == pytest.approx(60, rel=0.02)
