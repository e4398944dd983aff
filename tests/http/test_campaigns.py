"""A campaign's whole life over the HTTP API, with the same refusals as the commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from campaigns.campaign.http import CampaignsOfFloor
from campaigns.campaign.http import routes as campaign_routes
from campaigns.leads.http import routes as lead_routes
from campaigns.leads.service import LeadService
from campaigns.rules.http import routes as why_routes
from campaigns.rules.service import RulesService
from dialer.database.pool import Pool
from dialer.health import Health
from dialer.http.server import HttpServer
from tests.database.store_floor import Floor, running_floor

HEADERS = {"Authorization": "Bearer token", "X-Prozvon-Actor": "olga"}
FILE = """name = "autumn"
lists = ["LIST"]
[brief]
client = "own"
payment = "in_house"
[goals]
conversations = 5
"""


class Api:
    """Requests and their answers."""

    def __init__(self, session: aiohttp.ClientSession, url: str, floor: Floor, base: str) -> None:
        self._session, self._url, self.floor, self.base = session, url, floor, base

    async def text(self, method: str, path: str, status: int = 200, **more: Any) -> str:
        async with self._session.request(method, self._url + path, **more) as reply:
            assert reply.status == status, await reply.text()
            return await reply.text()

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        return json.loads(await self.text(method, path, status, **more))

    async def refused(self, method: str, path: str, status: int, **more: Any) -> tuple[str, str]:
        """(id, sentence in Russian) of a problem."""
        more["headers"] = {"Accept-Language": "ru"}
        body = await self.ask(method, path, status, **more)
        return body["title"], body["detail"]


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    floor = await running_floor(pool)
    await floor.add_leads(3)
    base = await pool.fetchval("select name from list order by id desc limit 1")
    rows = await pool.fetch("select node.name as node, trunk.name from trunk join node on true")
    found = floor.rows.id
    parts = CampaignsOfFloor(
        pool, found, rows[0]["node"], (rows[0]["name"],), ZoneInfo("Europe/Moscow")
    )
    routes = [
        *campaign_routes(lambda: parts),
        *why_routes(lambda: RulesService(pool, found), "RU"),
        *lead_routes(lambda: LeadService(pool, found)),
    ]
    server = HttpServer(Health(), "token", tuple, routes)
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield Api(session, f"http://127.0.0.1:{port}/api", floor, base)
    await server.close()


async def test_from_draft_to_the_archive(api: Api, pool: Pool) -> None:
    brief = {"client": "own", "payment": "in_house"}
    new = {"name": "spring", "lists": [api.base], "brief": brief, "goals.conversations": 7}
    made = await api.ask("POST", "/campaigns", 201, json=new)
    assert (made["name"], made["leads"], made["status"]) == ("spring", 3, "draft")
    assert (await api.refused("POST", "/campaigns/spring/start", 409))[0] == "not_approved"
    for verb, status in (
        ("approve", "approved"),
        ("withdraw", "draft"),
        ("approve", "approved"),
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("finish", "finished"),
        ("reopen", "paused"),
        ("finish", "finished"),
        ("archive", "archived"),
    ):
        moved = await api.ask("POST", f"/campaigns/spring/{verb}")
        assert moved == {"name": "spring", "status": status}
    id, told = await api.refused("POST", "/campaigns/spring/start", 409)
    assert id == "wrong_state" and "spring" in told and "архив" in told
    state = await api.ask("GET", "/campaigns/spring")
    assert (state["status"], state["by"], state["leads"]["new"]) == ("archived", "olga", 3)
    assert state["goals"][0]["wanted"] == 7
    assert "spring" in [each["name"] for each in await api.ask("GET", "/campaigns")]
    actors = await pool.fetch("select distinct actor from audit where subject = 'campaign spring'")
    assert [row["actor"] for row in actors] == ["olga"]


async def test_edits_are_versions_and_an_older_look_is_a_conflict(api: Api) -> None:
    await api.ask("POST", "/campaigns", 201, json={"name": "spring", "lists": [api.base]})
    path = "/campaigns/spring/settings"
    hours = {"workday": [["10:00", "19:00"]], "weekend": []}
    edited = await api.ask("PATCH", path, json={"hours": hours, "max_approaches": 3})
    assert edited["version"] == 2 and set(edited["changes"]) == {"hours", "max_approaches"}
    stale = await api.refused("PATCH", f"{path}?version=1", 409, json={"max_approaches": 2})
    assert stale[0] == "edit_conflict" and "olga" in stale[1]
    wrong = {"max_approaches": 0, "maximum": 1}
    id, told = await api.refused("PATCH", path, 422, json=wrong)
    assert id in ("bad_value", "unknown_key") and "max_approaches" in told and "maximum" in told
    assert (await api.ask("GET", path))["max_approaches"] == 3
    versions = await api.ask("GET", "/campaigns/spring/versions")
    assert [(v["version"], v["actor"]) for v in versions] == [(1, "olga"), (2, "olga")]
    changed = await api.ask("GET", "/campaigns/spring/diff?old=1&new=2")
    assert changed["max_approaches"] == [4, 3]
    assert (await api.refused("GET", "/campaigns/spring/diff?old=1&new=9", 404))[0] == (
        "unknown_version"
    )
    keys = await api.ask("GET", "/campaign-keys")
    assert "max_approaches" in [key["key"] for key in keys]


async def test_a_file_makes_a_campaign_and_comes_back(api: Api) -> None:
    text = FILE.replace("LIST", api.base)
    made = await api.ask("POST", "/campaigns?format=toml", 201, data=text.encode())
    assert (made["name"], made["leads"]) == ("autumn", 3)
    back = await api.text("GET", "/campaigns/autumn/file?format=toml")
    assert "conversations = 5" in back
    put = "/campaigns/autumn/file?format=toml"
    edited = await api.ask("PUT", put, data=back.replace("= 5", "= 6").encode())
    assert edited["changes"] == {"goals.conversations": [5, 6]}
    id, told = await api.refused("PUT", put, 422, data=b'name = "autumn"\nmode = "fast"\n')
    assert id == "bad_value" and "строка 2" in told
    assert (await api.refused("PUT", put, 422, data=b'name = "other"\n'))[0] == "bad_value"
    assert (await api.refused("POST", "/campaigns?format=toml", 409, data=text.encode()))[0] == (
        "campaign_exists"
    )
    cloned = await api.ask("POST", "/campaigns/autumn/clone", 201, json={"name": "winter"})
    assert (cloned["name"], cloned["leads"]) == ("winter", 3)


async def test_a_moratorium_is_lifted_by_name(api: Api) -> None:
    brief = {"client": "forex", "payment": "in_house"}
    new = {"name": "gold", "lists": [api.base], "brief": brief}
    await api.ask("POST", "/campaigns", 201, json=new)
    path = "/campaigns/gold/approve"
    assert (await api.refused("POST", path, 409))[0] == "moratorium"
    assert (await api.refused("POST", path, 422, json={"exceptions": "forex"}))[0] == (
        "bad_exception"
    )
    lifted = {"moratorium": "forex", "by": "Ivan Petrov", "reason": "a licensed broker"}
    assert (await api.ask("POST", path, json={"exceptions": [lifted]}))["status"] == "approved"


async def test_why_and_results(api: Api, pool: Pool) -> None:
    await api.ask("POST", "/campaigns", 201, json={"name": "spring", "lists": [api.base]})
    why = await api.ask("GET", "/campaigns/spring/rules")
    assert why["reasons"][0]["rule"] == "campaign_not_running" and sum(why["leads"].values()) == 3
    assert "hours.workday" in [rule["rule"] for rule in why["effective"]]
    row = await pool.fetchrow(
        "select lead.id, e164 from lead join campaign on campaign.id = campaign_id "
        "join contact_phone using (contact_id) where campaign.name = 'spring' limit 1"
    )
    assert row is not None
    lead, phone = row
    one = await api.ask("GET", f"/leads/{lead}/why")
    assert one["campaign"] == "spring" and not one["dialable"]
    assert lead in [
        each["lead"] for each in await api.ask("GET", f"/leads/why?phone=%2B{phone[1:]}")
    ]
    assert (await api.refused("GET", "/leads/why?phone=112", 422))[0] == "bad_number"
    assert (await api.refused("GET", "/leads/999999/why", 404))[0] == "unknown_lead"
    text = await api.text("GET", "/campaigns/spring/results?conversations=1&from=2026-01-01")
    assert text.lstrip("\ufeff").startswith("attempt")
    assert (await api.refused("GET", "/campaigns/spring/results?format=pdf", 422))[
        0
    ] == "bad_format"
    assert (await api.refused("GET", "/campaigns/none/results", 404))[0] == "unknown_campaign"
    noted = await pool.fetchval("select count(*) from audit where action = 'results_exported'")
    assert noted == 1


async def test_leads_are_made_hot_and_somebodys_own(api: Api, pool: Pool) -> None:
    """What is in the queue already comes in the new order, to its owner alone."""
    floor = api.floor
    campaign = await pool.fetchval("select name from campaign where id = $1", floor.campaign_id)
    path = f"/campaigns/{campaign}/leads"
    first, second, third = await pool.fetch(
        "select lead.id, e164 from lead join contact_phone using (contact_id) "
        "where campaign_id = $1 order by lead.id", floor.campaign_id,
    )  # fmt: skip
    anna, _ = await floor.sign_in("anna")
    await floor.prepare()
    hot = {"phone": third["e164"], "priority": 10}
    assert await api.ask("PATCH", path, json=hot) == {"changed": 1}
    assert await api.ask("PATCH", path, json=hot) == {"changed": 0}
    owned = {"leads": [first["id"]], "owner": "anna"}
    assert await api.ask("PATCH", path, json=owned) == {"changed": 1}
    await floor.prepare()
    claimed = await floor.store.claim(floor.campaign_id, 9, 4)
    assert [lead.id for lead in claimed] == [third["id"], second["id"]]
    assert [x.id for x in await floor.store.claim(floor.campaign_id, 9, 4, [anna])] == [first["id"]]
    noted = await pool.fetch("select details from audit where action = 'leads_set' order by id")
    assert [row["details"]["changed"] for row in noted] == [1, 1]
    assert third["e164"] not in str(noted)


async def test_an_absent_owners_lead_is_asked_again_when_it_is_nobodys(
    api: Api, pool: Pool
) -> None:
    floor = api.floor
    _, shift = await floor.sign_in("anna")
    campaign = await pool.fetchval("select name from campaign where id = $1", floor.campaign_id)
    path = f"/campaigns/{campaign}/leads"
    await pool.execute('update contact set attributes = \'{"manager": "anna"}\'')
    await pool.execute("update shift set ended_at = now() where id = $1", shift)
    whose = {"attributes": {"manager": "anna"}, "owner": "anna"}
    assert (await api.ask("PATCH", path, json=whose))["changed"] == 3
    assert await floor.prepare() == 0
    assert (await api.ask("GET", f"/campaigns/{campaign}/rules"))["leads"] == {"owner_absent": 3}
    assert (await api.ask("PATCH", path, json={**whose, "owner": ""}))["changed"] == 3
    assert await floor.prepare() == 3


@pytest.mark.parametrize(
    ("body", "id"),
    [
        ({}, "nothing_to_change"),
        ({"priority": 1001}, "bad_priority"),
        ({"priority": "hot"}, "bad_number"),
        ({"owner": "nobody"}, "unknown_operator"),
        ({"priority": 1, "list": "none"}, "unknown_list"),
        ({"priority": 1, "phone": "112"}, "bad_number"),
        ({"priority": 1, "leads": ["a"]}, "bad_number"),
        ({"priority": 1, "attributes": {"a": 1}}, "bad_filter"),
    ],
)
async def test_leads_that_cannot_be_changed_so(api: Api, pool: Pool, body: Any, id: str) -> None:
    campaign = await pool.fetchval("select name from campaign where id = $1", api.floor.campaign_id)
    status = 404 if id.startswith("unknown") else 422
    refused = await api.refused("PATCH", f"/campaigns/{campaign}/leads", status, json=body)
    assert refused[0] == id and any("\u0400" <= letter <= "\u04ff" for letter in refused[1])
    assert (await api.refused("PATCH", "/campaigns/none/leads", 404, json={"priority": 1}))[0] == (
        "unknown_campaign"
    )
