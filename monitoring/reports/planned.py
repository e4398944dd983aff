"""The report `plan`: what was planned, what was done, and how it stood at the checkpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from campaigns.refusals import Sentence
from monitoring.plans.model import MEASURES, Plan
from monitoring.plans.service import read_plans
from monitoring.reports.bases import Made
from monitoring.reports.catalog import DIMENSIONS, KINDS, By, Request
from monitoring.reports.forms_promises import PLAN, PLAN_MEASURE
from monitoring.reports.period import Period, midnight
from monitoring.reports.sheet import Chart, Form, Row, Table, Value
from monitoring.reports.source import TOTAL, Found, Scope, Source

KIND_OF: Mapping[str, str] = {
    "operator": "operator", "team": "team", "campaign": "campaign", "day": "floor",
}  # fmt: skip
LINE = "line_s"
STATES = ("dialing_s", "talking_s", "hold_s", "consult_s")


@dataclass
class Line:
    """One row: a subject and a measure. None: no checkpoint has been reached."""

    plan: float = 0.0
    fact: float = 0.0
    at_checkpoint: tuple[float, float] | None = None


class Planned:
    """Makes the report out of a source; `now` decides whether the checkpoint is over."""

    def __init__(self, source: Source, scope: Scope, now: datetime) -> None:
        self._source, self._scope, self._now = source, scope, now
        self._seen: dict[tuple[datetime, datetime], Found] = {}
        self._measures: set[str] = set()
        self._ids: dict[str, list[str]] = defaultdict(list)
        for one in source.names.people.values():
            self._ids[one.login].append(str(one.id))

    async def make(self, request: Request) -> Made:
        assert request.by is not None
        zone = ZoneInfo(self._source.zone)
        last_day = (request.period.asked_until or request.period.until).astimezone(zone)
        period = replace(request.period, zone=zone)
        plans = await read_plans(
            self._source.connection, self._source.floor_id, period.first_day, last_day.date()
        )
        kind = KIND_OF[request.by]
        lines: dict[tuple[str, str], Line] = defaultdict(Line)
        wanted = [plan for plan in plans if plan.kind == kind and self._wanted(request, plan)]
        self._measures = {plan.measure for plan in wanted}
        for plan in wanted:
            await self._add(request, period, plan, lines)
        return _shown(request.by, dict(lines), self._source)

    def _wanted(self, request: Request, plan: Plan) -> bool:
        filters = request.filters
        names = {
            "operator": filters.operators, "team": filters.teams, "campaign": filters.campaigns
        }.get(plan.kind, ())  # fmt: skip
        in_team = plan.kind != "operator" or self._scope.operators is None
        in_team = in_team or bool(
            set(self._keys(plan)) & {str(i) for i in self._scope.operators or ()}
        )
        return (not names or plan.subject in names) and in_team

    async def _add(
        self, request: Request, period: Period, plan: Plan, lines: dict[tuple[str, str], Line]
    ) -> None:
        """The plan's working days inside the period, and what was done on its days."""
        days = list(plan.days(period.first_day, period.last_day))
        if not days:
            return
        begin = max(period.since, midnight(plan.since, period.zone))
        end = period.until if plan.until is None else midnight(plan.until, period.zone)
        found = await self._facts(
            request, replace(period, since=begin, until=min(end, period.until))
        )
        if request.by == "day":
            for day in days:
                line = lines[day.isoformat(), plan.measure]
                line.plan += plan.amount
                line.fact += _sum(found, [day.isoformat()], plan.measure)
        else:
            line = lines[plan.subject, plan.measure]
            line.plan += plan.amount * len(days)
            line.fact += _sum(found, self._keys(plan), plan.measure)
        await self._checkpoint(request, period, plan, days[-1], line)

    async def _checkpoint(
        self, request: Request, period: Period, plan: Plan, day: date, line: Line
    ) -> None:
        at = plan.checkpoint_at(day, period.zone)
        if day != period.last_day or at > self._now:
            return
        morning = replace(period, since=midnight(day, period.zone), until=at, asked_until=None)
        found = await self._facts(request, morning)
        keys = [day.isoformat()] if request.by == "day" else self._keys(plan)
        line.at_checkpoint = (
            plan.amount * plan.checkpoint_share, _sum(found, keys, plan.measure),
        )  # fmt: skip

    def _keys(self, plan: Plan) -> list[str]:
        names = self._source.names
        if plan.kind == "operator":
            return self._ids.get(plan.subject, [])
        if plan.kind == "campaign":
            return [str(id) for id, name in names.campaigns.items() if name == plan.subject]
        return [plan.subject]

    async def _facts(self, request: Request, period: Period) -> Found:
        place = (period.since, period.until)
        if place not in self._seen:
            asked = replace(request, period=period)
            found = await self._source.calls(asked, self._scope)
            said = self._measures - {"dials", "conversations", LINE}
            for row in await self._source.said(asked, self._scope) if said else ():
                facts = found.setdefault(TOTAL if row["total"] else row["key"], {})
                for flag in row["flags"]:
                    facts[flag] = facts.get(flag, 0) + row["attempts"]
            if LINE in self._measures and request.by != "campaign":
                for key, times in (await self._source.time(asked, self._scope)).items():
                    line_s = sum(times.get(state) or 0.0 for state in STATES)
                    found.setdefault(key, {})[LINE] = line_s
            self._seen[place] = found
        return self._seen[place]


def _sum(found: Found, keys: Iterable[str], measure: str) -> float:
    return float(sum(found.get(key, {}).get(measure) or 0 for key in keys))


def _shown(by: By, lines: dict[tuple[str, str], Line], source: Source) -> Made:
    names = {one.login: one.name for one in source.names.people.values()}
    rows = []
    for (subject, measure), line in sorted(lines.items()):
        subjects: tuple[Value, ...] = (subject,)
        if by == "operator":
            subjects = (subject, names.get(subject, ""))
        elif by == "day":
            subjects = (date.fromisoformat(subject),)
        checkpoint: tuple[Value, ...] = (None, None, None)
        if line.at_checkpoint:
            wanted, done = line.at_checkpoint
            checkpoint = (round(wanted, 3), round(done, 3), done >= wanted)
        numbers = (round(line.plan, 3), round(line.fact, 3), round(line.fact / line.plan, 6))
        left = round(max(0.0, line.plan - line.fact), 3)
        rows.append(Row((*subjects, MEASURES[measure], *numbers, left, *checkpoint)))
    dimension = DIMENSIONS[by]
    form = Form(PLAN.key, PLAN.title, (*dimension, PLAN_MEASURE, *PLAN.columns), len(dimension) + 1)
    measures = sorted({measure for _, measure in lines}, key=list(MEASURES).index)
    charts = tuple(_chart(form, dimension[0].key, measure) for measure in measures)
    return (Table(form, tuple(rows)),), charts, ()


def _chart(form: Form, x: str, measure: str) -> Chart:
    """One for each measure: in one for all a name would have several bars."""
    whole, part = KINDS["plan"].title, MEASURES[measure]
    title = Sentence(f"{whole.en}: {part.en}", f"{whole.ru}: {part.ru}")
    only = (PLAN_MEASURE.key, part)
    return Chart(f"done_{measure}", title, "bar", form.key, x, ("done",), only=only)
