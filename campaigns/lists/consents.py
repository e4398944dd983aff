"""PURE. What the cells of a row say of the person's consent to be called.

What is unclear is no consent: the cell goes to the rejects, the contact is taken without one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.lists.columns import Columns
from campaigns.lists.texts import clean_text

# Ids of reasons, as `campaigns.lists.reasons` has them.
UNCLEAR, DATE, FUTURE, SOURCE = "consent", "consent_date", "consent_future", "consent_source"
# Without a time zone a day may have begun elsewhere already.
AHEAD = timedelta(hours=14)
_YES = frozenset({"да", "есть", "получено", "согласен", "согласна", "yes", "y", "true", "1", "+"})
_NO = frozenset({"", "нет", "не получено", "no", "n", "false", "0", "-"})
_RUSSIAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?)?\Z")


@dataclass(frozen=True, slots=True)
class Consent:
    """`given_at` is aware; `evidence` is empty where the file itself is all there is."""

    source: str
    evidence: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class BadConsent:
    """The cell (index of its column, its text) that makes a consent worthless, and why."""

    index: int
    text: str
    reason: str


def read_consent(
    cells: Sequence[str], columns: Columns, time_zone: str | None, now: datetime | None
) -> Consent | BadConsent | None:
    """None: nothing is said, or «нет». Dates without a zone are in `time_zone`, else UTC."""
    at, said, source = columns.consent_at, columns.consent, columns.consent_source
    if at is None:
        return None
    text, answer = _text(cells, at), _text(cells, said)
    if said is not None:
        if answer.casefold() in _NO:
            return None
        if answer.casefold() not in _YES:
            return BadConsent(said, answer, UNCLEAR)
    elif not text:
        return None
    given_at = _moment(text, time_zone)
    if given_at is None:
        return BadConsent(at, text, DATE)
    if now is not None and given_at > now + AHEAD:
        return BadConsent(at, text, FUTURE)
    from_where = _text(cells, source)
    if not from_where:
        return BadConsent(at if source is None else source, "", SOURCE)
    return Consent(from_where, _text(cells, columns.consent_evidence), given_at)


def _text(cells: Sequence[str], index: int | None) -> str:
    return "" if index is None or index >= len(cells) else clean_text(cells[index])


def _moment(text: str, time_zone: str | None) -> datetime | None:
    """`01.11.2026`, `01.11.2026 12:30`, `2026-11-01`, ISO 8601 with a time and a zone."""
    zone = ZoneInfo(time_zone) if time_zone else UTC
    try:
        if match := _RUSSIAN.match(text):
            day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
            moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        else:
            # 20261101 is ISO 8601 too, and may as well be a number of something.
            moment = datetime.fromisoformat(text if "-" in text else "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
