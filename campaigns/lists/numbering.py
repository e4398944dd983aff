"""PURE. What the first digits of a telephone number decide: validity and candidate time zones.

A full parse by `phonenumbers` takes 40 us. But its rules are regular expressions over digits, and
in most numbers the first few digits settle all of them, whatever follows. `Plan` walks those
expressions digit by digit (Brzozowski derivatives) until nothing that follows can change an
answer, and keeps the answer for that prefix. So it is equal to `phonenumbers` by construction;
tests compare every prefix all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc
from phonenumbers.phonenumberutil import PhoneNumberType, is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from campaigns.hours.zones import RUSSIAN_MOBILES, corrected, number_zones

Zones = tuple[str, ...]
# One digit of a set, or a choice of sequences.
Atom = frozenset[str] | tuple["Sequence", ...]
Sequence = tuple[Atom, ...]
State = frozenset[Sequence]

DIGITS = "0123456789"
MAX_DIGITS = 15
NO_ZONES: Zones = ()
_ANY = frozenset(DIGITS)
_TABLE_DIGITS = 4
# In the order of phonenumbers' own number_type: the first that fits is the number's kind.
_OTHER_KINDS = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager"),
    *("uan", "voicemail"),
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What all numbers with one prefix and length have in common.

    `national`: such digits are a national number without its prefix. `usual`: they are a fixed
    or mobile number and no other kind. `zones`: where the person may be; empty for unknown.
    """

    national: bool
    usual: bool
    zones: Zones


NOTHING = Leaf(False, False, NO_ZONES)


@dataclass(frozen=True, slots=True)
class Way:
    """How numbers of one length and beginning are read: E.164 is the plan's `plus`, then what is
    left without the first `cut` signs."""

    cut: int
    zones: Zones


def zones_of(e164: str) -> Zones:
    """Candidate IANA zones of a number, sorted; empty where nothing is known."""
    return number_zones(e164)


@cache
def zone_sets() -> tuple[Zones, ...]:
    """Every set of zones that a number can have, in a fixed order."""
    found = {corrected(f"+{begin}", zones) for begin, zones in TIMEZONE_DATA.items()}
    return tuple(sorted((found | {corrected(RUSSIAN_MOBILES, ())}) - {NO_ZONES}))


class PatternError(ValueError):
    """An expression that is not understood; the region is then left to phonenumbers."""


class Plan:
    """The usual numbers of one region as they are typed in it.

    `known` is False where regions share a country code and this is not the first of them, or
    where the prefix is no plain digits: nothing is sure then.
    """

    def __init__(self, region: str) -> None:
        self.known = False
        self.plus, self.head = "", 0
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None or metadata.country_code is None:
            return
        self._metadata = metadata
        self._code = str(metadata.country_code)
        self.plus = f"+{self._code}"
        self._prefix = metadata.national_prefix or ""
        # So many first signs decide as a rule, together with the length.
        self.head = max(len(self.plus), len(self._prefix)) + _TABLE_DIGITS
        self._tables: dict[int, dict[str, Leaf | None]] = {}
        try:
            self._rules = _rules(metadata)
        except PatternError:
            return
        # Where regions share a country code, the first of them is asked first, so it is sure.
        self.known = (
            phonenumbers.region_code_for_country_code(metadata.country_code) == region
            and (metadata.national_prefix_for_parsing or "") == self._prefix
        )
        self._deep = lru_cache(maxsize=65_536)(self._walk)

    def read(self, digits: str) -> tuple[str, Zones] | None:
        """E.164 and zones of `+79031234567`, `89031234567`, `79031234567`, `9031234567`.

        `digits` is 7 to 15 digits, after a `+` or not. None where it is no usual number.
        """
        if digits[0] == "+":
            if not digits.startswith(self.plus):
                return None
            national = digits[len(self.plus) :]
            leaf = self.leaf(national)
        else:
            national, leaf = self._without_prefix(digits)
        if not leaf.usual:
            return None
        return self.plus + national, leaf.zones

    def way(self, digits: str) -> Way | None:
        """How to read every number of this length with the same first `head` signs.

        `digits` as `read` takes them. None where they are read in more than one way, or at least
        one is no usual number.
        """
        read = self.read(digits)
        if read is None:
            return None
        national = read[0][len(self.plus) :]
        # Without a plus the number was first taken as it stands; that the digits of the table
        # decided here means that they decide for all that begin so.
        seen = [national] if digits[0] == "+" else [digits, national]
        if any(self._tables[len(one)][one[:_TABLE_DIGITS]] is None for one in seen):
            return None
        return Way(len(digits) - len(national), read[1])

    def _without_prefix(self, digits: str) -> tuple[str, Leaf]:
        leaf = self.leaf(digits)
        if leaf.national:
            return digits, leaf
        if self._prefix and digits.startswith(self._prefix):
            national = digits[len(self._prefix) :]
        elif digits.startswith(self._code):
            national = digits[len(self._code) :]
        else:
            return digits, NOTHING
        return national, self.leaf(national)

    def leaf(self, national: str) -> Leaf:
        """What is known of a national number."""
        table = self._tables.get(len(national))
        if table is None:
            table = self._tables[len(national)] = {}
        head = national[:_TABLE_DIGITS]
        try:
            leaf = table[head]
        except KeyError:
            leaf = table[head] = self._walk(head, len(national))
        if leaf is None:
            leaf = self._deep(national, len(national))
            assert leaf is not None  # all its digits are there
        return leaf

    def _walk(self, head: str, length: int) -> Leaf | None:
        """The leaf of all numbers of `length` digits beginning with `head`; None: they differ."""
        answers: dict[str, bool] = {}
        for name, rule in self._rules.items():
            answer = rule.answer(head, length)
            if answer is None:
                return None
            answers[name] = answer
        if len(self._code) + length > MAX_DIGITS or not answers["general"]:
            return Leaf(answers["general"], False, NO_ZONES)
        usual = answers["usual"] and answers["leading"] and not answers["other"]
        if not usual:
            return Leaf(True, False, NO_ZONES)
        zones = self._zones(head, answers)
        return None if zones is None else Leaf(True, True, zones)

    def _zones(self, head: str, answers: dict[str, bool]) -> Zones | None:
        begin, kind = self._code + head, PhoneNumberType.MOBILE
        if answers["fixed"]:
            # A number that is both is as geographical as a fixed one.
            kind = PhoneNumberType.FIXED_LINE
        if not is_number_type_geographical(kind, int(self._code)):
            return corrected(f"+{begin}", _zones_by_prefix(self._code))
        if any(key.startswith(begin) and len(key) > len(begin) for key in _zone_keys(self._code)):
            return None
        return corrected(f"+{begin}", _zones_by_prefix(begin))


def _zones_by_prefix(digits: str) -> Zones:
    for length in range(min(len(digits), TIMEZONE_LONGEST_PREFIX), 0, -1):
        zones: Zones | None = TIMEZONE_DATA.get(digits[:length])
        if zones is not None:
            return zones
    return NO_ZONES


@cache
def _zone_keys(code: str) -> tuple[str, ...]:
    return tuple(key for key in TIMEZONE_DATA if key.startswith(code))


@dataclass(frozen=True)
class _Rule:
    """Kinds of numbers: one fits where its expression does and the length is one of its own."""

    kinds: tuple[tuple[State, frozenset[int]], ...]

    def answer(self, head: str, length: int) -> bool | None:
        """True if every number of `length` digits beginning with `head` fits, False if none."""
        state = frozenset(
            sequence
            for start, lengths in self.kinds
            if not lengths or length in lengths
            for sequence in start
        )
        for digit in head:
            state = _step(state, digit)
        return _settled(state, length - len(head))


def _rules(metadata: PhoneMetadata) -> dict[str, _Rule]:
    fixed, mobile = metadata.fixed_line, metadata.mobile
    leading = (_parse(metadata.leading_digits or "")[0] + _any_digits(), frozenset[int]())
    return {
        "general": _rule(metadata.general_desc),
        "fixed": _rule(fixed),
        "usual": _rule(fixed, mobile),
        "other": _rule(*(getattr(metadata, kind) for kind in _OTHER_KINDS)),
        "leading": _Rule(((_heads_of(leading[0]), leading[1]),)),
    }


def _rule(*kinds: PhoneNumberDesc | None) -> _Rule:
    return _Rule(tuple(_kind(kind) for kind in kinds if kind and kind.national_number_pattern))


def _kind(kind: PhoneNumberDesc) -> tuple[State, frozenset[int]]:
    sequence, rest = _parse(kind.national_number_pattern or "")
    if rest:
        raise PatternError(rest)
    # -1 means that the kind has no numbers.
    return _heads_of(sequence), frozenset(kind.possible_length)


def _any_digits() -> Sequence:
    option: Atom = ((_ANY,), ())
    return (option,) * (MAX_DIGITS + 2)


# Expressions as phonenumbers writes them: digits, \d, [..], (?:..|..), ?, {m}, {m,n}


def _parse(text: str) -> tuple[Sequence, str]:
    """A choice of sequences up to `)` or the end, and what is left."""
    options: list[Sequence] = []
    sequence: list[Atom] = []
    while text and text[0] != ")":
        if text[0] == "|":
            options.append(tuple(sequence))
            sequence, text = [], text[1:]
            continue
        atom, text = _atom(text)
        repeated, text = _repeat(atom, text)
        sequence += repeated
    options.append(tuple(sequence))
    if len(options) == 1:
        return options[0], text
    return (tuple(options),), text


def _atom(text: str) -> tuple[Atom, str]:
    if text.startswith("(?:"):
        inner, rest = _parse(text[3:])
        if not rest.startswith(")"):
            raise PatternError(text)
        return (inner,), rest[1:]
    if text.startswith("\\d"):
        return _ANY, text[2:]
    if text[0] in DIGITS:
        return frozenset(text[0]), text[1:]
    if text[0] == "[":
        body, _, rest = text[1:].partition("]")
        return _digit_class(body), rest
    raise PatternError(text)


def _digit_class(body: str) -> frozenset[str]:
    digits = set[str]()
    text = body.replace("\\d", DIGITS)
    if not text or text.strip(f"{DIGITS}-"):
        raise PatternError(body)
    while text:
        if text[1:2] == "-" and len(text) > 2:
            digits.update(DIGITS[int(text[0]) : int(text[2]) + 1])
            text = text[3:]
        elif text[0] in DIGITS:
            digits.add(text[0])
            text = text[1:]
        else:
            raise PatternError(body)
    return frozenset(digits)


def _repeat(atom: Atom, text: str) -> tuple[list[Atom], str]:
    low, high = 1, 1
    if text.startswith("?"):
        low, text = 0, text[1:]
    elif text.startswith("{"):
        body, _, text = text[1:].partition("}")
        first, comma, last = body.partition(",")
        low, high = int(first), int(last if comma else first)
    elif text[:1] in ("*", "+"):
        raise PatternError(text)
    optional: Atom = ((atom,), ())
    return [atom] * low + [optional] * (high - low), text


def _heads_of(sequence: Sequence) -> State:
    return frozenset(_heads(sequence))


def _heads(sequence: Sequence) -> Iterator[Sequence]:
    """The sequences that begin with a digit (or are over) and together mean `sequence`."""
    if not sequence or isinstance(sequence[0], frozenset):
        yield sequence
        return
    for option in sequence[0]:
        yield from _heads(option + sequence[1:])


@cache
def _step(state: State, digit: str) -> State:
    """What may still follow after one digit."""
    return frozenset(
        head
        for sequence in state
        if sequence and isinstance(sequence[0], frozenset) and digit in sequence[0]
        for head in _heads(sequence[1:])
    )


@cache
def _settled(state: State, left: int) -> bool | None:
    """True if any `left` digits complete the expression, False if none do, None if some."""
    if left <= 0:
        return left == 0 and () in state
    if not state:
        return False
    answers = {_settled(_step(state, digit), left - 1) for digit in DIGITS}
    return answers.pop() if len(answers) == 1 else None


@lru_cache(maxsize=300)
def plan(region: str) -> Plan:
    """The plan of a region (ISO 3166), made once."""
    return Plan(region)
