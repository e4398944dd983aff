"""Legal profiles: what the shipped ones say, and what they forbid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from campaigns.legal.model import (
    DAY_S,
    MESSAGE_PARTS,
    LegalError,
    Profile,
    Rules,
    in_force,
    problems,
    read,
)
from campaigns.legal.shipped import shipped

TODAY = date(2026, 11, 25)
LAWFUL = Rules("preview", "+74951234567", 25.0, True, 0.03, frozenset(MESSAGE_PARTS))
MESSAGE = ["legal_message"]


def profile(name: str) -> Profile:
    found = in_force(shipped()[name], TODAY)
    assert found is not None
    return found


def test_there_are_these_profiles() -> None:
    assert set(shipped()) == {"us", "uk", "ru_advertising", "ru_debt", "own"}


@pytest.mark.parametrize(
    ("name", "cap", "window_s", "patience_s", "ring_s"),
    [
        ("us", 0.03, 30 * DAY_S, 2.0, 15.0),
        ("uk", 0.03, DAY_S, 2.0, 15.0),
        ("ru_advertising", 0.03, DAY_S, 2.0, 20.0),
        ("ru_debt", 0.03, DAY_S, 2.0, 20.0),
    ],
)
def test_the_numbers_of_the_law(
    name: str, cap: float, window_s: float, patience_s: float, ring_s: float
) -> None:
    found = profile(name)
    limits = found.abandonment
    assert (limits.max_rate, limits.window_s, limits.operator_within_s) == (
        cap,
        window_s,
        patience_s,
    )
    assert found.minimum_ring_s == ring_s


def test_a_debt_is_called_about_once_a_day_twice_a_week_eight_times_a_month() -> None:
    limits = profile("ru_debt").limits
    assert (limits.per_day, limits.per_week, limits.per_month) == (1, 2, 8)


@pytest.mark.parametrize(
    ("name", "change", "refused"),
    [
        # 38-FZ: advertising is never dialed by the machine alone.
        ("ru_advertising", {"mode": "progressive"}, ["legal_mode"]),
        ("ru_advertising", {"mode": "predictive"}, ["legal_mode"]),
        ("ru_advertising", {}, []),
        ("us", {"mode": "predictive"}, []),
        ("us", {"mode": "predictive", "message_names": frozenset(("company", "number"))}, MESSAGE),
        ("uk", {"mode": "progressive", "message_names": frozenset(("company", "number"))}, []),
        ("ru_debt", {"mode": "progressive", "message_names": frozenset(("number",))}, MESSAGE),
        ("uk", {"mode": "manual", "message_names": frozenset()}, []),
        ("own", {"mode": "predictive", "message_names": frozenset()}, []),
        ("us", {"ring_timeout_s": 12.0}, ["legal_ring"]),
        ("ru_debt", {"ring_timeout_s": 19.9}, ["legal_ring"]),
        ("ru_debt", {"ring_timeout_s": 20.0}, []),
        ("uk", {"max_abandon_rate": 0.05}, ["legal_abandonment"]),
        ("uk", {"caller_id": None}, ["legal_caller_id"]),
        ("ru_debt", {"recording": False}, ["legal_recording"]),
        ("own", {"caller_id": None, "recording": False}, []),
        ("us", {"caller_id": "", "ring_timeout_s": 5.0}, ["legal_ring", "legal_caller_id"]),
    ],
)
def test_a_contradiction_is_named(name: str, change: dict[str, Any], refused: list[str]) -> None:
    found = problems(profile(name), replace(LAWFUL, **change))
    assert [problem.id for problem in found] == refused
    for problem in found:
        assert name in problem.sentence.en
        assert name in problem.sentence.ru
        assert problem.sentence.en != problem.sentence.ru


def test_an_abandoned_person_rests_unless_an_operator_is_guaranteed() -> None:
    uk = profile("uk")
    assert uk.pause_after_abandoned_s("predictive") == 72 * 3600
    assert uk.pause_after_abandoned_s("preview") == 0


def test_the_newest_version_in_force_counts() -> None:
    first = profile("uk")
    second = first.model_copy(update={"version": 2, "in_force_from": date(2027, 1, 1)})
    versions = {1: first, 2: second}
    assert in_force(versions, date(2026, 12, 31)) is first
    assert in_force(versions, date(2027, 1, 1)) is second
    assert in_force(versions, date(2010, 1, 1)) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hours": {"workday": [["21:00", "09:00"]], "weekend": [], "holiday": []}}, "hours"),
        ({"hours": {"workday": [["9", "21:00"]], "weekend": [], "holiday": []}}, "hours.workday"),
        ({"abandonment": {"max_rate": 3, "window_s": 86400, "operator_within_s": 2}}, "max_rate"),
        ({"colour": "red"}, "colour"),
        ({"modes": []}, "modes"),
    ],
)
def test_a_wrong_definition_names_the_key(change: dict[str, Any], named: str) -> None:
    document = {**profile("own").model_dump(mode="json"), **change}
    with pytest.raises(LegalError, match=named) as refused:
        read(document, "own.toml")
    assert refused.value.id == "bad_profile"


def test_a_profile_survives_being_stored() -> None:
    for versions in shipped().values():
        for found in versions.values():
            assert read(found.model_dump(mode="json"), "stored") == found


def test_what_the_message_lacks_is_told_with_what_to_do() -> None:
    lacking = replace(LAWFUL, mode="predictive", message_names=frozenset(("company",)))
    [found] = problems(profile("us"), lacking)
    for sentence in (found.sentence.en, found.sentence.ru):
        assert "number, opt_out_key" in sentence
        assert 'names = ["company", "number", "opt_out_key"]' in sentence
