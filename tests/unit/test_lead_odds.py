"""Odds of single leads: learned, trusted only when they foretell, kept, never out of bounds."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.lead_odds import LeadOdds, features, number_features, restored

MOBILE, FIXED = "+79161234567", "+74951234567"


def taught(effect: float, calls: int = 3000, seed: int = 1) -> LeadOdds:
    """Mobiles and fixed phones; in the evening mobiles answer better by `effect` of log-odds."""
    model, luck = LeadOdds(), random.Random(seed)
    for _ in range(calls):
        phone = luck.choice((MOBILE, FIXED))
        hour = luck.choice((10, 19))
        shift = effect if phone == MOBILE and hour == 19 else -effect / 3
        chance = 1 / (1 + math.exp(1.2 - shift))
        model.ended(features(phone, 0, hour, 1), luck.random() < chance)
    return model


def test_a_number_tells_its_kind_and_area() -> None:
    assert number_features(MOBILE) == ("mobile", "7-916")
    assert number_features(FIXED)[1] == "7-495"
    assert number_features("nonsense") == ("odd", "odd")


def test_effects_are_learned() -> None:
    model = taught(1.2)
    evening = model.odds(features(MOBILE, 0, 19, 1)) / model.odds(features(FIXED, 0, 19, 1))
    assert math.log(evening) == pytest.approx(1.6, abs=0.45)
    assert model.trusted


@pytest.mark.parametrize("seed", range(4))
def test_where_there_is_nothing_to_learn_nothing_is_told(seed: int) -> None:
    assert not taught(0.0, seed=seed).trusted


def test_of_whom_nothing_is_known_is_ordinary() -> None:
    assert LeadOdds().odds(features(MOBILE, 0, 19, 1)) == 1.0


def test_what_was_learned_is_kept() -> None:
    model = taught(1.2, calls=500)
    again = restored(json.loads(json.dumps(model.state)))
    known = features(MOBILE, 0, 19, 1)
    assert again.odds(known) == model.odds(known)
    assert again.trusted == model.trusted


@pytest.mark.parametrize(
    "bad",
    [
        {"mean": float("nan")},
        {"level": [0.0]},
        {"plain": [0, -1]},
        {"weights": {"x": "y"}},
        {"gained": True},
    ],
)
def test_nonsense_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        restored({**LeadOdds().state, **bad})


@given(
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"), st.booleans()), max_size=300
    )
)
def test_odds_stay_within_bounds_after_any_calls(calls: list[tuple[str, str, bool]]) -> None:
    model = LeadOdds()
    for first, second, answered in calls:
        model.ended((first, second), answered)
        assert 0.04 < model.odds((first, second)) < 21.0
        assert math.isfinite(model.gained)
