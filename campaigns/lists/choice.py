"""PURE. Which rows of a file make contacts, which phones go in: lines for COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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

    `known`: phones that the list has, of the batch at least, whether from before the file; what
    goes in is added. `ids`: of new contacts, as many as there are rows.
    """
    choice, list_id, zone_ids = Choice(), place.list_id, place.zone_ids
    contacts, phones = choice.contacts, choice.phones
    for line, row, numbers in zip(batch.lines, batch.rows, batch.numbers, strict=True):
        e164, _, zone = numbers.partition("\t")
        if e164 not in known and zone in zone_ids:
            # The usual row with one phone, as the rest of this would have it, at half the price.
            owner, known[e164] = next(ids), False
            contacts.append(f"{owner}\t{list_id}\t{row}\n")
            phones.append(f"{owner}\t{list_id}\t0\t{e164}\t{zone_ids[zone]}\n")
            continue
        pairs = [number.split("\t") for number in numbers.split(" ")]
        if place.update and any(known.get(e164) for e164, _ in pairs):
            _wait(choice, line, row, pairs, zone_ids)
            fresh = []
        else:
            fresh = [pair for pair in pairs if pair[0] not in known]
        owner = -line
        if fresh:
            owner = next(ids)
            contacts.append(f"{owner}\t{list_id}\t{row}\n")
            for position, (e164, zone) in enumerate(fresh):
                known[e164] = False
                phone = f"{owner}\t{list_id}\t{position}\t{e164}\t{zone_ids[zone]}\n"
                phones.append(phone)
        if len(fresh) < len(pairs):
            choice.left.extend(
                f"{owner}\t{pair[0]}\t{'ft'[known.get(pair[0], False)]}\n"
                for pair in pairs
                if pair not in fresh
            )
    return choice


def _wait(
    choice: Choice, line: int, row: str, pairs: list[list[str]], zone_ids: Mapping[str, str]
) -> None:
    choice.rows.append(f"{line}\t{row}\n")
    choice.row_phones.extend(
        f"{line}\t{position}\t{e164}\t{zone_ids[zone]}\n"
        for position, (e164, zone) in enumerate(pairs)
    )
