"""Priority and owner of leads in a list's file."""

from __future__ import annotations

import pytest

from campaigns.lists.columns import map_columns
from campaigns.lists.wishes import Wish, owners_of, read_wish

OWNERS = owners_of(
    [(1, "petrov", "Пётр  Петров"), (2, "anna", "Анна Ли"), (3, "anna2", "Анна Ли"), (4, "x", "")]
)


@pytest.mark.parametrize(
    ("header", "cells", "wish"),
    [
        (["Телефон", "Приоритет", "Ответственный"], ["1", "5", "petrov"], Wish(5, 1)),
        (["phone", "priority", "owner"], ["1", " -1000 ", "PETROV"], Wish(-1000, 1)),
        (["Телефон", "Менеджер"], ["1", "пётр петров"], Wish(None, 1)),
        (["Телефон", "Приоритет"], ["1", ""], Wish()),
        (["Телефон", "Приоритет"], ["1"], Wish()),
        (["Телефон", "Приоритет"], ["1", "+7"], Wish(7)),
        (["Телефон", "Приоритет"], ["1", "1001"], Wish(bad=((1, "1001", "priority"),))),
        (["Телефон", "Приоритет"], ["1", "высокий"], Wish(bad=((1, "высокий", "priority"),))),
        (["Телефон", "Приоритет"], ["1", "--5"], Wish(bad=((1, "--5", "priority"),))),
        (["Телефон", "Приоритет"], ["1", "٣"], Wish(bad=((1, "٣", "priority"),))),
        (["Телефон", "Приоритет"], ["1", "9" * 9999], Wish(bad=((1, "9" * 9999, "priority"),))),
        (["Телефон", "Менеджер"], ["1", "Анна Ли"], Wish(bad=((1, "Анна Ли", "owner"),))),
        (["Телефон", "Менеджер"], ["1", "anna2"], Wish(None, 3)),
        (
            ["Телефон", "Приоритет", "Менеджер"],
            ["1", "2.5", "нет такого"],
            Wish(bad=((1, "2.5", "priority"), (2, "нет такого", "owner"))),
        ),
    ],
)
def test_what_cells_say_of_leads(header: list[str], cells: list[str], wish: Wish) -> None:
    columns = map_columns(header)
    assert read_wish(cells, columns, OWNERS) == wish
    kept = {index for index in (columns.priority, columns.owner) if index is not None}
    assert kept <= set(columns.attributes), "scripts may read them"


def test_a_column_about_something_else_stays_an_attribute() -> None:
    columns = map_columns(["Телефон", "Менеджер"], mapping={"Менеджер": "attribute"})
    assert (columns.owner, columns.attributes) == (None, (1,))
