"""The header of a list file below titles and empty lines, as exports have them."""

from __future__ import annotations

import io

import pytest

from campaigns.lists import csvfile
from campaigns.lists.columns import map_columns
from campaigns.lists.csvfile import CsvFile, Record
from campaigns.lists.errors import ListFileError

HEADER = "ФИО;Город;Телефон"
PERSON = "Иванов;Самара;89031234567"


@pytest.mark.parametrize(
    ("above", "line"),
    [
        (["Список клиентов на 12.05.2026"], 2),
        (["Отчёт, Москва, Самара, Пермь", "", "Менеджер: Петров;;"], 4),
        (["", "", ""], 4),
        (["Телефоны клиентов;;", ";;12.05.2026", ""], 4),
        (["Телефоны клиентов;12.05.2026;"], 2),
        (['ООО "Рога" и копыта, тел. 8 495 123-45-67'], 2),
        (['Экран 15";;', "Период: 01.05.2026 - 12.05.2026;;"], 3),
        (['"Список\nклиентов";;'], 3),
        (["sep=;", "Список, клиентов"], 3),
    ],
)
@pytest.mark.parametrize("header", [HEADER, 'ФИО;Город;"Номер\nтелефона"', "Город;ФИО;моб."])
def test_a_header_below_titles(above: list[str], line: int, header: str) -> None:
    file = CsvFile(io.BytesIO("\n".join([*above, header, PERSON, "Петров;;нет"]).encode()))
    assert (file.header.line, file.delimiter) == (line, ";")
    assert map_columns(file.header.cells).phones == (2,)
    after = line + header.count("\n") + 1
    assert [record.line for record in file.records()] == [after, after + 1]


def test_a_header_of_one_column_below_a_title() -> None:
    file = CsvFile(io.BytesIO("Обзвон, май\nТелефон\n8 903 123-45-67, 89041234567\n".encode()))
    assert (file.header, file.delimiter) == (Record(2, ("Телефон",)), "\t")
    assert [record.cells for record in file.records()] == [("8 903 123-45-67, 89041234567",)]


def test_no_person_is_taken_for_a_title() -> None:
    text = f"{PERSON}\nПетров;;\nСидоров;;телефон не отвечает\n{PERSON}\n"
    file = CsvFile(io.BytesIO(text.encode()))
    assert file.header.line == 1
    with pytest.raises(ListFileError, match="line 1: this line was taken for the header"):
        map_columns(file.header.cells, file.header.line)


def test_what_is_told_of_a_header_without_phones() -> None:
    file = CsvFile(io.BytesIO("Отчёт\n\nКто;Куда\nИванов;89031234567\n".encode()))
    with pytest.raises(ListFileError) as error:
        map_columns(file.header.cells, file.header.line)
    assert error.value.line == 3 and "(столбцы: Кто, Куда)" in error.value.sentence.ru


def test_a_mapping_finds_its_header() -> None:
    text = "Отчёт;май\nТелефонный обзвон;1\nКто;Куда\nИванов;89031234567\n"
    assert CsvFile(io.BytesIO(text.encode()), {"куда": "phone"}).header.line == 3


def test_a_long_line_after_a_title() -> None:
    text = f"Отчёт\n{HEADER}\n{PERSON}\n{'x' * 2_000_000}\n{PERSON}\n"
    file = CsvFile(io.BytesIO(text.encode()))
    assert [(record.line, record.problem) for record in file.records()] == [
        (3, None),
        (4, csvfile.LINE_TOO_LONG),
        (5, None),
    ]
