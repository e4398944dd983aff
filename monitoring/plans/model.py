"""PURE. Plans as people write them, and what they come to in a period."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.refusals import Refusal, Sentence

KINDS = ("operator", "team", "campaign", "floor")
MEASURES = {
    "dials": Sentence("dials", "наборы"),
    "conversations": Sentence("conversations", "разговоры"),
    "productive": Sentence("productive calls", "результативные"),
    "target": Sentence("target calls", "целевые"),
    "decision_maker": Sentence("decision makers", "разговоры с ЛПР"),
    "hand_over": Sentence("handed over", "передано"),
    "line_s": Sentence("line time, s", "время на линии, с"),
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING = (0, 1, 2, 3, 4)
CHECKPOINT, CHECKPOINT_SHARE = time(13), 0.5
MOST = 1e9


class PlanError(Refusal):
    """A plan that cannot be set or found."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`amount` on each working day (`weekdays`, 0 is Monday) from `since` until `until` (not
    counted in; None: it goes on). At `checkpoint` of the floor's clocks `checkpoint_share` of it
    should be done. `subject`: login, team or campaign's name; "" for the floor.
    """

    kind: str
    subject: str
    measure: str
    amount: float
    since: date
    until: date | None = None
    weekdays: tuple[int, ...] = WORKING
    checkpoint: time = CHECKPOINT
    checkpoint_share: float = CHECKPOINT_SHARE

    def holds(self, day: date) -> bool:
        """Whether that is a working day of this plan."""
        begun = self.since <= day and (self.until is None or day < self.until)
        return begun and day.weekday() in self.weekdays

    def days(self, first: date, last: date) -> Iterator[date]:
        """Its working days from `first` to `last`, both counted in."""
        day = max(first, self.since)
        while day <= last:
            if self.holds(day):
                yield day
            day += timedelta(days=1)

    def checkpoint_at(self, day: date, zone: ZoneInfo) -> datetime:
        return datetime.combine(day, self.checkpoint, zone)


def check(plan: Plan) -> None:
    """Raises PlanError `bad_plan` that says what would be right."""
    if plan.kind not in KINDS:
        raise _bad(f"a plan is of {_or(KINDS)}", f"план бывает для: {', '.join(KINDS)}")
    if bool(plan.subject) == (plan.kind == "floor"):
        raise _bad(
            "name the operator, team or campaign; the floor has no name here",
            "назовите оператора, группу или кампанию; площадка имени не требует",
        )
    if plan.measure not in MEASURES:
        raise _bad(f"a plan counts {_or(MEASURES)}", f"план считает: {', '.join(MEASURES)}")
    if not (math.isfinite(plan.amount) and 0 < plan.amount <= MOST):
        raise _bad("the amount of a day is a number above 0", "план на день: число больше нуля")
    if not plan.weekdays:
        raise _bad("a plan needs working days", "плану нужны рабочие дни")
    if not 0 < plan.checkpoint_share <= 1:
        raise _bad(
            "the share at the checkpoint is above 0 and at most 1",
            "доля к контрольному часу: больше 0 и не больше 1",
        )


def weekdays_of(text: str) -> tuple[int, ...]:
    """`mon-fri`, `mon,wed,sat` ... as numbers, 0 is Monday. Raises PlanError `bad_plan`."""
    found: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", text.strip().lower())):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise _bad(
                f"{text!r}: write working days as mon-fri or mon,wed,sat",
                f"{text!r}: рабочие дни пишутся как mon-fri или mon,wed,sat",
            )
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        found |= set(range(begin, end + 1)) if begin <= end else {*range(begin, 7), *range(end + 1)}
    return tuple(sorted(found))


def time_of(text: str) -> time:
    """`13:00`. Raises PlanError `bad_plan`."""
    try:
        return time.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        raise _bad(
            f"{text!r}: write the checkpoint as 13:00", f"{text!r}: контрольный час: 13:00"
        ) from None


def date_of(text: str) -> date:
    """`2026-03-02`. Raises PlanError `bad_plan`."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise _bad(f"{text!r}: write a date as 2026-03-02", f"{text!r}: дата: 2026-03-02") from None


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)


def _bad(en: str, ru: str) -> PlanError:
    return PlanError("bad_plan", en, ru, status=422)
