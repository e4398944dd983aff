"""Staff and how their phones are called, over the HTTP API: refusals, masks, the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from campaigns.operators.http import routes
from campaigns.operators.model import NewOperator
from campaigns.operators.service import OperatorService
from dialer.database.pool import Pool
from dialer.health import Health
from dialer.http.server import HttpServer
from dialer.phone_legs import OutsideRules
from tests.database.staff import ROWS, TestFloor

HEADERS = {"Authorization": "Bearer token", "X-Prozvon-Actor": "olga"}
MOBILE = "+79031234567"


class Api:
    def __init__(self, session: aiohttp.ClientSession, url: str, floor: TestFloor) -> None:
        self._session, self._url, self.floor = session, url, floor

    async def staff(self) -> dict[str, Any]:
        async with self._session.get(f"{self._url}/staff") as reply:
            return {member["login"]: member for member in await reply.json()}

    async def phone(self, login: str, language: str = "en", **body: Any) -> tuple[int, Any]:
        async with self._session.put(
            f"{self._url}/operators/{login}/phone", json=body, headers={"Accept-Language": language}
        ) as reply:
            return reply.status, await reply.json(content_type=None)


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    floor = await TestFloor.make(pool)
    service = OperatorService(pool, floor.id)
    await service.add(NewOperator("anna", "Anna"), "tester")
    server = HttpServer(
        Health(), "token", tuple, routes(lambda: service, OutsideRules(("+7903*",)), "RU")
    )
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield Api(session, f"http://127.0.0.1:{port}/api", floor)
    await server.close()


async def test_a_phone_is_set_shown_masked_and_audited(api: Api) -> None:
    before = (await api.staff())["anna"]
    assert (before["role"], before["phone_kind"], before["phone_mode"], before["phone_number"]) == (
        "operator", "sip", "nailed_up", None,
    )  # fmt: skip
    status, found = await api.phone("anna", mode="ring_per_call", number="8 903 123-45-67")
    assert status == 200
    assert (found["phone_mode"], found["from_next_sign_in"]) == ("ring_per_call", False)
    assert found["phone_number"].endswith("67") and "12345" not in found["phone_number"]
    status, found = await api.phone("anna", mode="nailed_up")
    assert found["phone_number"] is not None
    status, found = await api.phone("anna", number="")
    assert (found["phone_mode"], found["phone_number"]) == ("nailed_up", None)
    row = await api.floor.pool.fetchrow("select phone_mode, phone_number from operator")
    assert row is not None and tuple(row) == ("nailed_up", None)
    notes = [row for row in await api.floor.pool.fetch(ROWS.audit) if row["actor"] == "olga"]
    assert [row["action"] for row in notes] == ["operator_phone_mode"] * 3
    assert not any("1234567" in str(row["details"]) for row in notes)


@pytest.mark.parametrize(
    ("body", "status", "id"),
    [
        ({}, 422, "bad_value"),
        ({"phone": MOBILE}, 422, "bad_value"),
        ({"mode": "always"}, 422, "bad_value"),
        ({"number": "112"}, 422, "bad_number"),
        ({"number": 79031234567}, 422, "missing_field"),
        ({"number": "+74957654321"}, 403, "number_not_allowed"),
    ],
)
async def test_what_is_refused_changes_nothing(
    api: Api, body: dict[str, Any], status: int, id: str
) -> None:
    got, problem = await api.phone("anna", **body)
    assert (got, problem["title"]) == (status, id)
    assert "7654321" not in problem["detail"]
    assert (await api.staff())["anna"]["phone_number"] is None


async def test_refusals_are_in_russian_too(api: Api) -> None:
    _, problem = await api.phone("anna", "ru", number="+74951234567")
    assert "разрешает администратор" in problem["detail"]
    status, problem = await api.phone("nobody", "ru", mode="nailed_up")
    assert (status, problem["title"]) == (404, "unknown_operator")
    assert "нет оператора" in problem["detail"]
