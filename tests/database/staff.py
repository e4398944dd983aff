"""Rows that tests of services need: a floor with a node, a trunk and a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.operators.model import NewOperator
from campaigns.operators.service import OperatorService
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.store import SQL

ROWS = Queries.load(Path(__file__).with_name("staff.sql"))
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So many seconds after nine o'clock."""
    return NINE + timedelta(seconds=seconds)


@dataclass(frozen=True)
class TestFloor:
    """A floor with rows in a test's database."""

    __test__ = False

    pool: Pool
    id: int
    node_id: int
    trunk_id: int

    @classmethod
    async def make(cls, pool: Pool, name: str = "main") -> "TestFloor":
        floor_id = await pool.fetchval(SQL["ensure_floor"], name, "Europe/Moscow")
        node_id = await pool.fetchval(SQL["ensure_node"], "main")
        trunk_id = await pool.fetchval(SQL["ensure_trunk"], node_id, "carrier", 10, 5.0)
        return cls(pool, floor_id, node_id, trunk_id)

    async def add_list(self, name: str, count: int, first: int = 0) -> int:
        list_id: int = await self.pool.fetchval(ROWS.list, self.id, name)
        for number in range(first, first + count):
            await self.pool.fetchval(ROWS.contact, list_id, f"+7916000{number:04d}")
        return list_id

    async def add_campaign(self, name: str, count: int = 10) -> None:
        """A campaign of so many numbers of the list "old", with the standard dispositions."""
        await self.add_list("old", count)
        new = NewCampaign(name, ("old",), "carrier")
        await CampaignService(self.pool, self.id, "main").create(new, "olga")
        await self.pool.execute(ROWS.dispositions, self.id)

    async def add_operator(self, login: str) -> int:
        service = OperatorService(self.pool, self.id)
        await service.add(NewOperator(login, f"Name of {login}"), "tester")
        operator_id: int = await self.pool.fetchval(ROWS.operator_id, login)
        return operator_id

    async def add_shift(
        self, operator_id: int, states: Sequence[tuple[str, datetime]], end: datetime | None
    ) -> UUID:
        """States by their beginnings; the last one ends at `end`, or is open."""
        shift_id, ends = uuid4(), [begin for _, begin in states[1:]] + [end]
        start = states[0][1]
        await self.pool.execute(
            ROWS.shift, shift_id, operator_id, self.id, self.node_id, start, end
        )
        for seq, ((state, begin), ended) in enumerate(zip(states, ends, strict=True)):
            await self.pool.execute(ROWS.state, shift_id, seq, state, begin, ended)
        return shift_id

    async def add_attempt(self, lead_id: int, placed_at: datetime, **values: Any) -> UUID:
        """Columns by name; `said` is the code of its disposition. Returns the attempt's id."""
        keys = ("dial_operator_id", "operator_id", "dial_interval_s", "operator_dial_interval_s")
        times = (placed_at, values.get("bridged_at"), values.get("ended_at"))
        attempt_id = uuid4()
        more = ("outcome", "rang_at", "answered_at", "ended_by", "said")
        await self.pool.execute(
            ROWS.attempt,
            *(attempt_id, self.id, self.node_id, lead_id),
            *(values.get(key) for key in keys),
            *times,
            *(values.get(key) for key in more),
        )
        return attempt_id
