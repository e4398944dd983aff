"""Import of lists into a real PostgreSQL: all or nothing, twice is once, nothing left behind."""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path

import asyncpg
import pytest

from campaigns.lists import intake, reader
from campaigns.lists.errors import ListError, ListFileError
from campaigns.lists.service import ListService
from dialer.database.pool import Pool


@pytest.fixture
async def service(pool: Pool) -> ListService:
    await pool.execute("insert into floor (name) values ('main'), ('second')")
    return ListService(pool)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def numbers(count: int, start: int = 0) -> list[str]:
    return [f"Иван {n},8903{1000000 + n}" for n in range(start, start + count)]


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def stored(pool: Pool) -> tuple[int, int, int]:
    """How many lists, contacts, phones there are."""
    row = await pool.fetchrow(
        "select (select count(*) from list), (select count(*) from contact), "
        "(select count(*) from contact_phone)"
    )
    assert row is not None
    return (row[0], row[1], row[2])


async def test_a_file_becomes_a_list(service: ListService, pool: Pool, tmp_path: Path) -> None:
    path = write(
        tmp_path / "клиенты.csv",
        "ФИО;Компания;Телефон;Телефон 2;Часовой пояс;Город",
        "Иванов Иван;ООО «Ромашка»;8 903 123-45-67 доб. 5;+7 495 123-45-67;МСК+1;Самара",
        "${SHELL(id)};=cmd;89031234568;112;;",
        "Без телефона;;;;;",
    )
    result = await service.import_file(path, floor="main")

    assert (result.rows, result.accepted, result.rejected, result.duplicates) == (3, 2, 1, 0)
    assert result.phones == 3
    contacts = await pool.fetch("select * from contact order by id")
    assert [(c["name"], c["company"], c["time_zone"], c["attributes"]) for c in contacts] == [
        ("Иванов Иван", "ООО «Ромашка»", "Etc/GMT-4", {"Город": "Самара", "extension": "5"}),
        ("${SHELL(id)}", "=cmd", None, {}),
    ]
    phones = await pool.fetch(
        "select contact_id - (select min(id) from contact), position, e164, list_id "
        "from contact_phone order by 1, 2"
    )
    assert [tuple(phone) for phone in phones] == [
        (0, 0, "+79031234567", result.list_id),
        (0, 1, "+74951234567", result.list_id),
        (1, 0, "+79031234568", result.list_id),
    ]
    [summary] = await service.lists("main")
    assert (summary.id, summary.name, summary.source) == (result.list_id, "клиенты", path.name)
    assert (summary.contacts, summary.phones) == (2, 3)
    assert await service.lists("second") == []


async def test_where_the_person_may_be_is_kept(
    service: ListService, pool: Pool, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.csv",
        "Телефон;Часовой пояс;Регион",
        "89031234567;;Самарская область",
        "+7 495 123-45-67;Europe/Samara;",
        "+44 20 7946 0018;;",
        "8 (3412) 12-34-56;;",
    )
    await service.import_file(path, floor="main")
    rows = await pool.fetch(
        "select time_zone, region, zones from contact "
        "join contact_phone on contact_id = contact.id "
        "left join zone_set on zone_set.id = zone_set_id order by contact.id"
    )
    mobile, moscow, london, izhevsk = (row["zones"] for row in rows)
    assert {"Europe/Moscow", "Asia/Kamchatka"} < set(mobile) and len(mobile) > 10
    assert (moscow, london, izhevsk) == (["Europe/Moscow"], ["Europe/London"], ["Europe/Samara"])
    assert [(row["time_zone"], row["region"]) for row in rows[:2]] == [
        (None, "Самарская область"),
        ("Europe/Samara", None),
    ]


async def test_what_is_left_out_is_in_the_rejects_file(
    service: ListService, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "name,phone", "x,112", 'y,"=1+1"', "z,89031234567")
    result = await service.import_file(path, floor="main")

    assert result.rejects_file == tmp_path / "a.rejects.csv"
    with result.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        _, *rows = csv.reader(file)
    assert [row[:3] for row in rows] == [["2", "phone", "112"], ["3", "phone", "'=1+1"]]
    assert [(r.line, r.value, r.sentence.en) for r in result.rejects] == [
        (2, "112", rows[0][3]),
        (3, "=1+1", rows[1][3]),
    ]
    elsewhere = tmp_path / "elsewhere.csv"
    result = await service.import_file(path, floor="second", rejects_path=elsewhere)
    assert result.rejects_file == elsewhere and elsewhere.exists()


async def test_no_rejects_no_file(service: ListService, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,phone", *numbers(3))
    assert (await service.import_file(path, floor="main")).rejects_file is None
    assert files(tmp_path) == ["a.csv"]


async def test_the_same_file_twice_changes_nothing(
    service: ListService, pool: Pool, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "name,phone", *numbers(20))
    first = await service.import_file(path, floor="main")
    again = await service.import_file(path, floor="main")

    assert (again.accepted, again.duplicates, again.phones) == (0, 20, 0)
    assert again.list_id == first.list_id
    assert await stored(pool) == (1, 20, 20)


async def test_more_rows_go_into_the_same_list(
    service: ListService, pool: Pool, tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", "name,phone", *numbers(20))
    write(tmp_path / "b.csv", "name,phone", *numbers(20, start=15))
    first = await service.import_file(tmp_path / "a.csv", floor="main", name="base")
    more = await service.import_file(tmp_path / "b.csv", floor="main", name="base")
    other = await service.import_file(tmp_path / "b.csv", floor="second", name="base")

    assert (more.accepted, more.duplicates, more.list_id) == (15, 5, first.list_id)
    assert (other.accepted, other.duplicates) == (20, 0)
    assert await stored(pool) == (2, 55, 55)


async def test_duplicates_within_a_file(service: ListService, pool: Pool, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "name,phone,phone2",
        "first,89031234567,",
        "twice,+7 903 123-45-67,",
        "half,8(903)1234567,89031234568",
        "same,89031234569,+79031234569",
    )
    result = await service.import_file(path, floor="main")

    assert (result.rows, result.accepted, result.duplicates, result.phones) == (4, 3, 1, 3)
    phones = await pool.fetch(
        "select name, position, e164 from contact_phone "
        "join contact on contact.id = contact_id order by e164"
    )
    assert [tuple(phone) for phone in phones] == [
        ("first", 0, "+79031234567"),
        ("half", 0, "+79031234568"),
        ("same", 0, "+79031234569"),
    ]


async def test_a_dry_run_stores_nothing(service: ListService, pool: Pool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,phone", *numbers(3), "x,112", *numbers(1))
    result = await service.import_file(path, floor="main", dry_run=True)

    assert (result.accepted, result.rejected, result.duplicates) == (3, 1, 1)
    assert (result.list_id, result.dry_run) == (None, True)
    assert result.rejects_file is not None and result.rejects_file.exists()
    assert await stored(pool) == (0, 0, 0)


async def test_a_file_without_one_good_row_makes_no_list(
    service: ListService, pool: Pool, tmp_path: Path
) -> None:
    result = await service.import_file(
        write(tmp_path / "a.csv", "name,phone", "x,112"), floor="main"
    )
    assert (result.accepted, result.rejected, result.list_id) == (0, 1, None)
    assert await stored(pool) == (0, 0, 0)


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize(
    ("tail", "says"),
    [('x,"89031234567\n', "not closed"), ("Пётр\n".encode() + b"\xe0\xe0,1\n", "UTF-8")],
)
async def test_an_error_at_the_end_of_the_file_leaves_nothing(
    service: ListService, pool: Pool, tmp_path: Path, tail: str | bytes, says: str
) -> None:
    path = write(tmp_path / "a.csv", "name,phone", "x,112", *numbers(12_000))
    with path.open("ab") as file:
        file.write(tail.encode() if isinstance(tail, str) else tail)
    with pytest.raises(ListFileError, match=says) as error:
        await service.import_file(path, floor="main")

    assert error.value.file == "a.csv" and (error.value.line or 0) > 12_000
    assert str(error.value).startswith("a.csv, line 12")
    assert await stored(pool) == (0, 0, 0)
    assert files(tmp_path) == ["a.csv"]


@pytest.fixture(params=["read here", "read apart"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, and in one of its own, which only large files get otherwise."""
    if request.param == "read apart":
        monkeypatch.setattr(reader, "WORTH_BYTES", 0)


@pytest.mark.usefixtures("read")
async def test_a_cancel_leaves_nothing(service: ListService, pool: Pool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,phone", "x,112", *numbers(30_000))
    reached = asyncio.Event()
    task = asyncio.create_task(
        service.import_file(path, floor="main", progress=lambda *_: reached.set())
    )
    async with asyncio.timeout(20):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await stored(pool) == (0, 0, 0)
    assert files(tmp_path) == ["a.csv"]
    assert (await service.import_file(path, floor="main")).accepted == 30_000


@pytest.mark.usefixtures("read")
async def test_a_lost_connection_leaves_nothing(
    service: ListService, pool: Pool, database: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "name,phone", "x,112", *numbers(12_000))
    other = await asyncpg.connect(database)
    cut = asyncio.Event()

    async def cut_off() -> None:
        await cut.wait()
        await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )

    cutting = asyncio.create_task(cut_off())
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await service.import_file(path, floor="main", progress=lambda *_: cut.set())
    await cutting
    await other.close()

    assert await stored(pool) == (0, 0, 0)
    assert files(tmp_path) == ["a.csv"]


async def test_two_imports_into_one_list_at_once(
    service: ListService, pool: Pool, tmp_path: Path
) -> None:
    paths = [write(tmp_path / f"{n}.csv", "name,phone", *numbers(3000)) for n in range(3)]
    results = await asyncio.gather(
        *(service.import_file(path, floor="main", name="base") for path in paths)
    )
    assert sorted(result.accepted for result in results) == [0, 0, 3000]
    assert len({result.list_id for result in results}) == 1
    assert await stored(pool) == (1, 3000, 3000)


async def test_progress_goes_up_to_the_end(
    service: ListService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH_ROWS", 5_000)
    path = write(tmp_path / "a.csv", "name,phone", *numbers(12_000))
    seen: list[tuple[int, int, int]] = []
    await service.import_file(path, floor="main", progress=lambda *step: seen.append(step))

    assert seen == sorted(seen) and len(seen) == 3
    assert seen[-1] == (path.stat().st_size, path.stat().st_size, 12_000)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"name,phone\n", "no row"),
        (b"name,city\na,b\n", "no column holds phones"),
        (b"PK\x03\x04" + b"\0" * 100, "workbook that can be read"),
    ],
)
async def test_a_bad_file_is_named(
    service: ListService, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ListFileError, match=says) as error:
        await service.import_file(path, floor="main")
    assert str(error.value).startswith("a.csv")


async def test_wrong_arguments_are_explained(service: ListService, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,phone", *numbers(1))
    with pytest.raises(ListError, match="no floor"):
        await service.import_file(path, floor="nowhere")
    with pytest.raises(ListError, match="no floor"):
        await service.lists("nowhere")
    with pytest.raises(ListError, match="no region"):
        await service.import_file(path, floor="main", default_region="Россия")
    with pytest.raises(ListError, match="list's name"):
        await service.import_file(path, floor="main", name="a\nb")
    with pytest.raises(ListError, match="overwrite"):
        await service.import_file(path, floor="main", rejects_path=path)
    with pytest.raises(ListFileError, match="cannot be read"):
        await service.import_file(tmp_path / "none.csv", floor="main")
    with pytest.raises(ListFileError, match="cannot be read"):
        await service.import_file(tmp_path, floor="main")
    bad = write(tmp_path / "b.csv", "name,phone", "x,112")
    with pytest.raises(ListFileError, match="another place"):
        await service.import_file(bad, floor="main", rejects_path=tmp_path / "no" / "r.csv")


KILLED = """
import asyncio, sys, time
from pathlib import Path
from campaigns.lists.service import ListService
from dialer.database.pool import open_pool

def stop(done: int, total: int, rows: int) -> None:
    print("staged", flush=True)
    time.sleep(60)

async def main() -> None:
    pool = await open_pool(sys.argv[1], min_size=1)
    await ListService(pool).import_file(Path(sys.argv[2]), floor="main", progress=stop)

asyncio.run(main())
"""


async def test_a_process_killed_in_the_middle_leaves_nothing(
    service: ListService, pool: Pool, database: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "name,phone", *numbers(100), "bad,112")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 60) == b"staged\n"
    child.kill()
    await child.wait()
    assert await stored(pool) == (0, 0, 0)
    assert not (tmp_path / "a.rejects.csv").exists()
    assert (await service.import_file(path, floor="main")).accepted == 100
