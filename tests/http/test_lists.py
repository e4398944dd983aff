"""Lists over the HTTP API: the same import as by command, from an upload."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from campaigns.lists import http as lists
from campaigns.lists.http import ListsOfFloor, routes
from campaigns.lists.reasons import REJECTS
from dialer.database.pool import Pool
from dialer.health import Health
from dialer.http.server import HttpServer
from tests.database.staff import TestFloor

HEADERS = {"Authorization": "Bearer token"}


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    rows = await TestFloor.make(pool)
    use = ListsOfFloor(pool, rows.id, "main", "RU", ZoneInfo("Europe/Moscow"))
    server = HttpServer(Health(), "token", tuple, routes(lambda: use))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield session, f"http://127.0.0.1:{port}/api"
    await server.close()


async def test_an_upload_is_imported(api: tuple[aiohttp.ClientSession, str], pool: Pool) -> None:
    session, url = api
    text = "ФИО;Телефон\nИван;8 903 123-45-67\nПётр;112\n".encode("cp1251")
    params = {"dry_run": "1", "file": "base.csv"}
    async with session.post(f"{url}/lists/spring/import", data=text, params=params) as reply:
        dry = await reply.json()
    assert (dry["rows"], dry["accepted"], dry["rejected"], dry["list_id"]) == (2, 1, 1, None)
    assert [(r["line"], r["value"]) for r in dry["rejects"]] == [(3, "112")]
    assert await pool.fetchval("select count(*) from list") == 0
    for accepted in (1, 0):
        async with session.post(f"{url}/lists/spring/import?file=b.csv", data=text) as reply:
            assert (await reply.json())["accepted"] == accepted
    async with session.get(f"{url}/lists") as reply:
        assert [(one["name"], one["source"]) for one in await reply.json()] == [("spring", "b.csv")]


async def test_an_upload_larger_than_other_bodies_may_be(
    api: tuple[aiohttp.ClientSession, str],
) -> None:
    session, url = api

    async def pieces() -> AsyncIterator[bytes]:
        yield b"phone\n"
        for block in range(10):
            start = 89030000000 + block * 2000
            yield b"".join(b"%d\n" % number for number in range(start, start + 2000))

    async with session.post(f"{url}/lists/big/import", data=pieces()) as reply:
        assert (await reply.json())["accepted"] == 20_000


async def test_an_upload_that_breaks_off_leaves_nothing(
    api: tuple[aiohttp.ClientSession, str], pool: Pool
) -> None:
    session, url = api

    async def broken() -> AsyncIterator[bytes]:
        yield b"phone\n89031234567\n"
        raise RuntimeError("the client is gone")

    with pytest.raises((RuntimeError, aiohttp.ClientError)):
        await session.post(f"{url}/lists/big/import", data=broken())
    await asyncio.sleep(0)
    async with session.get(f"{url}/lists") as reply:
        assert await reply.json() == []
    assert await pool.fetchval("select count(*) from contact") == 0


@pytest.mark.parametrize(
    ("path", "body", "id"),
    [
        ("lists/a/import", b"", "empty_file"),
        ("lists/a/import", b"name,city\n1,2\n", "no_phone_column"),
        ("lists/a/import?on_duplicate=x", b"phone\n1\n", "bad_on_duplicate"),
        ("lists/a/import?duplicates_days=x", b"phone\n1\n", "bad_days"),
        ("lists/a/import?map=x", b"phone\n1\n", "bad_mapping"),
        ("lists/a/import?mapping=none", b"phone\n1\n", "unknown_mapping"),
    ],
)
async def test_what_cannot_be_imported(
    api: tuple[aiohttp.ClientSession, str], path: str, body: bytes, id: str
) -> None:
    session, url = api
    told = {}
    for language in ("en", "ru-RU,ru;q=0.9"):
        headers = {"Accept-Language": language}
        async with session.post(f"{url}/{path}", data=body, headers=headers) as reply:
            problem = await reply.json(content_type=None)
        assert (reply.status, problem["title"]) == (422, id)
        told[language] = problem["detail"]
    assert len(set(told.values())) == 2


async def test_rejects_have_an_id_and_a_sentence_in_the_language_asked_for(
    api: tuple[aiohttp.ClientSession, str],
) -> None:
    session, url = api
    path, text = f"{url}/lists/a/import?dry_run=1", "Телефон\n112\n".encode()
    reject = {"line": 2, "column": "Телефон", "value": "112", "reason": "emergency"}
    for language in ("en", "ru"):
        async with session.post(path, data=text, headers={"Accept-Language": language}) as reply:
            [told] = (await reply.json())["rejects"]
        assert told == {**reject, "sentence": REJECTS["emergency"].to(language)}


async def test_a_file_that_is_too_long(
    api: tuple[aiohttp.ClientSession, str], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, url = api
    monkeypatch.setattr(lists, "UPLOAD_BYTES", 2 << 20)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"89031234567\n" * 80_000

    async with session.post(f"{url}/lists/a/import", data=body()) as reply:
        assert (reply.status, (await reply.json(content_type=None))["title"]) == (413, "long_file")
    assert await pool.fetchval("select count(*) from list") == 0


async def test_health_and_export(api: tuple[aiohttp.ClientSession, str], pool: Pool) -> None:
    session, url = api
    await session.post(f"{url}/lists/база/import", data="Телефон\n89031234567\n".encode())
    async with session.get(f"{url}/lists/база/health") as reply:
        assert (await reply.json())["leads"]["contacts"] == 1
    async with session.get(f"{url}/lists/нет/health") as reply:
        assert reply.status == 422
    for reveal, phone in (("0", "'+7903*****67"), ("1", "'+79031234567")):
        async with session.get(f"{url}/lists/база/export?reveal={reveal}") as reply:
            text = (await reply.read()).decode("utf-8-sig")
        [row] = csv.DictReader(io.StringIO(text), delimiter=";")
        assert row["phones"] == phone
    async with session.get(f"{url}/lists/база/export?format=xlsx") as reply:
        assert (await reply.read()).startswith(b"PK")
    audit = await pool.fetch("select actor, details->'reveal' as reveal from audit order by id")
    assert [(row["actor"], row["reveal"]) for row in audit] == [
        ("api", False),
        ("api", True),
        ("api", False),
    ]
    async with session.get(f"{url}/lists/база/export?from=2026-01-01") as reply:
        text = (await reply.read()).decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(text), delimiter=";")) == []  # never dialed
    async with session.get(f"{url}/lists/база/export?from=soon") as reply:
        assert (await reply.json(content_type=None))["title"] == "bad_period"
