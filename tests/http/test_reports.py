"""Reports over the HTTP API: every format, who may see what, errors in the asked language."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import python_calamine

from campaigns.operators.browser import BrowserPhones
from campaigns.operators.service import OperatorService
from dialer.asterisk.phones import PhoneKind
from dialer.database.pool import Pool
from dialer.health import Health
from dialer.http.phone import phone_login
from dialer.http.server import HttpServer
from monitoring.reports.http import ReportRoutes
from monitoring.reports.service import ReportService, catalogue, reports_pool
from tests.report_floor import CAMPAIGNS, MONDAY, NOW, STAFF, Worked

DAYS = {"from": "2026-03-02", "to": "2026-03-03"}


class NoNode:
    """A node that phones need not be told to."""

    async def add(self, login: str, *, ha1: str, kind: PhoneKind) -> None: ...

    async def remove(self, login: str) -> None: ...


class Api:
    def __init__(self, session: aiohttp.ClientSession, url: str, phones: BrowserPhones) -> None:
        self._session, self._url, self.phones = session, url, phones

    async def get(
        self, path: str, status: int = 200, actor: str = "olga", **more: Any
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        headers = {"Authorization": "Bearer token", "X-Prozvon-Actor": actor}
        headers |= more.pop("headers", {})
        async with self._session.get(self._url + path, headers=headers, **more) as reply:
            body = await reply.read()
            assert reply.status == status, body.decode()
            return reply, body

    async def json(self, path: str, **more: Any) -> Any:
        return json.loads((await self.get(path, **more))[1])

    async def refused(self, path: str, status: int, **more: Any) -> tuple[str, str]:
        reply, body = await self.get(path, status, **more)
        assert reply.content_type == "application/problem+json"
        problem = json.loads(body)
        return problem["title"], problem["detail"]


@pytest.fixture
async def api(pool: Pool, database: str) -> AsyncIterator[Api]:
    floor = await Worked(pool, days=2, dials=8).make()
    await OperatorService(pool, floor.id).set_role("dina", "supervisor", "olga")
    own = await reports_pool(database)
    service = ReportService(own, floor.id)
    phones = BrowserPhones(pool, floor.id, 3600, lambda: NOW)
    routes = ReportRoutes(lambda: service, "Europe/Moscow", lambda r: phone_login(r, phones))
    server = HttpServer(Health(), "token", tuple, routes.routes(), ("/phone/",))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        yield Api(session, f"http://127.0.0.1:{port}", phones)
    await server.close()
    await own.close()


def operators(report: Any) -> list[str]:
    return [row["operator"] for row in report["tables"]["work"]["rows"]]


async def test_the_list_says_what_each_report_answers(api: Api) -> None:
    found = await api.json("/api/reports", headers={"Accept-Language": "ru"})
    assert [one["name"] for one in found] == [kind.name for kind in catalogue()]
    assert found[0]["title"] == "Выработка" and found[0]["by"][0] == "operator"


async def test_one_report_in_every_format(api: Api, pool: Pool) -> None:
    path = "/api/reports/productivity"
    made = await api.json(path, params={**DAYS, "by": "campaign"})
    rows = made["tables"]["work"]["rows"]
    assert [row["campaign"] for row in rows] == sorted(CAMPAIGNS)
    dials = [row["dials"] for row in rows]
    assert sum(dials) == await pool.fetchval("select count(*) from attempt")
    for name in ("csv", "xlsx", "html", "table"):
        reply, body = await api.get(path, params={**DAYS, "by": "campaign", "format": name})
        place, _, file = reply.headers["Content-Disposition"].partition("; ")
        suffix = "txt" if name == "table" else name
        assert file == f'filename="productivity-2026-03-02-2026-03-03.{suffix}"'
        assert place == ("attachment" if name in ("csv", "xlsx") else "inline")
        assert reply.headers["Cache-Control"] == "no-store"
        if name == "csv":
            lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
            assert [int(line[1]) for line in lines[1:3]] == dials
        elif name == "xlsx":
            sheet = python_calamine.load_workbook(io.BytesIO(body)).get_sheet_by_index(0)
            cells = [line[1] for line in sheet.to_python() if line[0] in CAMPAIGNS]
            assert cells == dials
        else:
            assert all(name in body.decode() for name in CAMPAIGNS)
    audit = await pool.fetch("select actor, subject, details from audit "
                             "where action = 'report_export' order by id")  # fmt: skip
    assert [row["details"]["format"] for row in audit] == ["csv", "xlsx", "html"]
    assert {(row["actor"], row["subject"]) for row in audit} == {("olga", "report productivity")}


async def test_compared_narrowed_and_by_the_viewers_clocks(api: Api) -> None:
    params = {"from": "2026-03-03", "to": "2026-03-03", "compare": "previous", "tz": "Vladivostok",
              "operator": "anna", "by": "hour"}  # fmt: skip
    made = await api.json("/api/reports/productivity", params=params)
    assert made["period"]["zone"] == "Asia/Vladivostok"
    assert made["compared"]["from"] == "2026-03-02T00:00:00+10:00"
    assert all("before" in row for row in made["tables"]["work"]["rows"])
    hours = [row["hour"] for row in made["tables"]["work"]["rows"] if row["dials"]]
    assert min(hours) >= (MONDAY + timedelta(hours=10)).hour


async def test_an_operator_sees_oneself_a_supervisor_everybody(api: Api) -> None:
    path = "/api/reports/productivity"
    assert operators(await api.json(path, params=DAYS, actor="dina")) == sorted(STAFF)
    assert operators(await api.json(path, params=DAYS, actor="anna")) == ["anna"]
    own = await api.json("/api/reports", actor="anna")
    assert {one["name"] for one in own} == {kind.name for kind in catalogue() if kind.own}
    for asked in ("/api/reports/outcomes", f"{path}?operator=boris"):
        assert (await api.refused(asked, 403, actor="anna"))[0] == "not_allowed"
    for by in ("day", "hour", "campaign", "list"):
        made = await api.json(path, params={**DAYS, "by": by}, actor="anna")
        whole = await api.json(path, params=DAYS, actor="anna")
        (dials,) = [row["dials"] for row in whole["tables"]["work"]["rows"]]
        assert sum(row["dials"] for row in made["tables"]["work"]["rows"]) == dials


async def test_a_phones_login_opens_its_operators_reports(api: Api) -> None:
    login = await api.phones.issue("anna", "olga", NoNode())
    headers = {"Authorization": f"Bearer anna:{login.phone.password}"}
    path = "/phone/api/reports/productivity"
    made = await api.json(path, params=DAYS, headers=headers, actor="dina")
    assert operators(made) == ["anna"]
    names = await api.json("/phone/api/reports", headers=headers)
    assert all(one["own"] for one in names)
    refused = await api.refused(path, 401, headers={"Authorization": "Bearer anna:guess"})
    assert refused[0] == "phone_login"


WRONG = (
    ("productivty", 404, "unknown_report", "'productivity'"),
    ("productivity?from=2026-02-30", 422, "bad_period", "последний день того месяца 28.02.2026"),
    ("productivity?from=soon", 422, "bad_period", "напишите дату"),
    ("productivity?from=2026-03-03&to=2026-03-01", 422, "bad_period", "возможно, нужно"),
    ("productivity?from=2126-01-01", 422, "bad_period", "ещё не начался"),
    ("productivity?operator=ana", 422, "unknown_operator", "'anna'"),
    ("productivity?by=trunk", 422, "bad_by", "operator, team, campaign"),
    ("productivity?format=pdf", 422, "bad_format", "xlsx"),
    ("productivity?tz=Moskow", 422, "unknown_zone", "Europe/Moscow"),
    ("productivity?form=csv", 422, "bad_parameter", "format"),
    ("productivity?lang=de", 422, "bad_language", "ru"),
    ("reach?compare=week", 422, "no_compare", "сравнивать"),
    ("reach?operator=anna", 422, "bad_filter", "campaign, list"),
)


async def test_what_is_asked_wrongly_is_told_what_would_be_right(api: Api) -> None:
    russian = {"Accept-Language": "ru-RU,ru;q=0.9"}
    for path, status, id, words in WRONG:
        asked = await api.refused(f"/api/reports/{path}", status, headers=russian)
        assert asked[0] == id and words in asked[1], asked
