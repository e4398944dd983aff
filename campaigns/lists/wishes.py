"""PURE. What the cells of a row say of the contact's leads: who comes first, whose they are.

What is unclear goes to the rejects, the contact is taken without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns.leads.model import MOST_PRIORITY
from campaigns.lists.columns import Columns
from campaigns.lists.texts import clean_text

# Ids of reasons, as `campaigns.lists.reasons` has them.
PRIORITY, OWNER = "priority", "owner"
_LONGEST = 10

# Login or full name of an operator, in small letters -> id.
Owners = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Wish:
    """None: nothing is said. `owner` is an operator's id; `bad` has what is said in vain: index of
    the column, its text, why."""

    priority: int | None = None
    owner: int | None = None
    bad: tuple[tuple[int, str, str], ...] = ()


NO_WISH = Wish()


def read_wish(cells: Sequence[str], columns: Columns, owners: Owners) -> Wish:
    bad: list[tuple[int, str, str]] = []
    priority = owner = None
    if columns.priority is not None and (text := _text(cells, columns.priority)):
        priority = _priority(text)
        if priority is None:
            bad.append((columns.priority, text, PRIORITY))
    if columns.owner is not None and (text := _text(cells, columns.owner)):
        owner = owners.get(text.casefold())
        if owner is None:
            bad.append((columns.owner, text, OWNER))
    return Wish(priority, owner, tuple(bad))


def owners_of(operators: Sequence[tuple[int, str, str]]) -> dict[str, int]:
    """Operators (id, login, full name) as files name them; two of one name go by login alone."""
    names = [clean_text(name).casefold() for _, _, name in operators]
    by_name = {
        name: id
        for name, (id, _, _) in zip(names, operators, strict=True)
        if name and names.count(name) == 1
    }
    return by_name | {login.casefold(): id for id, login, _ in operators}


def _priority(text: str) -> int | None:
    digits = text.removeprefix("-").removeprefix("+") if len(text) <= _LONGEST else ""
    if not (digits.isascii() and digits.isdecimal()):
        return None
    priority = -int(digits) if text.startswith("-") else int(digits)
    return priority if abs(priority) <= MOST_PRIORITY else None


def _text(cells: Sequence[str], index: int) -> str:
    return clean_text(cells[index]) if index < len(cells) else ""
