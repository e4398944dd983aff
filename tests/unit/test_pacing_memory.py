"""What was learned survives being kept as JSON; what cannot be read is refused whole."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialer.pacing import Floor, PredictivePacer
from dialer.pacing_memory import BadMemory, recall, remember

FLOORS = [
    Floor(9000.0, 2, (10.0, 55.0), (3.0,), (1.0, 4.0, 12.0), 0, 40),
    Floor(9001.0, 0, (20.0, 99.0, 5.0), (3.0, 8.0), (2.0,), 0, 40),
    Floor(9002.0, 1, (20.0,) * 14, (3.0,) * 6, (2.0, 9.0) * 8, 1, 40),
]
events = st.lists(
    st.tuples(
        st.sampled_from(("answered", "failed", "talk", "wrap", "abandoned")),
        st.floats(0.0, 5.0),
        st.floats(0.0, 20_000.0),
    ),
    max_size=60,
)


def taught(happened: list[tuple[str, float, float]]) -> PredictivePacer:
    engine, now = PredictivePacer(), 5000.0
    for what, after, seconds in happened:
        now += after
        if what in ("answered", "failed"):
            engine.attempt_ended(now, seconds, what == "answered")
        elif what == "talk":
            engine.talk_ended(now, seconds)
        elif what == "wrap":
            engine.wrap_ended(now, seconds)
        else:
            engine.abandoned(now)
        engine.decide(FLOORS[0])
    return engine


TOLD_LITTLE_BY_LITTLE = [("failed", 1.0, seconds) for seconds in (1.0, 10.0, 60.0, 20_000.0) * 3]
"""The engine first looks when it knows one failure, and again within the same second."""


@settings(deadline=None, max_examples=30)
@given(events)
@example(TOLD_LITTLE_BY_LITTLE)
def test_decisions_are_the_same_after_keeping(happened: list[tuple[str, float, float]]) -> None:
    engine = taught(happened)
    kept = json.loads(json.dumps(remember(engine), allow_nan=False))
    ledger = pickle.loads(pickle.dumps(engine.ledger))
    again = recall(kept, lambda: PredictivePacer(ledger=ledger))
    fresh = copy.deepcopy(engine)
    fresh._outlook = fresh._asked = None  # views of what is known: made anew after a start
    assert [again.decide(f) for f in FLOORS] == [fresh.decide(f) for f in FLOORS]


KEPT = remember(taught([("answered", 1.0, 8.0), ("failed", 1.0, 30.0), ("talk", 1.0, 60.0)]))
NONSENSE: list[Any] = [None, "x", -1, 1e300, float("nan"), True, [], {}, [1.0]]


@pytest.mark.parametrize("place", [key for key in KEPT if key not in ("latest", "version")])
@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_nonsense_is_refused(place: str, value: Any) -> None:
    with pytest.raises(BadMemory):
        recall({**KEPT, place: value}, PredictivePacer)


@pytest.mark.parametrize("place", ["answering", "chance", "talk", "wrap"])
def test_nonsense_inside_is_refused(place: str) -> None:
    for inner, value in KEPT[place].items():
        if isinstance(value, list):
            for bad in ([*value, 1.0], [float("inf")] * len(value), [-1.0] * len(value)):
                with pytest.raises(BadMemory):
                    recall({**KEPT, place: {**KEPT[place], inner: bad}}, PredictivePacer)


def test_what_is_kept_is_small() -> None:
    assert len(json.dumps(KEPT)) < 10_000


@pytest.mark.parametrize("version", [None, 0, 1, "2"])
def test_another_version_is_refused(version: Any) -> None:
    with pytest.raises(BadMemory, match="version"):
        recall({**KEPT, "version": version}, PredictivePacer)
