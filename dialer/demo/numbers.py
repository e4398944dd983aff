"""The simulated carrier's numbers: the last four digits say what the dialed person does.

`RULES` is the one table: the carrier's dialplan is rendered from it, `parse` reads it, and
docs/reference/simulated-carrier.md prints it (a test compares the two).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType

import phonenumbers


class Kind(StrEnum):
    """What the network and its people do with one call."""

    PERSON = "person"
    PATIENT = "patient"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    INVALID = "invalid"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    UNAVAILABLE = "unavailable"
    MACHINE = "machine"
    EARLY_BUSY = "early_busy"
    DROP = "drop"
    EXACT = "exact"
    SILENCE = "silence"
    EARLY_ANSWER = "early_answer"
    RING_FAIL = "ring_fail"
    RANDOM = "random"


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    `tail` is four characters: a digit is itself, `r` the ring delay in seconds, `t` the talk in
    seconds, `x` any digit (free, makes numbers unique). `sip` is the final SIP code a caller
    who waits long enough gets, None where there is none. `outcome` is the line outcome a dialer
    with a free operator and a long enough ring timeout must record, None where it is drawn.
    """

    tail: str
    kind: Kind
    sip: int | None
    outcome: str | None
    text: str

    @property
    def dialplan_pattern(self) -> str:
        """The tail as an Asterisk pattern without its underscore."""
        return re.sub("[rtx]", "X", self.tail)

    @property
    def ring_digits(self) -> tuple[int, int] | None:
        """(offset, length) of the ring delay in the tail."""
        return _digits(self.tail, "r")

    @property
    def talk_digits(self) -> tuple[int, int] | None:
        """(offset, length) of the talk time in the tail."""
        return _digits(self.tail, "t")

    def matches(self, tail: str) -> bool:
        """Tell whether four digits belong to this row."""
        return re.fullmatch(re.sub("[rtx]", "[0-9]", self.tail), tail) is not None


def _digits(tail: str, letter: str) -> tuple[int, int] | None:
    count = tail.count(letter)
    return (tail.index(letter), count) if count else None


RULES: tuple[Rule, ...] = (
    Rule("0rtt", Kind.PERSON, 200, "answered", "answers after r s, talks tt s, hangs up"),
    Rule("1rxx", Kind.PATIENT, 200, "answered", "answers after r s, waits for your hang-up"),
    Rule("20xx", Kind.NO_ANSWER, None, "no_answer", "rings until the caller gives up"),
    Rule("21xx", Kind.BUSY, 486, "busy", "busy"),
    Rule("22xx", Kind.INVALID, 404, "invalid", "no such number"),
    Rule("23xx", Kind.REJECTED, 603, "rejected", "declined"),
    Rule("24xx", Kind.CONGESTION, 503, "congestion", "the network is full"),
    Rule("25xx", Kind.UNAVAILABLE, 480, "no_answer", "the phone is switched off"),
    Rule("26rr", Kind.RING_FAIL, 503, "congestion", "rings rr s, then the network fails"),
    Rule("3rxx", Kind.MACHINE, 200, "answered", "machine after r s: greeting, beep, silence"),
    Rule("4rxx", Kind.EARLY_BUSY, 486, "busy", "early media (183) for r s, then busy"),
    Rule("5rxx", Kind.DROP, 200, "answered", "answers after r s and hangs up at once"),
    Rule("60rr", Kind.EXACT, 200, "answered", "answers exactly rr s after ringing began, waits"),
    Rule("70xx", Kind.SILENCE, None, "failed", "never rings: 100 Trying and nothing more"),
    Rule("8rtt", Kind.EARLY_ANSWER, 200, "answered", "early media (183) for r s, then a person"),
    Rule("9xxx", Kind.RANDOM, None, None, "kind, ring and talk drawn by the carrier"),
)
"""Tails in no row are numbers that do not exist: Kind.INVALID."""

RULE_OF: Mapping[Kind, Rule] = MappingProxyType({rule.kind: rule for rule in RULES})

RANDOM_KINDS: tuple[Kind, ...] = tuple(
    kind for kind in Kind if kind not in (Kind.RANDOM, Kind.EXACT, Kind.RING_FAIL)
)
"""What a random number, or a generated list, can turn out to be."""

DEMO_SHARES: Mapping[Kind, float] = MappingProxyType(
    {
        Kind.PERSON: 0.44,
        Kind.NO_ANSWER: 0.20,
        Kind.MACHINE: 0.08,
        Kind.BUSY: 0.08,
        Kind.INVALID: 0.06,
        Kind.REJECTED: 0.04,
        Kind.DROP: 0.03,
        Kind.EARLY_ANSWER: 0.03,
        Kind.UNAVAILABLE: 0.02,
        Kind.EARLY_BUSY: 0.01,
        Kind.SILENCE: 0.01,
    }
)
"""Shares of a list that feels like a cold base; they add up to 1."""


@dataclass(frozen=True)
class Script:
    """What one number does: kind, ring delay and talk in seconds (0 where it has none)."""

    kind: Kind
    ring_s: float
    talk_s: float


def parse(number: str) -> Script:
    """Read a dialed number (`+` and digits, any country); unknown tails are Kind.INVALID."""
    tail = number[-4:]
    for rule in RULES:
        if rule.matches(tail):
            return Script(rule.kind, _cut(tail, rule.ring_digits), _cut(tail, rule.talk_digits))
    return Script(Kind.INVALID, 0, 0)


def _cut(tail: str, digits: tuple[int, int] | None) -> float:
    if digits is None:
        return 0
    offset, length = digits
    return int(tail[offset : offset + length])


def expected_outcome(number: str) -> str | None:
    """The outcome a dialer must record; None for random numbers, which decide when dialed."""
    return RULE_OF[parse(number).kind].outcome


@dataclass(frozen=True)
class Pace:
    """Bounds, in whole seconds, of what `generate` writes into the numbers."""

    ring_s: tuple[int, int] = (1, 4)
    talk_s: tuple[int, int] = (4, 15)


def generate(
    count: int,
    rng: Random,
    shares: Mapping[Kind, float] = DEMO_SHARES,
    region: str = "RU",
    pace: Pace = Pace(),
) -> list[dict[str, str]]:
    """Invent `count` contacts (`name`, `phone`, `city`) with valid unique mobile numbers.

    The same seed of `rng` gives the same list. Kinds are drawn by `shares` (any positive
    weights), the rest of the digits at random. The numbers may belong to somebody: dial them
    only through the simulated carrier. Raises ValueError for a region without mobile numbers.
    """
    kinds = rng.choices(list(shares), weights=list(shares.values()), k=count)
    taken: set[str] = set()
    contacts = []
    for kind in kinds:
        phone = _unique_number(rng, kind, region, pace, taken)
        contacts.append({"name": _name(rng), "phone": phone, "city": rng.choice(_CITIES)})
    return contacts


_ATTEMPTS = 10_000
_TAIL_LENGTH = 4


def _unique_number(rng: Random, kind: Kind, region: str, pace: Pace, taken: set[str]) -> str:
    country, operator_code, length = _mobile_shape(region)
    for _ in range(_ATTEMPTS):
        middle = "".join(
            rng.choice("0123456789") for _ in range(length - len(operator_code) - _TAIL_LENGTH)
        )
        phone = f"+{country}{operator_code}{middle}{_tail(rng, kind, pace)}"
        if phone not in taken and phonenumbers.is_valid_number(phonenumbers.parse(phone)):
            taken.add(phone)
            return phone
    raise ValueError(f"Region {region} has no room for another {kind} number; ask for fewer.")


def _mobile_shape(region: str) -> tuple[int, str, int]:
    """(country code, operator code, length of a national number) of the region's mobiles."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None or example.country_code is None:
        raise ValueError(f"There are no mobile numbers in region {region!r}; use one like RU.")
    national = phonenumbers.national_significant_number(example)
    return example.country_code, national[:3], len(national)


def _tail(rng: Random, kind: Kind, pace: Pace) -> str:
    tail = RULE_OF[kind].tail
    tail = _write(tail, "r", rng.randint(*pace.ring_s))
    tail = _write(tail, "t", rng.randint(*pace.talk_s))
    return re.sub("x", lambda _: rng.choice("0123456789"), tail)


def _write(tail: str, letter: str, seconds: int) -> str:
    """Write seconds into the letters' places; more than fits becomes all nines."""
    places = tail.count(letter)
    if not places:
        return tail
    return tail.replace(letter * places, str(min(seconds, 10**places - 1)).zfill(places))


_FIRST_NAMES: Sequence[str] = (
    "Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Инна", "Кирилл",
    "Лариса", "Максим", "Нина", "Олег", "Полина", "Роман", "Софья", "Тимур", "Ульяна", "Фёдор",
)  # fmt: skip
_LAST_NAMES: Sequence[str] = (
    "Аверченко", "Бондарь", "Воронич", "Гамаюн", "Дейнека", "Живаго", "Заяц", "Карпенко",
    "Лещ", "Мороз", "Остапчук", "Пономаренко", "Рябоконь", "Сковорода", "Толстых", "Черных",
)  # fmt: skip
_CITIES: Sequence[str] = ("Москва", "Казань", "Тверь", "Самара", "Пермь", "Псков", "Калуга")


def _name(rng: Random) -> str:
    # Surnames without gender forms, so that every pair is a name.
    return f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"
