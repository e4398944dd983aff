"""The state machine of campaigns, values of settings, refusals in two languages."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import settings as registry
from campaigns.campaign.kinds import Choice, Day, Flag, LocalTime, Many, Maybe, Number, Text, Wrong
from campaigns.campaign.model import (
    TRANSITIONS,
    CampaignError,
    CampaignStatus,
    Transition,
    Version,
    between,
)
from campaigns.refusals import Refusal, wanted_language

S = CampaignStatus
LEGAL = {
    (S.DRAFT, "approve"): S.APPROVED,
    (S.DRAFT, "archive"): S.ARCHIVED,
    (S.APPROVED, "withdraw"): S.DRAFT,
    (S.APPROVED, "start"): S.RUNNING,
    (S.APPROVED, "archive"): S.ARCHIVED,
    (S.RUNNING, "pause"): S.PAUSED,
    (S.RUNNING, "finish"): S.FINISHED,
    (S.PAUSED, "start"): S.RUNNING,
    (S.PAUSED, "resume"): S.RUNNING,
    (S.PAUSED, "finish"): S.FINISHED,
    (S.FINISHED, "reopen"): S.PAUSED,
    (S.FINISHED, "archive"): S.ARCHIVED,
}
"""Written apart from the code: what is not here is refused."""


@pytest.mark.parametrize(
    ("status", "transition"),
    list(itertools.product(S, TRANSITIONS)),
    ids=lambda value: value.verb if isinstance(value, Transition) else value,
)
def test_what_may_become_of_a_campaign(status: CampaignStatus, transition: Transition) -> None:
    wanted = LEGAL.get((status, transition.verb))
    if wanted is not None:
        assert transition.from_(status, "spring") is wanted
        return
    with pytest.raises(CampaignError) as caught:
        transition.from_(status, "spring")
    assert caught.value.id in ("wrong_state", "not_approved")
    assert "'spring'" in caught.value.to("en") and "'spring'" in caught.value.to("ru")
    assert caught.value.to("en") != caught.value.to("ru")


@given(st.lists(st.sampled_from(TRANSITIONS), max_size=30))
def test_nothing_runs_that_was_not_approved(verbs: list[Transition]) -> None:
    status, approved, archived = S.DRAFT, False, False
    for transition in verbs:
        try:
            status = transition.from_(status, "x")
        except CampaignError:
            continue
        assert not archived, "archived is the end"
        approved = (approved or status is S.APPROVED) and status is not S.DRAFT
        archived = status is S.ARCHIVED
        if status in (S.RUNNING, S.PAUSED, S.FINISHED):
            assert approved


GOOD: list[tuple[Any, object, object]] = [
    (Text(5), "abc", "abc"),
    (Number(1, 3), 2, 2.0),
    (Number(1, 3, whole=True), 2.0, 2),
    (Flag(), True, True),
    (Choice(("a", "b")), "b", "b"),
    (Many(Choice(("a", "b"))), ["b", "a", "b"], ["b", "a"]),
    (Maybe(Number(1, 3)), None, None),
    (LocalTime(), datetime(2026, 12, 1, 9), "2026-12-01T09:00:00"),  # noqa: DTZ001
    (LocalTime(), "2026-12-01 09:00", "2026-12-01T09:00:00"),
    (Day(), datetime(2026, 12, 1, tzinfo=UTC).date(), "2026-12-01"),
    (Day(), "2026-12-01", "2026-12-01"),
]
BAD: list[tuple[Any, object]] = [
    (Text(5), "abcdef"),
    (Text(5), "a\nb"),
    (Text(5), " "),
    (Text(5), 5),
    (Number(1, 3), True),
    (Number(1, 3), "2"),
    (Number(1, 3), float("nan")),
    (Number(1, 3), 3.01),
    (Number(1, 3, whole=True), 1.5),
    (Flag(), 1),
    (Choice(("a", "b")), ["a"]),
    (Many(Text(5)), "abc"),
    (Many(Text(5), most=1), ["a", "b"]),
    (LocalTime(), "2026-12-01"),
    (LocalTime(), datetime(2026, 12, 1, 9, tzinfo=UTC)),
    (Day(), "2026-13-01"),
    (Day(), datetime(2026, 12, 1, 9)),  # noqa: DTZ001
]


@pytest.mark.parametrize(("kind", "value", "kept"), GOOD, ids=repr)
def test_values_are_read(kind: Any, value: object, kept: object) -> None:
    assert kind.read(value) == kept
    assert type(kind.read(value)) is type(kept)
    assert kind.read(kept) == kept, "the kept form is read as it is"


@pytest.mark.parametrize(("kind", "value"), BAD, ids=repr)
def test_wrong_values_are_told(kind: Any, value: object) -> None:
    with pytest.raises(Wrong) as caught:
        kind.read(value)
    assert caught.value.sentence.en != caught.value.sentence.ru != ""


def test_a_command_line_says_the_same_as_a_file() -> None:
    for text, name, kept in (
        ("true", "recording", True),
        ("нет", "recording", False),
        ("2,5", "post_dial_delay_s", 2.5),
        ("none", "goals.conversations", None),
        ("500", "goals.conversations", 500),
        ("a, b", "lists", ["a", "b"]),
        ("2026-12-01 09:00", "schedule.start", "2026-12-01T09:00:00"),
        ("none", "brief.promises", []),
        ('{mon = [["09:00", "18:00"]]}', "hours", {"mon": [["09:00", "18:00"]]}),
    ):
        assert registry.parse({name: text}) == {name: kept}
    for name, text in (("ring_timeout_s", "ten"), ("hours", "{mon = 5}"), ("hours", "9-18")):
        with pytest.raises(CampaignError) as caught:
            registry.parse({name: text})
        assert caught.value.id == "bad_value" and caught.value.to("ru") != str(caught.value)


def test_the_schedule_ends_after_it_begins() -> None:
    times = {"schedule.start": "2026-12-02T09:00:00", "schedule.stop": "2026-12-02T09:00:00"}
    with pytest.raises(CampaignError, match=r"schedule.stop: must be after"):
        registry.complete(times)


KEYS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)


@given(st.lists(KEYS, min_size=1, max_size=8), st.data())
def test_a_difference_is_that_of_the_values_themselves(
    states: list[dict[str, int]], data: st.DataObject
) -> None:
    whole = [{key: state.get(key) for key in "abc"} for state in states]
    versions = [
        Version(
            number,
            datetime.now(UTC),
            "x",
            "edited",
            {k: [old[k], new[k]] for k in "abc" if old[k] != new[k]},
        )
        for number, (old, new) in enumerate(
            itertools.pairwise([dict.fromkeys("abc"), *whole]), start=1
        )
    ]
    first = data.draw(st.integers(1, len(states)))
    last = data.draw(st.integers(first, len(states)))
    old, new = whole[first - 1], whole[last - 1]
    expected = {k: [old[k], new[k]] for k in "abc" if old[k] != new[k]}
    assert between(versions, first, last) == expected


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("de, en;q=0.5, ru;q=0.7", "ru"),
        ("en;q=0.9, ru;q=0", "en"),
        ("*;q=x, ;;", "en"),
    ],
)
def test_the_language_of_an_answer_is_what_the_client_likes_best(
    header: str, language: str
) -> None:
    assert wanted_language(header) == language


def test_a_refusal_without_russian_is_told_in_english() -> None:
    assert Refusal("x", "no").to("ru") == "no"
    assert Refusal("x", "no", "нет").to("ru") == "нет"
    assert str(Refusal("x", "no", "нет")) == "no"
