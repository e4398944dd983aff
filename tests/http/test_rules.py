"""Do-not-call, consent, callbacks, calendars and legal profiles over the HTTP API."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from campaigns.callbacks.http import routes as callback_routes
from campaigns.callbacks.service import CallbackService
from campaigns.consent.http import routes as consent_routes
from campaigns.consent.service import ConsentService
from campaigns.dnc.http import routes as dnc_routes
from campaigns.dnc.service import DncService
from campaigns.hours.http import routes as calendar_routes
from campaigns.hours.service import CalendarService
from campaigns.legal.http import routes as legal_routes
from campaigns.legal.service import LegalService
from campaigns.rules.affected import affected
from dialer.database.pool import Pool
from dialer.demo.rules import OPEN_PROFILE
from dialer.health import Health
from dialer.http.server import HttpServer
from tests.database.store_floor import Floor, running_floor

HEADERS = {"Authorization": "Bearer token", "X-Prozvon-Actor": "olga"}
PHONE = "+79035551234"


class Api:
    """Requests and their answers."""

    def __init__(self, session: aiohttp.ClientSession, url: str, floor: Floor) -> None:
        self._session, self._url, self.floor = session, url, floor

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        async with self._session.request(method, self._url + path, **more) as reply:
            assert reply.status == status, await reply.text()
            return json.loads(await reply.text())

    async def refused(self, method: str, path: str, **more: Any) -> tuple[str, str]:
        """(id, sentence) of a problem."""
        async with self._session.request(method, self._url + path, **more) as reply:
            assert reply.status >= 400 and reply.content_type == "application/problem+json"
            body = json.loads(await reply.text())
            return body["title"], body["detail"]

    async def said(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """(status, answer in Russian)."""
        more["headers"] = {"Accept-Language": "ru"}
        async with self._session.request(method, self._url + path, **more) as reply:
            return reply.status, json.loads(await reply.text())


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    floor = await running_floor(pool)
    found = floor.rows.id
    server = HttpServer(
        Health(),
        "token",
        tuple,
        [
            *dnc_routes(lambda: DncService(pool, found)),
            *consent_routes(lambda: ConsentService(pool, found)),
            *callback_routes(lambda: CallbackService(pool, found)),
            *calendar_routes(lambda: CalendarService(pool, found)),
            *legal_routes(
                lambda: LegalService(pool, found), lambda name: affected(pool, found, name)
            ),
        ],
    )
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield Api(session, f"http://127.0.0.1:{port}/api", floor)
    await server.close()


async def test_a_number_is_forbidden_and_allowed_again(api: Api, pool: Pool) -> None:
    made = await api.ask(
        "POST", "/do-not-call", 201, json={"entry": "8 903 555-12-34", "reason": "asked"}
    )
    assert made == {"kind": "number", "entry": PHONE}
    await api.ask("POST", "/do-not-call", 201, json={"entry": "+7495*", "scope": "system"})
    [found] = await api.ask("GET", "/do-not-call", params={"number": PHONE})
    assert (found["scope"], found["reason"], found["added_by"]) == ("floor", "asked", "olga")
    file = b"number\n8 903 555-12-35\n112\n"
    done = await api.ask("POST", "/do-not-call/import?register=tps", 201, data=file)
    assert (done["numbers"], done["added"]) == (1, 1)
    await api.ask("POST", "/do-not-call/remove", json={"entry": PHONE})
    assert await api.ask("GET", "/do-not-call", params={"number": PHONE}) == []
    actors = await pool.fetch("select distinct actor from audit where action like 'dnc%'")
    assert [row["actor"] for row in actors] == ["olga"]


async def test_a_wrong_entry_is_refused_in_both_languages(api: Api) -> None:
    body, path = {"entry": "+1*"}, "/do-not-call"
    assert (await api.refused("POST", path, json=body))[0] == "bad_entry"
    russian = {"Accept-Language": "ru"}
    assert "запис" in (await api.refused("POST", path, json=body, headers=russian))[1]
    wrong = {"entry": PHONE, "scope": "campaign"}
    assert (await api.refused("POST", path, json=wrong))[0] == "bad_scope"
    assert (await api.refused("GET", f"{path}?limit=0"))[0] == "bad_number"
    naive = {"entry": PHONE, "until": "2030-01-01T10:00"}
    assert (await api.refused("POST", path, json=naive))[0] == "bad_time"
    assert (await api.refused("POST", f"{path}/import", data=b"\xff\xfe\x00"))[0] == "bad_file"


async def test_consent_is_recorded_and_withdrawn(api: Api) -> None:
    body = {"phone": PHONE, "source": "site", "evidence": "form 17"}
    assert (await api.refused("POST", "/consents", json={**body, "evidence": " "}))[0] == (
        "bad_consent"
    )
    await api.ask("POST", "/consents", 201, json=body)
    [found] = await api.ask("GET", "/consents", params={"phone": PHONE})
    assert (found["source"], found["added_by"], found["withdrawn_at"]) == ("site", "olga", None)
    assert await api.ask("POST", "/consents/withdraw", json={"phone": PHONE}) == {"withdrawn": 1}
    assert (await api.refused("POST", "/consents/withdraw", json={"phone": PHONE}))[0] == (
        "no_consent"
    )


async def test_a_callback_is_agreed_given_away_and_canceled(api: Api) -> None:
    [lead] = await api.floor.add_leads(1)
    at = datetime.now(UTC) + timedelta(hours=1)
    body = {"lead": lead, "at": at.isoformat(), "grace_s": 60, "escalation": "supervisor"}
    made = await api.ask("POST", "/callbacks", 201, json=body)
    [found] = await api.ask("GET", "/callbacks")
    assert (found["id"], found["grace_s"], found["escalation"]) == (made["id"], 60, "supervisor")
    path = f"/callbacks/{made['id']}"
    assert (await api.refused("POST", f"{path}/give", json={"operator": "nobody"}))[0] == (
        "unknown_operator"
    )
    await api.ask("POST", f"{path}/give", json={})
    await api.ask("POST", f"{path}/cancel")
    assert await api.ask("GET", "/callbacks") == []
    assert (await api.refused("POST", f"{path}/cancel"))[0] == "unknown_callback"
    noted = await api.floor.pool.fetch("select actor, action, subject from audit order by id")
    assert [tuple(row) for row in noted if "callback" in row["action"]] == [
        ("olga", "callback_given", f"callback {made['id']}"),
        ("olga", "callback_canceled", f"callback {made['id']}"),
    ]
    assert (await api.refused("GET", "/callbacks?status=late"))[0] == "bad_value"


async def test_a_decree_is_taken_and_seen(api: Api) -> None:
    before = {one["name"]: one for one in await api.ask("GET", "/calendars")}
    assert 2027 in before["ru"]["provisional"]
    year = {"holidays": ["01-01"], "working": {"02-20": "02-22"}}
    await api.ask("POST", "/calendars", 201, json={"name": "ru", "years": {"2027": year}})
    after = await api.ask("GET", "/calendars/ru/2027")
    assert (after["provisional"], after["holidays"]) == ([], ["2027-01-01"])
    assert after["working"] == {"2027-02-20": "2027-02-22"}
    assert (await api.refused("GET", "/calendars/mars/2027"))[0] == "unknown_calendar"
    assert (await api.refused("POST", "/calendars", json={"name": "ru"}))[0] == "bad_calendar"


async def test_the_floors_own_profile_gets_a_version(api: Api) -> None:
    names = [one["name"] for one in await api.ask("GET", "/legal-profiles")]
    assert "ru_debt" in names
    own = await api.ask("GET", "/legal-profiles/own")
    made = await api.ask("PUT", "/legal-profiles/own", 201, json={**own, "minimum_ring_s": 21})
    assert (made["version"], made["minimum_ring_s"]) == (own["version"] + 1, 21)
    assert isinstance(made["campaigns"], list)
    assert (await api.refused("PUT", "/legal-profiles/own", json={"modes": []}))[0] == "bad_profile"
    assert (await api.refused("GET", "/legal-profiles/mars"))[0] == "unknown_profile"


GARBAGE: tuple[Any, ...] = (
    None, "", " ", 7, -1, 10**30, float("inf"), float("nan"), True, [], {}, [[[]]], "\0", "a\0b",
    "\ud800", "\U0001f4a5" * 300, "x" * 9000, "' or 1=1 --", "%s{0}\\", "9" * 5000, "*", "+7*", "+",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-45T99:99:99+99:99",
)  # fmt: skip
WHOLE: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/do-not-call"): {"entry": PHONE, "reason": "r", "until": None, "scope": "floor"},
    ("POST", "/do-not-call/remove"): {"entry": PHONE, "scope": "floor", "campaign": None},
    ("POST", "/consents"): {
        "phone": PHONE, "source": "s", "evidence": "e", "given_at": None, "until": None,
        "campaign": None,
    },
    ("POST", "/consents/withdraw"): {"phone": PHONE},
    ("POST", "/callbacks"): {
        "lead": 1, "at": "2030-01-01T10:00:00+03:00", "operator": None, "grace_s": 60,
        "escalation": "anyone", "note": "n",
    },
    ("POST", "/callbacks/1/give"): {"operator": None, "at": None},
    ("POST", "/calendars"): {"name": "mine", "weekend": ["sat"], "years": {"2030": {}}},
    ("PUT", "/legal-profiles/own"): OPEN_PROFILE,
}  # fmt: skip


@pytest.mark.parametrize("route", WHOLE, ids=" ".join)
async def test_nothing_that_is_sent_breaks_it(api: Api, route: tuple[str, str]) -> None:
    """Garbage in each field in turn: done, or refused with a sentence in the asker's language."""
    method, path = route
    if "callbacks" in path:
        [lead] = await api.floor.add_leads(1)
        assert lead == 1
    for key in WHOLE[route]:
        for garbage in GARBAGE:
            body = json.dumps({**WHOLE[route], key: garbage})
            status, said = await api.said(method, path, data=body)
            assert status in (200, 201, 404, 409, 422), (key, garbage, said)
            if status >= 400:
                assert re.search("[а-яё]", said["detail"]), (key, garbage, said)


async def test_no_query_breaks_it(api: Api) -> None:
    texts = [one for one in GARBAGE if isinstance(one, str) and len(one) < 6000]
    texts = [one.encode("utf-8", "ignore").decode() for one in texts]
    for path, keys in {
        "/do-not-call": ("number", "limit"),
        "/consents": ("phone", "limit"),
        "/callbacks": ("status", "operator", "limit"),
        "/calendars/ru/2026": ("x",),
    }.items():
        for key in keys:
            for text in texts:
                status, said = await api.said("GET", path, params={key: text})
                assert status in (200, 404, 422), (path, key, text, said)
    for wrong in ("0", "-1", "x", "9" * 30, "9" * 4400, "%00", "1e3"):
        for tail in ("cancel", "give"):
            status, said = await api.said("POST", f"/callbacks/{wrong}/{tail}", data="{}")
            assert status in (404, 422), (wrong, said)
        status, said = await api.said("GET", f"/calendars/ru/{wrong}")
        assert status in (404, 422), (wrong, said)
