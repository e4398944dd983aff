"""PURE. Which moments are meant seriously: others are typing errors, and PostgreSQL, Python and the
clocks of the far years do not agree about them."""

from __future__ import annotations

from datetime import date

FIRST_YEAR, LAST_YEAR = 1970, 2199


def meant(at: date) -> bool:
    """Of a day or a moment."""
    # By its own clock: 0001-01-01T00:00+14:00 has no time in UTC at all.
    return FIRST_YEAR <= at.year <= LAST_YEAR
