"""Optional fields of a JSON body or a query: texts, numbers, moments with an offset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from campaigns.moments import meant
from dialer.http.answers import text_of
from dialer.refusal import Refusal

MAX_ID = 2**63 - 1
MOST_S = 366 * 86_400.0


def optional_text(body: dict[str, Any], key: str) -> str | None:
    """A text, None where the key is missing or null. Raises Refusal `missing_field`, `bad_text`."""
    return None if body.get(key) is None else text_of(body, key)


def moment_of(body: dict[str, Any], key: str) -> datetime | None:
    """A moment in ISO 8601 with an offset, None where there is none. Raises Refusal `bad_time`."""
    text = optional_text(body, key)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not meant(found):
        raise Refusal(
            "bad_time",
            422,
            f"{key!r} is a time with an offset: 2026-12-01T15:00:00+03:00",
            f"{key!r}: нужно время со смещением: 2026-12-01T15:00:00+03:00",
        )
    return found


def needed_moment(body: dict[str, Any], key: str) -> datetime:
    """The same, which must be there. Raises Refusal `missing_field`, `bad_time`."""
    text_of(body, key)
    found = moment_of(body, key)
    assert found is not None
    return found


def seconds_of(body: dict[str, Any], key: str, default: float) -> float:
    """Seconds, not negative. Raises Refusal `bad_number`."""
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_S:
        raise Refusal(
            "bad_number",
            422,
            f"give {key!r} in seconds, a year of them at most",
            f"укажите {key!r} в секундах, не больше года",
        )
    return float(value)


def whole_number(query: Mapping[str, str], key: str, default: int, most: int) -> int:
    """A number from 1 to `most` of a query. Raises Refusal `bad_number`."""
    text = query.get(key)
    if text is None:
        return default
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not digits or not 1 <= int(text) <= most:
        raise Refusal(
            "bad_number",
            422,
            f"{key!r} is a whole number from 1 to {most}",
            f"{key!r}: целое число от 1 до {most}",
        )
    return int(text)


def text_in(query: Mapping[str, str], key: str) -> str | None:
    """A text of a query, None where there is none. Raises Refusal `bad_text`."""
    return optional_text(dict(query), key)


def id_in(body: dict[str, Any], key: str) -> int:
    """An id in a body. Raises Refusal `bad_number`."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_ID:
        raise Refusal("bad_number", 422, f"{key!r} is an id, a number", f"{key!r}: нужен номер")
    return value


def id_of(text: str) -> int:
    """An id in a path. Raises Refusal `bad_number`."""
    return whole_number({"id": text}, "id", 0, MAX_ID)
