"""Numbered SQL files, applied once each, in order, with a checksum.

A file is `NNNN_name.sql`. It runs in one transaction together with its line in
`schema_migration`, so it is applied wholly or not at all; a statement that cannot run in a
transaction has no place in it. A file that was applied is never edited: a new one follows.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import asyncpg
import structlog

from dialer.database.pool import Connection, DatabaseError, connect
from dialer.database.queries import Queries

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# "prozvon" in ASCII: any constant, the same in every version.
LOCK_KEY = 0x70726F7A766F6E
# Building an index over years of attempts takes its time.
STATEMENT_TIMEOUT_S = 3600.0


class MigrationError(DatabaseError):
    """Migrations and database do not fit; the message names the file and what to do."""


@dataclass(frozen=True)
class Migration:
    """One file. `checksum` is SHA-256 over its text with line ends as `\\n`."""

    number: int
    name: str
    checksum: str
    sql: str

    @property
    def file(self) -> str:
        return f"{self.number:04d}_{self.name}.sql"


@dataclass(frozen=True)
class Applied:
    """One line of `schema_migration`."""

    number: int
    name: str
    checksum: str


async def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[Migration]:
    """Bring the database to the newest migration; return those applied now.

    Several processes may call this at once: one works, the others wait and find nothing to do.
    Raises MigrationError, DatabaseError.
    """
    queries = Queries.load("dialer.database", "migrate.sql")
    migrations = read_migrations(folder)
    connection = await connect(
        dsn, statement_timeout_s=STATEMENT_TIMEOUT_S, application_name="prozvon migrate"
    )
    try:
        # Held until the connection closes, also when this process is killed.
        await connection.execute(queries.lock, LOCK_KEY)
        await connection.execute(queries.create_table)
        missing = await pending(connection, folder)
        for migration in missing:
            await _apply(connection, queries, migration)
    finally:
        await connection.close(timeout=10)
    log.debug("database_migrated", applied=len(missing), newest=len(migrations))
    return missing


async def pending(connection: Connection, folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations this database still needs, in order; changes nothing.

    Raises MigrationError if an applied file was changed or the database is newer than `folder`.
    """
    queries = Queries.load("dialer.database", "migrate.sql")
    migrations = read_migrations(folder)
    if not await connection.fetchval(queries.table_exists):
        return migrations
    rows = await connection.fetch(queries.applied)
    applied = [Applied(row["number"], row["name"], row["checksum"]) for row in rows]
    return missing_migrations(migrations, applied)


def missing_migrations(
    migrations: Sequence[Migration], applied: Sequence[Applied]
) -> list[Migration]:
    """The migrations that are not applied yet. Raises MigrationError (see `pending`)."""
    known = {migration.number: migration for migration in migrations}
    for done in applied:
        _check_applied(done, known.get(done.number), max(known, default=0))
    numbers = {done.number for done in applied}
    newest = max(numbers, default=0)
    missing = [migration for migration in migrations if migration.number not in numbers]
    if missing and missing[0].number < newest:
        raise MigrationError(
            f"{missing[0].file} is older than migration {newest:04d}, which this database has "
            "already. Give it the next free number."
        )
    return missing


def _check_applied(done: Applied, migration: Migration | None, newest: int) -> None:
    if migration is None and done.number > newest:
        raise MigrationError(
            f"The database has migration {done.number:04d} ({done.name}), this program knows "
            f"those up to {newest:04d}. Start the newer Prozvon that this database belongs to, "
            "or restore the backup made before its update."
        )
    if migration is None:
        raise MigrationError(
            f"The database has migration {done.number:04d} ({done.name}), whose file is missing. "
            "Put the file back; an applied migration is never removed."
        )
    if (migration.name, migration.checksum) != (done.name, done.checksum):
        raise MigrationError(
            f"{migration.file} was changed after it was applied to this database. Restore the "
            "file as it was and put the change into a new migration with the next number. (A "
            "database that holds nothing of value can be dropped and migrated anew.)"
        )


async def _apply(connection: Connection, queries: Queries, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                queries.remember, migration.number, migration.name, migration.checksum
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"{migration.file} failed{_line_of(error, migration.sql)}: {error}. Nothing of it was "
            "applied; correct the file and run the migration again."
        ) from error
    log.info("migration_applied", number=migration.number, name=migration.name)


def _line_of(error: asyncpg.PostgresError, sql: str) -> str:
    position = getattr(error, "position", None)
    return f" in line {sql.count(chr(10), 0, int(position)) + 1}" if position else ""


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """All migrations of `folder` by number. Raises MigrationError for bad or repeated names."""
    migrations = [_read(file) for file in sorted(folder.glob("*.sql"))]
    for first, second in pairwise(migrations):
        if first.number == second.number:
            raise MigrationError(
                f"{first.file} and {second.file} have the same number; renumber the newer one."
            )
    return migrations


def _read(file: Path) -> Migration:
    found = FILE_NAME.fullmatch(file.name)
    if found is None:
        raise MigrationError(f"{file.name} must be named like 0007_what_it_does.sql.")
    # A checkout with other line ends is the same migration.
    sql = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    checksum = hashlib.sha256(sql.encode()).hexdigest()
    return Migration(int(found.group(1)), found.group(2), checksum, sql)
