"""PURE. Which rows of a file make contacts, which phones go in: lines for COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from campaigns.lists.copytext import Numbers
from campaigns.lists.intake import Batch


@dataclass(frozen=True, slots=True)
class Place:
    """Where the phones go.

    `first_contact`: contacts of the list below it were there before the file. `zone_ids`: zone
    code of `copytext.Numbers` -> id of the zone set. `update`: rows of contacts that were there
    wait for the end of the file.
    """

    list_id: int
    first_contact: int
    zone_ids: Mapping[str, str]
    update: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Lines for COPY: new contacts (id, list, row) with their phones (contact, list, position,
    E.164, zone set); phones left out (contact or minus line, E.164, whether the list had it before
    the file); rows that update (line, row) with their phones (line, position, E.164, zone set)."""

    contacts: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    row_phones: list[str] = field(default_factory=list)


def choose(batch: Batch, known: dict[str, bool], ids: Iterator[int], place: Place) -> Choice:
    """Take the first row's phone of equal ones; a row with a phone that goes in makes a contact.

    `known`: phones of the batch that the list has, whether from before the file; what goes in is
    added. `ids`: of new contacts, as many as there are rows.
    """
    choice, list_id, zone_ids = Choice(), place.list_id, place.zone_ids
    contacts, phones = choice.contacts, choice.phones
    for line, row, numbers in zip(batch.lines, batch.rows, batch.numbers, strict=True):
        if len(numbers) == 1 and (e164 := numbers[0][0]) not in known:
            # The usual row, as the rest of this would have it, at half the price.
            owner, known[e164] = next(ids), False
            contacts.append(f"{owner}\t{list_id}\t{row}")
            phones.append(f"{owner}\t{list_id}\t0\t{e164}\t{zone_ids[numbers[0][1]]}\n")
            continue
        if place.update and any(known.get(e164) for e164, _ in numbers):
            _wait(choice, line, row, numbers, zone_ids)
            fresh = []
        else:
            fresh = [number for number in numbers if number[0] not in known]
        owner = -line
        if fresh:
            owner = next(ids)
            contacts.append(f"{owner}\t{list_id}\t{row}")
            for position, (e164, zone) in enumerate(fresh):
                known[e164] = False
                phone = f"{owner}\t{list_id}\t{position}\t{e164}\t{zone_ids[zone]}\n"
                phones.append(phone)
        if len(fresh) < len(numbers):
            choice.left.extend(
                f"{owner}\t{number[0]}\t{'ft'[known.get(number[0], False)]}\n"
                for number in numbers
                if number not in fresh
            )
    return choice


def _wait(
    choice: Choice, line: int, row: str, numbers: Numbers, zone_ids: Mapping[str, str]
) -> None:
    choice.rows.append(f"{line}\t{row}")
    choice.row_phones.extend(
        f"{line}\t{position}\t{e164}\t{zone_ids[zone]}\n"
        for position, (e164, zone) in enumerate(numbers)
    )
