"""Dispositions, forms and scripts of a campaign's own; schedule and goals; results as files."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from campaigns.campaign.model import CampaignError, NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.dispositions.model import Disposal, callback_time
from campaigns.dispositions.service import TalkService
from campaigns.life.service import LifeService
from campaigns.refusals import Refusal
from campaigns.results.service import ResultsService
from dialer.database.pool import Pool
from dialer.store import SQL as FLOOR_SQL
from dialer.store import Store
from tests.database.staff import ROWS, TestFloor, after

ZONE = ZoneInfo("Europe/Moscow")
BRIEF = {"brief.client": "own", "brief.payment": "in_house", "goals.list_end": False}
FORM = [
    {"code": "budget", "kind": "number", "title_ru": "Бюджет", "title_en": "Budget"},
    {
        "code": "tariff",
        "kind": "choice",
        "title_ru": "Тариф",
        "title_en": "Tariff",
        "choices": ["S", "L"],
    },
    {"code": "meeting", "kind": "date", "title_ru": "Встреча", "title_en": "Meeting"},
    {"code": "name", "kind": "text", "title_ru": "Имя", "title_en": "Name"},
]
SALE = {
    "code": "sold",
    "title_ru": "Продано",
    "title_en": "Sold",
    "flags": ["productive", "target", "decision_maker"],
    "hot_key": "1",
    "requires": ["budget", "tariff"],
}
LATER = {"code": "later", "title_ru": "Потом", "title_en": "Later", "flags": ["callback"]}
SCRIPT = {
    "steps": [
        {
            "code": "hello",
            "text": "Здравствуйте, {contact.name|клиент}! {operator.name}, {attribute.Город}.",
            "answers": [{"text": "Да", "disposition": "sold"}],
        }
    ]
}


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    floor = await TestFloor.make(pool)
    await pool.execute(FLOOR_SQL["ensure_dispositions"], floor.id)
    await floor.add_list("old", 5)
    attributes = {"Город": "Пермь"}
    await pool.execute("update contact set name = 'Анна', attributes = $1", attributes)
    return floor


@pytest.fixture
def service(floor: TestFloor) -> CampaignService:
    return CampaignService(floor.pool, floor.id, "main")


async def make(service: CampaignService, **settings: Any) -> int:
    new = NewCampaign("spring", ("old",), "carrier", {**BRIEF, **settings})
    return (await service.create(new, "olga")).id


async def conversation(floor: TestFloor, lead: int = 0, **values: Any) -> UUID:
    """An attempt of the campaign's n-th lead with a conversation that has ended."""
    leads = await floor.pool.fetch(ROWS.leads, "spring")
    times = {"bridged_at": after(5), "ended_at": after(65), "outcome": "answered", **values}
    await floor.add_attempt(leads[lead]["id"], after(0), **times)
    found: UUID = await floor.pool.fetchval("select id from attempt order by placed_at, id limit 1")
    rows = await floor.pool.fetch("select id from attempt where lead_id = $1", leads[lead]["id"])
    return rows[0]["id"] if rows else found


async def dispose(floor: TestFloor, attempt: UUID, disposal: Disposal) -> None:
    store = Store(floor.pool, floor.id, floor.node_id)
    async with floor.pool.acquire() as connection:
        await store.dispose(connection, attempt, disposal, after(70).timestamp())


async def test_a_campaign_has_a_copy_of_the_standard_set(
    floor: TestFloor, service: CampaignService
) -> None:
    await make(service)
    talks = TalkService(floor.pool, floor.id)
    found = await talks.of_campaign("spring")
    assert [d["code"] for d in found["dispositions"]][:3] == ["agreed", "interested", "refused"]
    assert found["form"] == []
    await service.edit("spring", {"dispositions": [SALE_WITHOUT_FORM]}, "olga")
    assert [d["code"] for d in (await talks.of_campaign("spring"))["dispositions"]] == ["sold"]
    standard = await floor.pool.fetch("select code from disposition where campaign_id is null")
    assert len(standard) == 8, "the floor's own set stays"


SALE_WITHOUT_FORM = {**SALE, "requires": []}


async def test_the_talk_has_script_form_and_dispositions(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_operator("anna")
    await make(service, form=FORM, dispositions=[SALE, LATER], script=SCRIPT)
    attempt = await conversation(floor)
    talk = await TalkService(floor.pool, floor.id).talk(attempt, "anna")
    assert talk.script[0]["text"] == "Здравствуйте, Анна! Name of anna, Пермь."
    assert [field["code"] for field in talk.form] == ["budget", "tariff", "meeting", "name"]
    assert [d["code"] for d in talk.dispositions] == ["sold", "later"]

    def refused(id: str, *words: str, **values: Any) -> None:
        with pytest.raises(Refusal) as caught:
            talk.check(Disposal(**values))
        assert caught.value.id == id and caught.value.to("ru") != str(caught.value)
        assert all(word in str(caught.value) for word in words)

    refused("bad_answers", "budget", "tariff", code="sold")
    wrong = {"budget": "many", "tariff": "XL", "meeting": "soon", "age": "5"}
    refused("bad_answers", "budget", "tariff", "meeting", "'age'", code="sold", answers=wrong)
    refused("unknown_disposition", "sold, later", code="agreed")
    at = after(1000)
    answers = {"budget": "1500,5", "tariff": "L"}
    refused("no_callback", code="sold", answers=answers, callback_at=at)
    assert talk.check(Disposal("sold", answers=answers)) == {"budget": 1500.5, "tariff": "L"}
    assert talk.check(Disposal("later", callback_at=at, answers={"name": ""})) == {}


async def test_answers_are_stored_and_an_old_disposition_stays_known(
    floor: TestFloor, service: CampaignService
) -> None:
    await make(service, form=FORM, dispositions=[SALE, LATER])
    attempt = await conversation(floor)
    at = after(3600)
    await dispose(floor, attempt, Disposal("later", "ask again", {"budget": 5.0}, at, False))
    row = await floor.pool.fetchrow("select * from attempt where id = $1", attempt)
    assert row is not None and row["answers"] == {"budget": 5.0}
    assert (row["callback_at"], row["callback_same_operator"]) == (at, False)
    await service.edit("spring", {"dispositions": [SALE]}, "olga")
    code = await floor.pool.fetchval(
        "select code from disposition where id = $1", row["disposition_id"]
    )
    assert code == "later"
    await service.edit("spring", {"dispositions": [SALE, {**LATER, "title_en": "Soon"}]}, "olga")
    again = await floor.pool.fetch("select * from disposition where code = 'later'")
    assert [(r["id"], r["title_en"], r["retired_at"]) for r in again] == [
        (row["disposition_id"], "Soon", None)
    ]


async def test_a_script_may_name_only_what_its_lists_have(
    floor: TestFloor, service: CampaignService
) -> None:
    script = {"steps": [{"code": "a", "text": "{attribute.Улица}"}]}
    with pytest.raises(CampaignError, match="no column 'Улица' \\(they have: Город\\)"):
        await make(service, script=script, dispositions=[SALE_WITHOUT_FORM])
    script = {"steps": [{"code": "a", "text": "{attribute.Улица|у нас}"}]}
    await make(service, script=script)
    await service.edit("spring", {"script": None}, "olga")
    assert (await service.settings("spring"))["script"] is None


def test_the_time_of_a_callback() -> None:
    now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert callback_time("2026-12-01 15:00", now, ZONE) == now + timedelta(hours=3)
    assert callback_time("2026-12-01T15:00:00+05:00", now, ZONE) == now + timedelta(hours=1)
    for wrong in ("2026-12-01", "12:00", "2026-12-01 11:59", "2036-01-01 10:00", "soon"):
        with pytest.raises(Refusal, match="no time within a year"):
            callback_time(wrong, now, ZONE)


# --- schedule and goals, on a clock of the test's own


@pytest.fixture
def life(floor: TestFloor, service: CampaignService) -> LifeService:
    return LifeService(floor.pool, floor.id, service, ZONE)


async def since(floor: TestFloor, at: datetime) -> None:
    """As if the campaign had its status since then."""
    await floor.pool.execute("update campaign set status_since = $1", at)


async def test_a_schedule_starts_and_pauses_also_late(
    floor: TestFloor, service: CampaignService, life: LifeService
) -> None:
    plan = {"schedule.start": "2026-12-01T09:00:00", "schedule.stop": "2026-12-01T18:00:00"}
    await make(service, **plan)
    nine = datetime(2026, 12, 1, 6, tzinfo=UTC)
    assert await life.turn(nine, ["carrier"]) == [], "a draft does not start"
    await service.approve("spring", "boss")
    await since(floor, nine - timedelta(days=1))
    assert await life.turn(nine - timedelta(seconds=1), ["carrier"]) == []
    assert await life.turn(nine, []) == [], "no trunk: it waits and says so"
    [(name, what)] = await life.turn(nine + timedelta(hours=2), ["carrier"])
    (state,) = await service.status("spring")
    assert (name, state.status, state.reason, state.by) == (
        "spring",
        "running",
        "schedule",
        "prozvon",
    )
    await since(floor, nine)
    assert await life.turn(nine + timedelta(hours=8), ["carrier"]) == []
    [(_, what)] = await life.turn(nine + timedelta(hours=20), ["carrier"])
    assert (what.transition.new, what.reason) == ("paused", "schedule")
    notes = [tuple(row)[:2] for row in await floor.pool.fetch(ROWS.audit)]
    assert notes[-2:] == [("prozvon", "campaign_running"), ("prozvon", "campaign_paused")]


async def test_goals_finish_with_their_reason(
    floor: TestFloor, service: CampaignService, life: LifeService
) -> None:
    await make(service, **{"goals.conversations": 2, "goals.decision_makers": 1})
    await service.approve("spring", "boss")
    await service.start("spring", "olga", ["carrier"])
    now = datetime(2026, 12, 1, 6, tzinfo=UTC)
    attempt = await conversation(floor, 0)
    [room] = await life.rooms()
    assert (room.left, room.open) == (1, ())
    await conversation(floor, 1, outcome=None, ended_at=None, bridged_at=None)
    [room] = await life.rooms()
    assert (room.left, len(room.open)) == (1, 1)
    assert await life.turn(now, ["carrier"]) == []
    await dispose(floor, attempt, Disposal("agreed"))
    [room] = await life.rooms()
    assert room.left == 0
    [(_, what)] = await life.turn(now, ["carrier"])
    assert what.reason == "goal_decision_makers"
    (state,) = await service.status("spring")
    assert (state.status, state.reason) == ("finished", "goal_decision_makers")
    await service.edit("spring", {"goals.decision_makers": None}, "olga")
    await service.reopen("spring", "olga")
    await service.resume("spring", "olga", ["carrier"])
    await conversation(floor, 2)
    [(_, what)] = await life.turn(now, ["carrier"])
    assert what.reason == "goal_conversations"


async def test_the_end_of_the_list_and_of_the_day(
    floor: TestFloor, service: CampaignService, life: LifeService
) -> None:
    await make(service, **{"goals.list_end": True, "goals.date": "2026-12-01"})
    await service.approve("spring", "boss")
    await service.start("spring", "olga", ["carrier"])
    evening = datetime(2026, 12, 1, 20, 59, 59, tzinfo=UTC)
    assert await life.turn(evening, ["carrier"]) == []
    [(_, what)] = await life.turn(evening + timedelta(seconds=1), ["carrier"])
    assert what.reason == "goal_date"
    await service.edit("spring", {"goals.date": None}, "olga")
    await service.reopen("spring", "olga")
    await service.resume("spring", "olga", ["carrier"])
    await floor.pool.execute(ROWS.finish_leads, "spring")
    [(_, what)] = await life.turn(evening, ["carrier"])
    assert what.reason == "goal_list_end"


async def test_a_manual_campaign_starts_without_leads_and_outlives_typed_numbers(
    floor: TestFloor, service: CampaignService, life: LifeService
) -> None:
    settings = {**BRIEF, "mode": "manual", "goals.list_end": True}
    without = NewCampaign("spring", (), "carrier", settings)
    await service.create(without, "olga")
    await service.approve("spring", "boss")
    assert await service.start("spring", "olga", ["carrier"]) == "running"
    (state,) = await service.status("spring")
    assert sum(state.leads.values()) == 0
    now = datetime(2026, 12, 1, 6, tzinfo=UTC)
    assert await life.turn(now, ["carrier"]) == []
    await service.edit("spring", {"lists": ["old"]}, "olga")
    await floor.pool.execute(ROWS.finish_leads, "spring")
    assert await life.turn(now, ["carrier"]) == []
    await service.pause("spring", "olga")
    assert await service.resume("spring", "olga", ["carrier"]) == "running"
    await service.edit("spring", {"mode": "preview"}, "olga")
    [(_, what)] = await life.turn(now, ["carrier"])
    assert what.reason == "goal_list_end"


# --- results


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
async def test_results_hold_answers_and_no_formulas(
    floor: TestFloor, service: CampaignService, tmp_path: Path, suffix: str
) -> None:
    await make(service, form=FORM, dispositions=[SALE, LATER])
    attempt = await conversation(floor)
    note = '=HYPERLINK("http://evil")'
    answers = {"budget": 1500.5, "tariff": "L", "name": "@SUM(1)"}
    await dispose(floor, attempt, Disposal("sold", note, answers))
    await floor.add_attempt(
        (await floor.pool.fetch(ROWS.leads, "spring"))[1]["id"],
        after(100),
        outcome="busy",
        ended_at=after(103),
    )
    results = ResultsService(floor.pool, floor.id, ZONE)
    file = tmp_path / f"spring{suffix}"
    done = await results.export("spring", file, "olga", language="ru")
    assert (done.rows, done.conversations) == (2, 1)
    rows = read_rows(file)
    assert rows[0][-4:] == ["budget", "tariff", "meeting", "answer_name"]
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["disposition_title"], first["placed_at"]) == ("Продано", "2026-03-02 12:00:00")
    assert (first["tariff"], float(first["budget"]), float(first["talk_s"])) == ("L", 1500.5, 60)
    guard = "'" if suffix == ".csv" else ""
    assert first["note"] == guard + note
    assert first["answer_name"] == guard + "@SUM(1)"
    assert first["phone"] == "+70000000000"
    only = await results.export("spring", file, "olga", conversations_only=True)
    assert only.rows == 1
    *_, noted = await floor.pool.fetch(ROWS.audit)
    assert tuple(noted)[:3] == ("olga", "results_exported", "campaign spring")
    assert [p.name for p in tmp_path.iterdir()] == [file.name], "nothing half-written stays"


def read_rows(file: Path) -> list[list[Any]]:
    if file.suffix == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as handle:
            return list(csv.reader(handle, delimiter=";"))
    return CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()


async def test_results_that_cannot_be_written_leave_no_file(
    floor: TestFloor, service: CampaignService, tmp_path: Path
) -> None:
    results = ResultsService(floor.pool, floor.id, ZONE)
    for name, file, id in (
        ("spring", "a.csv", "unknown_campaign"),
        ("spring", "a.doc", "bad_format"),
    ):
        with pytest.raises(CampaignError) as caught:
            await results.export(name, tmp_path / file, "olga")
        assert caught.value.id == id
    assert list(tmp_path.iterdir()) == []
