"""PURE. Which numbers a call may be handed to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from campaigns.lists.phones import BadPhone, parse_phone
from dialer.refusal import Refusal

PATTERN = re.compile(r"\+[0-9xX]{0,15}\*?")


def is_pattern(text: str) -> bool:
    """`+74951234567`, `+7495xxxxxxx` (x: any digit), `+7800*` (anything may follow), `+*`."""
    return bool(PATTERN.fullmatch(text)) and len(text) > 1


def matches(pattern: str, e164: str) -> bool:
    body = pattern.removesuffix("*")
    end = ".*" if pattern.endswith("*") else ""
    digits = re.escape(body).replace("x", "[0-9]").replace("X", "[0-9]")
    return bool(re.fullmatch(digits + end, e164))


def number_for_transfer(text: str, region: str, allowed: Sequence[str]) -> str:
    """The number in E.164. Raises Refusal `bad_number`, `number_not_allowed`.

    `region`: where a number without a country code is (two letters); `allowed`: patterns.
    The number is not quoted back: refusals are logged.
    """
    phone = parse_phone(text, region)
    if isinstance(phone, BadPhone) or phone.extension:
        raise _bad()
    e164 = phone.e164
    if not any(matches(pattern, e164) for pattern in allowed):
        raise Refusal(
            "number_not_allowed",
            403,
            "calls may not be handed to this number; the administrator allows numbers with "
            "transfers.numbers",
            "на этот номер переводить нельзя: номера разрешает администратор настройкой "
            "transfers.numbers",
        )
    return e164


def _bad() -> Refusal:
    return Refusal(
        "bad_number",
        422,
        "this is no telephone number; give it as +74951234567",
        "это не телефонный номер; укажите его в виде +74951234567",
    )
