"""Reports say the same out of roll-ups and out of the rows, at any moment."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from monitoring.reports.catalog import KINDS, Filters, Request, request
from monitoring.reports.forms import FORMS
from monitoring.reports.period import Period
from monitoring.reports.service import ReportService
from monitoring.reports.sheet import Report
from monitoring.rollups.service import Rollups
from tests.database.staff import ROWS, TestFloor

HISTORY = Queries.load(Path(__file__).with_name("history.sql"))
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
# Clocks go back on the 26th: that day has 25 hours.
BEGIN = datetime(2025, 10, 25, tzinfo=BERLIN).astimezone(UTC)
END = BEGIN + timedelta(hours=73)
NOW = END + timedelta(hours=3)
WHOLE = Period(BEGIN, END, BERLIN)
ODD = Period(BEGIN + timedelta(minutes=607), END - timedelta(hours=9, minutes=13), KATHMANDU)
LIST = 'Ромашка "2" 🌷'
SUMS = ("dials", "conversations", "abandoned", "answered")


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    """Three days of four operators in two teams, two campaigns, two lists."""
    dice, floor = random.Random(7), await TestFloor.make(pool)
    await pool.execute(HISTORY.time_zone, floor.id, BERLIN.key)
    await pool.execute(ROWS.dispositions, floor.id)
    await floor.add_list("alpha", 30)
    await floor.add_list(LIST, 30, 100)
    for name in ("spring", "autumn"):
        new = NewCampaign(name, ("alpha", LIST), "carrier")
        await CampaignService(pool, floor.id, "main").create(new, "olga")
    staff = [await floor.add_operator(login) for login in ("anna", "boris", "vera", "gleb")]
    for number, operator in enumerate(staff[:3]):
        await pool.execute(HISTORY.team, operator, ("north", "north", "south")[number])
        await _work(floor, dice, operator)
    leads = [row["id"] for row in await pool.fetch(HISTORY.lead_ids)]
    for lead in leads * 2:
        await _dial(floor, dice, lead, staff)
    await pool.execute(HISTORY.mode, BEGIN + timedelta(hours=20))
    return floor


async def _work(floor: TestFloor, dice: random.Random, operator: int) -> None:
    """One shift through the night of 25 hours."""
    at, states = BEGIN + timedelta(hours=dice.uniform(8, 12)), []
    for _ in range(12):
        for state in ("ready", "talking", "wrap_up", "paused"):
            states.append((state, at))
            at += timedelta(seconds=dice.uniform(1, 3600))
    await floor.add_shift(operator, states, at)


async def _dial(floor: TestFloor, dice: random.Random, lead: int, staff: list[int]) -> None:
    placed = BEGIN + dice.random() * (END - BEGIN)
    own = {
        "dial_operator_id": dice.choice([None, *staff]),
        "dial_interval_s": dice.expovariate(1 / 30),
        "operator_dial_interval_s": dice.random(),
    }
    outcome = dice.choice(["answered", "no_answer", "abandoned", "busy", "machine"])
    rang, ended = (placed + timedelta(seconds=dice.uniform(*ends)) for ends in ((1, 2), (40, 900)))
    if outcome != "answered":
        answered = placed + timedelta(seconds=20) if outcome == "abandoned" else None
        await floor.add_attempt(lead, placed, outcome=outcome, rang_at=rang, ended_at=ended,
                                answered_at=answered, **own,
                                ended_by=dice.choice(["operator", "person"]))  # fmt: skip
        return
    first, second = dice.sample(staff, 2)
    begin, middle = placed + timedelta(seconds=30), placed + timedelta(seconds=35)
    attempt = await floor.add_attempt(
        lead, placed, outcome="answered", rang_at=rang, answered_at=begin, bridged_at=begin,
        ended_at=ended, operator_id=second, ended_by="person",
        said=dice.choice([None, "agreed", "refused"]), **own,
    )  # fmt: skip
    parts = [(second, begin, ended, "answer")]
    if dice.random() < 0.3:
        parts = [(first, begin, middle, "answer"), (second, middle, ended, "transfer")]
    for part in parts:
        await floor.pool.execute(ROWS.part, attempt, *part)


def questions() -> list[Request]:
    """Every report by every cut, and each with some of the filters and periods."""
    narrow = [Filters(), Filters(operators=("anna", "vera")), Filters(teams=("north",)),
              Filters(campaigns=("spring",), lists=(LIST,))]  # fmt: skip
    found, number = [], 0
    for name in FORMS:
        kind = KINDS[name]
        for by in kind.by or (None,):
            for period in (WHOLE, ODD):
                number += 1
                only = narrow[number % len(narrow)]
                if only.by_kind().keys() - set(kind.filters):
                    only = Filters()
                found.append(request(name, period, by=by, filters=only))
    return found


async def answers(floor: TestFloor) -> list[Any]:
    service = ReportService(floor.pool, floor.id)
    return [rounded(await service.make(asked, NOW)) for asked in questions()]


def even(values: Iterable[Any]) -> list[Any]:
    """Without the last digits of seconds: they depend on the order in which they were added."""
    return [round(value, 4) if isinstance(value, float) else value for value in values]


async def kept_cells(floor: TestFloor) -> list[list[Any]]:
    return [even(row.values()) for row in await floor.pool.fetch(HISTORY.cells)]


def rounded(report: Report) -> Any:
    def cells(row: Any) -> Any:
        return row and even(row.cells)

    tables = [([cells(r) for r in t.rows], cells(t.totals)) for t in report.tables]
    return (report.name, report.by, report.filters, tables, report.warnings)


async def test_roll_ups_and_rows_say_the_same_through_late_changes(
    floor: TestFloor, database: str
) -> None:
    rollups, rows = Rollups(database, floor.id), await answers(floor)
    step = await rollups.fill(NOW)
    assert (step.until, step.behind) == (END + timedelta(minutes=90), False)
    assert await answers(floor) == rows

    anna = await floor.pool.fetchval(ROWS.operator_id, "anna")
    for change, values in (("correct_some", ()), ("delete_some", ()), ("cut_states", ()),
                           ("move_part", (anna,))):  # fmt: skip
        await floor.pool.execute(HISTORY[change], *values)
    late = BEGIN + timedelta(hours=25, minutes=7)
    await _dial(floor, random.Random(late.timestamp()), 1, [anna, anna + 1])
    changed = await answers(floor)
    assert changed != rows
    assert await floor.pool.fetchval(HISTORY.marks) > 0
    await rollups.once(NOW)
    assert await floor.pool.fetchval(HISTORY.marks) == 0
    assert await answers(floor) == changed
    kept = await kept_cells(floor)
    assert (await rollups.fill(NOW, anew=True)).until == step.until
    assert await kept_cells(floor) == kept
    await floor.pool.execute(HISTORY.no_rollups)
    assert await answers(floor) == changed


async def test_counts_equal_the_rows_and_percentiles_are_within_two_percent(
    floor: TestFloor, database: str
) -> None:
    truth = await floor.pool.fetchrow(HISTORY.interval_truth, WHOLE.since, WHOLE.until)
    assert truth is not None
    await Rollups(database, floor.id).fill(NOW)
    service = ReportService(floor.pool, floor.id)
    report = await service.make(request("productivity", WHOLE, by="campaign"), NOW)
    table = report.tables[0]
    assert table.totals is not None
    found = dict(zip((c.key for c in table.form.columns), table.totals.cells, strict=True))
    assert [found[k] for k in ("dials", "conversations")] == [
        truth["dials"],
        truth["conversations"],
    ]
    assert found["trunk_s"] == pytest.approx(truth["trunk_s"], abs=1e-5)
    for key, name in (("interval_median_s", "median"), ("interval_p90_s", "p90")):
        assert found[key] == pytest.approx(truth[name], rel=0.02)


async def test_roll_ups_are_what_is_read_and_a_floor_that_moves_has_them_made_anew(
    floor: TestFloor, database: str
) -> None:
    rollups, service = Rollups(database, floor.id), ReportService(floor.pool, floor.id)
    asked = request("outcomes", WHOLE, by="campaign")
    rows = rounded(await service.make(asked, NOW))
    await rollups.fill(NOW)
    await floor.pool.execute(HISTORY.spoil_cells)
    assert rounded(await service.make(asked, NOW)) != rows
    await floor.pool.execute(HISTORY.time_zone, floor.id, "Asia/Tokyo")
    assert rounded(await service.make(asked, NOW)) == rows
    await rollups.fill(NOW)
    assert rounded(await service.make(asked, NOW)) == rows
    by_person = replace(asked, by="operator")
    assert rounded(await service.make(by_person, NOW))[3][0][1][2:] == rows[3][0][1][1:]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
async def test_hours_of_operators_are_rolled_up_with_their_days(
    floor: TestFloor, database: str, zone: str
) -> None:
    await floor.pool.execute(HISTORY.time_zone, floor.id, zone)
    service, own = ReportService(floor.pool, floor.id), ZoneInfo(zone)
    viewers = {own, BERLIN, ZoneInfo("Asia/Kolkata")}
    only = (Filters(operators=("anna",)), Filters(teams=("north",)))
    asked = [
        request(name, Period(ODD.since, ODD.until, viewer), by=by, filters=filters)
        for viewer in sorted(viewers, key=str)
        for name in ("productivity", "conversion")
        for by, filters in (("operator", Filters()), ("team", Filters()),
                            *((by, one) for by in ("hour", "day") for one in only))
    ]  # fmt: skip

    async def answered() -> list[Any]:
        return [rounded(await service.make(one, NOW)) for one in asked]

    rows = await answered()
    rollups = Rollups(database, floor.id)
    await rollups.fill(NOW)
    assert await answered() == rows
    await floor.pool.execute(HISTORY.correct_some)
    changed = await answered()
    assert changed != rows
    await rollups.fill(NOW)
    assert await answered() == changed
    await floor.pool.execute(HISTORY.spoil_person_hours)
    spoiled = [
        one.by for one, now, true in zip(asked, await answered(), changed, strict=True)
        if now != true and one.period.zone == own
    ]  # fmt: skip
    assert set(spoiled) == {"operator", "team", "hour", "day"}


async def test_what_is_not_over_keeps_its_hour_open(floor: TestFloor, database: str) -> None:
    await floor.add_attempt(1, BEGIN + timedelta(hours=30))
    step = await Rollups(database, floor.id).fill(NOW)
    assert step.until == BEGIN + timedelta(hours=30)


async def test_a_floor_without_history_has_nothing_to_roll_up(pool: Pool, database: str) -> None:
    floor = await TestFloor.make(pool)
    assert (await Rollups(database, floor.id).fill(NOW)).until is None


async def test_days_with_nothing_are_passed_over_until_something_is_added(
    floor: TestFloor, database: str
) -> None:
    """A first dial, then a month without any."""
    await floor.add_attempt(1, BEGIN - timedelta(days=30), outcome="busy", ended_at=BEGIN)
    rollups, service = Rollups(database, floor.id), ReportService(floor.pool, floor.id)
    long = Period(BEGIN - timedelta(days=31), END, BERLIN)
    asked = [request("productivity", long, by=by) for by in ("day", "hour", "campaign")]
    rows = [rounded(await service.make(ask, NOW)) for ask in asked]
    made = []
    while (step := await rollups.once(NOW)).behind:
        made.append(step.cells)
    assert len(made) > 30 and sum(cells > 0 for cells in made) < 6
    assert [rounded(await service.make(ask, NOW)) for ask in asked] == rows

    quiet = BEGIN - timedelta(days=15)
    await floor.add_attempt(2, quiet, outcome="busy", ended_at=quiet + timedelta(seconds=9))
    late = [rounded(await service.make(ask, NOW)) for ask in asked]
    assert late != rows
    assert (await rollups.once(NOW)).cells > 0
    assert [rounded(await service.make(ask, NOW)) for ask in asked] == late
