"""Double dials as the carrier sees them, and the limits of a carrier's behaviour."""

import pytest

from dialer.demo.carrier import Behaviour
from dialer.demo.carrier_record import CarrierCall, DoubleDials, find_double_dials
from dialer.demo.numbers import Kind


def call(
    number: str, started_at: float, ended_at: float | None, *, answered: bool = False
) -> CarrierCall:
    return CarrierCall(
        number=number,
        kind=Kind.PERSON,
        ring_s=1,
        talk_s=1,
        started_at=started_at,
        ringing_at=started_at,
        early_media_at=None,
        answered_at=started_at + 1 if answered else None,
        ended_at=ended_at,
        cause=16,
        ended_by_caller=False,
        channel="PJSIP/pbx-00000001",
    )


@pytest.mark.parametrize(
    ("calls", "overlapping", "after_answer"),
    [
        ([call("+1", 0, 5), call("+1", 5, 9), call("+2", 0, 9)], set(), set()),
        ([call("+1", 0, 5), call("+1", 4, 9)], {"+1"}, set()),
        ([call("+1", 4, 9), call("+1", 0, None)], {"+1"}, set()),
        ([call("+1", 0, 5, answered=True), call("+1", 7, 9)], set(), {"+1"}),
        ([call("+1", 0, 5), call("+1", 7, 9, answered=True)], set(), set()),
        ([call("+1", 0, 20), call("+1", 1, 2), call("+1", 3, 4)], {"+1"}, set()),
    ],
)
def test_double_dials(
    calls: list[CarrierCall], overlapping: set[str], after_answer: set[str]
) -> None:
    expected = DoubleDials(frozenset(overlapping), frozenset(after_answer))
    assert find_double_dials(calls) == expected


def test_shares_become_edges_that_end_at_the_whole() -> None:
    values = Behaviour(shares={Kind.PERSON: 1, Kind.BUSY: 3}).global_values()
    assert values["CARRIER_UP_TO_person"] == "250000"
    assert values["CARRIER_UP_TO_no_answer"] == "250000"
    assert values["CARRIER_UP_TO_busy"] == "1000000"
    assert values["CARRIER_UP_TO_early_answer"] == "1000000"


@pytest.mark.parametrize(
    "shares", [{}, {Kind.PERSON: 0.0}, {Kind.PERSON: 2.0, Kind.BUSY: -1.0}, {Kind.RANDOM: 1.0}]
)
def test_impossible_shares_are_refused(shares: dict[Kind, float]) -> None:
    with pytest.raises(ValueError, match=r"Shares are weights|cannot become"):
        Behaviour(shares=shares)
