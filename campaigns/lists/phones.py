"""PURE. Phones as people write them -> E.164, or the reason why not."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, shortnumberinfo

from campaigns.lists.numbering import Zones, plan, zones_of
from campaigns.lists.reasons import said
from campaigns.refusals import Sentence

# Ids of reasons, as `campaigns.lists.reasons` has them.
EMPTY, CODE, EXCEL, LETTERS, SIGNS = "no_number", "code", "rounded", "letters", "signs"
SHORT, LONG, INVALID = "short", "long", "invalid"
EMERGENCY, SERVICE, PREMIUM, NETWORK = "emergency", "service", "premium", "network"

E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
# ITU-T E.164: a number has at most 15 digits. Under 7 are short codes.
MIN_DIGITS, MAX_DIGITS = 7, 15
# Two numbers with a space between them are no longer than this.
PAIR_CHARS = 64
# Known in other countries and typed anyway; phonenumbers knows those of the list's own region.
_EMERGENCY_ANYWHERE = frozenset(
    {"000", "01", "02", "03", "04", "101", "102", "103", "104", "110", "111", "112"}
    | {"118", "119", "911", "999"}
)

GAPS = re.compile(r"[ \t\xa0().\-‐‑‒–—−]+")
_PLAIN = re.compile(r"\+?[0-9]{7,15}\Z")
_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eе]\+?[0-9]+", re.IGNORECASE)
_EXTENSION_WORD = r"(?:доб(?:авочный)?|вн(?:утр(?:енний)?)?|extension|ext|x)(?![^\W\d_])\.?|#"
_EXTENSION = re.compile(
    rf"[\s,;(]*(?:{_EXTENSION_WORD})\s*:?\s*([0-9]{{1,8}})\s*\)?\s*\Z", re.IGNORECASE
)
_LABEL = re.compile(
    r"\A(?:телефон|тел|т|мобильный|моб|сотовый|сот|рабочий|раб|домашний|дом|"
    r"telephone|phone|tel|mobile|mob|cell|work|home)\b[\s.:]*",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\([^()0-9]*[^\W\d_][^()0-9]*\)")
_SPLIT = re.compile(
    rf"[;/|\r\n]+|,(?!\s*(?:{_EXTENSION_WORD}))|(?<=[0-9)])\s+(?=\+)"
    r"|(?<=[0-9)])\s+(?:и|или|and|or)\s+(?=[(+0-9])",
    re.IGNORECASE,
)
_FORMULA_TEXT = re.compile(r"\A=\"(.*)\"\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that may be dialed: E.164 (`+79031234567`), the extension written with it, and the
    IANA time zones it may be in (sorted; empty where nothing is known)."""

    e164: str
    extension: str = ""
    zones: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class BadPhone:
    """A text that is not dialed, and why: the id of a reason."""

    text: str
    reason: str

    @property
    def sentence(self) -> Sentence:
        """The reason for the person who has the file."""
        return said(self.reason)


def is_region(region: str) -> bool:
    """True for an ISO 3166 code (`RU`) whose numbering plan is known."""
    return region in phonenumbers.SUPPORTED_REGIONS


def split_phones(cell: str) -> list[str]:
    """Cut a cell into the numbers in it: by comma, semicolon, slash, line break, or before a `+`.

    An extension stays with its number, a number in scientific notation (`7,9E+10`) whole.
    """
    if _SCIENTIFIC.search(cell):
        return [cell.strip()]
    # "/" and ";" before an extension belong to it as a comma does.
    return [part.strip() for part in _SPLIT.split(cell) if part.strip()]


def parse_phones(cell: str, region: str) -> list[Phone | BadPhone]:
    """Return what every number of a cell is; an empty cell has none."""
    if (phone := _usual(cell, region)) is not None:
        return [phone]
    return [phone for text in split_phones(cell) for phone in _one_or_two(text, region)]


def _one_or_two(text: str, region: str) -> list[Phone | BadPhone]:
    """A number, or two with nothing but a space between them."""
    phone = parse_phone(text, region)
    if isinstance(phone, Phone) or phone.reason != LONG or len(text) > PAIR_CHARS:
        return [phone]
    ways = [
        pair
        for gap in re.finditer(r"\s+", text)
        if (pair := _both(text[: gap.start()], text[gap.end() :], region))
    ]
    # Cut where both are numbers; where that can be done in two ways, nobody knows which is meant.
    return list(ways[0]) if len(ways) == 1 else [phone]


def _both(first: str, second: str, region: str) -> tuple[Phone, Phone] | None:
    one, other = parse_phone(first, region), parse_phone(second, region)
    return (one, other) if isinstance(one, Phone) and isinstance(other, Phone) else None


def parse_phone(text: str, region: str) -> Phone | BadPhone:
    """Return the number as E.164, or the reason why it is not dialed. Never raises.

    `region` (ISO 3166, `RU`) reads numbers without country code; a foreign number needs its `+`.
    """
    if (phone := _usual(text, region)) is not None:
        return phone
    result = _parse_written(text, region)
    return result if isinstance(result, Phone) else BadPhone(text, result)


def usual_number(text: str, region: str) -> tuple[str, Zones] | None:
    """E.164 and zones of a number that its first digits decide, None for all else.

    What it answers is what `parse_phones` would.
    """
    plain = text if text.isascii() and text.isdecimal() else GAPS.sub("", text)
    if not is_plain(plain) or text.endswith(".0"):
        return None
    numbers = plan(region)
    return numbers.read(plain) if numbers.known else None


def is_plain(text: str) -> bool:
    """7 to 15 digits, after a plus or not."""
    return _PLAIN.match(text) is not None


def _usual(text: str, region: str) -> Phone | None:
    read = usual_number(text, region)
    return None if read is None else Phone(read[0], "", read[1])


def _parse_written(text: str, region: str) -> Phone | str:
    if "${" in text:
        return CODE
    body, extension = _unwrap(text)
    if _SCIENTIFIC.fullmatch(body):
        return EXCEL
    digits = GAPS.sub("", body)
    if problem := _problem_of_form(digits):
        return problem
    if len(digits.lstrip("+")) < MIN_DIGITS:
        return _short(digits.lstrip("+"), region)
    result = _validated(digits, region)
    return result if result in _REASONS else Phone(result, extension, zones_of(result))


def _unwrap(text: str) -> tuple[str, str]:
    """Take away what people and Excel write around a number; return it and its extension."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip()
    if formula := _FORMULA_TEXT.match(text):
        text = formula[1]
    text = text.lstrip("'`").strip()
    extension = ""
    if match := _EXTENSION.search(text):
        text, extension = text[: match.start()], match[1]
    text = _REMARK.sub(" ", _LABEL.sub("", text)).strip()
    # A column of numbers that went through a program with floating point: 79031234567.0
    return text.removesuffix(".0") if re.fullmatch(r"[0-9]{10,15}\.0", text) else text, extension


def _problem_of_form(digits: str) -> str | None:
    if not digits.strip("+"):
        return SIGNS if digits else EMPTY
    if any(char.isalpha() for char in digits):
        return LETTERS
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return SIGNS
    return LONG if len(digits) > MAX_DIGITS + 4 else None


def _short(digits: str, region: str) -> str:
    if digits in _EMERGENCY_ANYWHERE or shortnumberinfo.is_emergency_number(digits, region):
        return EMERGENCY
    number = phonenumbers.PhoneNumber(national_number=int(digits))
    number.country_code = phonenumbers.country_code_for_region(region)
    if shortnumberinfo.is_valid_short_number_for_region(number, region):
        return SERVICE
    return SHORT


def _validated(digits: str, region: str) -> str:
    """Return E.164 or a reason's id."""
    # "00" is the exit code in most countries; no national number begins so.
    dialed = "+" + digits[2:] if digits.startswith("00") else digits
    try:
        number = phonenumbers.parse(dialed, region)
    except phonenumbers.NumberParseException:
        return INVALID
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return _why_invalid(number)
    if kind == PhoneNumberType.PREMIUM_RATE:
        return PREMIUM
    if phonenumbers.region_code_for_number(number) == "001":
        return NETWORK
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return e164 if E164.match(e164) else INVALID


def _why_invalid(number: phonenumbers.PhoneNumber) -> str:
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == phonenumbers.ValidationResult.TOO_LONG:
        return LONG
    short = (
        phonenumbers.ValidationResult.TOO_SHORT,
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY,
    )
    return SHORT if possible in short else INVALID


_REASONS = frozenset({EMPTY, SHORT, LONG, PREMIUM, NETWORK, INVALID})
