"""Makes reports out of rows, inside one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from campaigns.legal.model import Profile
from campaigns.list_health.model import Cell
from campaigns.refusals import Sentence
from dialer.operators import LINE_STATES, OperatorState
from monitoring.reports.bases import Made, best_hours_of, lists_of
from monitoring.reports.catalog import DIMENSIONS, KINDS, Request
from monitoring.reports.errors import ReportError
from monitoring.reports.forms import ATTEMPTS, CALLS, DISPOSITIONS, ENDED_BY, FORMS, WINDOWS
from monitoring.reports.period import Period
from monitoring.reports.planned import Planned
from monitoring.reports.sheet import Chart, Form, Report, Row, Table, Value
from monitoring.reports.signaled import signals_of
from monitoring.reports.source import PEOPLE_CUTS, SQL, TOTAL, Facts, Found, Scope, Source
from monitoring.reports.standing import healths_of, reach_of

if TYPE_CHECKING:
    from monitoring.reports.source import Session

MOST_ATTEMPTS = 5000
SHORT_PERIOD = timedelta(days=1)
TIME_CUTS = ("day", "hour")
IDLE = (OperatorState.CONNECTING, OperatorState.PAUSED)
FIRST_TOUCH_SHARE, ENOUGH = 0.3, 50


class Maker:
    """Reports of one floor out of one session, which the caller holds in a transaction."""

    def __init__(
        self, connection: Session, floor_id: int, profiles: Mapping[str, Profile], now: datetime
    ) -> None:
        self._connection, self._floor_id = connection, floor_id
        self._profiles, self._now = profiles, now

    async def make(self, request: Request) -> Report:
        """One report, not compared. Raises ReportError."""
        if request.name not in FORMS:
            raise _not_yet(request.name)
        self._source = await Source.open(self._connection, self._floor_id)
        self._scope = self._source.scope(request.filters)
        made = {
            "productivity": self._productivity,
            "conversion": self._conversion,
            "outcomes": self._outcomes,
            "reach": self._reach,
            "best-hours": self._best_hours,
            "lists": self._lists,
            "callbacks": self._callbacks,
            "plan": self._planned,
            "signals": self._signals,
            "abandonment": self._abandonment,
        }[request.name]
        tables, charts, warnings = await made(request)
        return Report(
            name=request.name,
            title=KINDS[request.name].title,
            floor=self._source.names.floor,
            period=request.period,
            generated_at=self._now,
            tables=tables,
            charts=charts,
            by=request.by,
            filters=request.filters.by_kind(),
            warnings=warnings,
            nothing=None if any(table.rows for table in tables) else nothing(request.name),
        )

    # --- reports

    async def _productivity(self, request: Request) -> Made:
        found = await self._source.calls(request, self._scope, seconds=True)
        timed = request.by in (*PEOPLE_CUTS, *TIME_CUTS)
        timed = timed and not (request.filters.campaigns or request.filters.lists)
        if timed:
            for key, facts in (await self._source.time(request, self._scope)).items():
                found.setdefault(key, {}).update(facts)
        for facts in found.values():
            facts.update(_derived(facts))
        form = FORMS["productivity"][0]
        if not timed:  # operators' time belongs to no campaign and no list
            form = Form(form.key, form.title, CALLS, 0)
        table = self._table(form, request, found, everybody=timed)
        series = ("dials", "conversations")
        charts = [_chart(table, "dials", Sentence("Dials", "Наборы"), "bar", series)]
        if timed:
            states = tuple(f"{state.value}_s" for state in OperatorState)
            charts.append(_chart(table, "time", Sentence("Time", "Время"), "stack", states))
        return (table,), tuple(charts), ()

    async def _conversion(self, request: Request) -> Made:
        found = await self._source.calls(request, self._scope)
        for row in await self._source.said(request, self._scope):
            facts = found.setdefault(_key(row), {})
            for flag in row["flags"]:
                facts[flag] = facts.get(flag, 0) + row["attempts"]
        for facts in found.values():
            facts["productive_share"] = _share(facts, "productive", "conversations")
            facts["target_share"] = _share(facts, "target", "productive")
        table = self._table(FORMS["conversion"][0], request, found)
        series = ("conversations", "productive", "target")
        chart = _chart(table, "calls", Sentence("Conversion", "Конверсия"), "bar", series)
        return (table,), (chart,), ()

    async def _outcomes(self, request: Request) -> Made:
        found = await self._source.calls(request, self._scope)
        table = self._table(FORMS["outcomes"][0], request, found)
        series = tuple(column.key for column in FORMS["outcomes"][0].columns[1:-1])
        chart = _chart(table, "outcomes", Sentence("Outcomes", "Исходы"), "stack", series)
        rows_of = await self._source.said(request, self._scope)
        said = [row for row in rows_of if row["total"]]
        counts: dict[tuple[str, str, str], int] = {}
        for row in said:
            kind = (row["code"], row["title_en"], row["title_ru"])
            counts[kind] = counts.get(kind, 0) + row["attempts"]
        rows = tuple(
            Row((code, Sentence(en, ru), count))
            for (code, en, ru), count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        )
        return (table, Table(DISPOSITIONS, rows)), (chart,), ()

    async def _reach(self, request: Request) -> Made:
        found = await reach_of(self._source, self._scope, request.by)
        table = self._table(FORMS["reach"][0], request, found)
        hasty = sorted(self._name(request, key) for key, facts in found.items()
                       if key is not None and key != TOTAL and facts["closed"] >= ENOUGH
                       and facts["first_touch"] >= FIRST_TOUCH_SHARE * facts["closed"])  # fmt: skip
        series = ("leads", "touched", "reached", "closed")
        chart = _chart(table, "leads", Sentence("Leads", "Лиды"), "bar", series)
        return (table,), (chart,), tuple(_hasty(name) for name in hasty)

    async def _best_hours(self, request: Request) -> Made:
        cells = [Cell(**row) for row in await self._source.hours(request.period, self._scope)]
        return best_hours_of(cells)

    async def _lists(self, request: Request) -> Made:
        return lists_of(await healths_of(self._source, self._scope))

    async def _planned(self, request: Request) -> Made:
        return await Planned(self._source, self._scope, self._now).make(request)

    async def _signals(self, request: Request) -> Made:
        return await signals_of(self._source, self._scope, request)

    async def _callbacks(self, request: Request) -> Made:
        period, scope = request.period, self._scope
        rows = await self._connection.fetch(
            SQL.callbacks,
            *(self._floor_id, period.since, period.until, request.by, period.zone.key),
            *(scope.operators, scope.campaigns, scope.lists, self._now),
        )
        found: Found = {_key(row): dict(row) for row in rows}
        for facts in found.values():
            facts["over"] = facts["kept"] + facts["late"] + facts["missed"]
            facts["kept_share"] = _share(facts, "kept", "over")
        table = self._table(FORMS["callbacks"][0], request, found)
        title, series = KINDS["callbacks"].title, ("kept", "late", "missed", "waiting")
        return (table,), (_chart(table, "callbacks", title, "stack", series),), ()

    async def _abandonment(self, request: Request) -> Made:
        scope, period = self._scope, request.period
        found = await self._answers(request, scope)
        ledger = self._table(FORMS["abandonment"][0], request, found)
        attempts = await self._connection.fetch(
            SQL.abandoned_attempts,
            *(self._floor_id, period.since, period.until),
            *(scope.campaigns, scope.lists, MOST_ATTEMPTS),
        )
        note = _cut_short() if len(attempts) == MOST_ATTEMPTS else None
        behind = Table(ATTEMPTS, tuple(Row(_abandoned(row)) for row in attempts), note=note)
        windows, warnings = await self._windows(request)
        title = Sentence("Share of abandoned calls", "Доля брошенных вызовов")
        chart = _chart(ledger, "share", title, "bar", ("abandoned_share",))
        return (ledger, windows, behind), (chart,), warnings

    async def _answers(self, request: Request, scope: Scope) -> Found:
        """People who answered, and the abandoned ones, where anybody did."""
        found = await self._source.calls(request, scope)
        for facts in found.values():
            facts["abandoned"] = facts["people_abandoned"]
            facts["abandoned_share"] = _share(facts, "abandoned", "people")
        return {key: facts for key, facts in found.items() if facts["people"]}

    async def _windows(self, request: Request) -> tuple[Table, tuple[Sentence, ...]]:
        """What each campaign's ledger says at the end of the period, over its own legal window."""
        terms = await self._connection.fetch(
            SQL.campaign_terms, self._floor_id, self._scope.campaigns
        )
        rows, warnings, answers = [], [], dict[float, Found]()
        for row in terms:
            if row["legal_profile"] not in self._profiles:
                continue
            law = self._profiles[row["legal_profile"]].abandonment
            window = float(law.window_s)
            if window not in answers:
                since = request.period.until - timedelta(seconds=window)
                when = Period(since, request.period.until, request.period.zone)
                asked = replace(request, period=when, by="campaign")
                answers[window] = await self._answers(asked, Scope())
            facts = answers[window].get(str(row["id"]), {"people": 0, "abandoned": 0})
            limit = min(row["max_abandon_rate"], law.max_rate)
            share = _share(facts, "abandoned", "people")
            kept = share is None or share <= limit
            numbers = (facts["people"], facts["abandoned"])
            rows.append(Row((row["name"], window, *numbers, share, limit, kept)))
            if not kept:
                warnings.append(_over(row["name"], share or 0.0, limit))
        return Table(WINDOWS, tuple(rows)), tuple(warnings)

    # --- rows and their names

    def _table(
        self, form: Form, request: Request, found: Found, *, everybody: bool = False
    ) -> Table:
        """`everybody`: those on the staff who did nothing have a row too."""
        assert request.by is not None
        whole = form.by(DIMENSIONS[request.by])
        names = self._names(request, found, everybody)
        rows = [Row((*name, *_cells(form, found.get(key, {})))) for key, name in names]
        total = found.get(TOTAL)
        nobody = (None,) * len(DIMENSIONS[request.by])
        totals = Row((*nobody, *_cells(form, total))) if total and rows else None
        return Table(whole, tuple(rows), totals)

    def _names(
        self, request: Request, found: Found, everybody: bool
    ) -> list[tuple[str, tuple[Value, ...]]]:
        """Keys of rows in their order, with the cells that name them."""
        keys = [key for key in found if key is not None and key != TOTAL]
        if request.by == "operator":
            only = self._scope.operators
            people = sorted(self._source.names.people.values(), key=lambda p: (p.login, p.id))
            return [
                (str(one.id), (one.login, one.name))
                for one in people
                if str(one.id) in found
                or (everybody and one.present and (only is None or one.id in only))
            ]
        if request.by == "day":
            return [(key, (date.fromisoformat(key),)) for key in sorted(keys)]
        if request.by == "hour":
            return [(key, (int(key),)) for key in sorted(keys, key=int)]
        if request.by == "team":
            return [(key, (key or NO_TEAM,)) for key in sorted(keys)]
        return sorted(((key, (self._name(request, key),)) for key in keys), key=lambda row: row[1])

    def _name(self, request: Request, key: str) -> str:
        names = self._source.names
        return (names.lists if request.by == "list" else names.campaigns).get(int(key), "")


NEXT = {
    "plan": Sentence(
        "There is no plan for these days. Set one: prozvon plan set --help",
        "На эти дни плана нет. Поставьте его: prozvon plan set --help",
    ),
    "callbacks": Sentence(
        "No callback was promised for this period. Those to come: prozvon callback list",
        "На этот период перезвонов не обещали. Будущие: prozvon callback list",
    ),
    "lists": Sentence(
        "There are no lists yet. Import one: prozvon list import --help",
        "Баз пока нет. Загрузите первую: prozvon list import --help",
    ),
    "reach": Sentence(
        "There are no leads yet. Make a campaign of a list: prozvon campaign create --help",
        "Лидов пока нет. Создайте кампанию по базе: prozvon campaign create --help",
    ),
}
NOTHING = Sentence(
    "Nothing happened in this period. Take another one, or see whether campaigns run: "
    "prozvon campaign status",
    "За этот период ничего не было. Возьмите другой или проверьте, идут ли кампании: "
    "prozvon campaign status",
)


def nothing(name: str) -> Sentence:
    """What an empty report says: what to do next."""
    return NEXT.get(name, NOTHING)


NO_TEAM = Sentence("no team", "без группы")


def _key(row: Any) -> str | None:
    return TOTAL if row["total"] else row["key"]


def _cells(form: Form, facts: Facts) -> Iterable[Value]:
    """Counts and durations that nothing was found of are 0; all else is unknown."""
    for column in form.columns:
        value = facts.get(column.key)
        if value is None and column.kind in ("count", "duration"):
            value = 0
        yield round(value, 6) if isinstance(value, float) else value


def _share(facts: Facts, part: str, whole: str) -> float | None:
    base = facts.get(whole, 0)
    return facts.get(part, 0) / base if base else None


def _derived(facts: Facts) -> Facts:
    """Line time, shift and occupancy out of the seconds in each state."""
    seconds = {state: facts.get(f"{state.value}_s") or 0.0 for state in OperatorState}
    shift = sum(seconds.values())
    line = sum(seconds[state] for state in LINE_STATES)
    there = shift - sum(seconds[state] for state in IDLE)
    busy = line + seconds[OperatorState.WRAP_UP]
    return {"shift_s": shift, "line_s": line, "occupancy": busy / there if there else None}


def _chart(table: Table, key: str, title: Sentence, kind: Any, series: tuple[str, ...]) -> Chart:
    return Chart(key, title, kind, table.key, table.form.columns[0].key, series)


def _abandoned(row: Any) -> tuple[Value, ...]:
    ended = row["ended_at"]
    waited = (ended - row["answered_at"]).total_seconds() if ended else None
    moments = (row["placed_at"], row["answered_at"], ended)
    return (row["id"], row["campaign"], *moments, waited, ENDED_BY.get(row["ended_by"]))


def _cut_short() -> Sentence:
    return Sentence(
        f"The first {MOST_ATTEMPTS:,} attempts are shown; take a shorter period for the others.",
        f"Показаны первые {MOST_ATTEMPTS:,} наборов; для остальных возьмите период короче.",
    )


def _over(campaign: str, share: float, limit: float) -> Sentence:
    return Sentence(
        f"{campaign}: {share:.2%} abandoned at the end of the period, the limit is {limit:.2%}",
        f"{campaign}: на конец периода брошено {share:.2%}, предел {limit:.2%}",
    )


def _hasty(name: str) -> Sentence:
    return Sentence(
        f"{name}: many leads were closed after the first touch without being reached",
        f"{name}: много лидов закрыто после первого касания без дозвона",
    )


def _not_yet(name: str) -> ReportError:
    can = ", ".join(FORMS)
    return ReportError(
        "no_report_yet",
        f"the report {name!r} cannot be made yet; there is: {can}",
        f"отчёт {name!r} пока не составляется; есть: {can}",
        status=404,
    )


def too_large(period: Period) -> ReportError:
    """The request took longer than a report may; a shorter period is named."""
    shorter = max(period.until - (period.until - period.since) / 4, period.since)
    if period.until - period.since > 8 * SHORT_PERIOD:
        text = f"--from {shorter.astimezone(period.zone):%Y-%m-%d}"
    else:
        text = f"--from {shorter.astimezone(period.zone):%Y-%m-%dT%H:%M}"
    return ReportError(
        "too_large",
        f"this is too much for one report; take a shorter period, {text} say, or whole days in the "
        "floor's time zone, without campaigns and lists",
        f"слишком много для одного отчёта; возьмите период короче, например {text}, "
        "или целые дни в часовом поясе зала, без кампаний и баз",
    )
