"""List files: columns, rows, encodings, rejects, and everything that is wrong."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.lists import csvfile, model, phones
from campaigns.lists.columns import Columns, map_columns
from campaigns.lists.copytext import RowText, line_of
from campaigns.lists.csvfile import CsvFile, Record
from campaigns.lists.errors import ListFileError
from campaigns.lists.intake import Intake, RejectsFile
from campaigns.lists.model import Reject, Row
from campaigns.lists.numbering import zone_sets, zones_of
from campaigns.lists.phones import Phone
from campaigns.lists.texts import NumberText, clean_text

# The machine may be busy with other tests; slow is not wrong.
UNTIMED = settings(deadline=None)


@pytest.mark.parametrize(
    "header",
    [
        *("Телефон", "ТЕЛЕФОН ", "Тел.", "Моб. телефон", "Контактный телефон", "Номер телефона"),
        *("Телефон 2", "Телефон_рабочий", "Номер", "phone", "Phone Number", "mobile", "phone2"),
    ],
)
def test_phone_columns_by_name(header: str) -> None:
    assert map_columns(["x", header]).phones == (1,)


@pytest.mark.parametrize("header", ["Тип телефона", "phone type", "Имя", "дата", "Доб. телефон"])
def test_columns_that_hold_no_phone(header: str) -> None:
    with pytest.raises(ListFileError, match="no column holds phones") as error:
        map_columns([header, "x"], line=3)
    assert error.value.line == 3


def test_columns_in_any_order_and_what_is_unknown_is_an_attribute() -> None:
    header = ["Город", "Телефон 2", "Компания", "ФИО", "Часовой пояс", "Телефон", "", "Город"]
    columns = map_columns(header)
    assert columns.phones == (1, 5)
    assert (columns.name, columns.company, columns.time_zone) == ((3,), 2, 4)
    assert [columns.names[index] for index in columns.attributes] == [
        "Город",
        "column 7",
        "Город (8)",
    ]


def read(text: str, region: str = "RU") -> list[Row]:
    file = CsvFile(io.BytesIO(text.encode()))
    columns = map_columns(file.header.cells)
    return [
        model.read_row(record.line, record.cells, columns, region)
        if record.problem is None
        else Row(record.line, rejects=(Reject(record.line, "", "", record.problem),))
        for record in file.records()
    ]


def test_a_row_becomes_a_contact() -> None:
    [row] = read(
        "Фамилия;Имя;Отчество;Организация;Телефон;Телефон 2;tz;ИНН\n"
        "Иванов;Иван;Иванович;ООО «Ромашка»;8 903 123-45-67 доб. 5;8(495)1234567;МСК+2;7701\n"
    )
    assert (row.name, row.company) == ("Иванов Иван Иванович", "ООО «Ромашка»")
    assert [phone.e164 for phone in row.phones] == ["+79031234567", "+74951234567"]
    assert row.time_zone == "Etc/GMT-5"
    assert row.attributes == {"ИНН": "7701", "extension": "5"}
    assert row.rejects == ()


def test_a_good_phone_keeps_the_row_and_the_bad_one_is_noted() -> None:
    [row] = read('name,phone\nИван,"112, 8 903 123 45 67, 89031234567"\n')
    assert row.phones == (Phone("+79031234567"),)
    assert row.rejects == (Reject(2, "phone", "112", phones.EMERGENCY),)


def test_a_row_without_phone_is_rejected() -> None:
    [row] = read("name,phone\nИван,\n")
    assert row.phones == ()
    assert row.rejects == (Reject(2, "phone", "", model.NO_PHONE),)


def test_dangerous_text_in_names() -> None:
    rows = read(
        "name,phone,note\n"
        '"Иван\r\nAction: Originate\t\x07",89031234567,x\n'
        "${SHELL(id)},89031234568,\n"
        "=cmd|calc,89031234569,\n"
        "a\0b,89031234560,\n"
    )
    assert [row.name for row in rows] == ["Иван Action: Originate", "${SHELL(id)}", "=cmd|calc", ""]
    assert rows[3].rejects == (Reject(6, "name", "a\0b", model.NUL),)
    assert not rows[3].phones


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Samara", "Europe/Samara"),
        ("europe/samara", "Europe/Samara"),
        ("МСК", "Europe/Moscow"),
        ("мск+1", "Etc/GMT-4"),
        ("MSK -1", "Etc/GMT-2"),
        ("UTC+3", "Etc/GMT-3"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("+7", "Etc/GMT-7"),
        ("utc", "Etc/UTC"),
        ("UTC+0", "Etc/GMT+0"),
        ("UTC+30", None),
        ("завтра", None),
        ("../../etc/passwd", None),
    ],
)
def test_time_zones(text: str, zone: str | None) -> None:
    assert model.parse_time_zone(text) == zone


def test_an_unknown_time_zone_is_noted_and_keeps_the_row() -> None:
    [row] = read("phone,tz\n89031234567,завтра\n")
    assert row.phones and row.time_zone is None
    assert row.rejects == (Reject(2, "tz", "завтра", model.TIME_ZONE),)


@UNTIMED
@given(st.text(max_size=100))
def test_clean_text_is_one_line(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned.splitlines()) <= 1
    assert cleaned == cleaned.strip() == clean_text(cleaned)
    assert "\0" not in cleaned


# Encodings, separators, quotes

TABLE = "ФИО{0}Телефон\r\nПётр «Ы»{0}89031234567\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("cp1251", b""),
    ],
)
def test_encodings_and_separators(encoding: str, mark: bytes, delimiter: str) -> None:
    file = CsvFile(io.BytesIO(mark + TABLE.format(delimiter).encode(encoding)))
    assert file.delimiter == delimiter
    assert file.header == Record(1, ("ФИО", "Телефон"))
    assert list(file.records()) == [Record(2, ("Пётр «Ы»", "89031234567"))]


@pytest.mark.parametrize("says", ["sep=,", "SEP=,", '"sep=,"'])
def test_a_first_line_may_say_the_separator(says: str) -> None:
    """As Excel writes it: the header alone would say the semicolon."""
    text = f"{says}\r\na;b;c,phone\r\n1,89031234567\r\n"
    file = CsvFile(io.BytesIO(b"\xef\xbb\xbf" + text.encode()))
    assert (file.delimiter, file.header) == (",", Record(2, ("a;b;c", "phone")))
    assert list(file.records()) == [Record(3, ("1", "89031234567"))]


def test_windows_1251_that_starts_late() -> None:
    text = "name,phone\n" + "John,89031234567\n" * 100_000 + "Пётр,89031234567\n"
    *_, last = CsvFile(io.BytesIO(text.encode("cp1251"))).records()
    assert last == Record(100_002, ("Пётр", "89031234567"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_line_numbers(end: str) -> None:
    text = end.join(["", "name,phone", "", 'a,"1', '2"', "", "b,3"])
    file = CsvFile(io.BytesIO(text.encode()))
    assert file.header == Record(2, ("name", "phone"))
    assert list(file.records()) == [Record(4, ("a", f"1{end}2")), Record(7, ("b", "3"))]


def test_quotes_as_people_write_them() -> None:
    rows = read(
        "company;phone\n"
        'ООО "Рога";89031234567\n'
        '"ООО ""Рога; копыта""";89031234568\n'
        '"Рога" и копыта;89031234569\n'
        '"Рога";" и; 8";89031234560\n'
    )
    assert [row.company for row in rows] == [
        'ООО "Рога"',
        'ООО "Рога; копыта"',
        "Рога и копыта",
        "",
    ]
    assert rows[3].rejects == (Reject(5, "", "89031234560", model.TOO_MANY_CELLS),)


CELL = st.text(
    st.one_of(st.sampled_from('",;\t\n '), st.characters(exclude_categories=["Cs", "Cc"])),
    max_size=30,
)


@UNTIMED
@given(st.lists(st.tuples(CELL, CELL).filter(lambda row: any(map(str.strip, row))), max_size=10))
def test_what_csv_writes_comes_back(rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("name", "phone"), *rows])
    file = CsvFile(io.BytesIO(buffer.getvalue().encode()))
    assert [record.cells for record in file.records()] == rows


@pytest.mark.parametrize(
    "body", ['a;"b\nc;d\n', 'a;"b\nc;d\n"e"f;g\n', 'a;b\n"c' + "\nx;y" * 50_000]
)
def test_a_quote_that_is_not_closed_is_an_error_with_its_line(body: str) -> None:
    with pytest.raises(ListFileError, match="not closed") as error:
        read("name;phone\n" + body)
    assert error.value.line == (3 if body.startswith("a;b") else 2)


# What is no list


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b";;;\n", "empty"),
        (b"PK\x03\x04rest of a workbook", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "Excel workbook"),
        (b"%PDF-1.7\n...", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (bytes(range(256)) * 10, "binary"),
        (b"\0" * 5000, "binary"),
        (b'"name" x;"phone\n', "quotes of the row"),
        (b"na\0me,phone\n1,2\n", "NUL"),
        ("Телефон,Имя\n8903,Иван".encode("cp866"), "neither UTF-8 nor Windows-1251"),
        ("\ufeffphone\n".encode("utf-16-le") + b"1", "utf-16"),
        (b"phone," + b"x" * 2_000_000, "longer than"),
    ],
)
def test_files_that_are_no_list(content: bytes, says: str) -> None:
    with pytest.raises(ListFileError, match=says):
        list(CsvFile(io.BytesIO(content)).records())


def test_a_broken_letter_is_named_by_line_and_column() -> None:
    content = "phone,name\n89031234567,Пётр\n89031234567,".encode() + b"\xe0\n"
    with pytest.raises(ListFileError) as error:
        CsvFile(io.BytesIO(content))
    assert (error.value.line, error.value.column) == (3, 13)
    assert str(error.value).startswith("line 3, column 13: ")


def test_a_line_of_100_mb_is_rejected_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.write(b"phone,name\n89031234567,a\n89031234568,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n89031234569,b\n")
    tracemalloc.start()
    with path.open("rb") as file:
        records = list(CsvFile(file).records())
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(record.line, record.problem) for record in records] == [
        (2, None),
        (3, csvfile.LINE_TOO_LONG),
        (4, None),
    ]
    assert peak_bytes < 30_000_000


def test_long_cells_are_rejected() -> None:
    rows = read("name,phone\n" + "x" * 40_000 + ",89031234567\n" + "y" * 200_000 + ",1\nz,1\n")
    assert [row.rejects[0].reason for row in rows[:2]] == [
        model.CELL_TOO_LONG,
        csvfile.CELL_TOO_LONG,
    ]
    assert len(rows) == 3


# Batches and the rejects file


def intake(content: str, rejects: RejectsFile) -> Intake:
    return Intake(io.BytesIO(content.encode()), "RU", rejects)


def test_a_header_and_no_row(tmp_path: Path) -> None:
    with pytest.raises(ListFileError, match="no row"):
        intake("name,phone\n", RejectsFile(tmp_path / "r.csv")).next_batch()


def test_the_rejects_file_is_safe_to_open_in_a_spreadsheet(tmp_path: Path) -> None:
    rejects = RejectsFile(tmp_path / "r.csv")
    values = ["=cmd|' /C calc'!A0", "+7 903", "-1", "@SUM(A1)", 'a "b"', "x" * 500]
    for value in values:
        rejects.add([Reject(2, "=phone", value, "short")])
    assert not (tmp_path / "r.csv").exists()
    assert rejects.publish() == tmp_path / "r.csv"

    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "column", "value", "reason"]
    assert [row[2] for row in rows] == [
        "'=cmd|' /C calc'!A0",
        "'+7 903",
        "'-1",
        "'@SUM(A1)",
        'a "b"',
        "x" * 200,
    ]
    assert rows[0][:2] == ["2", "'=phone"]


def test_no_rejects_no_file_and_discard_leaves_nothing(tmp_path: Path) -> None:
    assert RejectsFile(tmp_path / "r.csv").publish() is None
    rejects = RejectsFile(tmp_path / "r.csv")
    rejects.add([Reject(2, "", "x", "short")])
    rejects.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_rejects_file_that_cannot_be_written(tmp_path: Path) -> None:
    rejects = RejectsFile(tmp_path / "missing" / "r.csv")
    with pytest.raises(ListFileError, match="another place"):
        rejects.add([Reject(2, "", "x", "short")])


# Lines for COPY

CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "Иван",
            "ООО «Ромашка»",
            'ООО "Рога"',
            "a\\b",
            "a  b",
            " x ",
            "\t",
            "МСК+1",
            "UTC+4",
        ]
    ),
    st.sampled_from(
        ["89031234567", "+7 (903) 123-45-67", "8 495 123-45-67", "9031234567", "112", "нет"]
    ),
    st.sampled_from(["8 903 123-45-67 доб. 5", "+442079460018", "79031234567.0", "٨٩٠٣١٢٣٤٥٦٧"]),
    st.sampled_from([NumberText("79030000000"), NumberText("89031234567")]),
    st.text(max_size=8),
)
FULL = map_columns(["Телефон", "Телефон 2", "Фамилия", "Имя", "Компания", "tz", "Регион", 'a"b\\'])
SMALL = map_columns(["phone", "Город"])


@UNTIMED
@given(st.lists(CELLS, max_size=9), st.sampled_from([FULL, SMALL]), st.sampled_from(["RU", "GB"]))
def test_a_usual_row_is_written_as_the_careful_reading_would(
    cells: list[str], columns: Columns, region: str
) -> None:
    quick = RowText(columns, region).usual(cells)
    row = model.read_row(7, cells, columns, region)
    assert quick is None or (quick == line_of(row) and not row.rejects)


def test_most_rows_are_usual() -> None:
    mobile, moscow = (
        zone_sets().index(zones_of(e164)) + 1 for e164 in ("+79031234567", "+74951234567")
    )
    cells = ["+7 (903) 123-45-67", "84951234567", "Иванов", "Иван", 'ООО "Я"', "МСК", "Омск", "x"]
    assert RowText(FULL, "RU").usual(cells) == (
        'Иванов Иван\tООО "Я"\tEurope/Moscow\tОмск\t{"a\\\\"b\\\\\\\\": "x"}',
        f"+79031234567\t{mobile} +74951234567\t{moscow}",
    )


def test_rejects_of_an_import_that_failed_at_its_commit_are_taken_back(tmp_path: Path) -> None:
    rejects = RejectsFile(tmp_path / "a.rejects.csv")
    rejects.start(",", ["name", "phone"])
    rejects.add([Reject(2, "phone", "112", "short")], ["x", "112"])
    assert rejects.publish() == tmp_path / "a.rejects.csv"
    rejects.retract()
    rejects.discard()
    assert list(tmp_path.iterdir()) == []
