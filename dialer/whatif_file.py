"""A simulation stated in a file (TOML). PURE; errors name the line.

The format is in docs/reference/simulate.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any, NoReturn

from campaigns.refusals import Refusal
from dialer.pacing_sim import LogNormal, Mix, Sampler, Scenario, Times, Uniform
from dialer.whatif import MODES, Plan, dials_per_lead

LONGEST_S = 4 * 3600.0
MOST_OPERATORS = 1000
HOUR_S = 3600.0


class PlanFileError(Refusal):
    """A file of a simulation cannot be used; the text names the line."""


def read_plan(text: str, source: str) -> Plan:
    """The plan in a file's text. Raises PlanFileError `bad_plan`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _error(source, None, str(error), f"это не TOML: {error}") from None
    reader = _Reader(text, source)
    return reader.plan(document)


def _error(source: str, line: int | None, what: str, what_ru: str) -> PlanFileError:
    place = source if line is None else f"{source}, line {line}"
    place_ru = source if line is None else f"{source}, строка {line}"
    return PlanFileError("bad_plan", f"{place}: {what}", f"{place_ru}: {what_ru}", status=422)


class _Reader:
    """Values of one document, checked; wrong ones raise with the line of their key."""

    def __init__(self, text: str, source: str) -> None:
        self._lines, self._source = text.splitlines(), source

    def plan(self, document: dict[str, Any]) -> Plan:
        known = {
            *("name", "operators", "hours", "lines", "mode", "max_abandoned_percent"),
            *("window_hours", "leads", "approaches", "answer", "times"),
        }
        self._only(document, known, ())
        mode = document.get("mode", "predictive")
        if mode not in MODES:
            self._fail(
                ("mode",),
                f"the mode is {' or '.join(MODES)}, not {mode!r}",
                f"режим — {' или '.join(MODES)}, а не {mode!r}",
            )
        answer = self._table(document, "answer", {"percent"})
        chance = self._chances(answer)
        approaches = int(self._number(document, ("approaches",), 1, 100, 4))
        leads = int(self._number(document, ("leads",), 0, 1e9, 0))
        mean_chance = sum(p for _, p in chance) / len(chance)
        return Plan(
            scenario=self._scenario(document, chance),
            mode=mode,
            cap=self._number(document, ("max_abandoned_percent",), 0, 100, 3) / 100.0,
            window_s=self._number(document, ("window_hours",), 1, 24 * 31, 24) * HOUR_S,
            leads=leads,
            dials_per_lead=dials_per_lead(mean_chance, approaches),
        )

    def _scenario(
        self, document: dict[str, Any], chance: tuple[tuple[float, float], ...]
    ) -> Scenario:
        names = {"to_answer", "to_failure", "talk", "wrap_up"}
        times = self._table(document, "times", names)
        return Scenario(
            name=str(document.get("name", self._source)),
            operators=int(self._number(document, ("operators",), 1, MOST_OPERATORS, 10)),
            chance=chance,
            answer_s=self._times(times, "to_answer"),
            failure_s=self._times(times, "to_failure"),
            talk_s=self._times(times, "talk"),
            wrap_s=self._times(times, "wrap_up"),
            hours=self._number(document, ("hours",), 0.1, 24, 8),
            lines=int(self._number(document, ("lines",), 0, 100_000, 0)),
        )

    def _chances(self, answer: dict[str, Any]) -> tuple[tuple[float, float], ...]:
        path = ("answer", "percent")
        stated = answer.get("percent")
        if stated is None:
            self._fail(
                ("answer",),
                "give percent: the share of dials that a person answers",
                "задайте percent: долю наборов, на которые отвечает человек",
            )
        pairs = stated if isinstance(stated, list) else [[0, stated]]
        chances = []
        for pair in pairs:
            if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair))):
                self._fail(
                    path,
                    "percent is a number, or a list of [from hour, per cent]",
                    "percent — число или список пар [с часа, процентов]",
                )
            hour, percent = pair
            if not (0 <= percent <= 100 and 0 <= hour <= 24):
                self._fail(
                    path,
                    f"[{hour}, {percent}]: hours are 0 to 24, per cent 0 to 100",
                    f"[{hour}, {percent}]: часы от 0 до 24, проценты от 0 до 100",
                )
            chances.append((float(hour) * HOUR_S, float(percent) / 100.0))
        if not chances or chances[0][0] != 0.0 or chances != sorted(chances):
            self._fail(
                path,
                "the list begins at hour 0 and its hours grow",
                "список начинается с часа 0, и часы растут",
            )
        return tuple(chances)

    def _times(self, times: dict[str, Any], name: str) -> Sampler:
        path = ("times", name)
        if name not in times:
            self._fail(("times",), f"{name} is missing", f"нет {name}")
        stated = times[name]
        if not isinstance(stated, list):
            return self._kind(stated, path)[1]
        if not stated:
            self._fail(path, "an empty list", "пустой список")
        kinds = tuple(self._kind(part, path) for part in stated)
        return Mix(kinds)

    def _kind(self, stated: Any, path: tuple[str, ...]) -> tuple[float, Sampler]:
        """(weight, times): a number of seconds, or a table that says how they vary."""
        if _is_number(stated):
            return 1.0, Times((self._seconds(stated, path),), 0.0)
        if not isinstance(stated, dict):
            self._fail(
                path,
                "times are a number of seconds, a table, or a list of tables",
                "времена — число секунд, таблица или список таблиц",
            )
        weight = stated.get("weight", 1)
        if not _is_number(weight) or not 0 < weight <= 1e6:
            self._fail(
                path, f"a weight is above 0, not {weight!r}", f"вес больше 0, а не {weight!r}"
            )
        given = set(stated) - {"weight"}
        make = next((make for keys, make in _KINDS if set(keys) == given), None)
        if make is None:
            self._fail(
                path,
                "a table has mean and variation, or low and high, or values (and a weight)",
                "в таблице mean и variation, или low и high, или values (и weight)",
            )
        return float(weight), make(self, stated, path)

    def _seconds(self, value: Any, path: tuple[str, ...]) -> float:
        if not _is_number(value) or not 0 <= value <= LONGEST_S:
            self._fail(
                path,
                f"{value!r} is not between 0 and {LONGEST_S:.0f} seconds",
                f"{value!r} — не от 0 до {LONGEST_S:.0f} секунд",
            )
        return float(value)

    def lognormal(self, stated: dict[str, Any], path: tuple[str, ...]) -> Sampler:
        mean, variation = self._seconds(stated["mean"], path), stated["variation"]
        if not _is_number(variation) or not 0 < variation <= 10 or mean <= 0:
            self._fail(
                path,
                "mean is above 0 and variation (deviation / mean) above 0, at most 10",
                "mean больше 0, variation (отклонение / среднее) больше 0 и не больше 10",
            )
        return LogNormal(mean, float(variation))

    def uniform(self, stated: dict[str, Any], path: tuple[str, ...]) -> Sampler:
        low, high = (self._seconds(stated[key], path) for key in ("low", "high"))
        if low > high:
            self._fail(
                path,
                f"low ({low:g}) is above high ({high:g})",
                f"low ({low:g}) больше high ({high:g})",
            )
        return Uniform(low, high)

    def values(self, stated: dict[str, Any], path: tuple[str, ...]) -> Sampler:
        values = stated["values"]
        if not isinstance(values, list) or not values:
            self._fail(path, "values is a list of seconds", "values — список секунд")
        return Times(tuple(self._seconds(value, path) for value in values))

    def _number(
        self, document: dict[str, Any], path: tuple[str], low: float, high: float, default: float
    ) -> float:
        value = document.get(path[0], default)
        if not _is_number(value) or not low <= value <= high:
            self._fail(
                path,
                f"{path[0]} is {value!r}; give {low:g} to {high:g}",
                f"{path[0]}: {value!r}; задайте от {low:g} до {high:g}",
            )
        return float(value)

    def _table(self, document: dict[str, Any], name: str, known: set[str]) -> dict[str, Any]:
        table = document.get(name)
        if not isinstance(table, dict):
            self._fail((name,), f"the table [{name}] is missing", f"нет таблицы [{name}]")
        self._only(table, known, (name,))
        return table

    def _only(self, table: dict[str, Any], known: set[str], path: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                names = ", ".join(sorted(known))
                self._fail(
                    (*path, key),
                    f"{key} is not known; known are {names}",
                    f"{key} неизвестно; известны {names}",
                )

    def _fail(self, path: tuple[str, ...], what: str, what_ru: str) -> NoReturn:
        raise _error(self._source, self._line_of(path), what, what_ru)

    def _line_of(self, path: tuple[str, ...]) -> int | None:
        """The line where this key is given (or its table begins)."""
        table, found = (), None
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[\[?\s*([\w.\-]+)\s*\]\]?", line)
            if header:
                table = tuple(header[1].split("."))
                found = number if table == path else found
                continue
            key = re.match(r"\s*([\w.\-]+)\s*=", line)
            if key and (*table, *key[1].split(".")) == path:
                return number
        return found


_Make = Callable[[_Reader, dict[str, Any], tuple[str, ...]], Sampler]
_KINDS: tuple[tuple[tuple[str, ...], _Make], ...] = (
    (("mean", "variation"), _Reader.lognormal),
    (("low", "high"), _Reader.uniform),
    (("values",), _Reader.values),
)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
