"""Phones as people write them in a list: read as E.164, or a reason why not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.lists import phones
from campaigns.lists.numbering import plan
from campaigns.lists.phones import BadPhone, Phone, parse_phone, parse_phones, split_phones

# The machine may be busy with other tests; slow is not wrong.
UNTIMED = settings(deadline=None)

WRITTEN = [
    ("+79031234567", "+79031234567"),
    ("79031234567", "+79031234567"),
    ("89031234567", "+79031234567"),
    ("9031234567", "+79031234567"),
    ("8 903 123 45 67", "+79031234567"),
    ("8 (903) 123-45-67", "+79031234567"),
    ("+7(903)123-45-67", "+79031234567"),
    ("+7 903 123‑45–67", "+79031234567"),
    ("8.903.123.45.67", "+79031234567"),
    ("  8-903-123-45-67  ", "+79031234567"),
    ("8\u00a0903\u00a01234567", "+79031234567"),
    ("\u202a+7 903 123-45-67\u202c", "+79031234567"),
    ("８９０３１２３４５６７", "+79031234567"),
    ("'+79031234567", "+79031234567"),
    ('="89031234567"', "+79031234567"),
    ("79031234567.0", "+79031234567"),
    ("тел. 8 903 123-45-67", "+79031234567"),
    ("Моб: +7 903 123-45-67", "+79031234567"),
    ("Phone +7 903 123-45-67", "+79031234567"),
    ("+7 903 123-45-67 (Иван)", "+79031234567"),
    ("8 (495) 123-45-67", "+74951234567"),
    ("(812) 123-45-67", "+78121234567"),
    ("8 10 375 29 123-45-67", "+375291234567"),
    ("00375291234567", "+375291234567"),
    ("+380 44 123 45 67", "+380441234567"),
    ("+7 701 123 45 67", "+77011234567"),
    ("+1 (212) 555-0123", "+12125550123"),
    ("+44 20 7946 0018", "+442079460018"),
    ("8 800 555-35-35", "+78005553535"),
]

NOT_DIALED = [
    ("", phones.EMPTY),
    ("   ", phones.EMPTY),
    ("-", phones.EMPTY),
    ("+", phones.SIGNS),
    ("7.9E+10", phones.EXCEL),
    ("7,90312E+10", phones.EXCEL),
    ("7,90312Е+10", phones.EXCEL),
    ("79e9", phones.EXCEL),
    ("112", phones.EMERGENCY),
    ("911", phones.EMERGENCY),
    ("01", phones.EMERGENCY),
    ("03", phones.EMERGENCY),
    ("1-0-3", phones.EMERGENCY),
    ("999", phones.EMERGENCY),
    ("123-45-67", phones.SHORT),
    ("12", phones.SHORT),
    ("+7 903 123-45", phones.SHORT),
    ("8-809-505-12-34", phones.PREMIUM),
    ("+1 900 555 0100", phones.PREMIUM),
    ("+979 1 2345 6789", phones.PREMIUM),
    ("+881 6 1234 5678", phones.NETWORK),
    ("+883 5100 1234 5678", phones.NETWORK),
    ("+7 000 123-45-67", phones.INVALID),
    ("+999 123 456 789", phones.INVALID),
    ("380441234567", phones.INVALID),
    ("89031234567 89041234567", phones.LONG),
    ("8 800 FLOWERS", phones.LETTERS),
    ("не звонить", phones.LETTERS),
    ("8 9O3 123 45 67", phones.LETTERS),
    ("+7903123456*", phones.SIGNS),
    ("+7+9031234567", phones.SIGNS),
    ("+7 903 123-45-67\0", phones.SIGNS),
    ("${EXTEN}", phones.CODE),
    ("+7903${GLOBAL(x)}1234567", phones.CODE),
    ("89031234567&PJSIP/other", phones.LETTERS),
    ("8903@trunk", phones.LETTERS),
    ("٣٤٥", phones.SIGNS),
]


@pytest.mark.parametrize(("text", "e164"), WRITTEN)
def test_phones_as_people_write_them(text: str, e164: str) -> None:
    assert parse_phone(text, "RU") == Phone(e164)
    assert parse_phones(text, "RU") == [Phone(e164)]


@pytest.mark.parametrize(("text", "reason"), NOT_DIALED)
def test_phones_that_are_not_dialed_and_why(text: str, reason: str) -> None:
    assert parse_phone(text, "RU") == BadPhone(text, reason)


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("903-123-45-67 доб. 12", "12"),
        ("903-123-45-67 доб12", "12"),
        ("903-123-45-67, доб. 12", "12"),
        ("903-123-45-67 (доб. 12)", "12"),
        ("903-123-45-67 вн. 5", "5"),
        ("903-123-45-67 добавочный: 100", "100"),
        ("903-123-45-67 ext. 12", "12"),
        ("9031234567x12", "12"),
        ("9031234567#0012", "0012"),
    ],
)
def test_extensions_are_taken_apart(text: str, extension: str) -> None:
    assert parse_phones(text, "RU") == [Phone("+79031234567", extension)]


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("89031234567, 89041234567", ["89031234567", "89041234567"]),
        ("89031234567;89041234567", ["89031234567", "89041234567"]),
        ("89031234567 / 89041234567", ["89031234567", "89041234567"]),
        ("89031234567\r\n89041234567", ["89031234567", "89041234567"]),
        ("+79031234567 +79041234567", ["+79031234567", "+79041234567"]),
        ("8 495 1, доб. 12, 8 904 1", ["8 495 1, доб. 12", "8 904 1"]),
        ("8 903 123-45-67 или 8 904 1", ["8 903 123-45-67", "8 904 1"]),
        ("(495)1234567 и 89041234567", ["(495)1234567", "89041234567"]),
        ("7,9E+10", ["7,9E+10"]),
        (" , ; ", []),
        ("", []),
    ],
)
def test_several_numbers_in_one_cell(cell: str, parts: list[str]) -> None:
    assert split_phones(cell) == parts


@pytest.mark.parametrize(
    "cell",
    [
        "89031234567 89041234567",
        "8 903 123-45-67 8 904 123-45-67",
        "8 903 123 45 67  8 904 123 45 67",
        "+7 903 1234567 8(904)123-45-67",
    ],
)
def test_two_numbers_with_nothing_but_a_space_between_them(cell: str) -> None:
    assert phones.parse_phones(cell, "RU") == [Phone("+79031234567"), Phone("+79041234567")]


@pytest.mark.parametrize("cell", ["8903123456789041234567", "8 495 123-45-67 123-45-68"])
def test_a_number_too_long_is_not_cut_where_one_half_is_no_number(cell: str) -> None:
    assert phones.parse_phones(cell, "RU") == [BadPhone(cell, phones.LONG)]


def test_the_region_reads_numbers_without_country_code() -> None:
    assert parse_phone("044 123 45 67", "UA") == Phone("+380441234567")
    assert parse_phone("(212) 555-0123", "US") == Phone("+12125550123")
    assert parse_phone("07400 123456", "GB") == Phone("+447400123456")
    assert parse_phone("112", "GB") == BadPhone("112", phones.EMERGENCY)


PHONE_LIKE = st.text(alphabet="0123456789+-() .,;/#xdобдтелE=$'\"{}\u00a0\r\n\0٣８", max_size=40)
REGIONS = st.sampled_from(["RU", "KZ", "BY", "UA", "US", "GB", "DE", "IT", "FR"])


@UNTIMED
@given(st.one_of(st.text(max_size=200), PHONE_LIKE), REGIONS)
def test_any_text_is_a_number_in_e164_or_has_a_reason(text: str, region: str) -> None:
    result = parse_phone(text, region)
    if isinstance(result, Phone):
        assert phones.E164.match(result.e164)
        assert parse_phone(result.e164, region) == Phone(result.e164)
        assert set(result.extension) <= set("0123456789")
    else:
        assert result.text == text and result.reason


@UNTIMED
@given(
    st.sampled_from(["", "8", "7", "+7", "+", "0", "1", "+1", "00", "810"]),
    st.one_of(
        st.from_regex(r"\A9[0-9]{9}\Z"),
        st.from_regex(r"\A[348][0-9]{9}\Z"),
        st.from_regex(r"\A[0-9]{7,13}\Z"),
    ),
    REGIONS,
)
def test_the_quick_way_says_what_the_full_parse_says(prefix: str, rest: str, region: str) -> None:
    quick = phones._usual(prefix + rest, region)
    if quick is not None:
        assert phones._parse_written(prefix + rest, region) == quick


@UNTIMED
@given(
    st.sampled_from(["", "8", "7", "+7", "+44", "0", "1", "+1"]),
    st.from_regex(r"\A[0-9]{6,13}\Z"),
    st.from_regex(r"\A[0-9]{13}\Z"),
    REGIONS,
)
def test_numbers_that_begin_alike_are_read_alike(
    prefix: str, rest: str, other: str, region: str
) -> None:
    numbers, digits = plan(region), prefix + rest
    if not numbers.known or not phones.is_plain(digits) or (way := numbers.way(digits)) is None:
        return
    tail = len(digits) - numbers.head
    alike = digits[: numbers.head] + other[: max(tail, 0)]
    assert numbers.read(alike) == (numbers.plus + alike[way.cut :], way.zones)


@UNTIMED
@given(st.one_of(st.text(max_size=200), PHONE_LIKE))
def test_splitting_loses_nothing_but_separators(cell: str) -> None:
    parts = split_phones(cell)
    assert all(part == part.strip() and part for part in parts)
    rest = iter(cell)
    assert all(char in rest for char in "".join(parts))
    lost = set("".join(cell.split())) - set("".join("".join(parts).split()))
    assert lost <= set(",;/|иИлЛaAnNdDoOrR")


@UNTIMED
@given(st.lists(st.sampled_from([text for text, _ in WRITTEN]), min_size=1, max_size=5))
def test_good_numbers_in_one_cell_are_all_found(texts: list[str]) -> None:
    numbers = dict(WRITTEN)
    assert parse_phones("; ".join(texts), "RU") == [Phone(numbers[text]) for text in texts]


# Columns
