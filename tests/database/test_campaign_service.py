"""Campaigns on a real database: made from lists, started and stopped, looked at."""

import asyncio
import dataclasses
import itertools
from datetime import date
from typing import Any

import pytest

from campaigns.approval.model import Exemption
from campaigns.campaign import settings as registry
from campaigns.campaign.model import CampaignError, CampaignStatus, GoalProgress, NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.database.pool import Pool
from tests.database.staff import ROWS, TestFloor, after


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    return await TestFloor.make(pool)


@pytest.fixture
def service(floor: TestFloor) -> CampaignService:
    return CampaignService(floor.pool, floor.id, "main")


def a_campaign(*lists: str, **values: Any) -> NewCampaign:
    """In draft, with a brief that can be approved."""
    plain = {key: values.pop(key) for key in ("name", "trunk") if key in values}
    brief = {"brief.client": "own", "brief.payment": "in_house"}
    new = NewCampaign("spring", lists, "carrier", {**brief, **values})
    return dataclasses.replace(new, **plain)


async def refused(id: str, work: Any) -> str:
    """The sentence of a refusal with this id."""
    with pytest.raises(CampaignError) as caught:
        await work
    assert caught.value.id == id
    return str(caught.value)


async def test_a_campaign_gets_a_lead_for_every_contact(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 3)
    await floor.add_list("new", 2, first=3)
    created = await service.create(a_campaign("old", "new", caller_id="+74951234567"), "olga")
    assert created.leads == 5
    (state,) = await service.status("spring")
    assert state.status is CampaignStatus.DRAFT
    assert (state.lists, state.trunk) == (("old", "new"), "carrier")
    assert state.leads == {"new": 5, "claimed": 0, "dialing": 0, "retry": 0, "done": 0}
    assert (state.attempts, state.in_progress, state.last_decision) == (0, 0, None)
    (note,) = await floor.pool.fetch(ROWS.audit)
    assert tuple(note) == (
        "olga",
        "campaign_created",
        "campaign spring",
        {"lists": ["old", "new"], "leads": 5},
    )


async def test_a_number_in_two_lists_is_one_lead(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("march", 4)
    await floor.add_list("april", 4, first=2)
    assert (await service.create(a_campaign("march", "april"), "olga")).leads == 6


async def test_a_refused_campaign_leaves_nothing_behind(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    said = await refused("unknown_list", service.create(a_campaign("old", "odl"), "olga"))
    assert "'odl'" in said and "'old'" not in said
    await refused("unknown_trunk", service.create(a_campaign("old", trunk="none"), "olga"))
    assert await service.status() == []
    assert await floor.pool.fetch(ROWS.audit) == []


async def test_a_name_is_used_once_also_by_two_at_a_time(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 50)
    twice = [service.create(a_campaign("old"), "olga") for _ in range(2)]
    results = await asyncio.gather(*twice, return_exceptions=True)
    errors = [result for result in results if isinstance(result, CampaignError)]
    assert [error.id for error in errors] == ["campaign_exists"]
    (state,) = await service.status()
    assert state.leads["new"] == 50


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "200"),
        ({"mode": "sideways"}, "mode"),
        ({"language": "de"}, "language"),
        ({"caller_id": "${SHELL(id)}"}, "caller_id"),
        ({"caller_id": "12"}, "caller_id"),
        ({"ring_timeout_s": 4}, "ring_timeout_s"),
        ({"ring_timeout_s": float("nan")}, "ring_timeout_s"),
        ({"post_dial_delay_s": 31}, "post_dial_delay_s"),
        ({"wrap_up_limit_s": 0}, "wrap_up_limit_s"),
        ({"max_approaches": 0}, "max_approaches"),
        ({"max_approaches": 2.5}, "max_approaches"),
        ({"schedule.start": "2026-12-01T09:00:00+03:00"}, "schedule.start"),
        ({"goals.date": "soon"}, "goals.date"),
        ({"goals.date": "9999-12-31"}, "goals.date"),
        ({"schedule.start": "0001-01-01T09:00:00"}, "schedule.start"),
        ({"list_weights": {"odl": 2}}, "odl is not in lists"),
        ({"list_weights": {"old": 1e-300}}, "0.001"),
        ({"hours": {"mon": [["18:00", "09:00"]]}}, "hours"),
        ({"limits": {"per_day": 1e99}}, "a whole number from 1 to 10000"),
        ({"goals.conversations": 0}, "goals.conversations"),
        ({"brief.promises": ["the moon"]}, "brief.promises"),
    ],
)
async def test_wrong_values_are_named(
    service: CampaignService, values: dict[str, Any], said: str
) -> None:
    assert said in await refused("bad_value", service.create(a_campaign("old", **values), "olga"))


async def test_a_campaign_needs_a_list_and_known_keys(service: CampaignService) -> None:
    assert "at least one" in await refused("bad_value", service.create(a_campaign(), "olga"))
    wrong = service.create(a_campaign("old", conversations=5), "olga")
    assert "goals.conversations?" in await refused("unknown_key", wrong)


async def test_every_problem_is_told_in_both_languages(service: CampaignService) -> None:
    with pytest.raises(CampaignError) as caught:
        await service.create(a_campaign("old", mode="x", recording="yes"), "olga")
    for language, word in (("en", "none of"), ("ru", "возможны только")):
        told = caught.value.to(language)
        assert word in told and "mode" in told and "recording" in told


async def test_the_statuses_of_a_life(floor: TestFloor, service: CampaignService) -> None:
    await floor.add_list("old", 1)
    await service.create(a_campaign("old"), "olga")
    assert "is draft" in await refused("wrong_state", service.pause("spring", "olga"))
    assert "is draft" in await refused("wrong_state", service.finish("spring", "olga"))
    start = service.start("spring", "olga", ["carrier"])
    assert "campaign approve spring" in await refused("not_approved", start)
    assert await service.approve("spring", "boss") is CampaignStatus.APPROVED
    assert await service.start("spring", "olga", ["carrier"]) is CampaignStatus.RUNNING
    again = service.start("spring", "olga", ["carrier"])
    assert "running already" in await refused("wrong_state", again)
    assert await service.pause("spring", "olga") is CampaignStatus.PAUSED
    assert await service.resume("spring", "olga", ["carrier"]) is CampaignStatus.RUNNING
    assert await service.finish("spring", "olga") is CampaignStatus.FINISHED
    assert await service.reopen("spring", "olga") is CampaignStatus.PAUSED
    assert await service.finish("spring", "igor") is CampaignStatus.FINISHED
    (state,) = await service.status("spring")
    assert (state.by, state.reason) == ("igor", "by_hand")
    assert await service.archive("spring", "igor") is CampaignStatus.ARCHIVED
    actions = [(note["actor"], note["action"]) for note in await floor.pool.fetch(ROWS.audit)]
    assert actions[1:] == [
        ("boss", "campaign_approved"),
        ("olga", "campaign_running"),
        ("olga", "campaign_paused"),
        ("olga", "campaign_running"),
        ("olga", "campaign_finished"),
        ("olga", "campaign_paused"),
        ("igor", "campaign_finished"),
        ("igor", "campaign_archived"),
    ]
    for work in (service.start("x", "olga", []), service.finish("x", "olga"), service.status("x")):
        assert "'x'" in await refused("unknown_campaign", work)


async def test_approval_needs_a_brief_and_lifts_moratoria_by_name_and_reason(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    new = a_campaign("old", **{"brief.client": None, "brief.promises": ["impossible_date"]})
    await service.create(new, "olga")
    assert "brief.client" in await refused("brief_incomplete", service.approve("spring", "olga"))
    await service.edit("spring", {"brief.client": "forex"}, "olga")
    said = await refused("moratorium", service.approve("spring", "olga"))
    assert "forex" in said and "impossible_date" in said
    half = [Exemption("forex", "Ivan Petrov", "a licensed broker")]
    said = await refused("moratorium", service.approve("spring", "olga", half))
    assert "forex (" not in said and "impossible_date" in said
    nameless = [*half, Exemption("impossible_date", "", "hm")]
    await refused("bad_exception", service.approve("spring", "olga", nameless))
    unknown = [*half, Exemption("monday", "Ivan Petrov", "hm")]
    await refused("bad_exception", service.approve("spring", "olga", unknown))
    both = [*half, Exemption("impossible_date", "Ivan Petrov", "the date was moved")]
    assert await service.approve("spring", "olga", both) is CampaignStatus.APPROVED
    row = await floor.pool.fetchrow("select * from campaign")
    assert row is not None and row["approved_by"] == "olga" and row["approved_at"] is not None
    assert row["approval_exceptions"][0] == {
        "moratorium": "forex",
        "by": "Ivan Petrov",
        "reason": "a licensed broker",
    }
    edit = service.edit("spring", {"brief.client": "mlm"}, "olga")
    assert "campaign withdraw spring" in await refused("approved_brief", edit)
    assert await service.withdraw("spring", "olga") is CampaignStatus.DRAFT
    row = await floor.pool.fetchrow("select * from campaign")
    assert row is not None and row["approved_by"] is None and row["approval_exceptions"] == []
    await service.edit("spring", {"brief.client": "mlm"}, "olga")


async def test_edits_are_kept_as_versions(floor: TestFloor, service: CampaignService) -> None:
    await floor.add_list("old", 2)
    await floor.add_list("new", 3, first=2)
    await service.create(a_campaign("old"), "olga")
    edited = await service.edit("spring", {"max_approaches": 6, "recording": True}, "igor")
    assert (edited.version, edited.changes) == (
        2,
        {"recording": [False, True], "max_approaches": [4, 6]},
    )
    assert (await service.edit("spring", {"max_approaches": 6}, "igor")).version == 2
    more = await service.edit("spring", {"lists": ["new", "old"], "recording": False}, "vera")
    assert (more.version, more.new_leads) == (3, 3)
    first, second, third = await service.versions("spring")
    assert (first.action, first.actor, first.changes["mode"]) == (
        "created",
        "olga",
        [None, "progressive"],
    )
    assert (second.actor, third.actor) == ("igor", "vera")
    assert await service.diff("spring", 1) == {
        "max_approaches": [4, 6],
        "lists": [["old"], ["new", "old"]],
    }
    assert await service.diff("spring", 2, 1) == await service.diff("spring", 1, 2)
    assert "no version 9" in await refused("unknown_version", service.diff("spring", 9))
    settings = await service.settings("spring")
    assert (settings["lists"], settings["max_approaches"]) == (["new", "old"], 6)
    dropped = await service.edit("spring", {"lists": ["new"]}, "vera")
    assert dropped.new_leads == 0
    assert (await service.status("spring"))[0].leads["new"] == 3


async def test_of_two_edits_of_the_same_version_one_is_a_conflict(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    await service.create(a_campaign("old"), "olga")
    edits = [
        service.edit("spring", {"max_approaches": count}, name, version=1)
        for count, name in ((5, "igor"), (6, "vera"), (7, "anna"))
    ]
    results = await asyncio.gather(*edits, return_exceptions=True)
    errors = [result for result in results if isinstance(result, CampaignError)]
    assert [error.id for error in errors] == ["edit_conflict"] * 2
    winner = (await service.versions("spring"))[1]
    assert all(winner.actor in str(error) for error in errors)
    kept = (await service.settings("spring"))["max_approaches"]
    assert kept == winner.changes["max_approaches"][1]
    # Without a version every edit comes through, one after another.
    edits = [
        service.edit("spring", {"max_approaches": count}, "igor") for count in (10, 11, 12, 13)
    ]
    await asyncio.gather(*edits)
    versions = await service.versions("spring")
    assert [v.version for v in versions] == [1, 2, 3, 4, 5, 6]
    chain = [v.changes["max_approaches"] for v in versions[1:]]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(chain))


async def test_a_clone_begins_anew(floor: TestFloor, service: CampaignService) -> None:
    await floor.add_list("old", 3)
    await service.create(a_campaign("old", max_approaches=7), "olga")
    await service.approve("spring", "olga")
    await service.start("spring", "olga", ["carrier"])
    await floor.pool.execute(ROWS.finish_leads, "spring")
    cloned = await service.clone("spring", "autumn", "vera")
    assert cloned.leads == 3
    (state,) = await service.status("autumn")
    assert (state.status, state.leads["new"], state.version) == ("draft", 3, 1)
    assert await service.settings("autumn") == await service.settings("spring")
    (version,) = await service.versions("autumn")
    assert (version.action, version.actor) == ("cloned", "vera")
    await refused("campaign_exists", service.clone("spring", "autumn", "vera"))


async def test_what_is_archived_stays_as_it_is(floor: TestFloor, service: CampaignService) -> None:
    await floor.add_list("old", 1)
    await service.create(a_campaign("old"), "olga")
    await service.archive("spring", "olga")
    edit = service.edit("spring", {"max_approaches": 7}, "olga")
    assert "campaign clone spring" in await refused("wrong_state", edit)


OTHER_SETTINGS: dict[str, Any] = {
    "mode": "predictive",
    "language": "en",
    "preview_limit_s": 45.0,
    "waiting_sound": "music",
    "preview_at_limit": "dial",
    "caller_id": "+74951234567",
    "further_caller_ids": ["+74951234568"],
    "ring_timeout_s": 30.5,
    "post_dial_delay_s": 5.0,
    "wrap_up_limit_s": 90.0,
    "recording": True,
    "max_approaches": 3,
    "schedule.start": "2026-12-01T09:00:00",
    "schedule.stop": "2026-12-01T18:30:00",
    "goals.date": "2026-12-31",
    "goals.conversations": 500,
    "goals.decision_makers": 50,
    "goals.list_end": False,
    "weight": 2.5,
    "skills": ["english"],
    "max_lines": 40,
    "lines_per_operator": 1.5,
    "max_abandon_rate": 0.01,
    "legal_profile": "ru_debt",
    "hours": {"mon": [["09:00", "18:00"]], "sat": []},
    "limits": {"minimum_pause_s": 60.0},
    "retry": {"no_answer": {"pause_s": 3600.0}},
    "consent_needed": True,
    "order": "newest",
    "list_weights": {"old": 2},
    "brief.client": "company",
    "brief.payment": "traffic",
    "brief.promises": ["impossible_date"],
    "form": [
        {"code": "size", "kind": "text", "title_ru": "Да", "title_en": "Yes", "choices": []},
    ],
    "dispositions": [
        {
            "code": "agreed",
            "title_ru": "Да",
            "title_en": "Yes",
            "flags": ["target"],
            "hot_key": "1",
            "requires": ["size"],
        }
    ],
    "broadcast": {
        "operator_key": "1",
        "opt_out_key": None,
        "repeats": 3,
        "wait_s": 7.0,
        "steps": [
            {
                "code": "ask",
                "sound": "/sounds/ask",
                "keys": [{"key": "4", "answer": "good", "disposition": "agreed"}],
            }
        ],
    },
    "script": {"steps": [{"code": "hello", "text": "Hello\nthere", "answers": []}]},
    "message": {"sound": "/sounds/ours", "names": ["company", "number"]},
}
"""Another value than the default for every key: a new key has its line here."""


async def test_every_setting_survives_the_database(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    keys = {key.name for key in registry.KEYS if key.name not in ("trunks", "lists")}
    other = OTHER_SETTINGS
    assert keys == {key for key in other if other[key] != registry.BY_NAME[key].default}
    await service.create(a_campaign("old", **other), "olga")
    settings = await service.settings("spring")
    assert {key: settings[key] for key in other} == other
    defaults = {key: registry.BY_NAME[key].default for key in other}
    await service.edit("spring", defaults, "olga")
    settings = await service.settings("spring")
    assert {key: settings[key] for key in defaults} == defaults


async def test_the_status_tells_how_far_the_goals_are(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    goals = {"goals.conversations": 5, "goals.decision_makers": 2, "goals.date": "2026-12-31"}
    await service.create(a_campaign("old", **goals), "olga")
    (state,) = await service.status("spring")
    assert state.goals == (
        GoalProgress("conversations", 5, 0),
        GoalProgress("decision_makers", 2, 0),
        GoalProgress("date", date(2026, 12, 31)),
    )


async def test_two_who_start_at_once_change_it_once(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 1)
    await service.create(a_campaign("old"), "olga")
    await service.approve("spring", "olga")
    starts = [service.start("spring", name, ["carrier"]) for name in ("olga", "igor", "vera")]
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(result is CampaignStatus.RUNNING for result in results) == 1
    assert len(await floor.pool.fetch(ROWS.audit)) == 3


async def test_what_cannot_be_dialed_cannot_start(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("empty", 0)
    await service.create(a_campaign("empty"), "olga")
    await service.approve("spring", "olga")
    assert "no leads" in await refused("no_leads", service.start("spring", "olga", ["carrier"]))
    assert "[[trunks]]" in await refused("no_trunk", service.start("spring", "olga", ["other"]))
    await floor.add_list("old", 2)
    await service.create(a_campaign("old", name="autumn"), "olga")
    await service.approve("autumn", "olga")
    await floor.pool.execute(ROWS.finish_leads, "autumn")
    assert "is done" in await refused("no_leads", service.start("autumn", "olga", ["carrier"]))


async def test_status_tells_outcomes_and_the_newest_decision(
    floor: TestFloor, service: CampaignService
) -> None:
    await floor.add_list("old", 4)
    await service.create(a_campaign("old"), "olga")
    first, second, third, _ = [row["id"] for row in await floor.pool.fetch(ROWS.leads, "spring")]
    await floor.add_attempt(first, after(0), outcome="busy", ended_at=after(3))
    await floor.add_attempt(
        second, after(1), outcome="answered", bridged_at=after(2), ended_at=after(9)
    )
    await floor.add_attempt(third, after(2))
    await floor.pool.execute(ROWS.decision, "spring", after(1), 1, "operators", "1: 1 free")
    await floor.pool.execute(ROWS.decision, "spring", after(2), 0, "operators", "0: none free")
    (state,) = await service.status()
    assert (state.attempts, state.in_progress, state.conversations) == (3, 1, 1)
    assert {name: n for name, n in state.outcomes.items() if n} == {"busy": 1, "answered": 1}
    assert state.last_decision is not None
    assert (state.last_decision.placed, state.last_decision.reason) == (0, "0: none free")


async def test_floors_do_not_see_each_other(pool: Pool, service: CampaignService) -> None:
    other = await TestFloor.make(pool, "other")
    await other.add_list("theirs", 1)
    await refused("unknown_list", service.create(a_campaign("theirs"), "olga"))
    await CampaignService(pool, other.id, "main").create(a_campaign("theirs"), "olga")
    assert await service.status() == []
    await refused("unknown_campaign", service.start("spring", "olga", ["carrier"]))
