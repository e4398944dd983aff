"""The time of a list import against a bare COPY of the same rows, measured in one run.

    python bench/import.py                 100,000 rows, 500,000 phones there
    python bench/import.py --full          1,000,000 rows, 10,000,000 phones there

The import validates phones, finds time zones, and looks for duplicates in the list and in all
lists of the last 30 days, which hold `--existing` phones. The server is the embedded PostgreSQL
with everything that makes it durable. Memory is the most that the importing process used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from campaigns.lists.model import Order
from campaigns.lists.service import ListService
from dialer import logs
from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate
from dialer.database.pool import Pool, open_pool
from dialer.database.queries import Queries

HERE = Path(__file__).resolve()
DATA = HERE.parent.parent / "var" / "bench-import"
SQL = Queries.load(HERE.with_name("import.sql"))
NAMES = ("Иванов Иван", "Петрова Анна Сергеевна", "Сидоров Пётр", "Smith John", "Ким Ольга")
CITIES = ("Самара", "Омск", "Москва", "Якутск", "Тверь", "Казань")
HEADER = "ФИО;Компания;Телефон;Телефон 2;Регион;Город;Почта;Заметка\n"
CHUNK = 1 << 20
LISTS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="1,000,000 rows, 10,000,000 phones")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--existing", type=int)
    parser.add_argument("--keep", action="store_true", help="leave the database for another run")
    parser.add_argument("--child", nargs=2, metavar=("DSN", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rows = options.rows or (1_000_000 if options.full else 100_000)
    options.existing = options.existing or (10_000_000 if options.full else 500_000)
    if options.child:
        return asyncio.run(import_in_child(*options.child))
    figures = asyncio.run(measure(options.rows, options.existing, keep=options.keep))
    print(json.dumps(figures, indent=2))
    return 0


async def measure(rows: int, existing: int, *, keep: bool) -> dict[str, float]:
    server = EmbeddedPostgres(data_of(existing))
    dsn = await server.start()
    pool = None
    try:
        await migrate(dsn)
        pool = await open_pool(dsn, statement_timeout_s=7200)
        await seed(pool, existing)
        file = server.data_dir.with_suffix(".csv")
        write_list(file, rows)
        copy_s = await bare_copy(pool, file)
        import_s, child = await timed_import(dsn, file)
        file.unlink()
        file.with_name(f"{file.stem}.rejects.csv").unlink(missing_ok=True)
        return {
            "rows": rows,
            "existing": existing,
            "copy_seconds": round(copy_s, 2),
            "import_seconds": round(import_s, 2),
            "times_of_copy": round(import_s / copy_s, 1),
            "rows_per_second": round(rows / import_s),
            **child,
        }
    finally:
        if pool is not None:
            await pool.close()
        await server.stop()
        if not keep:
            shutil.rmtree(server.data_dir)


def data_of(existing: int) -> Path:
    """Where the database of so many phones is kept."""
    return DATA.with_name(f"{DATA.name}-{existing}")


async def seed(pool: Pool, existing: int) -> None:
    """Phones of ten lists, one a contact, once; keys are made afterwards, which is faster."""
    if await pool.fetchval(SQL.is_seeded):
        await pool.execute(SQL.again)
    else:
        for name in ("floor", "loosen", "contacts", "phones", "tighten"):
            values = (existing,) if "$1" in SQL[name] else ()
            await pool.execute(SQL[name], *values)
    for name in ("vacuum_contact", "vacuum_phone", "checkpoint"):
        await pool.execute(SQL[name])


def write_list(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        out.writelines(lines(rows))


def lines(rows: int) -> Iterator[str]:
    """Eight columns; the phones as people write them, some of them known, some of them bad."""
    chance = random.Random(11)
    for number in range(rows):
        digits = f"9{chance.randrange(10**9):09}"
        forms = (f"8{digits}", f"+7{digits}", f"8 ({digits[:3]}) {digits[3:6]}-{digits[6:]}")
        phone = chance.choice(forms) if number % 100 else "нет"
        second = f"8495{chance.randrange(10**7):07}" if number % 3 == 0 else ""
        name, city = chance.choice(NAMES), chance.choice(CITIES)
        yield (
            f"{name} {number};ООО Ромашка {number % 5000};{phone};{second};{city}ская область;"
            f"{city};user{number}@example.com;перезвонить после {number % 12 + 8} часов\n"
        )


async def bare_copy(pool: Pool, file: Path) -> float:
    """Seconds of COPY of the file into a table of eight texts, without keys."""
    await pool.execute(SQL.bare)
    started = time.perf_counter()
    async with pool.acquire() as connection:
        await connection.copy_to_table(
            "bare", source=pieces(file), format="csv", delimiter=";", header=True
        )
    return time.perf_counter() - started


async def pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(CHUNK):
            yield piece


async def timed_import(dsn: str, file: Path) -> tuple[float, dict[str, float]]:
    """Seconds of the import by a process of its own, starting it included, and what it says."""
    started = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE), "--child", dsn, str(file)), stdout=subprocess.PIPE
    )
    out, _ = await child.communicate()
    seconds = time.perf_counter() - started
    if child.returncode:
        raise SystemExit("the import failed")
    return seconds, json.loads(out)


async def import_in_child(dsn: str, file: str) -> int:
    logs.set_up("warning")
    pool = await open_pool(dsn, min_size=1)
    order = Order("new", days=30)
    result = await ListService(pool).import_file(Path(file), floor="main", order=order)
    await pool.close()
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kilobytes += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        json.dumps(
            {
                "accepted": result.accepted,
                "rejected": result.rejected,
                "duplicates": result.duplicates,
                "megabytes": round(kilobytes / 1024),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
