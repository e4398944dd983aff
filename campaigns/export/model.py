"""PURE. What an export has in it, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from campaigns.lists.errors import ListError

Format = Literal["csv", "xlsx"]
COLUMNS = (
    *("list", "campaign", "name", "company", "phones", "time_zone", "region", "status"),
    *("approaches", "last_outcome", "last_disposition", "last_dialed_at", "note"),
)
MASK_KEEPS_AT_THE_BEGIN, MASK_KEEPS_AT_THE_END = 5, 2
# Excel's own: 1,048,576 rows with the header, 16,384 columns, 32,767 characters a cell.
XLSX_ROWS, CELL_CHARS = 1_048_575, 32_767
ATTRIBUTES_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What is exported; None asks for nothing. Outcome, disposition and time are those of the
    lead's last attempt; `since` is counted in, `until` not."""

    list: str | None = None
    campaign: str | None = None
    status: str | None = None
    outcome: str | None = None
    disposition: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """What was asked for, for the audit."""
        found = {key: value for key, value in asdict(self).items() if value}
        return {key: v.isoformat() if isinstance(v, date) else v for key, v in found.items()}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    path: Path
    format: Format
    rows: int
    revealed: bool


def parse_attributes(pairs: Sequence[str]) -> dict[str, str]:
    """`Город=Самара` as people give it. Raises ListError."""
    attributes = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise ListError("bad_filter", pair=pair)
        attributes[name.strip()] = value.strip()
    return attributes


def mask(e164: str) -> str:
    """`+79031234567` -> `+7903*****67`: enough to tell numbers apart, too little to dial."""
    hidden = len(e164) - MASK_KEEPS_AT_THE_BEGIN - MASK_KEEPS_AT_THE_END
    if hidden <= 0:
        return "*" * len(e164)
    begin, end = e164[:MASK_KEEPS_AT_THE_BEGIN], e164[-MASK_KEEPS_AT_THE_END:]
    return f"{begin}{'*' * hidden}{end}"


def cells_of(row: Mapping[str, Any], attributes: Sequence[str], *, reveal: bool) -> list[str]:
    """One row as texts, in the order of COLUMNS and then `attributes`."""
    phones = row["phones"] if reveal else [mask(phone) for phone in row["phones"]]
    values = {**row, "phones": ", ".join(phones)}
    cells = [_text(values[column]) for column in COLUMNS]
    own = row["attributes"]
    return cells + [_text(own.get(name)) for name in attributes]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)[:CELL_CHARS]
