"""Goals, schedule and dispositions of a campaign on real servers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.calls import Conversing
from tests.fixtures_floor import FloorApp, number

BRIEF = {"brief.client": "own", "brief.payment": "in_house"}
FORM = [{"code": "budget", "kind": "number", "title_ru": "Бюджет", "title_en": "Budget"}]
SOLD = {
    "code": "sold",
    "title_ru": "Продано",
    "title_en": "Sold",
    "flags": ["target", "decision_maker"],
    "requires": ["budget"],
}
NO = {"code": "no", "title_ru": "Нет", "title_en": "No", "flags": ["refusal"]}


async def campaign(floor: FloorApp, phones: list[str], **settings: Any) -> CampaignService:
    """A campaign "goal", made and approved the way a manager does it."""
    floor_id = floor.app.board.floor_id
    async with floor.pool.acquire() as connection, connection.transaction():
        list_id = await connection.fetchval(
            "insert into list (floor_id, name) values ($1, 'base') returning id", floor_id
        )
        for phone in phones:
            await connection.execute(
                "with c as (insert into contact (list_id, name) values ($1, 'Анна') returning id) "
                "insert into contact_phone (contact_id, list_id, position, e164) "
                "select id, $1, 0, $2 from c",
                list_id,
                phone,
            )
    service = CampaignService(floor.pool, floor_id, "main")
    values = {**BRIEF, "ring_timeout_s": 8.0, "post_dial_delay_s": 3.0, **settings}
    await service.create(NewCampaign("goal", ("base",), "carrier", values), "olga")
    await service.approve("goal", "boss")
    return service


async def until_status(service: CampaignService, status: str, timeout_s: float = 30) -> Any:
    async with asyncio.timeout(timeout_s):
        while True:
            (state,) = await service.status("goal")
            if state.status == status:
                return state
            await asyncio.sleep(0.1)


async def test_a_goal_of_conversations_stops_dialing_without_overshoot(
    floor_app: FloorApp,
) -> None:
    await floor_app.sign_in("t1", "t2", "t3", "t4")
    phones = [number("0101") for _ in range(12)]
    service = await campaign(
        floor_app, phones, **{"goals.conversations": 3, "wrap_up_limit_s": 1.0}
    )
    await service.start("goal", "olga", ["carrier"])
    state = await until_status(service, "finished")
    assert (state.reason, state.by) == ("goal_conversations", "prozvon")
    await floor_app.until(lambda: not floor_app.app.board.attempts, "all calls ended")
    assert await floor_app.app.journal.flushed(5)
    rows = await floor_app.attempts()
    assert len([row for row in rows if row["bridged_at"]]) == 3
    assert len(rows) == 3, "who answers every call needs no more calls than the goal"
    decisions = await floor_app.pool.fetch("select * from decision where limited_by = 'goal'")
    assert decisions
    assert await floor_app.truth() == []


async def test_a_schedule_starts_it_an_edit_follows_and_the_desk_disposes(
    floor_app: FloorApp,
) -> None:
    """The desk by HTTP: script, required field, answers; the goal of decision makers ends it."""
    await floor_app.sign_in("t1")
    phones = [number("1101"), number("0101"), number("0101")]
    zone = ZoneInfo("Europe/Moscow")
    start = (datetime.now(zone) + timedelta(seconds=2)).replace(tzinfo=None, microsecond=0)
    service = await campaign(
        floor_app,
        phones,
        **{
            "goals.decision_makers": 1,
            "schedule.start": start.isoformat(),
            "form": FORM,
            "dispositions": [SOLD, NO],
            "script": {"steps": [{"code": "a", "text": "{contact.name}, {campaign.name}"}]},
        },
    )
    assert await floor_app.attempts() == []
    state = await until_status(service, "running")
    assert (state.by, state.reason) == ("prozvon", "schedule")
    talking = await floor_app.stage(phones[0], Conversing)
    edited = await service.edit("goal", {"wrap_up_limit_s": 50}, "olga")
    assert edited.version == 2
    board = floor_app.app.board
    await floor_app.until(
        lambda: board.campaigns[talking.campaign_id].wrap_up_limit_s == 50, "the edit"
    )

    settings = floor_app.app.settings
    token = settings.secret(settings.http.token, "api_token")
    url = f"http://127.0.0.1:{floor_app.app.http_port}/api"
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "ru"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
            async with session.request(method, url + path, json=body) as reply:
                return reply.status, await reply.json(content_type=None)

        status, talk = await ask("GET", "/operators/t1/script")
        assert (status, talk["script"][0]["text"]) == (200, "Анна, goal")
        status, offered = await ask("GET", "/campaigns/goal/dispositions")
        assert [d["code"] for d in offered["dispositions"]] == ["sold", "no"]
        status, said = await ask("POST", "/operators/t1/dispose", {"code": "sold"})
        assert (status, said["title"]) == (422, "bad_answers")
        assert "обязательно" in said["detail"]
        status, said = await ask("POST", "/operators/t1/dispose", {"code": "agreed"})
        assert (status, said["title"]) == (422, "unknown_disposition")
        floor_app.app.desk.hang_up("t1")
        await floor_app.state("t1", "wrap_up")
        assert len(await floor_app.attempts()) == 1, "nothing while it may be the goal"
        body = {"code": "sold", "answers": {"budget": "100"}, "note": "да"}
        status, view = await ask("POST", "/operators/t1/dispose", body)
        assert status == 200, view
    state = await until_status(service, "finished")
    assert state.reason == "goal_decision_makers"
    [row] = await floor_app.attempts()
    assert (row["answers"], row["note"]) == ({"budget": 100.0}, "да")
