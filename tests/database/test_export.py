"""Export: filters, masked numbers, no formulas, and who took what out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from python_calamine import CalamineWorkbook

from campaigns.export.model import Filters, Format, mask, parse_attributes
from campaigns.export.service import ExportService
from campaigns.lists.errors import ListError
from campaigns.lists.model import Order
from campaigns.lists.service import ListService
from dialer.database.pool import Pool
from tests.database.staff import TestFloor

LIST = (
    "ФИО;Телефон;Телефон 2;Город;Формула\n"
    'Иван;89030000001;84951234567;Омск;"=HYPERLINK(""http://x"";""y"")"\n'
    "@SUM(1);89030000002;;Тверь;+1\n"
    "Анна;89030000003;;Омск;http://example.com\n"
)
WHEN = datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.fixture
async def service(pool: Pool) -> ExportService:
    floor = await TestFloor.make(pool)
    stream = io.BytesIO(LIST.encode())
    lists = ListService(pool)
    await lists.import_stream(stream, floor="main", source="a.csv", order=Order("base"))
    await pool.execute(
        "insert into campaign (floor_id, trunk_id, name) values ($1, $2, 'spring')",
        floor.id,
        floor.trunk_id,
    )
    await pool.execute(
        "insert into lead (campaign_id, contact_id, status, approaches) select campaign.id, "
        "contact.id, 'done', 1 from campaign, contact where contact.name <> 'Анна'"
    )
    await pool.execute(
        "insert into disposition (floor_id, code, title_ru, title_en) "
        "values ($1, 'sold', 'п', 's')",
        floor.id,
    )
    await pool.execute(
        "insert into attempt (id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone, "
        "placed_at, ended_at, outcome, note, disposition_id) select $1, $2, lead.campaign_id, "
        "lead.id, $3, $4, '+79030000001', $5, $5, 'answered', '-note', disposition.id "
        "from lead join contact on contact.id = contact_id, disposition "
        "where contact.name = 'Иван' and code = 'sold'",
        uuid4(),
        floor.id,
        floor.node_id,
        floor.trunk_id,
        WHEN,
    )
    return ExportService(pool, floor.id)


def read(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))
    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, header), map(str, row), strict=True)) for row in rows]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_an_export_is_masked_and_has_no_formulas(
    service: ExportService, pool: Pool, tmp_path: Path, kind: Format
) -> None:
    path = tmp_path / f"out.{kind}"
    done = await service.export(path, kind, Filters(list="base"), actor="anna")
    assert (done.rows, done.revealed) == (3, False)
    ivan, formula, anna = read(path)
    quote = "'" if kind == "csv" else ""
    assert ivan["phones"] == f"{quote}+7903*****01, +7495*****67"
    assert ivan["Формула"] == f'{quote}=HYPERLINK("http://x";"y")'
    assert (formula["name"], formula["Формула"]) == (f"{quote}@SUM(1)", f"{quote}+1")
    assert (ivan["last_outcome"], ivan["last_disposition"]) == ("answered", "sold")
    assert (ivan["last_dialed_at"], ivan["note"]) == ("2026-03-02 10:00:00", f"{quote}-note")
    assert (anna["campaign"], anna["status"], anna["Город"]) == ("", "", "Омск")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    audit = await pool.fetchrow("select * from audit where action = 'list_exported'")
    assert audit is not None and (audit["actor"], audit["subject"]) == ("anna", "base")
    assert audit["details"] == {"list": "base", "format": kind, "rows": 3, "reveal": False}


async def test_workbook_cells_are_texts(service: ExportService, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "out.xlsx"
    await service.export(path, "xlsx", Filters(), actor="anna", reveal=True)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet and b"hyperlink" not in sheet


async def test_numbers_are_revealed_only_when_asked_and_it_is_written(
    service: ExportService, pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    await service.export(path, "csv", Filters(), actor="anna", reveal=True)
    assert read(path)[0]["phones"] == "'+79030000001, +74951234567"
    assert await pool.fetchval("select details->'reveal' from audit") is True


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filters(), ["Иван", "'@SUM(1)", "Анна"]),
        (Filters(campaign="spring"), ["Иван", "'@SUM(1)"]),
        (Filters(status="done"), ["Иван", "'@SUM(1)"]),
        (Filters(outcome="answered"), ["Иван"]),
        (Filters(outcome="busy"), []),
        (Filters(disposition="sold"), ["Иван"]),
        (Filters(attributes={"Город": "Омск"}), ["Иван", "Анна"]),
        (Filters(since=WHEN, until=WHEN + timedelta(seconds=1)), ["Иван"]),
        (Filters(until=WHEN), []),
    ],
)
async def test_filters(
    service: ExportService, tmp_path: Path, filters: Filters, names: list[str]
) -> None:
    path = tmp_path / "out.csv"
    await service.export(path, "csv", filters, actor="anna")
    assert [row["name"] for row in read(path)] == names


async def test_what_is_exported_can_be_imported(
    service: ExportService, pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    await service.export(path, "csv", Filters(), actor="anna", reveal=True)
    result = await ListService(pool).import_file(path, floor="main", name="copy")
    assert (result.accepted, result.phones, result.rejected) == (3, 4, 0)


async def test_after_an_error_there_is_no_file_and_no_audit(
    service: ExportService, pool: Pool, tmp_path: Path
) -> None:
    with pytest.raises(ListError, match="no campaign named 'none'"):
        await service.export(tmp_path / "a.csv", "csv", Filters(campaign="none"), actor="anna")
    with pytest.raises(OSError, match="No such file"):
        await service.export(tmp_path / "no" / "a.xlsx", "xlsx", Filters(), actor="anna")
    assert list(tmp_path.iterdir()) == []
    assert await pool.fetchval("select count(*) from audit") == 0


def test_masks() -> None:
    assert mask("+79031234567") == "+7903*****67"
    assert mask("+3711234") == "+3711*34"
    assert mask("+12345") == "******"


def test_filters_of_attributes_as_people_write_them() -> None:
    assert parse_attributes(["Город=Омск", "a=b=c"]) == {"Город": "Омск", "a": "b=c"}
    with pytest.raises(ListError):
        parse_attributes(["Город"])
