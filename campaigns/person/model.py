"""PURE. Whose data is meant, and what came of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.refusals import Refusal

REASON_CHARS = 500
# Kept for ever in place of a number: it leads to nobody, and equal numbers stay equal.
ERASED_PREFIX = "erased-"


class PersonError(Refusal):
    """What is known of a person cannot be given or erased."""


@dataclass(frozen=True, slots=True)
class Who:
    """A person: by number (all contacts that have it), or one contact by its id."""

    number: str | None = None
    contact_id: int | None = None

    def e164(self, region: str) -> str | None:
        """The number to look for, None for a contact by id. Raises PersonError `bad_person`."""
        if (self.number is None) == (self.contact_id is None):
            raise PersonError(
                "bad_person",
                "say who is meant: a number, or a contact's id",
                "укажите, о ком речь: номер или id контакта",
                status=422,
            )
        if self.number is None:
            return None
        phone = parse_phone(self.number, region)
        if isinstance(phone, BadPhone):
            raise PersonError(
                "bad_person",
                f"this is no number: {phone.sentence.en}",
                f"это не номер: {phone.sentence.ru}",
                status=422,
            )
        return phone.e164


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased; `forbidden`: numbers now on do-not-call for good."""

    contacts: int
    leads: int
    attempts: int
    recordings: int
    forbidden: int


Known = Mapping[str, Any]


def checked_reason(reason: str) -> str:
    """Raises PersonError `no_reason`."""
    text = " ".join(reason.split())
    if not 1 <= len(text) <= REASON_CHARS or not text.isprintable():
        raise PersonError(
            "no_reason",
            f"say why, in 1 to {REASON_CHARS} characters: it goes into the audit",
            f"укажите причину, от 1 до {REASON_CHARS} символов: она останется в журнале",
            status=422,
        )
    return text
