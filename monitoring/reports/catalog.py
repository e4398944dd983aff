"""PURE. The reports there are: what each answers, how it can be cut, who may open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from campaigns.refusals import Language, Sentence
from monitoring.reports.errors import ReportError, unknown
from monitoring.reports.period import Period
from monitoring.reports.sheet import Column

By = Literal["operator", "team", "campaign", "list", "hour", "day"]
BY: tuple[By, ...] = get_args(By)
FILTERS = ("operator", "team", "campaign", "list")

DIMENSIONS: Mapping[By, tuple[Column, ...]] = {
    "operator": (
        Column(
            "operator",
            "text",
            Sentence("Operator", "Оператор"),
            Sentence("The operator's login", "Логин оператора"),
        ),
        Column(
            "name",
            "text",
            Sentence("Name", "Имя"),
            Sentence("The operator's name", "Имя оператора"),
        ),
    ),
    "team": (
        Column(
            "team",
            "text",
            Sentence("Team", "Группа"),
            Sentence("The operators' team now", "Группа, в которой операторы сейчас"),
        ),
    ),
    "campaign": (
        Column(
            "campaign",
            "text",
            Sentence("Campaign", "Кампания"),
            Sentence("The campaign's name", "Имя кампании"),
        ),
    ),
    "list": (
        Column(
            "list",
            "text",
            Sentence("List", "База"),
            Sentence("The list that the contact came with", "База, из которой контакт"),
        ),
    ),
    "hour": (
        Column(
            "hour",
            "hour",
            Sentence("Hour", "Час"),
            Sentence(
                "Hour of the day by the report's clocks, all days together",
                "Час суток по часам отчёта, все дни вместе",
            ),
        ),
    ),
    "day": (
        Column(
            "day",
            "date",
            Sentence("Day", "День"),
            Sentence("Day by the report's clocks", "День по часам отчёта"),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Names; none of a kind: all of them. Operators are logins."""

    operators: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    def by_kind(self) -> dict[str, tuple[str, ...]]:
        """What was asked for, by the kinds of FILTERS."""
        values = (self.operators, self.teams, self.campaigns, self.lists)
        return {kind: names for kind, names in zip(FILTERS, values, strict=True) if names}


@dataclass(frozen=True, slots=True)
class Request:
    """One report as it is asked for; `name` and `by` are of the catalog (see `request`)."""

    name: str
    period: Period
    by: By | None = None
    filters: Filters = field(default_factory=Filters)
    compare: Period | None = None
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class ReportKind:
    """`by`: how it can be cut, the usual way first. `own`: an operator may open it about himself.

    `timeless`: it shows how things stand now, whatever the period.
    """

    name: str
    title: Sentence
    answers: Sentence
    by: tuple[By, ...] = ()
    filters: tuple[str, ...] = FILTERS
    own: bool = False
    timeless: bool = False


_KINDS = (
    ReportKind(
        "productivity",
        Sentence("Productivity", "Выработка"),
        Sentence(
            "Who dialed and talked how much: dials, conversations, line time, dial intervals, "
            "each state's time, occupancy",
            "Кто сколько звонил и говорил: наборы, разговоры, время на линии, интервалы между "
            "наборами, время в каждом состоянии, занятость",
        ),
        by=("operator", "team", "campaign", "list", "hour", "day"),
        own=True,
    ),
    ReportKind(
        "conversion",
        Sentence("Conversion", "Конверсия"),
        Sentence(
            "What conversations came to: productive and target calls, and their share",
            "К чему привели разговоры: результативные и целевые звонки и их доля",
        ),
        by=("operator", "team", "campaign", "list", "hour", "day"),
        own=True,
    ),
    ReportKind(
        "outcomes",
        Sentence("Outcomes and dispositions", "Исходы и результаты"),
        Sentence(
            "What the line said to each dial, and what operators said came of conversations",
            "Что ответила линия на каждый набор и что вышло из разговоров по словам операторов",
        ),
        by=("campaign", "list", "operator", "team", "hour", "day"),
    ),
    ReportKind(
        "reach",
        Sentence("Not reached", "Недозвон"),
        Sentence(
            "What share of the base was not reached, and how many leads were closed after the "
            "first touch",
            "Какой части базы не дозвонились и сколько лидов закрыто после первого касания",
        ),
        by=("list", "campaign"),
        filters=("campaign", "list"),
        timeless=True,
    ),
    ReportKind(
        "best-hours",
        Sentence("Best hours", "Лучшие часы"),
        Sentence(
            "When people answer, by weekday and hour of their own time",
            "Когда люди отвечают: по дням недели и часам их времени",
        ),
        filters=("campaign", "list"),
    ),
    ReportKind(
        "lists",
        Sentence("Lists", "Базы"),
        Sentence(
            "How good each list is, and how many days of work it still holds",
            "Насколько хороша каждая база и на сколько дней работы её хватит",
        ),
        filters=("list",),
        timeless=True,
    ),
    ReportKind(
        "callbacks",
        Sentence("Callbacks", "Перезвоны"),
        Sentence(
            "Which promised callbacks were kept, which were late, and which were missed",
            "Какие обещанные перезвоны сделаны, какие с опозданием, какие пропущены",
        ),
        by=("operator", "team", "campaign", "list", "day"),
        own=True,
    ),
    ReportKind(
        "plan",
        Sentence("Plan and fact", "План и факт"),
        Sentence(
            "How much of the plan is done, and whether it will be in time (also at mid-day)",
            "Сколько плана сделано и успеваем ли (в том числе в середине дня)",
        ),
        by=("operator", "team", "campaign", "day"),
        own=True,
    ),
    ReportKind(
        "signals",
        Sentence("Signals", "Сигналы"),
        Sentence(
            "Who dials unlike the others on the same list, and whose numbers are dead instead",
            "Кто звонит не так, как другие на той же базе, и где вместо этого мёртвые номера",
        ),
    ),
    ReportKind(
        "abandonment",
        Sentence("Abandoned calls", "Брошенные вызовы"),
        Sentence(
            "Proof of the abandonment ledger: each campaign's share over its legal window, with "
            "the attempts behind it",
            "Доказательство по учёту брошенных вызовов: доля по каждой кампании за законное окно "
            "и наборы, из которых она сложилась",
        ),
        by=("campaign", "day"),
        filters=("campaign", "list"),
    ),
)
KINDS: Mapping[str, ReportKind] = {kind.name: kind for kind in _KINDS}

# What older habits and short words mean: name and cut.
ALIASES: Mapping[str, tuple[str, By]] = {
    "operators": ("productivity", "operator"),
    "teams": ("productivity", "team"),
    "campaigns": ("outcomes", "campaign"),
    "days": ("productivity", "day"),
    "hours": ("productivity", "hour"),
}


def described(kind: ReportKind, language: Language) -> dict[str, object]:
    """A report as lists of them show it."""
    return {
        "name": kind.name,
        "title": kind.title.to(language),
        "answers": kind.answers.to(language),
        "by": list(kind.by),
        "filters": list(kind.filters),
        "own": kind.own,
    }


def kind_of(name: str) -> tuple[ReportKind, By | None]:
    """The report that is meant, and the cut that an alias names. Raises ReportError
    `unknown_report`."""
    plain = name.strip().lower().replace("_", "-")
    if plain in KINDS:
        return KINDS[plain], None
    if plain in ALIASES:
        meant, by = ALIASES[plain]
        return KINDS[meant], by
    raise unknown("report", name, (*KINDS, *ALIASES), status=404)


def request(
    name: str,
    period: Period,
    *,
    by: str | None = None,
    filters: Filters | None = None,
    compare: Period | None = None,
    language: Language = "en",
) -> Request:
    """A request that the report can answer. Raises ReportError `unknown_report`, `bad_by`,
    `bad_filter`, `no_compare`."""
    kind, of_alias = kind_of(name)
    asked = filters or Filters()
    cut = _cut(kind, by) or of_alias or (kind.by[0] if kind.by else None)
    for wrong in asked.by_kind().keys() - set(kind.filters):
        can = ", ".join(kind.filters)
        raise ReportError(
            "bad_filter",
            f"the report {kind.name!r} cannot be narrowed by {wrong}; by: {can}",
            f"отчёт {kind.name!r} нельзя сузить по {wrong}; можно по: {can}",
        )
    if compare is not None and kind.timeless:
        raise ReportError(
            "no_compare",
            f"the report {kind.name!r} shows how things stand now: there is nothing to compare",
            f"отчёт {kind.name!r} показывает, как всё обстоит сейчас: сравнивать не с чем",
        )
    return Request(kind.name, period, cut, asked, compare, language)


def _cut(kind: ReportKind, by: str | None) -> By | None:
    if by is None:
        return None
    for known in kind.by:
        if by.strip().lower() in (known, f"{known}s"):
            return known
    can = ", ".join(kind.by) or "–"
    raise ReportError(
        "bad_by",
        f"the report {kind.name!r} cannot be cut by {by!r}; by: {can}",
        f"отчёт {kind.name!r} нельзя разложить по {by!r}; можно по: {can}",
    )
