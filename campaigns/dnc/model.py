"""PURE. A do-not-call entry as people write it: a number, a prefix (`+7495*`), a pattern
(`+7903???1234`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.refusals import Refusal

Kind = Literal["number", "prefix", "pattern"]
Scope = Literal["system", "floor", "campaign"]
MASK = re.compile(r"\+[0-9?*]{2,20}\Z")
LEAST_DIGITS = 2
"""A mask with fewer digits would stop all dialing of a country or more."""


class DncError(Refusal):
    """An entry cannot be added or found."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is forbidden. `mask` is for LIKE; of a number it is the number."""

    kind: Kind
    written: str
    mask: str


def read(text: str, region: str) -> Entry:
    """Raises DncError `bad_entry`."""
    plain = re.sub(r"[\s()\-.]", "", text)
    if "*" not in plain and "?" not in plain:
        phone = parse_phone(text, region)
        if isinstance(phone, BadPhone):
            raise _bad(phone.sentence.en, phone.sentence.ru)
        return Entry("number", phone.e164, phone.e164)
    if not MASK.match(plain):
        raise _bad(
            "a prefix is +7495*, a pattern has ? for one digit and * for any",
            "префикс пишется +7495*, в шаблоне ? одна цифра, * любые",
        )
    if sum(char.isdigit() for char in plain) < LEAST_DIGITS:
        raise _bad(f"give {LEAST_DIGITS} digits at least", f"нужно хотя бы цифр: {LEAST_DIGITS}")
    kind: Kind = "prefix" if plain.endswith("*") and plain.count("*") == 1 and "?" not in plain \
        else "pattern"  # fmt: skip
    return Entry(kind, plain, plain.replace("*", "%").replace("?", "_"))


def matches(entry: Entry, e164: str) -> bool:
    """What the database's LIKE says, for people who ask without one."""
    pattern = re.escape(entry.mask).replace("%", ".*").replace("_", ".")
    return re.fullmatch(pattern, e164) is not None


def _bad(en: str, ru: str) -> DncError:
    # The number itself is not repeated: sentences go to logs.
    return DncError("bad_entry", f"not an entry: {en}", f"не запись запрета: {ru}", status=422)
