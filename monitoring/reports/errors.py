"""PURE. Why a report cannot be made, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from campaigns.refusals import Refusal, Sentence

NAMES_SHOWN = 8

KINDS = {
    "report": Sentence("report", "отчёт"),
    "operator": Sentence("operator", "оператор"),
    "team": Sentence("team", "группа"),
    "campaign": Sentence("campaign", "кампания"),
    "list": Sentence("list", "база"),
}


class ReportError(Refusal):
    """A report that cannot be made as it was asked for."""

    def __init__(self, id: str, en: str, ru: str, *, status: int = 422) -> None:
        super().__init__(id, en, ru, status=status)


def unknown(kind: str, asked: str, known: Iterable[str], *, status: int = 422) -> ReportError:
    """There is no `kind` (a key of KINDS) with that name: those that are near, or a few there are.

    The id is `unknown_<kind>`.
    """
    names = sorted(set(known))
    near = _near(asked, names) or names[:NAMES_SHOWN]
    more = "" if len(near) == len(names) or _near(asked, names) else ", …"
    quoted = ", ".join(repr(name) for name in near) + more
    what = KINDS[kind]
    if not names:
        return ReportError(
            f"unknown_{kind}",
            f"there is no {what.en} {asked!r}; there is none at all yet",
            f"{what.ru} {asked!r}: нет такого имени; пока нет ни одного",
            status=status,
        )
    return ReportError(
        f"unknown_{kind}",
        f"there is no {what.en} {asked!r}; there is: {quoted}",
        f"{what.ru} {asked!r}: нет такого имени; есть: {quoted}",
        status=status,
    )


def _near(asked: str, names: list[str]) -> list[str]:
    lower = {name.casefold(): name for name in names}
    wanted = asked.strip().casefold()
    begun = [name for key, name in lower.items() if wanted and key.startswith(wanted)]
    close = [lower[key] for key in get_close_matches(wanted, list(lower), n=3, cutoff=0.6)]
    return list(dict.fromkeys((*begun[:3], *close)))[:NAMES_SHOWN]
