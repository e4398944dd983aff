"""PURE. Which column of a file holds what: guessed by its name, or said by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from campaigns.lists.errors import ListError, ListFileError
from campaigns.lists.texts import clean_text

Field = Literal[
    "phone",
    "name",
    "last_name",
    "first_name",
    "middle_name",
    "company",
    "time_zone",
    "region",
    "consent",
    "consent_at",
    "consent_source",
    "consent_evidence",
    "priority",
    "owner",
    "attribute",
    "skip",
]
FIELDS: tuple[Field, ...] = get_args(Field)
# A file of rejects begins with these; they are not part of the list.
REJECT_COLUMNS = ("line", "column", "value", "reason")
# What a person may call them.
FIELD_NAMES: Mapping[str, Field] = {
    **{field: field for field in FIELDS},
    "телефон": "phone",
    "фио": "name",
    "имя": "first_name",
    "фамилия": "last_name",
    "отчество": "middle_name",
    "компания": "company",
    "часовой пояс": "time_zone",
    "регион": "region",
    "согласие": "consent",
    "дата согласия": "consent_at",
    "источник согласия": "consent_source",
    "подтверждение согласия": "consent_evidence",
    "приоритет": "priority",
    "ответственный": "owner",
    "атрибут": "attribute",
    "пропустить": "skip",
}


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
    consent: int | None = None
    consent_at: int | None = None
    consent_source: int | None = None
    consent_evidence: int | None = None
    priority: int | None = None
    owner: int | None = None


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

_CONSENT = frozenset({"согласие", "согласие на звонки", "consent", "opt in", "optin"})
_CONSENT_AT = frozenset(
    {"дата согласия", "согласие дата", "дата и время согласия"}
    | {"consent date", "consent at", "consent given at", "opt in date"}
)
_CONSENT_SOURCE = frozenset({"источник согласия", "consent source", "opt in source"})
_CONSENT_EVIDENCE = frozenset(
    {"подтверждение согласия", "доказательство согласия", "consent evidence", "consent proof"}
)
_PRIORITY = frozenset({"приоритет", "priority", "lead priority"})
_OWNER = frozenset(
    {"ответственный", "ответственный менеджер", "менеджер", "оператор"}
    | {"owner", "lead owner", "manager", "operator"}
)
_CONSENT_FIELDS: tuple[Field, ...] = ("consent", "consent_source", "consent_evidence")


def map_columns(
    header: Sequence[str], line: int = 1, mapping: Mapping[str, Field] | None = None
) -> Columns:
    """Find the columns by their names, in Russian or English, in any order.

    `mapping` (column name -> field) goes before the guess; names that the file lacks are left
    alone. Surname, first name and patronymic in three columns become one name. What is not known
    becomes an attribute. Raises ListFileError where no column holds phones.
    """
    names = unique_names(header)
    fields = fields_of(header, mapping)
    if "consent_at" not in fields:
        # Without a date there is no consent to keep: the columns are kept as they are.
        fields = ["attribute" if field in _CONSENT_FIELDS else field for field in fields]
    if "phone" not in fields:
        found = ", ".join(names[:10])[:200]
        raise ListFileError("no_phone_column", line=line, names=found)
    return Columns(
        names,
        _all(fields, "phone"),
        _all(fields, "name", "last_name", "first_name", "middle_name"),
        next(iter(_all(fields, "company")), None),
        next(iter(_all(fields, "time_zone")), None),
        next(iter(_all(fields, "region")), None),
        # Scripts read out whose the person is: these two are kept as attributes too.
        _all(fields, "attribute", "priority", "owner") + tuple(_spare(fields)),
        next(iter(_all(fields, "consent")), None),
        next(iter(_all(fields, "consent_at")), None),
        next(iter(_all(fields, "consent_source")), None),
        next(iter(_all(fields, "consent_evidence")), None),
        next(iter(_all(fields, "priority")), None),
        next(iter(_all(fields, "owner")), None),
    )


def fields_of(header: Sequence[str], mapping: Mapping[str, Field] | None = None) -> list[Field]:
    """What each column holds: as `mapping` says, else as its name does."""
    said = {_key(name): field for name, field in (mapping or {}).items()}
    pairs = zip(unique_names(header), guess_fields(header), strict=True)
    return [said.get(_key(name), guess) for name, guess in pairs]


def guess_fields(header: Sequence[str]) -> list[Field]:
    """What each column probably holds, by its name alone."""
    keys = [_key(name) for name in header]
    phones = {index for index, key in enumerate(keys) if _is_phone(key)}
    if not phones:
        phones = {index for index, key in enumerate(keys) if key in ("номер", "number")}
    fields: list[Field] = ["attribute"] * len(keys)
    for index, field in _name_columns(keys).items():
        fields[index] = field
    known: tuple[tuple[Field, frozenset[str]], ...] = (
        ("company", _COMPANY),
        ("time_zone", _TIME_ZONE),
        ("region", _REGION),
        ("consent", _CONSENT),
        ("consent_at", _CONSENT_AT),
        ("consent_source", _CONSENT_SOURCE),
        ("consent_evidence", _CONSENT_EVIDENCE),
        ("priority", _PRIORITY),
        ("owner", _OWNER),
    )
    for field, its_names in known:
        index_of = _first(keys, its_names)
        if index_of is not None:
            fields[index_of] = field
    for index in phones:
        fields[index] = "phone"
    if tuple(header[: len(REJECT_COLUMNS)]) == REJECT_COLUMNS:
        fields[: len(REJECT_COLUMNS)] = ["skip"] * len(REJECT_COLUMNS)
    return fields


def parse_mapping(pairs: Sequence[str]) -> dict[str, Field]:
    """`Колонка=phone` as people give it. Raises ListError."""
    mapping: dict[str, Field] = {}
    for pair in pairs:
        column, sign, text = pair.rpartition("=")
        field = FIELD_NAMES.get(text.strip().casefold())
        if not sign or not column.strip() or field is None:
            raise ListError("bad_mapping", pair=pair, fields=", ".join(FIELDS))
        mapping[column.strip()] = field
    return mapping


def _all(fields: Sequence[Field], *wanted: Field) -> tuple[int, ...]:
    """Indexes, in the order of `wanted`: surname before first name."""
    return tuple(index for field in wanted for index, found in enumerate(fields) if found == field)


def _spare(fields: Sequence[Field]) -> list[int]:
    """Of a second company, zone, region or consent nothing is lost: it is kept as an attribute."""
    single: tuple[Field, ...] = ("company", "time_zone", "region", "consent_at", *_CONSENT_FIELDS)
    return [index for field in single for index in _all(fields, field)[1:]]


def _key(name: str) -> str:
    words = re.findall(r"[^\W_]+", name.casefold().replace("ё", "е"))
    return " ".join(words)


def _is_phone(key: str) -> bool:
    words = [re.sub(r"(?<=[^\W\d_])[0-9]+\Z", "", word) for word in key.split()]
    if _NOT_A_PHONE.intersection(words):
        return False
    plain = " ".join(word for word in words if not word.isdigit())
    return not _PHONE_NAMES.isdisjoint([*words, *key.split()]) or plain in _PHONE_PHRASES


def _name_columns(keys: Sequence[str]) -> dict[int, Field]:
    kinds: tuple[Field, ...] = ("last_name", "first_name", "middle_name")
    parts = {
        index: kind
        for kind, names in zip(kinds, _NAME_PARTS, strict=True)
        if (index := _first(keys, names)) is not None
    }
    full = _first(keys, _FULL_NAME)
    if full is None or {"last_name", "first_name"} <= set(parts.values()):
        return parts
    return {full: "name"}


def _first(keys: Sequence[str], names: frozenset[str]) -> int | None:
    return next((index for index, key in enumerate(keys) if key in names), None)


def unique_names(header: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = clean_text(cell)[:100] or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)
