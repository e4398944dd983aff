"""Migrations on a real PostgreSQL, from folders written by the tests."""

import asyncio
from pathlib import Path

import pytest

from dialer.database.migrate import MigrationError, migrate, pending, read_migrations
from dialer.database.pool import connect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, 1, "first", "create table first (x integer);\ncreate table more (x integer);")
    write(tmp_path, 2, "second", "create table second (x integer);")
    return tmp_path


def write(folder: Path, number: int, name: str, sql: str) -> Path:
    file = folder / f"{number:04d}_{name}.sql"
    file.write_text(sql)
    return file


async def tables(dsn: str) -> set[str]:
    connection = await connect(dsn)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def still_pending(dsn: str, folder: Path) -> list[str]:
    connection = await connect(dsn)
    try:
        return [migration.file for migration in await pending(connection, folder)]
    finally:
        await connection.close()


async def test_all_are_applied_once_and_in_order(empty_database: str, folder: Path) -> None:
    assert await still_pending(empty_database, folder) == ["0001_first.sql", "0002_second.sql"]
    applied = await migrate(empty_database, folder)
    assert [migration.number for migration in applied] == [1, 2]
    assert await tables(empty_database) == {"first", "more", "second", "schema_migration"}
    assert await still_pending(empty_database, folder) == []
    assert await migrate(empty_database, folder) == []


async def test_only_new_files_are_applied_later(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    write(folder, 3, "third", "create table third (x integer)")
    assert [m.name for m in await migrate(empty_database, folder)] == ["third"]


async def test_asking_what_is_pending_changes_nothing(empty_database: str, folder: Path) -> None:
    await still_pending(empty_database, folder)
    assert await tables(empty_database) == set()


async def test_several_processes_at_once_apply_each_file_once(
    empty_database: str, folder: Path
) -> None:
    done = await asyncio.gather(*(migrate(empty_database, folder) for _ in range(4)))
    assert sorted(len(applied) for applied in done) == [0, 0, 0, 2]


async def test_a_failing_file_leaves_nothing_of_itself(empty_database: str, folder: Path) -> None:
    broken = write(folder, 3, "broken", "create table third (x integer);\n\nselect absent;")
    with pytest.raises(MigrationError, match=r"0003_broken\.sql failed in line 3.*absent"):
        await migrate(empty_database, folder)
    assert await tables(empty_database) == {"first", "more", "second", "schema_migration"}

    broken.write_text("create table third (x integer)")
    assert [m.number for m in await migrate(empty_database, folder)] == [3]


async def test_a_changed_file_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    write(folder, 1, "first", "create table first (x bigint);")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was changed.*new migration"):
        await migrate(empty_database, folder)


async def test_other_line_ends_are_no_change(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    file = folder / "0001_first.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert await migrate(empty_database, folder) == []


async def test_a_database_newer_than_the_program_is_refused(
    empty_database: str, folder: Path
) -> None:
    await migrate(empty_database, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002 \(second\).*up to 0001.*newer Prozvon"):
        await migrate(empty_database, folder)


async def test_a_missing_old_file_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder)
    (folder / "0001_first.sql").unlink()
    with pytest.raises(MigrationError, match=r"0001 \(first\), whose file is missing"):
        await migrate(empty_database, folder)


async def test_a_file_numbered_into_the_past_is_refused(empty_database: str, folder: Path) -> None:
    (folder / "0001_first.sql").unlink()
    await migrate(empty_database, folder)
    write(folder, 1, "late", "select 1")
    with pytest.raises(MigrationError, match=r"0001_late\.sql is older than migration 0002"):
        await migrate(empty_database, folder)


def test_two_files_with_one_number_are_refused(folder: Path) -> None:
    write(folder, 2, "again", "select 1")
    with pytest.raises(MigrationError, match="the same number"):
        read_migrations(folder)


def test_a_badly_named_file_is_refused(folder: Path) -> None:
    (folder / "third.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="must be named like"):
        read_migrations(folder)


async def test_the_projects_own_migrations_apply_to_an_empty_database(empty_database: str) -> None:
    assert await migrate(empty_database) == read_migrations()
    assert await migrate(empty_database) == []
