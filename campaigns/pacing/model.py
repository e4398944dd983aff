"""PURE. A campaign's share of the floor, its limits, its ledger, and what decided its dialing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.refusals import Refusal

SKILL_CHARS = 64
SKILLS = 50


class PacingError(Refusal):
    """A campaign's pacing cannot be set or shown as asked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person may set. None as a limit: none of its own.

    `weight` shares operators and lines with other campaigns; an operator needs all of `skills`;
    `max_lines` and `lines_per_operator` bound its calls at once (ringing, waiting, talking);
    `max_abandon_rate` is a share of the people who answered; the legal profile may allow less.
    """

    weight: float = 1.0
    skills: tuple[str, ...] = ()
    max_lines: int | None = None
    lines_per_operator: float | None = None
    max_abandon_rate: float = 0.03
    ring_timeout_s: float = 25.0


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision: calls asked for and placed, what held it from being more, and one line."""

    at: datetime
    asked: int
    placed: int
    limited_by: str
    reason: str
    reason_ru: str


@dataclass(frozen=True, slots=True)
class LedgerView:
    """People answered and abandoned in the window, and how many more may be abandoned."""

    window_s: float
    cap: float
    answered: int
    abandoned: int

    @property
    def rate(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def left(self) -> float:
        """People; negative is an overdraft."""
        return self.cap * self.answered - self.abandoned


@dataclass(frozen=True, slots=True)
class Why:
    """Why a campaign dials as it does. `limited_by`: decisions of the last hour by their limit."""

    name: str
    status: str
    mode: str
    legal_profile: str
    limits: Limits
    ledger: LedgerView
    limited_by: Mapping[str, int]
    decisions: tuple[DecisionLine, ...]


def changed(old: Limits, changes: Mapping[str, Any]) -> Limits:
    """`old` with `changes` (by field name). Raises PacingError `bad_value` that names every wrong
    value."""
    known = {"weight", "skills", "max_lines", "lines_per_operator", "max_abandon_rate"}
    known.add("ring_timeout_s")
    unknown = sorted(set(changes) - known)
    if unknown:
        names = ", ".join(sorted(known))
        raise PacingError(
            "bad_value",
            f"there is no setting {', '.join(unknown)}; one can set: {names}",
            f"нет настройки {', '.join(unknown)}; можно задать: {names}",
            status=422,
        )
    values = {name: getattr(old, name) for name in known} | dict(changes)
    wrong = list(_problems(values))
    if wrong:
        raise PacingError(
            "bad_value",
            "; ".join(en for en, _ in wrong),
            "; ".join(ru for _, ru in wrong),
            status=422,
        )
    skills = tuple(sorted({skill.strip() for skill in values.pop("skills")}))
    return Limits(skills=skills, **values)


_RANGES = (
    ("weight", 0.01, 100.0, False),
    ("max_lines", 1, 100_000, True),
    ("lines_per_operator", 1.0, 100.0, True),
    ("max_abandon_rate", 0.0, 1.0, False),
    ("ring_timeout_s", 5.0, 120.0, False),
)


def _problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, low, high, may_lack in _RANGES:
        value = values[name]
        if value is None and may_lack:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        whole = name != "max_lines" or isinstance(value, int)
        if not (number and whole and low <= value <= high):
            yield (
                f"{name} is {value!r}; give {low:g} to {high:g}",
                f"{name}: {value!r}; задайте от {low:g} до {high:g}",
            )
    skills = values["skills"]
    if not isinstance(skills, list | tuple) or len(skills) > SKILLS or not all(map(_word, skills)):
        yield (
            f"skills are at most {SKILLS} texts, each one line of 1 to {SKILL_CHARS} characters",
            f"навыков не больше {SKILLS}, каждый — строка от 1 до {SKILL_CHARS} знаков",
        )


def _word(skill: Any) -> bool:
    return (
        isinstance(skill, str)
        and bool(skill.strip())
        and len(skill) <= SKILL_CHARS
        and skill.isprintable()
    )
