"""Is this machine's clock right? Calling hours, do-not-call and quotas of a day go by it."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

from campaigns.refusals import Sentence, joined
from dialer.database.pool import Connection
from dialer.findings import Trouble

MOST_SKEW_S = 1.0
UNKEPT_ERROR_US = 16_000_000
"""The kernel's estimate of the clock's error grows to this and stays there where nothing sets the
clock. `timedatectl` decides by it too, and not by STA_UNSYNC, which chrony's rtcsync and others
may leave set."""

ADVICE = Sentence(
    "nothing keeps this machine's clock: it will drift, and calling hours with it. Install a time "
    "service (apt-get install chrony) and see `timedatectl`; in a container see to its host",
    "часы этой машины никто не подводит: они уйдут, а с ними и часы звонков. Установите службу "
    "времени (apt-get install chrony), посмотрите `timedatectl`; в контейнере — на его хозяине",
)


class _Timex(ctypes.Structure):
    """The beginning of the kernel's struct timex (adjtimex(2)); the rest is only room for it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


def clock_error_us() -> int | None:
    """The kernel's estimate of the most that the clock is off, in microseconds; None: unknown."""
    timex = _Timex(modes=0)  # only reads, which everybody may
    try:
        done = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):  # no such call here
        return None
    return int(timex.maxerror) if done >= 0 else None


def kept(error_us: int | None) -> Sentence:
    """PURE. The sentence on whether a time service keeps the clock.

    Not a failure: the clock of a virtual machine or a container may be kept from outside, which the
    kernel does not know.
    """
    if error_us is None:
        return Sentence(
            "whether a time service keeps it is unknown here",
            "подводит ли их служба времени, здесь узнать нельзя",
        )
    if error_us >= UNKEPT_ERROR_US:
        return ADVICE
    off = f"{error_us / 1e6:.3f}"
    return Sentence(
        f"a time service keeps it (at most {off} s off)",
        f"их подводит служба времени (ошибка не больше {off} с)",
    )


async def database_ahead_s(connection: Connection, clock: Callable[[], float] = time.time) -> float:
    """How far the database server's clock is ahead of ours, to half a round trip."""
    before = clock()
    theirs = float(await connection.fetchval("select extract(epoch from clock_timestamp())"))
    return theirs - (before + clock()) / 2


def agrees(ahead_s: float) -> Sentence:
    """PURE. Raises Trouble where the database's clock is too far from ours."""
    if abs(ahead_s) > MOST_SKEW_S:
        raise Trouble(
            f"the database server's clock is {ahead_s:+.1f} s from this machine's; when calls may "
            "be placed again and what a day's report counts would be wrong. Let both follow a time "
            "server (chrony, systemd-timesyncd)",
            f"часы сервера базы данных отличаются от часов этой машины на {ahead_s:+.1f} с: когда "
            "звонить снова и что входит в отчёт за день, было бы неверно. Пусть обе машины следуют "
            "серверу времени (chrony, systemd-timesyncd)",
        )
    return Sentence(
        "the database server's clock agrees", "часы сервера базы данных с ними сходятся"
    )


async def check_clock(connection: Connection | None) -> Sentence:
    """`connection` is None where the database cannot be asked."""
    said = kept(clock_error_us())
    if connection is None:
        not_compared = Sentence(
            "the database server's is not compared, see the line `database`",
            "часы сервера базы данных не сравнивались, см. строку «база данных»",
        )
        return joined((said, not_compared))
    return joined((agrees(await database_ahead_s(connection)), said))
