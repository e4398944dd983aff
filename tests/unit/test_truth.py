"""The comparison with the carrier's record finds every kind of difference."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.demo.carrier_record import CarrierCall
from dialer.demo.numbers import Kind
from dialer.demo.reported import Reported, disagreements
from dialer.demo.truth import mismatches

PHONE = "+79031110101"


def attempt(outcome: str, ended_by: str = "network") -> dict[str, Any]:
    return {"id": "a", "phone": PHONE, "outcome": outcome, "ended_by": ended_by}


def call(kind: Kind, *, answered: bool = False, rang: bool = True, at: float = 1.0) -> CarrierCall:
    return CarrierCall(
        number=PHONE,
        kind=kind,
        ring_s=1,
        talk_s=1,
        started_at=at,
        ringing_at=at + 0.1 if rang else None,
        early_media_at=None,
        answered_at=at + 1 if answered else None,
        ended_at=at + 2,
        cause=16,
        ended_by_caller=False,
        channel="x",
    )


@pytest.mark.parametrize(
    ("outcome", "ended_by", "seen"),
    [
        ("answered", "person", call(Kind.PERSON, answered=True)),
        ("abandoned", "person", call(Kind.PERSON, answered=True)),
        ("busy", "network", call(Kind.BUSY)),
        ("no_answer", "ring_timeout", call(Kind.NO_ANSWER)),
        ("no_answer", "dialer", call(Kind.PERSON)),
        ("failed", "ring_timeout", call(Kind.SILENCE, rang=False)),
    ],
)
def test_what_agrees_is_no_mismatch(outcome: str, ended_by: str, seen: CarrierCall) -> None:
    assert mismatches([attempt(outcome, ended_by)], [seen]) == []


@pytest.mark.parametrize(
    ("outcome", "ended_by", "seen"),
    [
        ("answered", "person", call(Kind.PERSON)),
        ("no_answer", "ring_timeout", call(Kind.PERSON, answered=True)),
        ("busy", "network", call(Kind.INVALID)),
        ("failed", "ring_timeout", call(Kind.NO_ANSWER)),
        ("unknown", "node", call(Kind.BUSY)),
    ],
)
def test_another_outcome_than_the_carrier_saw_is_found(
    outcome: str, ended_by: str, seen: CarrierCall
) -> None:
    (found,) = mismatches([attempt(outcome, ended_by)], [seen])
    assert f"{outcome} by {ended_by}" in found


def test_a_call_too_many_or_too_few_is_found() -> None:
    busy = attempt("busy")
    assert "no call at the carrier" in mismatches([busy], [])[0]
    assert "no attempt" in mismatches([], [call(Kind.BUSY)])[0]
    twice = [call(Kind.BUSY), call(Kind.BUSY, at=5.0)]
    assert len(mismatches([busy], twice)) == 1
    assert mismatches([busy, busy], twice) == []


SAID = Reported(3, {"answered": 2, "busy": 1}, 2, {"anna": (3, 2)}, {"anna": 61.5}, 70.25)
CARRIER = (3, 2)
ROWS = ({"answered": 2, "busy": 1}, 2)
GROWN = {
    "answered": 2.0,
    "busy": 1.0,
    "dials anna": 3.0,
    "conversations anna": 2.0,
    "line_seconds anna": 61.5,
    "dials": 3.0,
    "calls answered": 2.0,
    "conversations": 2.0,
    "conversations by campaign": 2.0,
    "attempts by campaign": 3.0,
    "attempts by trunk": 3.0,
    "trunk line seconds": 70.25,
}


def test_reports_that_agree_with_carrier_rows_and_metrics() -> None:
    before = dict.fromkeys(GROWN, 10.0)
    now = {name: 10.0 + value for name, value in GROWN.items()}
    assert disagreements(SAID, *CARRIER, *ROWS, before, now) == []


@pytest.mark.parametrize("name", GROWN)
def test_a_metric_that_differs_from_the_report_is_found(name: str) -> None:
    wrong = {**GROWN, name: GROWN[name] + 1}
    assert disagreements(SAID, *CARRIER, *ROWS, {}, wrong)


def test_rows_and_carrier_that_differ_from_the_report_are_found() -> None:
    assert disagreements(SAID, 4, 2, *ROWS, {}, GROWN)
    assert disagreements(SAID, 3, 1, *ROWS, {}, GROWN)
    assert disagreements(SAID, *CARRIER, {"answered": 1, "busy": 1}, 2, {}, GROWN)
    assert disagreements(SAID, *CARRIER, ROWS[0], 1, {}, GROWN)
