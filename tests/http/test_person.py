"""Personal data on request, over the HTTP API: all of it is given, and all of it is forgotten."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from campaigns.dnc.service import DncService
from campaigns.person.http import routes
from campaigns.person.service import PersonService
from dialer.database.pool import Pool
from dialer.health import Health
from dialer.http.server import HttpServer
from tests.database.store_floor import Floor, running_floor

HEADERS = {"Authorization": "Bearer token", "X-Prozvon-Actor": "olga"}
NUMBER, SECOND = "+79160000000", "+79165550000"
SECRETS = ("Иванов", "Ромашка", "9160000000", "9165550000", "шумит", "Ирина", "долго")


class Api:
    """A floor with one person who was called once, and its routes."""

    def __init__(self, session: aiohttp.ClientSession, url: str, floor: Floor) -> None:
        self._session, self._url, self.floor = session, url, floor
        self.recording = Path()

    async def ask(self, path: str, status: int = 200, **body: Any) -> Any:
        async with self._session.post(self._url + path, json=body) as reply:
            assert reply.status == status, await reply.text()
            return json.loads(await reply.text())


@pytest.fixture
async def api(pool: Pool, tmp_path: Path) -> AsyncIterator[Api]:
    floor = await running_floor(pool)
    service = PersonService(pool, floor.rows.id)
    server = HttpServer(Health(), "token", tuple, routes(lambda: service))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        made = Api(session, f"http://127.0.0.1:{port}/api/persons", floor)
        made.recording = tmp_path / "talk.wav"
        made.recording.write_bytes(b"voice")
        await called_once(pool, floor, made.recording)
        yield made
    await server.close()


async def called_once(pool: Pool, floor: Floor, recording: Path) -> None:
    """Ivanov, with two numbers, consent, callback, a talk with answers and a recording."""
    attempt = await floor.dialed(str(recording))
    assert attempt.lead.phone == NUMBER
    await pool.execute(
        "update contact set name = 'Иванов', company = 'Ромашка', "
        'attributes = \'{"жена": "Ирина"}\''
    )
    await pool.execute(
        "insert into contact_phone (contact_id, list_id, position, e164) "
        "select id, list_id, 1, $1 from contact", SECOND,
    )  # fmt: skip
    await pool.execute("update attempt set note = 'шумит', answers = '{\"жена\": \"Ирина\"}'")
    await pool.execute(
        "insert into consent (floor_id, e164, source, evidence, given_at, added_by) "
        "values ($1, $2, 'site', 'form 5', now(), 'x')", floor.rows.id, SECOND,
    )  # fmt: skip
    await pool.execute(
        "insert into callback (floor_id, campaign_id, lead_id, at, note, created_by) "
        "select $1, campaign_id, id, now(), 'долго', 'x' from lead", floor.rows.id,
    )  # fmt: skip
    await pool.execute(
        "insert into recording (attempt_id, path, finished_at) select id, $1, now() from attempt",
        str(recording),
    )


async def over(pool: Pool) -> None:
    await pool.execute("update attempt set outcome = 'answered', ended_at = now()")
    await pool.execute("update lead set status = 'retry'")


async def everything(pool: Pool) -> str:
    """All that the database says of persons, but for do-not-call, consent and the audit."""
    tables = ("contact", "contact_phone", "lead", "attempt", "callback", "skip", "ready")
    return "".join(
        [
            await pool.fetchval(f"select coalesce(string_agg(t::text, ' '), '') from {table} t")
            for table in tables
        ]
    )


async def test_all_that_is_known_is_given(api: Api, pool: Pool) -> None:
    await over(pool)
    known = await api.ask("/export", number="8 916 555-00-00")
    assert known["numbers"] == [NUMBER, SECOND]
    [contact], [attempt] = known["contacts"], known["attempts"]
    assert (contact["name"], contact["attributes"]) == ("Иванов", {"жена": "Ирина"})
    assert (attempt["note"], attempt["answers"], attempt["phone"]) == (
        *("шумит", {"жена": "Ирина"}),
        NUMBER,
    )
    assert known["recordings"][0]["path"] == str(api.recording)
    assert [c["evidence"] for c in known["consents"]] == ["form 5"]
    assert [c["note"] for c in known["callbacks"]] == ["долго"]
    again = await api.ask("/export", contact=contact["id"])
    assert [(row["actor"], row["action"]) for row in again["audit"]] == [
        ("olga", "person_exported")
    ]


async def test_a_person_is_forgotten_and_never_dialed_again(api: Api, pool: Pool) -> None:
    await over(pool)
    done = await api.ask("/erase", number=NUMBER, reason="letter of 5 May")
    assert done == {"contacts": 1, "leads": 1, "attempts": 1, "recordings": 1, "forbidden": 2}
    left = await everything(pool)
    assert not [secret for secret in SECRETS if secret in left]
    assert not api.recording.exists()

    kept = await pool.fetchrow("select phone, outcome, answered_at from attempt")
    assert kept is not None and kept["phone"].startswith("erased-")
    assert kept["outcome"] == "answered"
    for number in (NUMBER, SECOND):
        [entry] = await DncService(pool, api.floor.rows.id).entries(number)
        assert (entry["scope"], entry["until"]) == ("floor", None)
    assert await api.floor.prepare() == 0
    note = await pool.fetchrow("select actor, details from audit where action = 'person_erased'")
    assert note is not None and note["actor"] == "olga"
    assert note["details"]["reason"] == "letter of 5 May" and "916" not in str(note["details"])


async def test_nobody_is_erased_in_a_call(api: Api, pool: Pool) -> None:
    before = await everything(pool)
    refused = await api.ask("/erase", 409, number=SECOND, reason="asked")
    assert refused["title"] == "person_in_call"
    assert await everything(pool) == before and api.recording.exists()
    assert not await pool.fetchval("select count(*) from do_not_call")


async def test_a_recording_that_stays_is_said_and_the_person_is_not_dialed(
    api: Api, pool: Pool
) -> None:
    await over(pool)
    api.recording.unlink()
    api.recording.mkdir()
    refused = await api.ask("/erase", 409, number=NUMBER, reason="asked")
    assert refused["title"] == "recording_not_deleted"
    assert await api.floor.prepare() == 0
    api.recording.rmdir()
    assert (await api.ask("/erase", number=NUMBER, reason="asked"))["contacts"] == 1


async def test_wrong_requests_are_refused(api: Api) -> None:
    for body, title in (
        ({"number": "+79990000000"}, "unknown_person"),
        ({"contact": 10**9}, "unknown_person"),
        ({"number": "112"}, "bad_person"),
        ({}, "bad_person"),
        ({"number": NUMBER, "contact": 1}, "bad_person"),
    ):
        status = 404 if title == "unknown_person" else 422
        assert (await api.ask("/erase", status, reason="asked", **body))["title"] == title
    assert (await api.ask("/erase", 422, number=NUMBER, reason=" "))["title"] == "no_reason"
