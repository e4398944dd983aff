"""PURE. Rows of a file -> contacts with phones, and the reasons for what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import available_timezones

from campaigns.lists.columns import Columns, Field
from campaigns.lists.consents import BadConsent, Consent, read_consent
from campaigns.lists.errors import ListError
from campaigns.lists.phones import EXCEL, Phone, is_region, parse_phones
from campaigns.lists.reasons import said
from campaigns.lists.texts import NumberText, clean_text
from campaigns.lists.wishes import NO_WISH, Owners, Wish, read_wish
from campaigns.refusals import Language, Sentence

# Ids of reasons, as `campaigns.lists.reasons` has them.
NUL, CELL_TOO_LONG, TOO_MANY_CELLS = "nul", "long_cell", "many_cells"
TIME_ZONE, NO_PHONE = "time_zone", "no_phone"
# Excel's own limit for one cell.
CELL_CHARS = 32_767
# A person reads these; the file has them all.
REJECTS_KEPT = 1000
NAME_CHARS = 200
DAYS_LIMIT = 3650


@dataclass(frozen=True, slots=True)
class Reject:
    """One thing left out: file line (from 1), column name ("" for the whole row), value, and the
    reason's id."""

    line: int
    column: str
    value: str
    reason: str

    @property
    def sentence(self) -> Sentence:
        """The reason for people."""
        return said(self.reason)


OnDuplicate = Literal["skip", "update", "add"]


@dataclass(frozen=True, slots=True)
class Order:
    """How a file is to be imported.

    A phone stands once in a list, whatever is asked. Phones of other lists count as duplicates
    too: those of `campaign`'s lists, or those loaded in the last `days` days.
    `on_duplicate`: `skip` leaves known phones alone, `update` also gives the known contact of the
    list what the row says (empty cells change nothing) and the row's new phones, `add` takes
    phones that are known elsewhere all the same.
    `mapping`: column name -> field, before the guess; `saved_mapping` names a kept one.
    `language`: of the reasons in the rejects file. `actor`: who imports, for consents and audit.
    """

    name: str
    region: str = "RU"
    sheet: str | None = None
    mapping: Mapping[str, Field] = field(default_factory=dict)
    saved_mapping: str | None = None
    save_mapping: str | None = None
    campaign: str | None = None
    days: int | None = None
    on_duplicate: OnDuplicate = "skip"
    dry_run: bool = False
    language: Language = "en"
    actor: str = "list import"


def on_duplicate_of(text: str) -> OnDuplicate:
    """What a person typed. Raises ListError `bad_on_duplicate`."""
    match text:
        case "skip" | "update" | "add":
            return text
    raise ListError("bad_on_duplicate")


def check_order(order: Order) -> None:
    """Raises ListError for what cannot be meant."""
    if not order.name.strip() or len(order.name) > NAME_CHARS or not order.name.isprintable():
        raise ListError("bad_list_name", most=NAME_CHARS)
    if not is_region(order.region):
        raise ListError("unknown_region", region=order.region)
    if order.campaign is not None and order.days is not None:
        raise ListError("two_places")
    if order.days is not None and not 1 <= order.days <= DAYS_LIMIT:
        raise ListError("bad_days", most=DAYS_LIMIT)
    if order.save_mapping is not None and not order.save_mapping.strip():
        raise ListError("no_mapping_name")


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows that made no contact, by where their phones were known."""

    in_file: int
    in_list: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Look:
    """The beginning of a file: names of columns, what each is taken for, the first rows."""

    columns: tuple[str, ...]
    fields: tuple[Field, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    rows = accepted + rejected + duplicates. Accepted rows have at least one phone that is new to
    the list; duplicates have good phones, all of them met before in the file, the list, or where
    the order says; `updated` counts the known contacts that these rows changed, `consents` the
    consents recorded that were not known before, one a phone, `leads` those that campaigns got
    which have the list already.
    `rejects` holds the first 1,000 entries (bad phones of accepted rows too), `rejects_file` all.
    `list_id` is None where nothing was stored and the list did not exist. `header_line`: of the
    file (from 1); what is above it was left out as titles.
    """

    rows: int
    accepted: int
    rejected: int
    duplicates: int
    phones: int
    rejects: list[Reject]
    list_id: int | None
    rejects_file: Path | None
    dry_run: bool = False
    updated: int = 0
    duplicates_by_place: Duplicates = Duplicates(0, 0, 0)
    consents: int = 0
    leads: int = 0
    header_line: int = 1

    def shown(self, language: str) -> dict[str, Any]:
        """For JSON: rejects have the reason's id (`reason`) and its text (`sentence`)."""
        rejects = [{**asdict(r), "sentence": r.sentence.to(language)} for r in self.rejects]
        return {**asdict(self), "rejects": rejects}


@dataclass(frozen=True, slots=True)
class ListSummary:
    """One imported list with what it holds."""

    id: int
    name: str
    source: str
    imported_at: datetime
    contacts: int
    phones: int


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """Which column holds what, kept under a name."""

    name: str
    columns: Mapping[str, Field]
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file: a contact when `phones` is not empty, else rejected."""

    line: int
    name: str = ""
    company: str = ""
    time_zone: str | None = None
    region: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    phones: tuple[Phone, ...] = ()
    rejects: tuple[Reject, ...] = ()
    consent: Consent | None = None
    wish: Wish = NO_WISH


def read_row(
    line: int,
    cells: Sequence[str],
    columns: Columns,
    region: str,
    now: datetime | None = None,
    owners: Owners = MappingProxyType({}),
) -> Row:
    """Return the contact of a row, or the row with the reasons why there is none.

    `now`: no consent is given later. `owners`: whose leads may be.
    """
    if problem := _problem_of_row(line, cells, columns):
        return Row(line, rejects=(problem,))
    phones, rejects = _phones(line, cells, columns, region)
    time_zone, bad_zone = _time_zone(line, cells, columns)
    if not phones and not rejects:
        column = columns.names[columns.phones[0]]
        rejects.append(Reject(line, column, "", NO_PHONE))
    consent = read_consent(cells, columns, time_zone, now)
    if isinstance(consent, BadConsent):
        name = columns.names[consent.index]
        rejects.append(Reject(line, name, consent.text, consent.reason))
        consent = None
    wish = read_wish(cells, columns, owners)
    rejects += [Reject(line, columns.names[i], text, reason) for i, text, reason in wish.bad]
    return Row(
        line,
        clean_text(" ".join(_cell(cells, index) for index in columns.name)),
        "" if columns.company is None else clean_text(_cell(cells, columns.company)),
        time_zone,
        (clean_text(_cell(cells, columns.region)) or None) if columns.region is not None else None,
        _attributes(cells, columns, phones) if phones else {},
        tuple(phones),
        (*rejects, *bad_zone),
        consent if phones else None,
        wish,
    )


_OFFSET = re.compile(r"(?P<base>utc|gmt|мск|msk)?\s*(?P<hours>[+-]\s*[0-9]{1,2})(?::?00)?\Z")
_MOSCOW_HOURS = 3


@lru_cache(maxsize=1000)
def parse_time_zone(text: str) -> str | None:
    """Return the IANA name of `Europe/Samara`, `UTC+4`, `+4`, `МСК+1`, or None."""
    key = text.strip().casefold().replace("−", "-")
    if key in ("мск", "msk", "москва", "moscow"):
        return "Europe/Moscow"
    if key in ("utc", "gmt"):
        return "Etc/UTC"
    if match := _OFFSET.match(key):
        hours = int(match["hours"].replace(" ", ""))
        hours += _MOSCOW_HOURS if match["base"] in ("мск", "msk") else 0
        # POSIX signs: Etc/GMT-4 is four hours east of Greenwich.
        return f"Etc/GMT{-hours:+d}" if -12 <= hours <= 14 else None
    return _zones().get(key.replace(" ", "_"))


@cache
def _zones() -> Mapping[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}


def _problem_of_row(line: int, cells: Sequence[str], columns: Columns) -> Reject | None:
    names = columns.names
    whole = "".join(cells)
    if len(whole) <= CELL_CHARS and len(cells) <= len(names) and "\0" not in whole:
        return None
    for index, cell in enumerate(cells):
        column = names[index] if index < len(names) else ""
        if "\0" in cell:
            return Reject(line, column, cell, NUL)
        if len(cell) > CELL_CHARS:
            return Reject(line, column, cell[:100], CELL_TOO_LONG)
        if index >= len(names) and cell.strip():
            return Reject(line, "", cell, TOO_MANY_CELLS)
    return None


def _phones(
    line: int, cells: Sequence[str], columns: Columns, region: str
) -> tuple[list[Phone], list[Reject]]:
    phones: list[Phone] = []
    rejects: list[Reject] = []
    for index in columns.phones:
        cell = _cell(cells, index)
        if isinstance(cell, NumberText) and cell.is_rounded():
            rejects.append(Reject(line, columns.names[index], str(cell), EXCEL))
            continue
        for phone in parse_phones(cell, region):
            if not isinstance(phone, Phone):
                rejects.append(Reject(line, columns.names[index], phone.text, phone.reason))
            elif all(phone.e164 != other.e164 for other in phones):
                phones.append(phone)
    return phones, rejects


def _time_zone(
    line: int, cells: Sequence[str], columns: Columns
) -> tuple[str | None, tuple[Reject, ...]]:
    index = columns.time_zone
    text = "" if index is None else clean_text(_cell(cells, index))
    if index is None or not text:
        return None, ()
    zone = parse_time_zone(text) if len(text) <= 64 else None
    return zone, () if zone else (Reject(line, columns.names[index], text, TIME_ZONE),)


def _attributes(cells: Sequence[str], columns: Columns, phones: Sequence[Phone]) -> dict[str, str]:
    attributes = {
        columns.names[index]: text
        for index in columns.attributes
        if (text := clean_text(_cell(cells, index)))
    }
    for number, phone in enumerate(phones, 1):
        if phone.extension:
            attributes["extension" if number == 1 else f"extension {number}"] = phone.extension
    return attributes


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index] if index < len(cells) else ""
