"""Reasons of lists: each has a sentence in both languages, and nobody uses another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from campaigns.lists import consents, csvfile, model, phones, wishes
from campaigns.lists.errors import ListError, ListFileError
from campaigns.lists.reasons import REASONS, REFUSALS, REJECTS, said
from campaigns.refusals import Sentence

PROJECT = Path(__file__).parents[2]


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("id", REASONS)
def test_a_reason_is_said_in_both_languages(id: str) -> None:
    template = REASONS[id]
    assert fields(template.en) == fields(template.ru)
    told = said(id, **dict.fromkeys(fields(template.en), "7"))
    assert told.en and told.ru and told.en != told.ru
    assert any("а" <= char <= "я" for char in told.ru)
    assert "{name" not in told.en + told.ru


def raised(name: str) -> Iterator[tuple[str, set[str]]]:
    """Ids, with the names of their values, of the errors that the source makes."""
    for folder in ("campaigns", "dialer/commands"):
        for path in (PROJECT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
                    [id] = node.args
                    texts = [id.value] if isinstance(id, ast.Constant) else LISTED[ast.unparse(id)]
                    given = {word.arg for word in node.keywords if word.arg is not None}
                    yield from ((str(text), given) for text in texts)


# Errors whose id is not written at the place itself.
LISTED = {
    "EMPTY": [csvfile.EMPTY],
    "f'unknown_{kind}'": ["unknown_list", "unknown_campaign"],
    "self.id": [],
    "message.id": [],
}


def test_every_error_has_its_sentence_and_every_sentence_its_error() -> None:
    made = [*raised("ListError"), *raised("ListFileError")]
    assert {id for id, _ in made} == set(REFUSALS)
    for id, given in made:
        assert given - {"file", "line", "column"} == fields(REFUSALS[id].en), id


def test_every_reason_of_a_reject_has_its_sentence() -> None:
    modules = (phones, model, csvfile, consents, wishes)
    used = {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and name[0] != "_" and isinstance(value, str)
    }
    assert used - {csvfile.EMPTY} == set(REJECTS)
    assert not REJECTS.keys() & REFUSALS.keys()


def test_an_error_names_its_place_in_both_languages() -> None:
    error = ListFileError("bad_header", line=3, column=5, problem=said("quotes")).of("a.csv")
    assert (error.id, error.status, error.line) == ("bad_header", 422, 3)
    assert str(error) == f"a.csv, line 3, column 5: {REJECTS['quotes'].en}; correct the header"
    assert error.to("ru") == (
        f"a.csv, строка 3, позиция 5: {REJECTS['quotes'].ru}; исправьте заголовок"
    )


def test_what_a_person_typed_is_never_a_template() -> None:
    error = ListError("bad_filter", pair="{0} {pair!r}")
    assert error.sentence == Sentence(
        "'{0} {pair!r}' is no filter; write NAME=VALUE",
        "«{0} {pair!r}» не отбор; напишите ИМЯ=ЗНАЧЕНИЕ",
    )
