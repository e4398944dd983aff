"""The doctor's look at clocks: a real database server's, and this kernel's own estimate."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest

from dialer.database.pool import connect
from dialer.doctor_clock import (
    ADVICE,
    MOST_SKEW_S,
    UNKEPT_ERROR_US,
    agrees,
    check_clock,
    clock_error_us,
    database_ahead_s,
    kept,
)
from dialer.findings import Trouble


@pytest.mark.parametrize("ours_ahead_s", [0.0, 300.0, -300.0])
async def test_a_database_whose_clock_is_off_is_found(database: str, ours_ahead_s: float) -> None:
    connection = await connect(database)
    try:
        ahead_s = await database_ahead_s(connection, lambda: time.time() + ours_ahead_s)
        assert abs(ahead_s + ours_ahead_s) < MOST_SKEW_S
        said = await check_clock(connection)
        assert said.en.startswith("the database server's clock agrees; ")
        assert said.ru.startswith("часы сервера базы данных с ними сходятся; ")
    finally:
        await connection.close()
    if not ours_ahead_s:
        assert agrees(ahead_s).en == "the database server's clock agrees"
        return
    sign = "-" if ours_ahead_s > 0 else "\\+"
    with pytest.raises(Trouble, match=rf"is {sign}(300|299)\.\d s .*chrony"):
        agrees(ahead_s)


async def test_without_a_database_the_system_clock_is_looked_at_all_the_same() -> None:
    assert "line `database`" in (await check_clock(None)).en


def test_what_is_said_of_a_clock() -> None:
    assert kept(UNKEPT_ERROR_US) == ADVICE and "chrony" in ADVICE.en and "chrony" in ADVICE.ru
    assert kept(1_500).en == "a time service keeps it (at most 0.002 s off)"
    assert kept(UNKEPT_ERROR_US - 1).en.startswith("a time service keeps it")
    assert "unknown" in kept(None).en


def test_the_kernel_is_read_as_timedatectl_reads_it() -> None:
    error_us = clock_error_us()
    assert error_us is not None and error_us >= 0
    if shutil.which("timedatectl"):
        asked = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")
        said = subprocess.run(asked, capture_output=True, text=True, timeout=10)
        if said.returncode == 0 and said.stdout.strip():
            assert (said.stdout.strip() == "yes") == (error_us < UNKEPT_ERROR_US)
