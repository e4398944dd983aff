"""Is everything there that dialing needs? One line per dependency, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """Problems by dependency; the parts of the process set and clear them.

    `checks` are asked at every look; each gives "" when well, else a sentence.
    """

    problems: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Callable[[], str]] = field(default_factory=dict)

    def set(self, name: str, problem: str) -> None:
        self.problems[name] = problem

    def clear(self, name: str) -> None:
        self.problems[name] = ""

    def report(self) -> dict[str, str]:
        """By dependency: "" when well, else what is wrong and what to do."""
        return {**self.problems, **{name: check() for name, check in self.checks.items()}}
