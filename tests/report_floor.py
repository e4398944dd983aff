"""A floor that worked for some days, the same every time: what reports are looked at with."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.database.pool import Pool
from monitoring.plans.model import Plan
from monitoring.plans.service import PlanService
from tests.database.staff import ROWS, TestFloor

MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)  # nine o'clock in Moscow
NOW = datetime(2026, 3, 10, 18, tzinfo=UTC)
STAFF = {
    "anna": "Анна Соколова",
    "boris": "Борис Зимин",
    "vera": 'Вера "Лис" Ким 🌷',
    "gleb": "Глеб Орлов",
    "dina": "Дина Ахметова",
}
CAMPAIGNS = {"Весна 2026": ("Опт", "Розница"), "Возврат клиентов": ("Бывшие клиенты",)}
ENDS = (
    *("no_answer",) * 42, *("answered",) * 34, *("busy",) * 8, *("invalid",) * 6,
    *("machine",) * 5, *("rejected",) * 3, *("abandoned",) * 1, *("failed",) * 1,
)  # fmt: skip


class Worked:
    """Rows of `days` days. The number of dials a day and operator is about `dials`."""

    def __init__(self, pool: Pool, days: int = 6, dials: int = 24) -> None:
        self._pool, self._days, self._dials = pool, days, dials
        self._random = random.Random(7)
        self.leads: dict[str, list[int]] = {}

    async def make(self) -> TestFloor:
        self.floor = await TestFloor.make(self._pool)
        await self._pool.execute(ROWS.dispositions, self.floor.id)
        first = 0
        for name, lists in CAMPAIGNS.items():
            for one in lists:
                await self.floor.add_list(one, 150, first)
                first += 150
            new = NewCampaign(name, lists, "carrier")
            await CampaignService(self._pool, self.floor.id, "main").create(new, "olga")
            self.leads[name] = [row["id"] for row in await self._pool.fetch(ROWS.leads, name)]
        self.staff = {login: await self.floor.add_operator(login) for login in STAFF}
        for login, name in STAFF.items():
            await self._pool.execute("update operator set full_name = $2 where login = $1",
                                     login, name)  # fmt: skip
        for day in range(self._days):
            for number, login in enumerate(STAFF):
                await self._work(self.staff[login], MONDAY + timedelta(days=day), number)
        return self.floor

    async def promise(self) -> None:
        """Teams, plans, and callbacks, most of which are kept."""
        plans, first = PlanService(self._pool, self.floor.id), MONDAY.date()
        for number, (login, operator) in enumerate(self.staff.items()):
            await self._pool.execute(ROWS.team, operator, ("Север", "Юг")[number % 2])
            await plans.set(Plan("operator", login, "target", 4, first), "olga")
            await plans.set(Plan("operator", login, "conversations", 10, first), "olga")
        leads = [lead for ids in self.leads.values() for lead in ids]
        for number in range(40):
            lead, operator = leads[-1 - number], list(self.staff.values())[number % 5]
            at = MONDAY + timedelta(days=number % 6, hours=1 + number % 7)
            dialed = None if number % 9 == 8 else at + timedelta(minutes=number % 8 * 2)
            status = "done" if dialed else "missed"
            callback = await self._pool.fetchval(ROWS.callback, lead, at, status, operator)
            if dialed:
                attempt = await self.floor.add_attempt(lead, dialed, outcome="no_answer")
                await self._pool.execute(ROWS.of_callback, attempt, callback)

    async def _work(self, operator: int, begin: datetime, number: int) -> None:
        """One operator's day: dial, perhaps talk, note, wait; an hour of rest in the middle."""
        dice, at = self._random, begin + timedelta(seconds=40 * number)
        states = [("connecting", at), ("ready", at + timedelta(seconds=20))]
        names, last = list(self.leads), None
        for turn in range(turns := round(self._dials * (1 - 0.07 * number)) + dice.randint(-3, 3)):
            at += timedelta(seconds=dice.uniform(20, 1500))
            if turn == turns // 2:
                states.append(("paused", at))
                at += timedelta(hours=1)
            outcome, ring = dice.choice(ENDS), dice.uniform(3, 25)
            lead = dice.choice(self.leads[dice.choice((names[0], names[0], names[1]))])
            answered = at + timedelta(seconds=ring)
            talk = min(dice.expovariate(1 / 110) + 4, 900) if outcome == "answered" else 6
            ended = answered + timedelta(seconds=talk)
            gap = (at - last).total_seconds() if last else None
            heard = outcome in ("answered", "abandoned", "machine")
            attempt = await self.floor.add_attempt(
                lead, at, outcome=outcome, rang_at=at + timedelta(seconds=2),
                answered_at=answered if heard else None, ended_at=ended,
                bridged_at=answered if outcome == "answered" else None,
                dial_operator_id=operator, operator_id=operator if outcome == "answered" else None,
                dial_interval_s=gap and gap / 4, operator_dial_interval_s=gap,
                ended_by=dice.choice(("person", "operator")) if heard else None,
                said=dice.choice(("agreed", "refused", "refused")) if talk > 20 and heard else None,
            )  # fmt: skip
            states.append(("dialing", at))
            if outcome == "answered":
                await self._pool.execute(ROWS.part, attempt, operator, answered, ended, "answer")
                states += [("talking", answered), ("wrap_up", ended)]
                ended += timedelta(seconds=dice.uniform(5, 60))
            states.append(("ready", ended))
            last, at = at, ended
        await self.floor.add_shift(operator, states, at + timedelta(seconds=30))
