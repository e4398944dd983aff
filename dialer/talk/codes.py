"""PURE. `*` codes: what keys pressed on an operator's phone ask for.

The node reports every key of every channel as an event, so the codes work in any bridge and for
any phone, and the node itself has no feature a person could trigger. Keys are heard by the other
side too: Asterisk passes them on while it tells us (docs/adr has the reasons).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

KEY_LIMIT_S = 4.0
"""So long may pass between two keys of one code."""
LONGEST = 24
CODE = re.compile(r"\*[0-9]{1,3}")
TARGET = re.compile(r"(operator|stage|skill|number):[^\s:]{1,64}")
"""What digits after a code may stand for."""

DEFAULT_CODES: Mapping[str, str] = {
    "hold": "*1",
    "transfer": "*2",
    "consult": "*3",
    "toggle": "*4",
    "three_way": "*5",
    "complete": "*6",
    "cancel": "*7",
    "park": "*8",
    "pick_up": "*9",
    "mute": "*0",
}
"""What each code does; `transfer` and `consult` go on with a target and end with `#`."""
WITH_TARGET = frozenset({"transfer", "consult"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole code: what to do, and for whom (digits) where it takes a target."""

    action: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Keys that began with `*` and are no code."""


def problem_of(codes: Mapping[str, str]) -> str:
    """Why these codes cannot be used together; "" when they can."""
    unknown = sorted(set(codes) - set(DEFAULT_CODES))
    if unknown:
        return f"no such action: {', '.join(unknown)}; one of {', '.join(DEFAULT_CODES)}"
    for action, code in codes.items():
        if not CODE.fullmatch(code):
            return f"{action}: {code!r} is no code; give * and one to three digits"
    for action, code in codes.items():
        for other, longer in codes.items():
            if other != action and longer.startswith(code):
                return f"{action} and {other}: {longer!r} begins with {code!r}"
    return ""


@dataclass(slots=True)
class CodeReader:
    """Reads one operator's keys; `codes` maps an action to its code."""

    codes: Mapping[str, str]
    _typed: str = ""
    _last_at: float = field(default=0.0)

    def press(self, key: str, at: float) -> Asked | Unknown | None:
        """One key at `at` (epoch seconds). None: nothing yet, or nothing to do with codes."""
        typed = self._typed if 0 <= at - self._last_at <= KEY_LIMIT_S else ""
        self._last_at = at
        # A second star begins anew: so a mistake is taken back.
        typed = key if key == "*" else typed + key if typed else ""
        found, self._typed = self._read(typed)
        return found

    def _read(self, typed: str) -> tuple[Asked | Unknown | None, str]:
        if len(typed) < 2:
            return None, typed
        for action, code in self.codes.items():
            if typed.startswith(code):
                return self._whole(action, typed, code)
        if any(code.startswith(typed) for code in self.codes.values()):
            return None, typed
        return Unknown(), ""

    def _whole(self, action: str, typed: str, code: str) -> tuple[Asked | Unknown | None, str]:
        if action not in WITH_TARGET:
            return Asked(action), ""
        rest = typed[len(code) :]
        if rest.endswith("#"):
            return (Asked(action, rest[:-1]), "") if len(rest) > 1 else (Unknown(), "")
        return (Unknown(), "") if len(typed) > LONGEST else (None, typed)
