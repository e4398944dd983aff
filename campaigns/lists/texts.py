"""PURE. Texts of cells as they are kept."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_SPACES = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """Put a text on one line: control characters and line breaks become one space.

    Anything else stays as it is written, `${...}` too: such text never goes to the dialplan.
    """
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    text = text.strip()
    return _SPACES.sub(" ", text) if "  " in text or not text.isprintable() else text


class NumberText(str):
    """What a workbook keeps as a number, as text."""

    __slots__ = ()

    def is_rounded(self) -> bool:
        """True for a number as `7.903E+10` leaves it: of 10 digits or more the last 7 are zeros.

        Subscribers' numbers with six zeros at their end are sold; with seven there are none.
        """
        return len(self) >= 10 and self.isdecimal() and self.endswith("0" * 7)
