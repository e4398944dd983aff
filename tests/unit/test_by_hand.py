"""Dialing by hand, the pure part: prefixes, masking, why a lead is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.by_hand.model import (
    ByHandError,
    LeadLook,
    Prefixes,
    clean_reason,
    masked,
    number_to_dial,
    ruled_out,
    why_not,
    why_refused,
)
from campaigns.rules.model import RULES, Block, Verdict

E164 = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
PREFIX = st.from_regex(r"\+?[1-9][0-9]{0,4}", fullmatch=True)
PREFIXES = st.lists(PREFIX, max_size=4).map(tuple)
LOOK = LeadLook(7, "new", 0, 0, 4, claimed=False)


@given(E164, PREFIXES, PREFIXES)
def test_the_longest_prefix_that_fits_decides(
    number: str, allowed: tuple[str, ...], forbidden: tuple[str, ...]
) -> None:
    def longest(prefixes: tuple[str, ...]) -> int:
        return max((len(p.lstrip("+")) for p in prefixes if number[1:].startswith(p.lstrip("+"))),
                   default=-1)  # fmt: skip

    permitted = Prefixes(allowed, forbidden).permit(number)
    if longest(forbidden) >= 0:
        assert permitted == (longest(allowed) > longest(forbidden))
    else:
        assert permitted == (not allowed or longest(allowed) >= 0)


@given(E164, PREFIXES, PREFIXES, PREFIX)
def test_forbidding_more_never_permits_more(
    number: str, allowed: tuple[str, ...], forbidden: tuple[str, ...], more: str
) -> None:
    if Prefixes(allowed, (*forbidden, more)).permit(number):
        assert Prefixes(allowed, forbidden).permit(number)


@given(E164)
def test_a_masked_number_keeps_its_length_and_hides_at_least_half_a_subscriber(number: str) -> None:
    hidden = masked(number)
    assert len(hidden) == len(number) and hidden[-2:] == number[-2:]
    assert hidden.count("•") >= 5
    assert all(h in (n, "•") for h, n in zip(hidden, number, strict=True))


@pytest.mark.parametrize(
    ("text", "id"),
    [("", "bad_number"), ("02", "bad_number"), ("${EXTEN}", "bad_number"), ("12ab", "bad_number"),
     ("+1 212 555 0100", "forbidden_number"), ("8 809 123-45-67", "bad_number")],
)  # fmt: skip
def test_numbers_that_are_not_dialed(text: str, id: str) -> None:
    with pytest.raises(ByHandError) as caught:
        number_to_dial(text, "RU", Prefixes(("+7",), ()))
    assert caught.value.id == id
    assert text not in str(caught.value) or not text


def test_a_typed_number_is_read_as_people_write_it() -> None:
    rules = Prefixes(("7",), ("+7495",))
    assert number_to_dial(" 8 (903) 123-45-67", "RU", rules) == "+79031234567"


def test_why_a_lead_is_not_dialed_by_hand() -> None:
    def reason(typed: bool = False, **changes: object) -> str | None:
        problem = why_not(replace(LOOK, **changes), typed=typed)  # type: ignore[arg-type]
        return problem.id if problem else None

    assert reason() is None
    assert reason(status="retry", approaches=3) is None
    assert reason(claimed=True) == reason(status="dialing") == "lead_busy"
    assert reason(approaches=4, typed=True) == "no_approaches_left"
    assert reason(status="done", approaches=1) == "lead_done"
    assert reason(status="done", approaches=1, typed=True) is None


def test_what_the_commit_found_becomes_a_sentence() -> None:
    assert why_refused({"database": "away"}).id == "database_away"
    assert why_refused({"do_not_call": True}).id == "do_not_call"
    assert why_refused({"campaign_status": "paused"}).id == "campaign_not_running"
    assert why_refused({"lead_status": "done"}).id == "lead_busy"


def test_refusals_speak_russian_too() -> None:
    until = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
    for rule in RULES:
        if rule == "in_call":
            continue
        refusal = ruled_out(Verdict(blocks=(Block(rule, until),)))
        assert refusal.id == rule and "2026-12-01 06:00 UTC" in refusal.to("ru")
        assert RULES[rule].ru in refusal.to("ru") and RULES[rule].en in refusal.to("en")
    for why in ({"database": 1}, {"do_not_call": True}, {"campaign_status": "paused"}, {}):
        refusal = why_refused(why)
        assert re.search("[а-я]", refusal.to("ru")) and refusal.to("ru") != refusal.to("en")


@pytest.mark.parametrize("text", ["", " \t ", "x" * 201, "a\x00b"])
def test_a_reason_is_a_line(text: str) -> None:
    with pytest.raises(ByHandError, match="letters"):
        clean_reason(text)
    assert clean_reason("  a \n b ") == "a b"
