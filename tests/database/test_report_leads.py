"""Counts of leads out of roll-ups are those of the rows, whatever happens and whenever it does."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.list_health.service import read_health
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from monitoring.reports.bases import lists_of
from monitoring.reports.catalog import request
from monitoring.reports.period import Period
from monitoring.reports.service import ReportService
from monitoring.reports.signaled import worked
from monitoring.reports.source import Scope, Source
from monitoring.rollups import leads as leads_of_rollups
from monitoring.rollups.service import SQL as ROLLUPS
from monitoring.rollups.service import Rollups
from tests.database.staff import ROWS, TestFloor

HAPPENS = Queries.load(Path(__file__).with_name("leads.sql"))
SIGNALS = Queries.load(Path(__file__).with_name("signals.sql"))
MOSCOW = "Europe/Moscow"
OUTCOMES = ("answered", "abandoned", "no_answer", "busy", "invalid", "failed")
STATUSES = ("new", "retry", "done", "done", "done")
ENDINGS = ("end_attempts", "correct_attempt", "remove_attempt", "move_attempt")


class Life:
    """A floor with two campaigns of two lists, to which things happen at random."""

    def __init__(self, floor: TestFloor, dice: random.Random, staff: list[int]) -> None:
        self.floor, self.dice, self._staff, self._zone = floor, dice, staff, MOSCOW

    @classmethod
    async def begin(cls, pool: Pool, dice: random.Random) -> Life:
        floor = await TestFloor.make(pool)
        await floor.add_list("alpha", 20)
        await floor.add_list("beta", 20, 100)
        for name in ("spring", "autumn"):
            new = NewCampaign(name, ("alpha",), "carrier")
            await CampaignService(pool, floor.id, "main").create(new, "olga")
        await pool.execute(ROWS.dispositions, floor.id)
        await pool.execute(HAPPENS.junk, floor.id)
        staff = [await floor.add_operator(login) for login in ("anna", "boris")]
        return cls(floor, dice, staff)

    async def happen(self) -> None:
        """One thing, to what there is then."""
        kinds = (self.dial, self.dial, self.dial_long_ago, self.end, self.end, self.stand,
                 self.stand, self.come, self.go)  # fmt: skip
        await self.dice.choice(kinds)()

    async def dial(self) -> None:
        at = datetime.now(UTC) - timedelta(seconds=self.dice.uniform(1, 1800))
        outcome = self.dice.choice((None, *OUTCOMES))
        await self._dial(at, outcome)

    async def dial_long_ago(self) -> None:
        at = datetime.now(UTC) - timedelta(hours=self.dice.uniform(2, 24 * 20))
        await self._dial(at, self.dice.choice(OUTCOMES))

    async def _dial(self, at: datetime, outcome: str | None) -> None:
        await self._do("end_attempts", self.dice.choice(OUTCOMES))  # one at a time is open
        ended = at + timedelta(seconds=20) if outcome else None
        who = self.dice.choice((None, *self._staff))
        said = self.dice.choice((None, "agreed", "junk")) if outcome == "answered" else None
        await self.floor.add_attempt(await self._lead(), at, outcome=outcome, ended_at=ended,
                                     dial_operator_id=who, said=said)  # fmt: skip

    async def end(self) -> None:
        lead, other = await self._lead(), await self._lead()
        await self._do("end_attempts", self.dice.choice(OUTCOMES))
        what = self.dice.choice(ENDINGS[1:])
        more = {"correct_attempt": (self.dice.choice(OUTCOMES),), "move_attempt": (other,)}
        await self._do(what, lead, *more.get(what, ()))

    async def stand(self) -> None:
        lead, approaches = await self._lead(), self.dice.randint(0, 3)
        await self._do("stand", lead, self.dice.choice(STATUSES), approaches)

    async def come(self) -> None:
        campaigns = [row["id"] for row in await self.floor.pool.fetch(HAPPENS.campaigns)]
        which, most = self.dice.randrange(7), self.dice.randint(1, 5)
        await self._do("add_leads", self.dice.choice(campaigns), which, most)

    async def go(self) -> None:
        lead = await self._lead()
        await self._do(self.dice.choice(("remove_lead", "remove_contact")), lead)

    async def _lead(self) -> int:
        rows = await self.floor.pool.fetch(HAPPENS.leads)
        return int(self.dice.choice(rows)["id"])

    async def _do(self, what: str, *values: object) -> None:
        await self.floor.pool.execute(HAPPENS[what], *values)

    async def move(self) -> None:
        """The floor's clocks are those of another zone from now on."""
        self._zone = "Asia/Kamchatka"
        await self._do("time_zone", self.floor.id, self._zone)

    async def agree(self) -> None:
        """Reports say what the rows do."""
        pool, floor_id, now = self.floor.pool, self.floor.id, datetime.now(UTC)
        zone, service = ZoneInfo(self._zone), ReportService(pool, floor_id)
        period = Period(now - timedelta(days=1), now, zone)
        for by in ("list", "campaign"):
            table = (await service.make(request("reach", period, by=by), now)).tables[0]
            wanted = [tuple(row) for row in await pool.fetch(HAPPENS.reach, floor_id, by)]
            assert [_counts(row.cells) for row in table.rows] == wanted
        async with pool.acquire() as connection:
            lists = await connection.fetch(HAPPENS.lists, floor_id)
            rows = [await read_health(connection, id, name, self._zone) for id, name in lists]
            since = now - timedelta(days=self.dice.uniform(0.5, 15))
            source = await Source.open(connection, floor_id)
            found = await source.worked(Period(since, now, zone), Scope())
        made = await service.make(request("lists", period), now)
        tables, _, warnings = lists_of(rows)
        assert (made.tables[0].rows, made.warnings) == (tables[0].rows, warnings)
        truth = await pool.fetch(SIGNALS.worked, floor_id, since, now)
        touches = [(row["operator_id"], row["leads"], row["first_touch"]) for row in truth]
        assert [
            (one.operator_id, one.leads, one.first_touch)
            for one in sorted(worked(found), key=lambda one: (one.operator_id, one.list_id))
        ] == touches


def _counts(cells: Any) -> tuple[Any, ...]:
    """Of a report's row what `reach` of the rows counts: name, leads, touched, reached ..."""
    name, leads, touched, reached, _, closed, first_touch, _ = cells
    return (name, leads, touched, reached, closed, first_touch)


@pytest.mark.parametrize("seed", range(2))
async def test_counts_of_leads_follow_everything(
    pool: Pool, database: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roll-ups are made at any moment, and in small pieces."""
    monkeypatch.setattr(leads_of_rollups, "MOST_LEADS", 7)
    monkeypatch.setattr(leads_of_rollups, "MOST_MARKS", 5)
    dice = random.Random(seed)
    life, rollups = await Life.begin(pool, dice), Rollups(database, 1)
    await life.agree()
    for turn in range(45):
        await life.happen()
        if dice.random() < 0.4:
            await rollups.once()
        if dice.random() < 0.4:
            await life.agree()
        if turn == 30:
            await life.move()
    await life.agree()
    later = datetime.now(UTC) + timedelta(hours=3)  # nothing is too recent to be counted
    await life.floor.pool.execute(HAPPENS.mark_one)
    assert await pool.fetchval(ROLLUPS.leads_waiting, 1) > 0
    await rollups.fill(later)
    assert await pool.fetchval(ROLLUPS.leads_waiting, 1) == 0
    await life.agree()
    kept = [await pool.fetch(HAPPENS[what]) for what in ("counted", "touches")]
    await rollups.fill(later, anew=True)
    assert all(kept)
    assert [await pool.fetch(HAPPENS[what]) for what in ("counted", "touches")] == kept
