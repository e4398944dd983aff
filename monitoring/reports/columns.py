"""PURE. How columns of reports are written down."""

from __future__ import annotations

from typing import Literal

from campaigns.refusals import Sentence
from monitoring.reports.sheet import Column, Kind


def column(
    key: str,
    kind: Kind,
    title: tuple[str, str],
    help: tuple[str, str],
    better: Literal["more", "less"] | None = None,
) -> Column:
    """A column; title and help in English and Russian."""
    return Column(key, kind, Sentence(*title), Sentence(*help), better)
