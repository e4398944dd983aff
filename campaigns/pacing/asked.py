"""PURE. What a request or command wants simulated, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from campaigns.pacing.model import PacingError
from dialer.whatif import MODES, Plan
from dialer.whatif_file import MOST_OPERATORS


@dataclass(frozen=True, slots=True)
class Asked:
    """Numbers of operators (none: the plan's own), modes, shifts of each; a past day or not."""

    operators: tuple[int, ...] = ()
    hours: float | None = None
    modes: tuple[str, ...] = MODES
    replications: int = 5
    days: float = 14.0
    replay: date | None = None

    def plans(self, base: Plan) -> list[Plan]:
        """The plans to run. A past day keeps its operators and hours."""
        if self.hours is not None and self.replay is None:
            base = replace(base, scenario=replace(base.scenario, hours=self.hours))
        sizes = self.operators if self.replay is None else ()
        sizes = sizes or (base.scenario.operators,)
        return [base.with_operators(size).in_mode(mode) for size in sizes for mode in self.modes]


def asked_of(body: Mapping[str, Any]) -> Asked:
    """Raises PacingError `bad_value` that names what is wrong."""
    unknown = set(body) - {"operators", "hours", "mode", "replications", "days", "replay", "plan"}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise _bad(f"not known: {names}", f"неизвестно: {names}")
    mode = body.get("mode", "both")
    if mode not in (*MODES, "both"):
        names = ", ".join(MODES)
        raise _bad(f"mode is {names} or both", f"mode — {names} или both")
    hours = body.get("hours")
    return Asked(
        operators=_sizes(body.get("operators", [])),
        hours=None if hours is None else _number("hours", hours, 0.1, 24),
        modes=MODES if mode == "both" else (mode,),
        replications=int(_number("replications", body.get("replications", 5), 1, 1000)),
        days=_number("days", body.get("days", 14), 0.01, 366),
        replay=_day(body.get("replay")),
    )


def _sizes(given: Any) -> tuple[int, ...]:
    whole = isinstance(given, list) and all(type(size) is int for size in given)
    if not whole or not all(1 <= size <= MOST_OPERATORS for size in given):
        raise _bad(
            f"operators is a list of whole numbers, each 1 to {MOST_OPERATORS}",
            f"operators — список целых чисел, каждое от 1 до {MOST_OPERATORS}",
        )
    return tuple(sorted(set(given)))


def _number(name: str, value: Any, low: float, high: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise _bad(
            f"{name} is {value!r}; give {low:g} to {high:g}",
            f"{name}: {value!r}; задайте от {low:g} до {high:g}",
        )
    return float(value)


def _day(value: Any) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _bad("replay is a date such as 2026-03-09", "replay — дата вида 2026-03-09") from None


def _bad(en: str, ru: str) -> PacingError:
    return PacingError("bad_value", en, ru, status=422)
