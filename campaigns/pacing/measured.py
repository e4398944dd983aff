"""A campaign's own times and chances as a `Plan`, and a past day as it was worked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from campaigns.campaign.modes import BROADCAST
from campaigns.legal.service import LegalService
from campaigns.pacing.model import PacingError
from campaigns.pacing.service import PacingService
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.pacing_sim import Sampler, Scenario, Times
from dialer.whatif import MODES, Plan

SQL = Queries.load("campaigns.pacing")
ENOUGH = 30
"""Answers, and conversations, below which a campaign's own times say too little."""
MOST_VALUES = 5000
BIN_S = 1800.0
LEAN = 20.0
"""Dials by which the chance of half an hour leans on the day's."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a past day was: signed-in seconds outside pauses, and what came of them."""

    date: date
    operators: int
    worked_s: float
    busy_s: float
    dials: int
    answered: int
    abandoned: int
    conversations: int

    @property
    def per_hour(self) -> float:
        """Conversations an operator hour."""
        return self.conversations / (self.worked_s / 3600.0) if self.worked_s else 0.0

    @property
    def wait_s(self) -> float:
        """From free to the next conversation, on average."""
        return max(0.0, self.worked_s - self.busy_s) / max(1, self.conversations)

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0


class MeasuredPlans:
    """Plans from the attempts and shifts of one floor."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id
        self._pacing, self._legal = PacingService(pool, floor_id), LegalService(pool, floor_id)

    async def plan(self, name: str, days: float, lines: int) -> Plan:
        """The campaign as measured over the last `days`, with 1 operator and 8 hours.

        Raises PacingError `unknown_campaign`, `too_little_measured`.
        """
        row = await self._sampled(name)
        now = datetime.now(UTC)
        scenario = await self._scenario(row, now - timedelta(days=days), now, lines)
        left = await self._pool.fetchrow(SQL.leads_left, row["id"])
        assert left is not None
        return await self._as_plan(row, scenario, left["leads"], float(left["dials_per_lead"]))

    async def day(self, name: str, when: date, zone: str, lines: int) -> tuple[Plan, Day]:
        """A past day of the floor's calendar: who worked when, who answered by half hours.

        Raises PacingError `unknown_campaign`, `too_little_measured`, `nobody_worked`.
        """
        row = await self._sampled(name)
        begin = datetime.combine(when, time(), ZoneInfo(zone))
        end = datetime.combine(when + timedelta(days=1), time(), ZoneInfo(zone))
        scenario = await self._scenario(row, begin, end, lines)
        work = await self._pool.fetch(SQL.worked, self._floor_id, begin, end, row["id"])
        if not work:
            raise PacingError(
                "nobody_worked",
                f"nobody worked for {name!r} on {when}",
                f"{when} никто не работал на кампании {name!r}",
                status=404,
            )
        first = min(r["begin"] for r in work)
        hours = (max(r["end"] for r in work) - first) / 3600.0
        away, operators = _away(
            [(r["operator_id"], r["begin"] - first, r["end"] - first) for r in work]
        )
        bins = await self._pool.fetch(SQL.answered_by_bin, row["id"], begin, end, first, BIN_S)
        scenario = Scenario(
            name=f"{name} {when}",
            operators=operators,
            chance=_chances(bins),
            answer_s=scenario.answer_s,
            failure_s=scenario.failure_s,
            talk_s=scenario.talk_s,
            wrap_s=scenario.wrap_s,
            hours=hours,
            lines=lines,
            away=away,
        )
        fact = await self._pool.fetchrow(SQL.day_fact, row["id"], begin, end)
        assert fact is not None
        worked = sum(r["end"] - r["begin"] for r in work)
        day = Day(when, operators, worked, **{k: fact[k] for k in _FACTS})
        return await self._as_plan(row, scenario, 0, 1.0), day

    async def _sampled(self, name: str) -> asyncpg.Record:
        """A campaign that operators work for. Raises PacingError."""
        row = await self._pacing.find(name)
        if row["mode"] == BROADCAST:
            raise PacingError(
                "no_operators",
                f"{name!r} is a broadcast: it goes by lines and calls per second, and there are no "
                "operators to simulate",
                f"{name!r} в режиме broadcast: темп задают линии и вызовы в секунду, "
                "операторов для моделирования нет",
                status=422,
            )
        return row

    async def _as_plan(
        self, row: asyncpg.Record, scenario: Scenario, leads: int, dials: float
    ) -> Plan:
        profile = await self._legal.profile(row["legal_profile"])
        return Plan(
            scenario,
            mode=row["mode"] if row["mode"] in MODES else "predictive",
            cap=min(row["max_abandon_rate"], profile.abandonment.max_rate),
            window_s=profile.abandonment.window_s,
            leads=leads,
            dials_per_lead=dials,
        )

    async def _scenario(
        self, row: asyncpg.Record, begin: datetime, end: datetime, lines: int
    ) -> Scenario:
        values: dict[str, list[float]] = {"answer": [], "failure": [], "talk": [], "wrap_up": []}
        for found in await self._pool.fetch(SQL.durations, row["id"], begin, end, MOST_VALUES):
            values[found["kind"]].append(float(found["seconds"]))
        self._enough(row["name"], values)
        counts = await self._pool.fetchrow(SQL.day_fact, row["id"], begin, end)
        assert counts is not None
        chance = counts["answered"] / max(1, counts["answered"] + counts["not_answered"])
        return Scenario(
            name=row["name"],
            operators=1,
            chance=((0.0, chance),),
            answer_s=_times(values["answer"]),
            failure_s=_times(values["failure"]),
            talk_s=_times(values["talk"]),
            wrap_s=_times(values["wrap_up"]),
            lines=lines,
        )

    def _enough(self, name: str, values: dict[str, list[float]]) -> None:
        answers, talks = len(values["answer"]), len(values["talk"])
        if min(answers, talks) >= ENOUGH and values["failure"]:
            values["wrap_up"] = values["wrap_up"] or [0.0]
            return
        raise PacingError(
            "too_little_measured",
            f"{name!r} has {answers} answers and {talks} conversations in that time; {ENOUGH} of "
            "each are needed. Take more days or another one, or state the times in a file: --file",
            f"у кампании {name!r} за это время {answers} ответов и {talks} разговоров; нужно по "
            f"{ENOUGH}. Возьмите больше дней или другой день, или задайте времена файлом: --file",
            status=422,
        )


_FACTS = ("busy_s", "dials", "answered", "abandoned", "conversations")


def _times(values: Sequence[float]) -> Sampler:
    return Times(tuple(values))


def _away(
    work: Sequence[tuple[int, float, float]],
) -> tuple[tuple[tuple[int, float, float], ...], int]:
    """(operator, leaves, returns) from (operator id, begins, ends) of work; seconds of the day."""
    by_operator: dict[int, list[tuple[float, float]]] = {}
    for operator, begin, end in sorted(work):
        by_operator.setdefault(operator, []).append((begin, end))
    away: list[tuple[int, float, float]] = []
    for place, spans in enumerate(by_operator.values()):
        gone = 0.0
        for begin, end in spans:
            if begin - gone > 1.0:
                away.append((place, gone, begin))
            gone = max(gone, end)
        away.append((place, gone, float("inf")))
    return tuple(away), len(by_operator)


def _chances(bins: Sequence[Any]) -> tuple[tuple[float, float], ...]:
    """Chance of an answer by half hours; thin ones lean on the day's."""
    answered = sum(r["answered"] for r in bins)
    usual = answered / max(1, sum(r["dials"] for r in bins))
    found = {r["bin"] * BIN_S: (r["answered"] + LEAN * usual) / (r["dials"] + LEAN) for r in bins}
    found.setdefault(0.0, usual)
    return tuple(sorted(found.items()))
