"""The report `signals` out of rows whose counts are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from monitoring.reports.catalog import Filters, request
from monitoring.reports.errors import ReportError
from monitoring.reports.period import Period
from monitoring.reports.rights import Viewer, narrowed
from monitoring.reports.service import ReportService
from monitoring.reports.sheet import Report
from monitoring.reports.signaled import worked
from monitoring.reports.signals import Worked
from monitoring.reports.source import Scope, Source
from monitoring.rollups.service import Rollups
from tests.database.staff import ROWS, TestFloor, after

TRUTH = Queries.load(Path(__file__).with_name("signals.sql"))
MOSCOW = ZoneInfo("Europe/Moscow")
DAY = Period(after(-3600), after(43200), MOSCOW)
NOW = after(86400)
LOGINS = ("anna", "boris", "vera", "gleb")
GOOD, DEAD = 'Опт "1" 🌷', "old"
EACH = 24
MARKED = """update lead set status = 'done', approaches = 1 from attempt a
    where a.lead_id = lead.id and a.dial_operator_id = $1"""
JUNK = """insert into disposition (floor_id, code, title_ru, title_en)
    values ($1, 'junk', 'Мусор', 'Junk') on conflict do nothing"""


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    """Four operators on one list: anna, boris and vera let it ring, gleb hangs up after 3 s and
    soon after hello. Another list of anna's has dead numbers."""
    floor = await TestFloor.make(pool)
    await floor.add_list(GOOD, 4 * EACH)
    await floor.add_list(DEAD, 50, 1000)
    await CampaignService(pool, floor.id, "main").create(
        NewCampaign("spring", (GOOD, DEAD), "carrier"), "olga"
    )
    await pool.execute(ROWS.dispositions, floor.id)
    await pool.execute(JUNK, floor.id)
    leads = iter([row["id"] for row in await pool.fetch(ROWS.leads, "spring")])
    staff = [await floor.add_operator(login) for login in LOGINS]
    for operator, ring, talk in zip(staff, (20, 24, 22, 3), (60, 60, 60, 5), strict=True):
        for number in range(EACH):
            await _dial(floor, next(leads), operator, 120.0 * number, ring, talk)
    for number in range(50):
        outcome = "invalid" if number < 20 else "busy"
        at = after(120 * number)
        await floor.add_attempt(next(leads), at, outcome=outcome, dial_operator_id=staff[0],
                                ended_at=at + timedelta(seconds=2), ended_by="network")  # fmt: skip
    await pool.execute(MARKED, staff[3])
    return floor


async def _dial(
    floor: TestFloor, lead: int, operator: int, at: float, ring: float, talk: float
) -> None:
    """A quarter are the operator's own hang-ups; of the others a person answers each. Gleb calls
    every second of his conversations junk."""
    own: dict[str, Any] = {"dial_operator_id": operator, "rang_at": after(at + 2)}
    if at % 480 == 0:
        await floor.add_attempt(lead, after(at), outcome="no_answer", ended_by="operator",
                                ended_at=after(at + 2 + ring), **own)  # fmt: skip
        return
    begin = after(at + 10)
    end = begin + timedelta(seconds=talk)
    said = "junk" if talk < 10 and at % 240 == 0 else "refused"
    attempt = await floor.add_attempt(
        lead, after(at), outcome="answered", answered_at=begin, bridged_at=begin, ended_at=end,
        operator_id=operator, ended_by="operator", said=said, **own,
    )  # fmt: skip
    await floor.pool.execute(ROWS.part, attempt, operator, begin, end, "answer")


async def make(floor: TestFloor, **changes: Any) -> Report:
    asked = replace(request("signals", DAY), **changes)
    return await ReportService(floor.pool, floor.id).make(asked, NOW)


def rows(report: Report, table: str) -> list[dict[str, Any]]:
    found = report.table(table)
    keys = [column.key for column in found.form.columns]
    return [dict(zip(keys, row.cells, strict=True)) for row in found.rows]


async def test_who_is_far_off_the_others_on_the_list(floor: TestFloor) -> None:
    report = await make(floor)
    found = {(row["operator"], row["list"]): row for row in rows(report, "operators")}
    assert list(found) == [("anna", DEAD), *((login, GOOD) for login in sorted(LOGINS))]
    gleb, boris = found["gleb", GOOD], found["boris", GOOD]
    assert (gleb["dials"], gleb["conversations"], gleb["peers"]) == (EACH, 18, 4)
    assert (gleb["not_reached_share"], gleb["not_reached_median"]) == (0.25, 0.25)
    ringing = (gleb["given_up_ring_s"], gleb["given_up_ring_median_s"])
    assert ringing == pytest.approx((3, 21), rel=0.02)
    assert (gleb["hasty_share"], gleb["hasty_median"]) == (0.25, 0)
    # Fewer than 20 conversations say nothing of short ones.
    assert (gleb["short_share"], gleb["short_median"]) == (1, None)
    # 6 without an answer and the 6 whose conversation was junk, of 24 leads.
    assert (gleb["first_touch_share"], gleb["first_touch_median"]) == (0.5, 0)
    assert gleb["signals"] == 3
    assert (
        gleb["signal"].ru == "гудки до своего отбоя, наборы без ожидания, закрыты с первого касания"
    )
    assert boris["given_up_ring_s"] == pytest.approx(24, rel=0.02)
    assert (boris["signals"], boris["signal"]) == (0, None)
    # Alone on a list there is nobody to be compared with.
    alone = found["anna", DEAD]
    assert (alone["not_reached_share"], alone["not_reached_median"], alone["peers"]) == (1, None, 1)
    assert f"gleb ({GOOD})" in report.warnings[0].en


async def test_lists_whose_numbers_are_dead(floor: TestFloor) -> None:
    report = await make(floor)
    good, dead = sorted(rows(report, "lists"), key=lambda row: row["dials"], reverse=True)
    assert (good["list"], good["dials"], good["invalid"], good["dead"]) == (GOOD, 96, 0, False)
    assert (dead["dials"], dead["invalid"], dead["invalid_share"]) == (50, 20, 0.4)
    assert dead["dead"] is True
    assert report.warnings[1].ru.startswith("old: много несуществующих номеров")


async def test_medians_are_of_everybody_whoever_is_asked_for(floor: TestFloor) -> None:
    whole = rows(await make(floor), "operators")
    report = await make(floor, filters=Filters(operators=("gleb",)))
    assert rows(report, "operators") == [row for row in whole if row["operator"] == "gleb"]
    assert [row["list"] for row in rows(report, "lists")] == [GOOD]
    only = await make(floor, filters=Filters(lists=(DEAD,)))
    assert [row["operator"] for row in rows(only, "operators")] == ["anna"]


async def test_figures_out_of_roll_ups_are_those_of_the_rows(
    floor: TestFloor, database: str
) -> None:
    """Of whole days, of a part of one, seen from another zone; after late changes too."""
    periods = (DAY, Period(after(-90000), after(90000), MOSCOW),
               Period(after(1100), after(1900), ZoneInfo("Asia/Kathmandu")))  # fmt: skip
    rollups = Rollups(database, floor.id)

    async def agree() -> list[list[Worked]]:
        found = []
        for period in periods:
            truth = await floor.pool.fetch(TRUTH.worked, floor.id, period.since, period.until)
            rows = [Worked(**row) for row in truth]
            found.append(rows)
            async with floor.pool.acquire() as connection:
                source = await Source.open(connection, floor.id)
                made = list(worked(await source.worked(period, Scope())))
            made.sort(key=lambda one: (one.operator_id, one.list_id))
            for one, row in zip(made, rows, strict=True):
                assert replace(one, given_up_ring_s=None) == replace(row, given_up_ring_s=None)
                if row.given_up_ring_s is not None:
                    assert one.given_up_ring_s == pytest.approx(row.given_up_ring_s, rel=0.02)
        return found

    before = await agree()
    assert all(before)
    await rollups.fill(NOW + timedelta(days=2))
    assert await agree() == before
    for change in ("said_late", "reopened", "hung_up_later", "another_talked"):
        await floor.pool.execute(TRUTH[change])
        changed = await agree()
        assert changed != before
        await rollups.fill(NOW + timedelta(days=2))
        assert await agree() == changed
        before = changed


async def test_a_year_is_made(floor: TestFloor, database: str) -> None:
    await Rollups(database, floor.id).fill(NOW + timedelta(days=2))
    year = Period(DAY.until - timedelta(days=365), DAY.until, MOSCOW)
    assert rows(await make(floor, period=year), "operators") == rows(await make(floor), "operators")


def test_operators_do_not_see_who_is_marked() -> None:
    with pytest.raises(ReportError) as caught:
        narrowed(request("signals", DAY), Viewer("gleb", "operator"))
    assert caught.value.id == "not_allowed"
