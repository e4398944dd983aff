"""The fast way to validity and time zones of a number is equal to `phonenumbers`."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from campaigns.hours.zones import number_zones
from campaigns.lists import numbering, phones
from campaigns.lists.numbering import Plan, plan, zone_sets, zones_of

UNTIMED = settings(deadline=None, max_examples=300)
KNOWN = sorted(region for region in phonenumbers.SUPPORTED_REGIONS if plan(region).known)
PREFIXES = st.sampled_from(["", "8", "7", "+7", "+", "0", "1", "+1", "+49", "49", "+380"])


def check(digits: str, region: str) -> bool:
    """True if the fast way had an answer; it must be the slow one's."""
    quick = plan(region).read(digits)
    if quick is None:
        return False
    e164 = phones._validated(digits, region)
    assert quick == (e164, zones_of(e164)), digits
    return True


def test_every_prefix_of_russian_numbers_says_what_phonenumbers_says() -> None:
    """All 10,000 beginnings of four digits; the lowest and highest number of each and one more."""
    chance = random.Random(5)
    answered = 0
    for head in range(10_000):
        for tail in ("000000", "999999", f"{chance.randrange(10**6):06}"):
            answered += check(f"+7{head:04}{tail}", "RU")
    assert answered > 5_000


def test_no_usual_russian_number_is_left_to_the_slow_way() -> None:
    for head in range(10_000):
        digits = f"+7{head:04}123456"
        number = phonenumbers.parse(digits, "RU")
        usual = phonenumbers.number_type(number) in (
            phonenumbers.PhoneNumberType.MOBILE,
            phonenumbers.PhoneNumberType.FIXED_LINE,
        )
        of_russia = phonenumbers.region_code_for_number(number) == "RU"
        assert (plan("RU").read(digits) is not None) == (usual and of_russia), digits


@UNTIMED
@given(
    PREFIXES,
    st.one_of(st.from_regex(r"\A[3489][0-9]{9}\Z"), st.from_regex(r"\A[0-9]{7,13}\Z")),
    st.sampled_from(["RU", "US", "DE", "IT", "FR", "UA", "ES", "PL", "TR", "SE"]),
)
def test_any_digits_in_any_region(prefix: str, rest: str, region: str) -> None:
    if 7 <= len((prefix + rest).lstrip("+")) <= 15:
        check(prefix + rest, region)


@pytest.mark.parametrize("region", KNOWN)
def test_example_numbers_of_every_region(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        check(e164, region)
        check(phonenumbers.national_significant_number(number), region)


@UNTIMED
@given(st.sampled_from(KNOWN), st.from_regex(r"\A[0-9]{4,14}\Z"))
def test_a_leaf_is_what_the_expressions_say(region: str, national: str) -> None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None and metadata.general_desc is not None
    general = metadata.general_desc
    fits = re.fullmatch(general.national_number_pattern or "", national) is not None
    lengths = [length for length in general.possible_length if length > 0]
    assert plan(region).leaf(national).national == (fits and len(national) in lengths)


def test_an_expression_that_is_not_understood_is_left_to_phonenumbers() -> None:
    for text in ("(?=1)2", "1*", "[a-z]", "(?:1", "^1", "1.2"):
        with pytest.raises(numbering.PatternError):
            numbering._parse(text)


def test_shared_codes_are_not_known() -> None:
    assert not Plan("KZ").known and not Plan("CA").known and not Plan("XX").known
    assert plan("RU").known and plan("US").known


def test_sets_of_zones_are_few_sorted_and_each_once() -> None:
    sets = zone_sets()
    assert 50 < len(sets) < 2_000 and len(set(sets)) == len(sets)
    assert all(zones and list(zones) == sorted(set(zones)) for zones in sets)
    assert all("Etc/Unknown" not in zones for zones in sets)


@UNTIMED
@given(PREFIXES, st.from_regex(r"\A[0-9]{7,12}\Z"))
def test_zones_of_a_number_are_one_of_the_sets(prefix: str, rest: str) -> None:
    result = phones.parse_phone(prefix + rest, "RU")
    if isinstance(result, phones.Phone):
        assert not result.zones or result.zones in zone_sets()


@pytest.mark.parametrize(
    ("e164", "found"),
    [
        ("+74951234567", ("Europe/Moscow",)),
        ("+73431234567", ("Asia/Yekaterinburg",)),
        # phonenumbers says Bucharest, which has summer time; Kaliningrad has none.
        ("+74012345678", ("Europe/Kaliningrad",)),
        ("+77272581234", ("Asia/Almaty",)),
        ("+12125550100", ("America/New_York",)),
        ("+442079460000", ("Europe/London",)),
    ],
)
def test_the_import_keeps_the_zones_that_calling_hours_count_with(
    e164: str, found: tuple[str, ...]
) -> None:
    assert number_zones(e164) == zones_of(e164) == found
    assert found in zone_sets()
    region = {"+7": "RU", "+1": "US", "+4": "GB"}[e164[:2]]
    quick = plan(region).read(e164)
    assert quick is None or quick == (e164, found)


@pytest.mark.parametrize("e164", ["+79031234567", "+79114567890", "+79991234567"])
def test_a_russian_mobile_is_anywhere_in_russia_and_nowhere_else(e164: str) -> None:
    found = zones_of(e164)
    assert plan("RU").read(e164) == (e164, found) and found in zone_sets()
    assert {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Omsk", "Asia/Kamchatka"} <= set(found)
    assert not {"Europe/Bucharest", "Asia/Almaty", "Asia/Aqtobe"} & set(found)


@UNTIMED
@given(PREFIXES, st.from_regex(r"\A[0-9]{7,12}\Z"))
def test_one_truth_about_the_zones_of_a_number(prefix: str, rest: str) -> None:
    result = phones.parse_phone(prefix + rest, "RU")
    if isinstance(result, phones.Phone):
        assert result.zones == number_zones(result.e164)
