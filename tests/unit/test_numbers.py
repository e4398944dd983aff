"""The simulated carrier's numbers: table, parsing, generated lists."""

import re
from pathlib import Path
from random import Random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.demo.numbers import (
    DEMO_SHARES,
    RANDOM_KINDS,
    RULE_OF,
    RULES,
    Kind,
    Pace,
    Script,
    expected_outcome,
    generate,
    parse,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "simulated-carrier.md"


def test_the_documented_table_is_the_table() -> None:
    rows = re.findall(r"^\| `([0-9rtx]{4})` \|(.*)\|$", DOCUMENT.read_text(), flags=re.MULTILINE)
    documented = [(tail, *(cell.strip() for cell in cells.split("|"))) for tail, cells in rows]
    assert documented == [
        (rule.tail, rule.kind.value, str(rule.sip or "-"), rule.outcome or "-", rule.text)
        for rule in RULES
    ]


def test_every_kind_has_one_row_and_no_tail_has_two() -> None:
    assert sorted(rule.kind for rule in RULES) == sorted(Kind)
    for number in range(10_000):
        assert sum(rule.matches(f"{number:04}") for rule in RULES) <= 1


@pytest.mark.parametrize(
    ("number", "script"),
    [
        ("+79161230215", Script(Kind.PERSON, 2, 15)),
        ("+12125551142", Script(Kind.PATIENT, 1, 0)),
        ("+79161232099", Script(Kind.NO_ANSWER, 0, 0)),
        ("+79161236025", Script(Kind.EXACT, 25, 0)),
        ("+79161238907", Script(Kind.EARLY_ANSWER, 9, 7)),
        ("+79161239123", Script(Kind.RANDOM, 0, 0)),
        ("+79161232700", Script(Kind.INVALID, 0, 0)),
        ("+79161236100", Script(Kind.INVALID, 0, 0)),
        ("+12", Script(Kind.INVALID, 0, 0)),
        ("", Script(Kind.INVALID, 0, 0)),
    ],
)
def test_a_number_is_read(number: str, script: Script) -> None:
    assert parse(number) == script


def test_expected_outcomes() -> None:
    assert expected_outcome("+79161233100") == "answered"
    assert expected_outcome("+79161237000") == "failed"
    assert expected_outcome("+79161232500") == "no_answer"
    assert expected_outcome("+79161239000") is None


@given(st.integers(0, 2**32), st.sampled_from(sorted(RANDOM_KINDS)))
def test_generated_numbers_are_valid_unique_and_of_the_kind(seed: int, kind: Kind) -> None:
    pace = Pace(ring_s=(2, 3), talk_s=(5, 120))
    contacts = generate(20, Random(seed), {kind: 1}, pace=pace)
    phones = [contact["phone"] for contact in contacts]
    assert len(set(phones)) == 20
    for phone in phones:
        script = parse(phone)
        assert phone.startswith("+79")
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone))
        assert script.kind is kind
        assert script.ring_s in ((2, 3) if RULE_OF[kind].ring_digits else (0,))
        assert 5 <= script.talk_s <= 99 or not RULE_OF[kind].talk_digits


def test_a_seed_gives_the_same_list_again() -> None:
    assert generate(100, Random(7)) == generate(100, Random(7))
    assert generate(100, Random(7)) != generate(100, Random(8))


def test_kinds_follow_their_shares() -> None:
    assert sum(DEMO_SHARES.values()) == pytest.approx(1)
    kinds = [parse(contact["phone"]).kind for contact in generate(3000, Random(1))]
    for kind, share in DEMO_SHARES.items():
        assert kinds.count(kind) / 3000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("region", ["US", "GB", "DE", "KZ", "UZ"])
def test_other_regions_have_numbers_too(region: str) -> None:
    for contact in generate(30, Random(1), region=region):
        number = phonenumbers.parse(contact["phone"])
        assert phonenumbers.is_valid_number_for_region(number, region)


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(ValueError, match="'XX'"):
        generate(1, Random(1), region="XX")


def test_a_region_that_is_full_says_so() -> None:
    with pytest.raises(ValueError, match="no room for another busy"):
        generate(200, Random(1), {Kind.BUSY: 1}, region="SH")
