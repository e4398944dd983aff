"""PURE. How good a list is, how long it lasts, and when its people answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

WEEKDAYS, HOURS = 7, 24
# What the line or the node did says nothing of the number or the hour.
NOT_COUNTED = frozenset({"failed", "congestion", "unknown"})
# A person was there; the abandoned one too.
REACHED = frozenset({"answered", "abandoned"})
# How many dials of its own a cell needs to weigh as much as what it is pulled to.
PRIOR_DIALS = 50.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of a weekday (0 is Monday) in the called person's time."""

    weekday: int
    hour: int
    dials: int
    answers: int


@dataclass(frozen=True, slots=True)
class HourScore:
    """`share`: expected share of answers, 0..1; `dials`: how many were really made then."""

    weekday: int
    hour: int
    share: float
    dials: int
    answers: int


@dataclass(frozen=True)
class BestHours:
    """Expected share of answers for each hour of the week; hours never dialed have one too."""

    overall: float
    dials: int
    shares: Mapping[tuple[int, int], float]
    cells: Mapping[tuple[int, int], Cell] = field(default_factory=dict)

    def share(self, weekday: int, hour: int) -> float:
        """Expected share of answers, 0..1; weekday 0 is Monday, in the called person's time."""
        return self.shares[weekday, hour]

    def best(self, count: int = 10) -> list[HourScore]:
        """The hours that were dialed, best first."""
        dialed = [self._score(place) for place in self.cells]
        return sorted(dialed, key=lambda one: (-one.share, one.weekday, one.hour))[:count]

    def _score(self, place: tuple[int, int]) -> HourScore:
        cell = self.cells[place]
        return HourScore(*place, self.shares[place], cell.dials, cell.answers)


def best_hours(cells: Iterable[Cell], towards: BestHours | None = None) -> BestHours:
    """Learn from dials and answers by hour and weekday.

    Small numbers lie (one dial, one answer: 100 %), so each estimate is the mean of a Beta
    distribution: the hour of all weekdays is pulled to the overall share, the hour of one weekday
    to that hour, each with the weight of PRIOR_DIALS dials (empirical Bayes, see Efron and Morris,
    "Stein's estimator and its generalizations", 1973). Without any dial every hour is equal. With
    `towards` (a floor's hours, for one campaign of it) each is pulled to the same hour there.
    """
    known = {(cell.weekday, cell.hour): cell for cell in cells if cell.dials > 0}
    dials = sum(cell.dials for cell in known.values())
    answers = sum(cell.answers for cell in known.values())
    overall = answers / dials if dials else 0.0
    shares: dict[tuple[int, int], float] = {}
    if towards is not None:
        places = ((day, hour) for day in range(WEEKDAYS) for hour in range(HOURS))
        for at in places:
            shares[at] = _pulled([known[at]] if at in known else [], towards.shares[at])
        return BestHours(overall, dials, shares, known)
    for hour in range(HOURS):
        column = [known[day, hour] for day in range(WEEKDAYS) if (day, hour) in known]
        of_hour = _pulled(column, overall)
        for day in range(WEEKDAYS):
            own = [known[day, hour]] if (day, hour) in known else []
            shares[day, hour] = _pulled(own, of_hour)
    return BestHours(overall, dials, shares, known)


def _pulled(cells: Iterable[Cell], towards: float) -> float:
    answers, dials = PRIOR_DIALS * towards, PRIOR_DIALS
    for cell in cells:
        answers += cell.answers
        dials += cell.dials
    return answers / dials


@dataclass(frozen=True, slots=True)
class Shares:
    """Attempts of a list (or of one day of it) and what share of them came to what, 0..1.

    Shares are of attempts that say something of the number: those that the line or the node lost
    are counted in `attempts` alone. None where there was none.
    """

    attempts: int
    counted: int
    answered: float | None
    no_answer: float | None
    busy: float | None
    invalid: float | None
    machine: float | None
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Day:
    """One day, in the floor's time zone."""

    day: date
    shares: Shares


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads of a list in all campaigns. `first_touch`: closed after one approach, not reached."""

    contacts: int
    without_lead: int
    open: int
    closed: int
    touched: int
    reached: int
    first_touch: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a list stands. Shares 0..1, None where there is nothing to divide."""

    name: str
    shares: Shares
    days: tuple[Day, ...]
    leads: Leads
    not_reached_share: float | None
    first_touch_share: float | None
    closed_per_day: float | None
    days_left: float | None
    best_hours: tuple[HourScore, ...]
    warnings: tuple[str, ...]


DEAD_LIST_SHARE = 0.25
FIRST_TOUCH_SHARE = 0.3
ENOUGH = 50


def shares_of(outcomes: Mapping[str, int]) -> Shares:
    """Shares of the outcomes of attempts that have ended."""
    counted = sum(count for outcome, count in outcomes.items() if outcome not in NOT_COUNTED)

    def share(*names: str) -> float | None:
        return sum(outcomes.get(name, 0) for name in names) / counted if counted else None

    return Shares(
        sum(outcomes.values()),
        counted,
        share(*REACHED),
        share("no_answer"),
        share("busy"),
        share("invalid"),
        share("machine"),
        dict(outcomes),
    )


def health_of(
    name: str,
    outcomes: Mapping[str, int],
    leads: Leads,
    *,
    closed: int,
    active_days: int,
    days: Iterable[Day] = (),
) -> Health:
    """A list without its best hours. `closed` and `active_days`: as `days_left` takes them."""
    shares = shares_of(outcomes)
    per_day, left = days_left(leads, closed, active_days)
    return Health(
        name=name,
        shares=shares,
        days=tuple(days),
        leads=leads,
        not_reached_share=share_of(leads.touched - leads.reached, leads.touched),
        first_touch_share=share_of(leads.first_touch, leads.closed),
        closed_per_day=per_day,
        days_left=left,
        best_hours=(),
        warnings=warnings(shares, leads),
    )


def days_left(leads: Leads, closed: int, active_days: int) -> tuple[float | None, float | None]:
    """Leads closed per active day, and how many such days the rest lasts.

    `closed` leads were closed in `active_days` days that had attempts. None: no pace yet.
    """
    if not active_days or not closed:
        return None, None
    pace = closed / active_days
    return pace, (leads.open + leads.without_lead) / pace


def warnings(shares: Shares, leads: Leads) -> tuple[str, ...]:
    """What a manager should look at, as ids: `dead_numbers`, `closed_at_first_touch`."""
    found = []
    if shares.counted >= ENOUGH and (shares.invalid or 0) >= DEAD_LIST_SHARE:
        found.append("dead_numbers")
    if leads.closed >= ENOUGH and leads.first_touch >= FIRST_TOUCH_SHARE * leads.closed:
        found.append("closed_at_first_touch")
    return tuple(found)


def share_of(part: int, whole: int) -> float | None:
    """None where there is nothing to divide."""
    return part / whole if whole else None
