"""Ten years of history: every year of it and the whole, the same as the rows say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialer.database.pool import Pool
from monitoring.reports.asked import Asked, read
from monitoring.reports.service import ReportService
from monitoring.reports.sheet import Report
from monitoring.rollups import service as rollups_service
from monitoring.rollups.service import Rollups
from tests.database.staff import ROWS, TestFloor

MOSCOW = ZoneInfo("Europe/Moscow")
YEARS = tuple(range(2016, 2026))
NOW = datetime(2026, 1, 1, tzinfo=MOSCOW).astimezone(UTC)
BEGIN = datetime(2016, 1, 1, tzinfo=MOSCOW).astimezone(UTC)
OUTCOMES = ("answered", "no_answer", "busy", "invalid", "abandoned", "machine")
LOGINS = ("anna", "boris", "vera")
# By operators, by list, by day of ten years; what is counted by the called people's own hours.
CUTS = (("productivity", "operator"), ("conversion", "list"), ("outcomes", "day"),
        ("best-hours", None), ("abandonment", None), ("signals", None))  # fmt: skip
OLDEST = "2016-01-01"


@dataclass(frozen=True)
class Dial:
    """One attempt as the test made it: what reports are held against."""

    placed_at: datetime
    outcome: str
    operator: str
    talk_s: float

    @property
    def year(self) -> int:
        return self.placed_at.astimezone(MOSCOW).year


@dataclass(frozen=True)
class History:
    floor: TestFloor
    dials: tuple[Dial, ...]

    def of(self, year: int | None) -> list[Dial]:
        return [one for one in self.dials if year in (None, one.year)]

    async def report(
        self, name: str, by: str | None, year: int | None, compare: str | None = None
    ) -> Report:
        since, until = (OLDEST, "2025-12-31") if year is None else (str(year), None)
        asked = read(Asked(name, since, until, compare, by), MOSCOW.key, NOW, "en")
        return await ReportService(self.floor.pool, self.floor.id).make(asked, NOW)


@pytest.fixture
async def history(pool: Pool) -> History:
    """Something every two weeks or so; the first and the last moment of each year too."""
    floor, dice = await TestFloor.make(pool), Random(10)
    await floor.add_campaign("long", 40)
    staff = {login: await floor.add_operator(login) for login in LOGINS}
    leads = [row["id"] for row in await pool.fetch(ROWS.leads, "long")]
    edges = [datetime(year, 1, 1, tzinfo=MOSCOW).astimezone(UTC) for year in YEARS]
    moments = [*edges, *(edge - timedelta(seconds=1) for edge in (*edges[1:], NOW))]
    at = BEGIN
    while (at := at + timedelta(days=dice.uniform(4, 24))) < NOW - timedelta(days=1):
        moments.append(at)
    dials = []
    for at in sorted(moments):
        login, outcome = dice.choice(LOGINS), dice.choice(OUTCOMES)
        dials.append(Dial(at, outcome, login, dice.uniform(4, 300)))
        await _put(floor, dials[-1], dice.choice(leads), staff[login])
    return History(floor, tuple(dials))


async def _put(floor: TestFloor, dial: Dial, lead: int, operator: int) -> None:
    at, heard = dial.placed_at, dial.outcome in ("answered", "abandoned", "machine")
    talked = dial.outcome == "answered"
    # Answered at once: people count in the year in which they answered.
    ended = at + timedelta(seconds=dial.talk_s)
    attempt = await floor.add_attempt(
        lead, at, outcome=dial.outcome, rang_at=at, answered_at=at if heard else None,
        bridged_at=at if talked else None, ended_at=ended, ended_by="person",
        dial_operator_id=operator, operator_id=operator if talked else None,
        said="agreed" if talked else None,
    )  # fmt: skip
    if talked:
        await floor.pool.execute(ROWS.part, attempt, operator, at, ended, "answer")
        states = [("ready", at - timedelta(minutes=5)), ("talking", at), ("wrap_up", ended)]
        await floor.add_shift(operator, states, ended + timedelta(minutes=1))


def shown(report: Report) -> Any:
    def cells(row: Any) -> Any:
        return row and [round(c, 4) if isinstance(c, float) else c for c in row.cells]

    return [([cells(r) for r in t.rows], cells(t.totals)) for t in report.tables]


def totals(report: Report, table: str) -> dict[str, Any]:
    found = report.table(table)
    assert found.totals is not None
    keys = (column.key for column in found.form.columns)
    return dict(zip(keys, found.totals.cells, strict=True))


async def answers(history: History) -> dict[tuple[str, int | None], Any]:
    return {
        (name, year): shown(await history.report(name, by, year))
        for name, by in CUTS
        for year in (None, *YEARS)
    }


async def held_against_the_rows(history: History) -> None:
    """Each year and all ten, counted here in Python."""
    for year in (None, *YEARS):
        dials = history.of(year)
        came_to = Counter(dial.outcome for dial in dials)
        found = totals(await history.report("outcomes", "day", year), "outcomes")
        assert found["dials"] == len(dials)
        assert {outcome: found[outcome] for outcome in OUTCOMES} == {
            outcome: came_to[outcome] for outcome in OUTCOMES
        }
        work = await history.report("productivity", "operator", year)
        table = work.table("work")
        number = table.form.index("dials")
        by_login = {str(row.cells[0]): row.cells[number] for row in table.rows}
        each = Counter(dial.operator for dial in dials)
        assert by_login == {login: each[login] for login in LOGINS}
        table = (await history.report("signals", None, year)).table("operators")
        dialed = sum(int(str(row.cells[table.form.index("dials")])) for row in table.rows)
        assert dialed == len(dials)
        talks = [dial.talk_s for dial in dials if dial.outcome == "answered"]
        found = totals(work, "work")
        assert (found["conversations"], found["short"]) == (len(talks), sum(s < 10 for s in talks))
        assert found["talk_s"] == pytest.approx(sum(talks), abs=0.01)
        # A conversation over midnight of the new year has seconds in both.
        edges = (year or YEARS[0], (year or YEARS[-1]) + 1)
        first, last = (datetime(edge, 1, 1, tzinfo=MOSCOW).astimezone(UTC) for edge in edges)
        seconds = sum(seconds_inside(dial, first, last) for dial in history.of(None))
        assert found["talking_s"] == pytest.approx(seconds, abs=0.01)


def seconds_inside(dial: Dial, first: datetime, last: datetime) -> float:
    begin, end = dial.placed_at, dial.placed_at + timedelta(seconds=dial.talk_s)
    inside = (min(end, last) - max(begin, first)).total_seconds()
    return max(inside, 0.0) if dial.outcome == "answered" else 0.0


async def test_ten_years_out_of_rows_and_of_roll_ups_in_part(
    history: History, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(history.dials) > 200
    await held_against_the_rows(history)
    rows = await answers(history)
    # The first year from roll-ups and the others from rows; then two, with the seam elsewhere. A
    # step takes a day, so that dialing is not held up; nobody dials here.
    monkeypatch.setattr(rollups_service, "AT_ONCE", timedelta(days=366))
    for years in (1, 2):
        step = await Rollups(database, history.floor.id).once(NOW)
        assert step.until == BEGIN + timedelta(days=366 * years)
        assert await answers(history) == rows
    await held_against_the_rows(history)


async def test_each_year_is_compared_with_the_one_before(history: History) -> None:
    for before, year in pairwise(YEARS):
        report = await history.report("outcomes", "campaign", year, str(before))
        (row,) = report.table("outcomes").rows
        assert row.before is not None
        assert (row.cells[1], row.before[1]) == (
            len(history.of(year)),
            len(history.of(before)),
        )
