"""PURE. Refusals in two languages: a stable id, and a sentence in Russian and in English.

Whoever refuses a person raises a `Refusal` (or a subclass of it); commands and the HTTP API show
the sentence in the language that was asked for (`--lang`, the setting `language`,
`Accept-Language`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = ("en", "ru")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One text for people, in both languages."""

    en: str
    ru: str

    def to(self, language: str) -> str:
        """English for every language that there is no text in."""
        return (self.ru or self.en) if language == "ru" else self.en


class Refusal(ValueError):
    """A request that is refused.

    `id` is stable, the sentences say what to do, `status` is the HTTP status of the answer. `str()`
    is the English sentence; without a Russian one the English one is shown.
    """

    def __init__(self, id: str, en: str, ru: str = "", *, status: int = 409) -> None:
        super().__init__(en)
        self.id, self.status = id, status
        self.sentence = Sentence(en, ru)

    def to(self, language: str) -> str:
        """The sentence in `language`."""
        return self.sentence.to(language)


def joined(sentences: Iterable[Sentence], separator: str = "; ") -> Sentence:
    """Several sentences as one."""
    parts = list(sentences)
    return Sentence(separator.join(s.en for s in parts), separator.join(s.to("ru") for s in parts))


def wanted_language(accept_language: str, default: Language = "en") -> Language:
    """The language of ours that an `Accept-Language` header likes best (RFC 9110, 12.5.4)."""
    best, found = 0.0, default
    for item in accept_language.split(","):
        tag, _, weight = item.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        quality = _quality(weight)
        if language in LANGUAGES and quality > best:
            best, found = quality, language
    return found


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
