"""PURE. Retry rules of a campaign: after which outcome or disposition how long a pause, at another
part of the day, over another phone, how often at most.

    {"no_answer": {"pause_s": 14400, "day_part": true, "other_phone": true, "max": 3},
     "dispositions": {"call_back": {"pause_s": 7200}}}

What is not said stays as in `campaigns.leads.model`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from campaigns.hours.model import zone_of
from campaigns.leads.model import DAY_S, PAUSE_S, NextStep, after_outcome
from campaigns.refusals import Refusal
from dialer.outcomes import EndedBy, Outcome, costs_approach

DAY_PARTS = (0, 12, 17, 24)
"""Hours at which morning, afternoon and evening begin, and the day ends."""
MORNING_H = 9
OUTCOMES = tuple(outcome.value for outcome in PAUSE_S)
RULE_KEYS = "pause_s, day_part, other_phone, max"
LONGEST_S = 366 * DAY_S
SOON_S = 1.0


class RetryError(Refusal):
    """Retry rules are not well-formed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`most`: of this outcome for one lead; `day_part`: not in the same part of the day again."""

    pause_s: float | None = None
    day_part: bool = False
    other_phone: bool = False
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Dialed:
    """The attempt that ended: when, where the person is, which phones the contact has.

    `position` is the dialed phone's, `others` those of phones that may still be good, `before` how
    often the lead had this outcome already."""

    ended_at: float
    zones: tuple[str, ...] = ()
    position: int = 0
    others: tuple[int, ...] = ()
    before: int = 0


def read(document: Any) -> dict[str, Any]:
    """Retry rules as they are kept. Raises RetryError `bad_retry` that names the key."""
    if not isinstance(document, Mapping):
        raise _bad("retry", "give rules by outcome", "нужны правила по исходам")
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key == "dispositions":
            found[key] = {code: _kept(f"dispositions.{code}", rule) for code, rule in _map(value)}
        elif key in OUTCOMES:
            found[key] = _kept(key, value)
        else:
            keys = ", ".join((*OUTCOMES, "dispositions"))
            raise _bad(str(key), f"choose from {keys}", f"выберите из {keys}")
    return found


def _map(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise _bad("dispositions", "give rules by a disposition's code", "нужны правила по кодам")
    return value.items()


def _kept(where: str, rule: Any) -> dict[str, Any]:
    if not isinstance(rule, Mapping):
        raise _bad(where, f"give {RULE_KEYS}", f"нужны {RULE_KEYS}")
    for key, value in rule.items():
        fine = {
            "pause_s": _number(value) and 0 <= value <= LONGEST_S,
            "day_part": isinstance(value, bool),
            "other_phone": isinstance(value, bool),
            "max": _number(value) and value == int(value) and 1 <= value <= 100,
        }
        if key not in fine:
            keys = ", ".join(fine)
            raise _bad(f"{where}.{key}", f"choose from {keys}", f"выберите из {keys}")
        if not fine[key]:
            raise _bad(f"{where}.{key}", f"{value!r} does not fit", f"{value!r} не подходит")
    return dict(rule)


def _number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _bad(key: str, told: str, ru: str) -> RetryError:
    return RetryError("bad_retry", f"{key}: {told}", f"правила повтора, {key}: {ru}", status=422)


def rule_of(kept: Mapping[str, Any], outcome: Outcome) -> Rule:
    """The campaign's rule for an outcome."""
    said = kept.get(outcome.value, {})
    return Rule(
        said.get("pause_s"),
        said.get("day_part", False),
        said.get("other_phone", False),
        said.get("max"),
    )


def next_step(
    kept: Mapping[str, Any],
    outcome: Outcome,
    dialed: Dialed,
    *,
    conversed: bool,
    ended_by: EndedBy | None,
    approaches: int,
    failures: int,
    max_approaches: int,
) -> NextStep:
    """The lead's next step under the campaign's rules `kept`."""
    step = after_outcome(
        outcome,
        conversed=conversed,
        ended_by=ended_by,
        approaches=approaches,
        failures=failures,
        max_approaches=max_approaches,
    )
    if outcome is Outcome.INVALID:
        return _after_invalid(step, dialed, approaches)
    if step.status == "done" or not costs_approach(outcome, ended_by):
        return step
    rule = rule_of(kept, outcome)
    if rule.most is not None and dialed.before + 1 >= rule.most:
        return NextStep("done", step.approaches, step.failures, 0.0)
    pause = step.after_s if rule.pause_s is None else rule.pause_s
    if rule.day_part:
        pause = shifted(dialed.ended_at, pause, dialed.zones) - dialed.ended_at
    other = _following(dialed) if rule.other_phone else None
    return NextStep(step.status, step.approaches, step.failures, pause, other)


def _after_invalid(step: NextStep, dialed: Dialed, approaches: int) -> NextStep:
    """Another phone is dialed at once; a number that does not exist was no approach to the client.

    Numbers run out, so this ends."""
    other = _following(dialed)
    if other is None:
        return step
    return NextStep("retry", approaches, step.failures, SOON_S, other)


def _following(dialed: Dialed) -> int | None:
    """The position of the next phone in turn, None when there is no other."""
    later = [position for position in dialed.others if position > dialed.position]
    return min(later or dialed.others, default=None)


def shifted(ended_at: float, pause_s: float, zones: tuple[str, ...]) -> float:
    """The first moment after the pause in the part of the local day that was not tried: after a
    morning or an afternoon the evening, after an evening the morning.

    Of several zones the first one's day counts; hours are checked anyway before a dial."""
    zone = zone_of(zones[0] if zones else "UTC")
    begun = datetime.fromtimestamp(ended_at, UTC).astimezone(zone)
    tried = part(begun)
    target = {0: 2, 1: 2, 2: 0}[tried]
    earliest = datetime.fromtimestamp(ended_at + pause_s, UTC).astimezone(zone)
    if part(earliest) == target:
        return ended_at + pause_s
    day = earliest.date()
    start = _start(day, target, zone)
    if start <= earliest:
        start = _start(day + timedelta(days=1), target, zone)
    return start.timestamp()


def part(local: datetime) -> int:
    """0 morning, 1 afternoon, 2 evening."""
    return sum(local.hour >= hour for hour in DAY_PARTS[1:3])


def _start(day: date, target: int, zone: Any) -> datetime:
    hour = MORNING_H if target == 0 else DAY_PARTS[target]
    return datetime.combine(day, time(hour), zone)
