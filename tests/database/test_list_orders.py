"""What a person may ask of an import: workbooks, mappings, where duplicates are, what they do."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from campaigns.lists.errors import ListError, ListFileError
from campaigns.lists.model import ImportResult, Order
from campaigns.lists.service import ListService
from dialer.database.pool import Pool
from tests.list_books import write_book

ROWS: list[list[str | float | None]] = [
    ["ФИО", "Телефон", "Город"],
    ["Иванов Иван", 79031234567.0, "Самара"],
    [None, None, None],
    ["Петров Пётр", "8 (903) 123-45-68, доб. 5", 42.0],
    ["Без номера", "7.9E+10", None],
]


@pytest.fixture
async def service(pool: Pool) -> ListService:
    await pool.execute("insert into floor (name) values ('main'), ('second')")
    return ListService(pool)


async def load(service: ListService, text: str, order: Order) -> ImportResult:
    stream = io.BytesIO(text.encode())
    return await service.import_stream(stream, floor="main", source="text.csv", order=order)


async def contacts(pool: Pool) -> list[tuple[str, str, list[str]]]:
    """List, name, phones of every contact."""
    rows = await pool.fetch(
        "select list.name as list, contact.name, "
        "array(select e164 from contact_phone where contact_id = contact.id order by position) p "
        "from contact join list on list.id = list_id order by contact.id"
    )
    return [(row["list"], row["name"], row["p"]) for row in rows]


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
async def test_a_workbook_is_a_list(
    service: ListService, pool: Pool, tmp_path: Path, suffix: str
) -> None:
    path = write_book(tmp_path / f"base{suffix}", ROWS, first_row=2)
    result = await service.import_file(path, floor="main")
    assert (result.rows, result.accepted, result.rejected) == (3, 2, 1)
    assert [(r.line, r.column, r.value) for r in result.rejects] == [(7, "Телефон", "7.9E+10")]
    assert await contacts(pool) == [
        ("base", "Иванов Иван", ["+79031234567"]),
        ("base", "Петров Пётр", ["+79031234568"]),
    ]
    attributes = await pool.fetch("select attributes from contact order by id")
    assert [row["attributes"] for row in attributes] == [
        {"Город": "Самара"},
        {"Город": "42", "extension": "5"},
    ]


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_titles_stand_above_the_header(
    service: ListService, pool: Pool, tmp_path: Path, suffix: str, dry_run: bool
) -> None:
    titles: list[list[str | float | None]] = [
        ["Отчёт «Телефоны клиентов»", None, None, None],
        [None, None, None, None],
        ["Период", "май 2026", None, None],
    ]
    path = write_book(tmp_path / f"base{suffix}", [*titles, *ROWS])
    result = await service.import_file(path, floor="main", dry_run=dry_run)
    assert (result.rows, result.accepted, result.header_line) == (3, 2, 4)
    assert [(r.line, r.column, r.value) for r in result.rejects] == [(8, "Телефон", "7.9E+10")]
    assert len(await contacts(pool)) == (0 if dry_run else 2)


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
async def test_numbers_that_a_workbook_rounded_are_rejected_as_such(
    service: ListService, pool: Pool, tmp_path: Path, suffix: str
) -> None:
    rows: list[list[str | float | None]] = [
        ["ФИО", "Телефон", "Оборот"],
        ["Из 7,9E+10", 79000000000.0, None],
        ["Из 7,903E+10", 79030000000.0, None],
        ["Красивый номер", 74957000000.0, 50000000000.0],
        ["Текстом", "79030000000", None],
    ]
    path = write_book(tmp_path / f"base{suffix}", rows)
    result = await service.import_file(path, floor="main")
    assert [(r.line, r.value) for r in result.rejects] == [(2, "79000000000"), (3, "79030000000")]
    assert all(r.reason == "rounded" for r in result.rejects)
    assert await contacts(pool) == [
        ("base", "Красивый номер", ["+74957000000"]),
        ("base", "Текстом", ["+79030000000"]),
    ]
    kept = await pool.fetchval("select attributes from contact where name like 'Крас%'")
    assert kept == {"Оборот": "50000000000"}, "other columns keep what they say"


async def test_a_sheet_is_chosen_by_name(service: ListService, tmp_path: Path) -> None:
    path = write_book(tmp_path / "base.xlsx", ROWS)
    order = Order("base", sheet="Нет такого", dry_run=True)
    with pytest.raises(ListFileError, match="the workbook has: Пусто, База"):
        await service.import_file(path, floor="main", order=order)
    with pytest.raises(ListFileError, match="empty"):
        await service.import_file(path, floor="main", order=Order("base", sheet="Пусто"))
    result = await service.import_file(path, floor="main", order=Order("base", sheet="База"))
    assert result.accepted == 2


async def test_columns_are_what_the_person_says(service: ListService, pool: Pool) -> None:
    text = "A;B;C\nИван;89031234567;x\n"
    with pytest.raises(ListFileError, match="no column holds phones"):
        await load(service, text, Order("a"))
    said = Order("a", mapping={"a": "name", "B": "phone", "C": "skip"}, save_mapping="crm")
    assert (await load(service, text, said)).accepted == 1
    assert await contacts(pool) == [("a", "Иван", ["+79031234567"])]
    assert await pool.fetchval("select attributes from contact") == {}

    again = await load(service, text, Order("b", saved_mapping="crm"))
    assert again.accepted == 1
    assert [(one.name, one.columns["B"]) for one in await service.mappings("main")] == [
        ("crm", "phone")
    ]
    assert await service.mappings("second") == []
    with pytest.raises(ListError, match="no mapping named 'none'"):
        await load(service, text, Order("b", saved_mapping="none"))


async def test_a_file_of_rejects_is_mended_and_loaded_again(
    service: ListService, pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ФИО;Телефон;Город\nИван;8903123456;Омск\nПётр;89031234568;Тверь\n")
    result = await service.import_file(path, floor="main")
    assert result.rejects_file is not None
    mended = result.rejects_file.read_text(encoding="utf-8-sig").splitlines()
    assert mended[0] == "line;column;value;reason;ФИО;Телефон;Город"
    mended[1] = mended[1].replace("Иван;8903123456;", "Иван;89031234560;")
    result.rejects_file.write_text("\n".join(mended), encoding="utf-8-sig")
    again = await service.import_file(result.rejects_file, floor="main", name="a")
    assert (again.rows, again.accepted) == (1, 1)
    assert await contacts(pool) == [
        ("a", "Пётр", ["+79031234568"]),
        ("a", "Иван", ["+79031234560"]),
    ]
    attributes = await pool.fetchval("select attributes from contact where name = 'Иван'")
    assert attributes == {"Город": "Омск"}


async def test_rejects_of_rejects_have_each_column_once(
    service: ListService, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("phone\n112\n")
    first = await service.import_file(path, floor="main")
    assert first.rejects_file is not None
    second = await service.import_file(first.rejects_file, floor="main")
    assert second.rejects_file is not None
    with second.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["line", "column", "value", "reason", "phone"]
    assert (row[1:3], row[4]) == (["phone", "112"], "112")


OLD = "name;phone;city\nИван;89030000001;Омск\nПётр;89030000002;\n"
NEW = "name;phone;phone2;city\nИван Иванович;89030000001;89030000009;\nАнна;89030000003;;Тверь\n"


async def test_known_phones_are_skipped(service: ListService, pool: Pool) -> None:
    await load(service, OLD, Order("a"))
    result = await load(service, NEW + "Анна 2;89030000003;;\nПётр;89030000002;;\n", Order("a"))
    assert (result.rows, result.accepted, result.duplicates) == (4, 2, 2)
    places = result.duplicates_by_place
    assert (places.in_file, places.in_list, places.elsewhere) == (1, 1, 0)


async def test_known_contacts_are_updated(service: ListService, pool: Pool) -> None:
    await load(service, OLD, Order("a"))
    update = Order("a", on_duplicate="update")
    result = await load(service, NEW, update)
    assert (result.accepted, result.duplicates, result.updated, result.phones) == (1, 1, 1, 2)
    assert await contacts(pool) == [
        ("a", "Иван Иванович", ["+79030000001", "+79030000009"]),
        ("a", "Пётр", ["+79030000002"]),
        ("a", "Анна", ["+79030000003"]),
    ]
    city = await pool.fetchval("select attributes->>'city' from contact where name like 'Иван%'")
    assert city == "Омск", "an empty cell changes nothing"
    again = await load(service, NEW, update)
    assert (again.accepted, again.duplicates, again.updated, again.phones) == (0, 2, 0, 0)
    phone = await load(service, "phone;phone2\n89030000002;89030000008\n", update)
    assert (phone.accepted, phone.duplicates, phone.updated, phone.phones) == (0, 1, 1, 1)
    both = "name;phone;phone2\nПётр II;89030000002;89030000011\nАнна II;89030000003;\n"
    counted = await load(service, both, update)
    assert (counted.updated, counted.phones) == (2, 1), "a contact counts once"


async def test_duplicates_in_the_lists_of_a_campaign(service: ListService, pool: Pool) -> None:
    await load(service, OLD, Order("old"))
    await load(service, "phone\n89030000003\n", Order("other"))
    await pool.execute(
        "with n as (insert into node (name) values ('n') returning id), "
        "t as (insert into trunk (node_id, name, lines, calls_per_second) "
        "select id, 't', 1, 1 from n returning id), "
        "c as (insert into campaign (floor_id, trunk_id, name) "
        "select (select id from floor where name = 'main'), id, 'spring' from t returning id) "
        "insert into campaign_list select c.id, list.id from c, list where list.name = 'old'"
    )
    text = "phone\n89030000001\n89030000003\n"
    result = await load(service, text, Order("new", campaign="spring", dry_run=True))
    assert (result.accepted, result.duplicates) == (1, 1)
    assert result.duplicates_by_place.elsewhere == 1
    added = await load(service, text, Order("new", campaign="spring", on_duplicate="add"))
    assert (added.accepted, added.duplicates) == (2, 0)
    with pytest.raises(ListError, match="no campaign named 'none'"):
        await load(service, text, Order("new", campaign="none"))


async def test_duplicates_of_the_last_days(service: ListService, pool: Pool) -> None:
    await load(service, OLD, Order("old"))
    await pool.execute(
        "update contact set created_at = now() - interval '10 days' where name = 'Иван'"
    )
    text = "phone\n89030000001\n89030000002\n"
    week = await load(service, text, Order("new", days=7, dry_run=True))
    month = await load(service, text, Order("new", days=30, dry_run=True))
    assert (week.accepted, week.duplicates) == (1, 1)
    assert (month.accepted, month.duplicates) == (0, 2)


@pytest.mark.parametrize(
    "order",
    [
        Order(" "),
        Order("a", region="ru"),
        Order("a", days=0),
        Order("a", days=1, campaign="x"),
        Order("a", save_mapping=" "),
    ],
)
async def test_an_order_that_cannot_be_meant(service: ListService, order: Order) -> None:
    with pytest.raises(ListError):
        await load(service, OLD, order)


async def test_a_second_order_of_the_same_phones_in_one_row_of_update(
    service: ListService, pool: Pool
) -> None:
    """Two rows with two known contacts' phones: nobody loses a phone, none is stored twice."""
    await load(service, OLD, Order("a"))
    text = "phone;phone2\n89030000001;89030000002\n89030000002;89030000007\n"
    result = await load(service, text, Order("a", on_duplicate="update"))
    assert (result.accepted, result.phones) == (0, 1)
    phones = [phone for _, _, its in await contacts(pool) for phone in its]
    assert sorted(phones) == ["+79030000001", "+79030000002", "+79030000007"]
