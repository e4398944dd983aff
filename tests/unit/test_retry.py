"""Retry rules: pauses, parts of the day, other phones, as a campaign manager sets them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.hours.model import zone_of
from campaigns.leads import retry
from campaigns.leads.model import HOUR_S, NextStep
from campaigns.leads.retry import Dialed, RetryError, next_step, part, shifted
from dialer.outcomes import EndedBy, Outcome

OMSK = "Asia/Omsk"
NO_ANSWER, INVALID, BUSY = Outcome.NO_ANSWER, Outcome.INVALID, Outcome.BUSY


def omsk(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(OMSK)).timestamp()


def step(rules: Any, outcome: Outcome, dialed: Dialed, approaches: int = 0) -> NextStep:
    return next_step(
        retry.read(rules),
        outcome,
        dialed,
        conversed=False,
        ended_by=EndedBy.NETWORK,
        approaches=approaches,
        failures=0,
        max_approaches=4,
    )


@pytest.mark.parametrize(
    ("ended", "pause_h", "again"),
    [
        ("2026-11-25T10:00", 1, "2026-11-25T17:00"),  # morning: the evening of that day
        ("2026-11-25T14:00", 1, "2026-11-25T17:00"),  # afternoon: the evening
        ("2026-11-25T18:00", 1, "2026-11-26T09:00"),  # evening: the next morning
        ("2026-11-25T10:00", 48, "2026-11-27T17:00"),  # two days, then the evening
        ("2026-11-25T10:00", 8, "2026-11-25T18:00"),  # it is evening by then
        ("2026-11-25T18:00", 16, "2026-11-26T10:00"),
        ("2026-11-25T18:00", 20, "2026-11-27T09:00"),  # the morning is over by then
    ],
)
def test_another_part_of_the_day(ended: str, pause_h: float, again: str) -> None:
    assert shifted(omsk(ended), pause_h * HOUR_S, (OMSK,)) == omsk(again)


def test_no_answer_in_the_morning_is_tried_in_the_evening() -> None:
    rules = {"no_answer": {"pause_s": 3600, "day_part": True}}
    ended = omsk("2026-11-25T10:00")
    found = step(rules, NO_ANSWER, Dialed(ended, (OMSK,)))
    assert ended + found.after_s == omsk("2026-11-25T17:00")
    assert (found.status, found.approaches) == ("retry", 1)


@pytest.mark.parametrize(
    ("outcome", "others", "rules", "status", "phone", "approaches"),
    [
        # No such number: the next one at once, and no approach is spent.
        (INVALID, (1, 2), {}, "retry", 1, 0),
        (INVALID, (), {}, "done", None, 1),
        # No answer: the same phone, unless the rule says so.
        (NO_ANSWER, (1,), {}, "retry", None, 1),
        (NO_ANSWER, (1,), {"no_answer": {"other_phone": True}}, "retry", 1, 1),
        (NO_ANSWER, (), {"no_answer": {"other_phone": True}}, "retry", None, 1),
    ],
)
def test_the_next_phone(
    outcome: Outcome,
    others: tuple[int, ...],
    rules: Any,
    status: str,
    phone: int | None,
    approaches: int,
) -> None:
    found = step(rules, outcome, Dialed(0, others=others))
    assert (found.status, found.phone, found.approaches) == (status, phone, approaches)


def test_after_the_last_phone_comes_the_first() -> None:
    found = step({}, INVALID, Dialed(0, position=2, others=(0, 1)))
    assert found.phone == 0


def test_an_outcome_has_its_own_limit() -> None:
    rules = {"busy": {"max": 2, "pause_s": 60}}
    assert step(rules, BUSY, Dialed(0, before=0)).status == "retry"
    assert step(rules, BUSY, Dialed(0, before=1), approaches=1).status == "done"


def test_without_rules_four_approaches_and_two_days() -> None:
    assert step({}, Outcome.REJECTED, Dialed(0)).after_s == 48 * HOUR_S
    assert step({}, NO_ANSWER, Dialed(0), approaches=3).status == "done"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    st.floats(0, 10 * 86400),
    st.sampled_from([OMSK, "Europe/Berlin", "America/New_York"]),
)
def test_the_shift_never_comes_early_and_never_to_the_same_part(
    at: datetime, pause_s: float, zone: str
) -> None:
    ended = at.replace(tzinfo=zone_of(zone)).timestamp()
    again = shifted(ended, pause_s, (zone,))
    assert ended + pause_s <= again <= ended + pause_s + 25 * HOUR_S
    place = zone_of(zone)
    before, after = (datetime.fromtimestamp(t, place) for t in (ended, again))
    assert part(before) != part(after)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"nonsense": {}},
        {"no_answer": 5},
        {"no_answer": {"pause_s": -1}},
        {"no_answer": {"max": 0}},
        {"no_answer": {"colour": 1}},
        {"no_answer": {"day_part": 1}},
        {"no_answer": {"max": float("inf")}},
        {"no_answer": {"pause_s": float("nan")}},
        {"dispositions": []},
        {"dispositions": {"call_back": {"pause_s": "soon"}}},
    ],
)
def test_wrong_rules_are_named(wrong: Any) -> None:
    with pytest.raises(RetryError) as refused:
        retry.read(wrong)
    assert refused.value.id == "bad_retry"
    assert refused.value.to("ru") != str(refused.value)
