"""`*` codes: what keys mean, and that no sequence of keys does harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.phones import parse_phone
from dialer.config import TransferSettings
from dialer.refusal import Refusal
from dialer.talk.codes import DEFAULT_CODES, Asked, CodeReader, Unknown, problem_of
from dialer.talk.numbers import is_pattern, matches, number_for_transfer


def typed(keys: str, *, pause_s: float = 0.5) -> list[Asked | Unknown]:
    reader = CodeReader(DEFAULT_CODES)
    found = [reader.press(key, 100 + i * pause_s) for i, key in enumerate(keys)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("*1", [Asked("hold")]),
        ("1", []),
        ("5*1*1", [Asked("hold"), Asked("hold")]),
        ("*2", []),
        ("*2#", [Unknown()]),
        ("*2117#", [Asked("transfer", "117")]),
        ("*3" + "9" * 11 + "#", [Asked("consult", "9" * 11)]),
        ("*211*4", [Asked("toggle")]),
        ("**4", [Asked("toggle")]),
        ("*A", [Unknown()]),
        ("*2" + "1" * 30, [Unknown()]),
    ],
)
def test_what_keys_mean(keys: str, expected: list[Asked | Unknown]) -> None:
    assert typed(keys) == expected


def test_a_code_is_typed_in_one_go() -> None:
    assert typed("*1", pause_s=4.1) == []
    assert typed("*1", pause_s=4.0) == [Asked("hold")]


@given(st.text("0123456789*#ABCD", max_size=60))
def test_every_action_was_typed_as_its_code(keys: str) -> None:
    for found in typed(keys):
        if isinstance(found, Asked):
            assert DEFAULT_CODES[found.action] + found.target in keys
            assert set(found.target) <= set("0123456789ABCD")


@given(
    st.dictionaries(
        st.sampled_from(sorted(DEFAULT_CODES)), st.from_regex(r"\*[0-9]{1,3}", fullmatch=True)
    )
)
def test_codes_that_pass_can_all_be_typed(codes: dict[str, str]) -> None:
    if problem_of(codes):
        return
    for action, code in codes.items():
        reader = CodeReader(codes)
        keys = code + ("7#" if action in ("transfer", "consult") else "")
        found = [reader.press(key, 1.0) for key in keys]
        assert isinstance(found[-1], Asked) and found[-1].action == action
        assert found[:-1] == [None] * (len(keys) - 1)


def test_codes_that_cannot_work_are_refused() -> None:
    for codes in ({"hold": "*1", "park": "*12"}, {"hold": "1"}, {"fly": "*1"}, {"hold": "*"}):
        assert problem_of(codes)
        with pytest.raises(ValueError, match=r"\S"):
            TransferSettings(codes=codes)
    with pytest.raises(ValueError, match="digits"):
        TransferSettings(numbers=("8495",))
    with pytest.raises(ValueError, match="operator:"):
        TransferSettings(targets={"1": "olga"})
    assert TransferSettings(targets={"1": "operator:olga"}).codes == DEFAULT_CODES


# --- numbers


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("+7 495 123-45-67", ["+7495*"], ""),
        ("84951234567", ["+74951234567"], ""),
        ("84951234567", ["+7495123456x"], ""),
        ("84951234567", [], "number_not_allowed"),
        ("84951234567", ["+7495123456"], "number_not_allowed"),
        ("112", ["+*"], "bad_number"),
        ("", ["+*"], "bad_number"),
        ("+7495", ["+*"], "bad_number"),
        ("${CURL(x)}", ["+*"], "bad_number"),
        ("PJSIP/1@trunk-a&Local/2", ["+*"], "bad_number"),
    ],
)
def test_numbers_for_transfer(text: str, allowed: list[str], refused: str) -> None:
    if not refused:
        assert number_for_transfer(text, "RU", allowed) == "+74951234567"
        return
    with pytest.raises(Refusal) as error:
        number_for_transfer(text, "RU", allowed)
    assert error.value.id == refused


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_plain_number_or_refused(text: str) -> None:
    try:
        number = number_for_transfer(text, "RU", ["+*"])
    except Refusal as refusal:
        assert refusal.id == "bad_number"
    else:
        assert number[0] == "+" and number[1:].isdigit() and 7 <= len(number) <= 16
        assert parse_phone(number, "RU")


@given(st.from_regex(r"\+[0-9xX]{1,12}\*?", fullmatch=True), st.from_regex(r"\+[0-9]{7,15}"))
def test_patterns_never_fail(pattern: str, number: str) -> None:
    assert is_pattern(pattern)
    if matches(pattern, number):
        assert len(number) >= len(pattern.rstrip("*"))
