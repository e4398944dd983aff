"""What an engine has learned, as plain JSON, and back. PURE.

JSON and not a pickle: the database must not be able to make the controller run code. The ledger is
not in it; its truth is the attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from dialer.pacing import PredictivePacer
from dialer.pacing_model import Durations, Knowledge

VERSION = 2
MOST = 1e9


class BadMemory(ValueError):
    """What was kept is not what this version keeps; the engine starts without it."""


def remember(engine: PredictivePacer) -> dict[str, Any]:
    """The engine's knowledge: lists of weights by bin, counts; a few kilobytes."""
    known, slack = engine.knowledge, engine.slack
    return {
        "version": VERSION,
        "latest": known.latest if isfinite(known.latest) else None,
        "in_flight": known.in_flight,
        "slack": list(slack.state),
        "answering": {
            "answers": known.answering.answers,
            "failures": known.answering.failures,
            "count": known.answering.count,
        },
        "chance": known.chance.state,
        "talk": known.talk.state,
        "wrap": known.wrap.state,
    }


def recall(kept: Mapping[str, Any], make: Callable[[], PredictivePacer]) -> PredictivePacer:
    """An engine that knows what `kept` says. Raises BadMemory; nothing is half taken over."""
    engine = make()
    if kept.get("version") != VERSION:
        raise BadMemory(f"made by version {kept.get('version')!r}, this is {VERSION}")
    try:
        _fill(engine.knowledge, kept)
        shares, calls = _numbers(kept["slack"], 2)
        engine.slack.state = (shares, max(1.0, calls))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadMemory(f"cannot be read: {error!r}") from error
    return engine


def _fill(known: Knowledge, kept: Mapping[str, Any]) -> None:
    if kept["latest"] is not None:
        known.latest = _number(kept["latest"], most=1e12)
    known.in_flight = _number(kept["in_flight"])
    answering = kept["answering"]
    known.answering.answers = _numbers(answering["answers"], len(known.answering.answers))
    known.answering.failures = _numbers(answering["failures"], len(known.answering.failures))
    known.answering.count = _number(answering["count"])
    _fill_chance(known, kept["chance"])
    _fill_durations(known.talk, kept["talk"])
    _fill_durations(known.wrap, kept["wrap"])


def _fill_chance(known: Knowledge, kept: Mapping[str, Any]) -> None:
    size = len(known.chance.memories)
    weights = _numbers(kept["weights"], size)
    if sum(weights) <= 0.0:
        raise ValueError("weights of nothing")
    known.chance.state = {
        "stretch": max(1.0, _number(kept["stretch"])),
        "mix": _numbers(kept["mix"], 2),
        "yes": _numbers(kept["yes"], size),
        "no": _numbers(kept["no"], size),
        "weights": weights,
    }


def _fill_durations(learned: Durations, kept: Mapping[str, Any]) -> None:
    size = len(learned.state["ends"])
    learned.state = {
        "ends": _numbers(kept["ends"], size),
        "seconds": _numbers(kept["seconds"], size),
        "count": _number(kept["count"]),
    }


def _numbers(values: Any, size: int) -> list[float]:
    if not isinstance(values, list) or len(values) != size:
        raise ValueError(f"not a list of {size} numbers")
    return [_number(value) for value in values]


def _number(value: Any, most: float = MOST) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    if not 0.0 <= value <= most:
        raise ValueError(f"{value!r} is not between 0 and {most:g}")
    return float(value)
