"""PURE. Rows of a results file: one attempt each, with a column for every field of the form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

COLUMNS = (
    "attempt",
    "placed_at",
    "phone",
    "name",
    "company",
    "outcome",
    "ended_by",
    "ring_s",
    "talk_s",
    "heard_s",
    "operator",
    "disposition",
    "disposition_title",
    "flags",
    "note",
    "callback_at",
)
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a file."""

    file: Path
    rows: int
    conversations: int


def header(form: Sequence[Mapping[str, Any]]) -> list[str]:
    """Column names; a field of the form that is named as one of ours gets `answer_` before it."""
    return [*COLUMNS, *(_column(field["code"]) for field in form)]


def _column(code: str) -> str:
    return f"answer_{code}" if code in COLUMNS else code


def row(
    attempt: Mapping[str, Any], form: Sequence[Mapping[str, Any]], zone: ZoneInfo, language: str
) -> list[Any]:
    """One attempt's cells: text, numbers, or None. Times are the floor's, without an offset."""
    answers = attempt["answers"] or {}
    return [
        str(attempt["id"]),
        _local(attempt["placed_at"], zone),
        attempt["phone"],
        attempt["name"],
        attempt["company"],
        attempt["outcome"] or "",
        attempt["ended_by"] or "",
        _seconds(attempt["placed_at"], attempt["answered_at"] or attempt["ended_at"]),
        _seconds(attempt["bridged_at"], attempt["ended_at"]),
        _heard_s(attempt),
        attempt["operator"] or "",
        attempt["disposition"] or "",
        attempt[f"title_{language}"] or "",
        " ".join(attempt["flags"] or ()),
        attempt["note"],
        _local(attempt["callback_at"], zone),
        *(answers.get(field["code"]) for field in form),
    ]


def _heard_s(attempt: Mapping[str, Any]) -> float | None:
    """Of a broadcast: from the answer to an operator or the end."""
    if attempt["mode"] != "broadcast":
        return None
    return _seconds(attempt["answered_at"], attempt["bridged_at"] or attempt["ended_at"])


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    if begin is None or end is None:
        return None
    return round(max(0.0, (end - begin).total_seconds()), 1)


def safe(cell: Any) -> Any:
    """A cell for CSV: a text that a spreadsheet would take for a formula gets an apostrophe.

    A phone number stays: `+` and digits alone compute to the number itself.
    """
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) and not PHONE.fullmatch(cell):
        return f"'{cell}"
    return cell
