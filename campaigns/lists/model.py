"""PURE. Rows of a file -> contacts with phones, and the reasons for what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import available_timezones

from campaigns.lists.phones import Phone, parse_phones

NUL = "there is a NUL character in the row; export the file again"
CELL_TOO_LONG = "the cell is longer than 32,767 characters"
TOO_MANY_CELLS = (
    "the row has more cells than the header; a text that contains the separator needs quotes"
)
TIME_ZONE = "no such time zone; write it like Europe/Samara, UTC+4 or МСК+1"
# Excel's own limit for one cell.
CELL_CHARS = 32_767
# A person reads these; the file has them all.
REJECTS_KEPT = 1000


class ListError(ValueError):
    """A list cannot be imported or shown as asked; the message says what to do."""


class ListFileError(ListError):
    """The whole file cannot be imported; the message says where and what to do.

    `line` and `column` count from 1, None where the place is the file.
    """

    def __init__(
        self, sentence: str, *, file: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        place = [file] if file else []
        place += [f"line {line}"] if line is not None else []
        place += [f"column {column}"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {sentence}" if place else sentence)
        self.sentence = sentence
        self.file = file
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Reject:
    """One thing left out: file line (from 1), column name ("" for the whole row), value, reason."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    rows = accepted + rejected + duplicates. Accepted rows have at least one phone that is new to
    the list; duplicates have good phones, all of them met before in the file or the list.
    `rejects` holds the first 1,000 entries (bad phones of accepted rows too), `rejects_file` all.
    `list_id` is None where nothing was stored and the list did not exist.
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


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; indexes into a row, names as in the file."""

    names: tuple[str, ...]
    phones: tuple[int, ...]
    name: tuple[int, ...]
    company: int | None
    time_zone: int | None
    region: int | None
    attributes: tuple[int, ...]


_PHONE_NAMES = frozenset(
    {"phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "msisdn", "e164"}
    | {"телефон", "телефоны", "тел", "моб", "мобильный", "сотовый", "мобтел"}
)
_PHONE_PHRASES = frozenset({"phone number", "contact number", "номер телефона", "контактный номер"})
# With these words a column is about a phone, but holds none.
_NOT_A_PHONE = frozenset(
    {"type", "date", "comment", "comments", "status", "operator", "ext", "extension", "country"}
    | {"region", "code", "тип", "дата", "комментарий", "комментарии", "статус", "оператор"}
    | {"доб", "добавочный", "страна", "регион", "код", "провайдер", "модель"}
)
_FULL_NAME = frozenset(
    {"фио", "ф и о", "имя", "name", "full name", "fullname", "контакт", "контактное лицо"}
    | {"contact", "contact name", "contact person", "клиент", "client", "customer"}
    | {"фамилия имя отчество", "фамилия имя", "имя клиента", "customer name", "client name"}
)
_NAME_PARTS = (
    frozenset({"фамилия", "last name", "lastname", "surname", "family name"}),
    frozenset({"имя", "first name", "firstname", "given name"}),
    frozenset({"отчество", "middle name", "middlename", "patronymic"}),
)
_COMPANY = frozenset(
    {"компания", "организация", "фирма", "предприятие", "юрлицо", "юр лицо", "контрагент"}
    | {"название", "наименование", "название компании", "название организации"}
    | {"наименование компании", "наименование организации", "company", "company name"}
    | {"organization", "organisation", "business", "account"}
)
_TIME_ZONE = frozenset(
    {"часовой пояс", "часовая зона", "таймзона", "timezone", "time zone", "tz", "utc", "gmt"}
)

_REGION = frozenset(
    {"регион", "область", "край", "субъект", "субъект рф", "регион клиента", "область край"}
    | {"region", "state", "province", "county"}
)


def map_columns(header: Sequence[str], line: int = 1) -> Columns:
    """Find the columns by their names, in Russian or English, in any order.

    Surname, first name and patronymic in three columns become one name. What is not known becomes
    an attribute. Raises ListFileError where no column holds phones.
    """
    names = _unique_names(header)
    keys = [_key(name) for name in header]
    phones = [index for index, key in enumerate(keys) if _is_phone(key)]
    if not phones:
        phones = [index for index, key in enumerate(keys) if key in ("номер", "number")]
    if not phones:
        raise ListFileError(_no_phone_column(names), line=line)
    name = _name_columns(keys)
    company = next((index for index, key in enumerate(keys) if key in _COMPANY), None)
    time_zone = next((index for index, key in enumerate(keys) if key in _TIME_ZONE), None)
    region = next((index for index, key in enumerate(keys) if key in _REGION), None)
    used = {*phones, *name, company, time_zone, region}
    rest = tuple(index for index in range(len(names)) if index not in used)
    return Columns(names, tuple(phones), name, company, time_zone, region, rest)


def read_row(line: int, cells: Sequence[str], columns: Columns, region: str) -> Row:
    """Return the contact of a row, or the row with the reasons why there is none."""
    if problem := _problem_of_row(line, cells, columns):
        return Row(line, rejects=(problem,))
    phones, rejects = _phones(line, cells, columns, region)
    time_zone, bad_zone = _time_zone(line, cells, columns)
    if not phones and not rejects:
        column = columns.names[columns.phones[0]]
        rejects.append(Reject(line, column, "", "there is no phone in the row"))
    return Row(
        line,
        clean_text(" ".join(_cell(cells, index) for index in columns.name)),
        "" if columns.company is None else clean_text(_cell(cells, columns.company)),
        time_zone,
        (clean_text(_cell(cells, columns.region)) or None) if columns.region is not None else None,
        _attributes(cells, columns, phones) if phones else {},
        tuple(phones),
        (*rejects, *bad_zone),
    )


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


def _key(name: str) -> str:
    words = re.findall(r"[^\W_]+", name.casefold().replace("ё", "е"))
    return " ".join(words)


def _is_phone(key: str) -> bool:
    words = [re.sub(r"(?<=[^\W\d_])[0-9]+\Z", "", word) for word in key.split()]
    if _NOT_A_PHONE.intersection(words):
        return False
    plain = " ".join(word for word in words if not word.isdigit())
    return not _PHONE_NAMES.isdisjoint([*words, *key.split()]) or plain in _PHONE_PHRASES


def _name_columns(keys: Sequence[str]) -> tuple[int, ...]:
    parts = [_first(keys, names) for names in _NAME_PARTS]
    if parts[0] is not None and parts[1] is not None:
        return tuple(index for index in parts if index is not None)
    full = _first(keys, _FULL_NAME)
    if full is not None:
        return (full,)
    return tuple(index for index in parts if index is not None)


def _first(keys: Sequence[str], names: frozenset[str]) -> int | None:
    return next((index for index, key in enumerate(keys) if key in names), None)


def _unique_names(header: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = clean_text(cell)[:100] or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)


def _no_phone_column(names: Sequence[str]) -> str:
    found = ", ".join(names[:10])
    return (
        f"no column holds phones (columns: {found[:200]}); name one Телефон or phone in the first "
        "line, and check that cells are separated by comma, semicolon or tab"
    )


def _problem_of_row(line: int, cells: Sequence[str], columns: Columns) -> Reject | None:
    names = columns.names
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
        for phone in parse_phones(_cell(cells, index), region):
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
