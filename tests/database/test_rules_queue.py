"""The queue of what is next, in a real PostgreSQL: order, rules, concurrency, crashes."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.callbacks.service import CallbackError, CallbackService, NewCallback
from campaigns.consent.service import ConsentError, ConsentService, NewConsent
from campaigns.dnc.service import DncService, Where
from campaigns.hours.service import CalendarService
from campaigns.leads.model import MAX_FAILURES, NextStep
from campaigns.legal.service import LegalService
from campaigns.rules.preparer import Preparer
from campaigns.rules.service import RulesService
from campaigns.rules.why import WhyError, WhyService
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.demo.rules import OPEN_PROFILE
from tests.database.store_floor import DONE, NOW, Floor, running_floor
from tests.database.test_store_ends import conversation, over


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    return await running_floor(pool)


async def set_campaign(floor: Floor, **columns: Any) -> None:
    for key, value in columns.items():
        await floor.pool.execute(
            f"update campaign set {key} = $2 where id = $1", floor.campaign_id, value
        )


async def claimed(floor: Floor, **keys: Any) -> list[int]:
    return [lead.id for lead in await floor.claim(**keys)]


# Order


@pytest.mark.parametrize("order", ["waiting", "oldest", "newest", "least_attempts", "random"])
async def test_leads_come_in_the_campaigns_order(floor: Floor, order: str) -> None:
    ids = await floor.add_leads(30)
    for place, lead_id in enumerate(ids):
        await floor.pool.execute(
            "update lead set approaches = $2, next_at = now() - $3 * interval '1 minute', "
            "status = 'retry' where id = $1", lead_id, (place * 7) % 4 % 3, (place * 11) % 30,
        )  # fmt: skip
    await set_campaign(floor, lead_order=order)
    leads = {row["id"]: row for row in await floor.pool.fetch("select * from lead")}
    found = await claimed(floor)
    assert sorted(found) == ids
    keys: dict[str, Any] = {
        "waiting": lambda i: leads[i]["next_at"],
        "oldest": lambda i: i,
        "newest": lambda i: -i,
        "least_attempts": lambda i: (leads[i]["approaches"], leads[i]["next_at"]),
    }
    if order == "random":
        assert found not in (ids, ids[::-1])
    else:
        assert found == sorted(ids, key=keys[order])


async def test_hot_leads_come_first_whatever_the_order_and_however_late(floor: Floor) -> None:
    ids = await floor.add_leads(10)
    await set_campaign(floor, lead_order="newest")
    await floor.prepare()
    await floor.pool.execute("update lead set priority = 9 where id = $1", ids[2])
    [hot] = await floor.add_leads(1)
    await floor.pool.execute("update lead set priority = 10 where id = $1", hot)
    assert (await claimed(floor, count=1)) == [hot]


async def test_lists_are_mixed_by_their_weights(floor: Floor) -> None:
    await floor.add_leads(40)
    await floor.add_leads(40)
    first, second = [r["name"] for r in await floor.pool.fetch("select name from list order by id")]
    await set_campaign(floor, list_weights={first: 3, second: 1})
    found = await floor.pool.fetch(
        "select list_id from unnest($1::bigint[]) with ordinality as t(id, n) "
        "join lead l on l.id = t.id join contact c on c.id = l.contact_id order by t.n",
        await claimed(floor, count=40),
    )
    lists = [row["list_id"] for row in found]
    assert sum(each == min(lists) for each in lists) == 30
    assert sum(each == min(lists) for each in lists[:20]) == 15


async def test_whose_best_hour_it_is_comes_first(floor: Floor) -> None:
    """People answer at 18 o'clock; at 15:20 in Moscow that is Omsk's hour."""
    known, moscow, omsk = [await floor.add_leads(count) for count in (40, 10, 10)]
    for ids, zone in ((known + moscow, "Europe/Moscow"), (omsk, "Asia/Omsk")):
        await floor.pool.execute(
            "update contact set time_zone = $2 where id in "
            "(select contact_id from lead where id = any($1::bigint[]))", ids, zone,
        )  # fmt: skip
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    wednesday = today - timedelta(days=(today.weekday() - 2) % 7 + 7)
    for hour, outcome in ((18, "answered"), (12, "no_answer")):
        for week in range(4):
            await answers(
                floor, known, wednesday + timedelta(days=-7 * week, hours=hour - 3), outcome
            )
    await floor.pool.execute("update lead set status = 'done' where id = any($1::bigint[])", known)
    await floor.pool.execute(
        "update lead set next_at = next_at - interval '1 hour' where id = any($1::bigint[])", moscow
    )
    await set_campaign(floor, lead_order="best_hour")
    moment = wednesday + timedelta(days=14, hours=10, minutes=20)
    preparer = Preparer(floor.pool, floor.rows.id, lambda: moment.timestamp())
    assert await preparer.fill() == 20
    assert await in_queue(floor) == moscow + omsk  # nothing is known: who waits longest
    assert await preparer.hours.learn() == [floor.campaign_id]
    await preparer.fill()
    assert await in_queue(floor) == moscow + omsk  # both have a better hour before them
    moment += timedelta(hours=2)
    await preparer.fill()
    assert await in_queue(floor) == omsk + moscow
    await floor.pool.execute("update lead set priority = 5 where id = $1", moscow[3])
    await floor.pool.execute("delete from ready")
    await preparer.fill()
    assert (await in_queue(floor))[:2] == [moscow[3], omsk[0]]
    claimed = await floor.store.claim(floor.campaign_id, 100, 4)
    assert [lead.id for lead in claimed][:2] == [moscow[3], omsk[0]]
    assert await preparer.hours.learn() == []  # once an hour


async def answers(floor: Floor, leads: list[int], at: datetime, outcome: str) -> None:
    await floor.pool.execute(
        "insert into attempt (id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone, "
        "placed_at, ended_at, outcome, ended_by) select gen_random_uuid(), $1, $2, l, t.node_id, "
        "t.id, '+79160000000', $4, $4, $5, 'person' from unnest($3::bigint[]) as l, trunk t "
        "where t.id = $6",
        *(floor.rows.id, floor.campaign_id, leads, at, outcome, floor.rows.trunk_id),
    )


async def in_queue(floor: Floor) -> list[int]:
    rows = await floor.pool.fetch(
        "select lead_id from ready where claimed_fence is null "
        "order by priority desc, rank, due_at, lead_id"
    )
    return [row["lead_id"] for row in rows]


# Concurrency and crashes


async def test_no_lead_twice_and_none_lost_whatever_happens(floor: Floor, pool: Pool) -> None:
    """Four claimers of two campaigns over the same people, who commit, withdraw, release and die
    at random, while the preparer works and somebody edits the campaign."""
    ids = await floor.add_leads(300)
    rng = random.Random(7)
    dialed: list[str] = []
    preparer = Preparer(pool, floor.rows.id, ready_leads=60)

    async def work() -> None:
        for lead in await floor.store.claim(floor.campaign_id, rng.randint(1, 9), 4):
            fate = rng.random()
            if fate < 0.2:
                await floor.store.release_leads([lead.id])
            elif fate < 0.3:
                continue  # a claimer that died: found out by release_lost_claims
            else:
                attempt = floor.attempt(lead)
                if not await floor.commit(attempt):
                    continue
                if fate < 0.4:
                    await floor.write(lambda c, a=attempt: floor.store.withdraw(c, a))  # type: ignore[misc]
                    continue
                dialed.append(lead.phone)
                await floor.finish(over(conversation(attempt.placed())), DONE)

    async def round_() -> None:
        await preparer.fill()
        await asyncio.gather(*(work() for _ in range(4)))

    for number in range(200):
        await round_()
        if number % 7 == 0:
            await floor.store.release_lost_claims([])
        if number % 11 == 0:
            await set_campaign(floor, limits={"per_day": 5 + number})
        if number % 13 == 0:
            await pool.execute("delete from ready")  # what a crash of the server leaves
        if len(dialed) == len(ids):
            break
    assert len(dialed) == len(set(dialed)) == len(ids)
    assert await pool.fetchval("select count(*) from attempt") == len(ids)
    assert await pool.fetchval("select count(*) from ready") == 0


async def test_one_phone_in_two_campaigns_is_dialed_by_one(floor: Floor) -> None:
    await floor.add_leads(1)
    other_id = await floor.pool.fetchval(
        "insert into campaign (floor_id, trunk_id, name, status) values ($1, $2, 'd', 'running') "
        "returning id",
        floor.rows.id,
        floor.rows.trunk_id,
    )
    await floor.pool.execute(
        "insert into lead (campaign_id, contact_id) select $1, id from contact", other_id
    )
    other = Floor(floor.rows, floor.store, other_id)
    [mine] = await floor.claim()
    [theirs] = await other.claim()
    both = await asyncio.gather(
        floor.commit(floor.attempt(mine)), other.commit(other.attempt(theirs))
    )
    assert sorted(both) == [False, True]


async def test_an_edit_takes_effect_and_what_it_kept_back_comes_again(floor: Floor) -> None:
    await floor.add_leads(3)
    await set_campaign(floor, consent_needed=True)
    assert await claimed(floor) == []
    blocked = await floor.pool.fetch("select distinct blocked_by from lead")
    assert [row["blocked_by"] for row in blocked] == ["no_consent"]
    preparer = Preparer(floor.pool, floor.rows.id)
    await preparer.fill()
    await set_campaign(floor, consent_needed=False)
    await preparer.fill()
    assert len(await floor.store.claim(floor.campaign_id, 9, 4)) == 3


# Rules in the statement that commits


async def test_do_not_call_by_number_prefix_and_pattern_counts_at_the_commit(floor: Floor) -> None:
    ids = await floor.add_leads(4)
    service = DncService(floor.pool, floor.rows.id)
    leads = {lead.id: lead for lead in await floor.claim()}
    await service.add("8 916 000-00-00", "anna", reason="asked")
    await service.add("+7916000000?", "anna", where=Where("campaign", "c"))
    assert not await floor.commit(floor.attempt(leads[ids[0]]))
    await service.remove("+7916000000?", "anna", where=Where("campaign", "c"))
    assert await floor.commit(floor.attempt(leads[ids[1]]))
    await service.add("+7916*", "anna", where=Where("system"))
    assert not await floor.commit(floor.attempt(leads[ids[2]]))
    found = await service.entries("+79160000000")
    assert [(e["kind"], e["scope"]) for e in found] == [("prefix", "system"), ("number", "floor")]


async def test_an_entry_with_an_end_puts_a_lead_off_and_why_says_until_when(floor: Floor) -> None:
    [lead] = await floor.add_leads(1)
    service, why = (
        DncService(floor.pool, floor.rows.id),
        WhyService(RulesService(floor.pool, floor.rows.id)),
    )
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    last = first + timedelta(days=30)
    await service.add("+79160000000", "anna", until=first)
    await service.add("+7916*", "anna", until=last)
    [told] = await why.leads(lead_id=lead)
    assert [(r.rule, r.changes_at) for r in told.reasons] == [("do_not_call", last)]
    assert await claimed(floor) == []
    row = await floor.pool.fetchrow("select status, next_at from lead where id = $1", lead)
    assert row is not None and tuple(row) == ("new", last)
    await service.add("+7916000????", "anna", where=Where("campaign", "c"))
    [told] = await why.leads(lead_id=lead)
    assert [(r.rule, r.changes_at) for r in told.reasons if r.rule == "do_not_call"] == [
        ("do_not_call", None)
    ]
    await service.remove("+7916000????", "anna", where=Where("campaign", "c"))
    await service.remove("+7916*", "anna")
    await service.remove("+79160000000", "anna")
    assert len(await claimed(floor)) == 1


async def test_consent_withdrawn_after_the_claim_stops_the_dial(floor: Floor) -> None:
    await floor.add_leads(2)
    await set_campaign(floor, consent_needed=True)
    service = ConsentService(floor.pool, floor.rows.id)
    given = datetime.now(UTC) - timedelta(days=1)
    for number in (0, 1):
        new = NewConsent(f"+7916000000{number}", "site", f"form {number}", given)
        await service.add(new, "anna")
    first, second = await floor.claim()
    assert await service.withdraw(first.phone, "anna") == 1
    assert not await floor.commit(floor.attempt(first))
    assert await floor.commit(floor.attempt(second))
    [record] = await service.records(first.phone)
    assert record["withdrawn_at"] is not None and record["evidence"] == "form 0"
    with pytest.raises(ConsentError) as refused:
        await service.add(NewConsent("+79160000000", "", "", given), "anna")
    assert refused.value.id == "bad_consent"


async def test_hours_that_closed_since_the_claim_stop_the_dial(floor: Floor) -> None:
    lead = await floor.claimed_lead()
    floor.store.rules_clock = lambda: NOW + 3 * 86400.0
    assert not await floor.commit(floor.attempt(lead))


# Callbacks


async def test_a_callback_comes_before_cold_leads_for_its_operator(floor: Floor) -> None:
    ids = await floor.add_leads(3)
    anna, _ = await floor.sign_in("anna")
    service = CallbackService(floor.pool, floor.rows.id)
    await floor.pool.execute("update lead set priority = 50 where id = $1", ids[0])
    past = datetime.now(UTC) - timedelta(seconds=1)
    await service.add(NewCallback(ids[2], past, "anna", note="after lunch"), "anna")
    await floor.prepare()
    for_nobody = await floor.store.claim(floor.campaign_id, 1, 4)
    assert [lead.id for lead in for_nobody] == [ids[0]]
    [lead] = await floor.store.claim(floor.campaign_id, 1, 4, [anna])
    assert (lead.id, lead.operator_id) == (ids[2], anna)
    attempt = floor.attempt(lead)
    assert await floor.commit(attempt)
    [dialing] = await service.callbacks()
    assert (dialing["status"], dialing["operator"]) == ("dialing", "anna")
    await floor.finish(over(conversation(attempt.placed())), DONE)
    assert await service.callbacks() == []
    [done] = await service.callbacks(("done",))
    assert done["note"] == "after lunch"


async def test_a_callback_that_was_not_reached_is_tried_thrice(floor: Floor) -> None:
    [lead_id] = await floor.add_leads(1)
    service = CallbackService(floor.pool, floor.rows.id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    found = await service.add(NewCallback(lead_id, past), "anna")
    for tries in (1, 2, 3):
        [lead] = await floor.claim()
        attempt = floor.attempt(lead)
        assert await floor.commit(attempt)
        await floor.finish(over(attempt.placed()), NextStep("done", tries, 0, 0.0))
        row = await floor.pool.fetchrow("select * from callback where id = $1", found)
        assert row is not None
        assert (row["tries"], row["status"]) == (tries, "missed" if tries == 3 else "waiting")
        await floor.pool.execute("update callback set at = now() - interval '1 second'")
        await floor.pool.execute("update lead set next_at = now() where status = 'retry'")
    assert (await floor.lead(lead_id))["status"] == "done"


async def test_a_callback_loses_no_try_to_a_broken_trunk(floor: Floor) -> None:
    """It waits on, until the lead is given up; that it was not kept is told then."""
    [lead_id] = await floor.add_leads(1)
    past = datetime.now(UTC) - timedelta(seconds=1)
    found = await CallbackService(floor.pool, floor.rows.id).add(NewCallback(lead_id, past), "anna")
    for failures in (1, 2, 3, MAX_FAILURES):
        [lead] = await floor.claim()
        attempt = floor.attempt(lead)
        assert await floor.commit(attempt)
        given_up = failures == MAX_FAILURES
        step = NextStep("done" if given_up else "retry", 0, failures, 60.0)
        await floor.finish(over(attempt.placed()), step)
        row = await floor.pool.fetchrow("select * from callback where id = $1", found)
        assert row is not None
        assert (row["tries"], row["status"]) == (0, "missed" if given_up else "waiting")
        await floor.pool.execute("update callback set at = now() - interval '1 second'")
        await floor.pool.execute("update lead set next_at = now() where status = 'retry'")
    assert (await floor.lead(lead_id))["status"] == "done"


async def test_an_absent_operators_callback_goes_to_the_supervisor(floor: Floor) -> None:
    [lead_id] = await floor.add_leads(1)
    await floor.rows.add_operator("boris")
    service = CallbackService(floor.pool, floor.rows.id)
    late = datetime.now(UTC) - timedelta(hours=1)
    found = await service.add(NewCallback(lead_id, late, "boris", escalation="supervisor"), "a")
    assert await claimed(floor) == []
    [escalated] = await service.callbacks(("escalated",))
    assert escalated["id"] == found
    await service.reassign(found, None, "olga")
    assert await claimed(floor) == [lead_id]
    await service.cancel(found, "olga")
    with pytest.raises(CallbackError) as refused:
        await service.cancel(found, "olga")
    assert refused.value.id == "unknown_callback"


async def test_owners_leads_go_to_their_owner(floor: Floor) -> None:
    ids = await floor.add_leads(2)
    anna, _ = await floor.sign_in("anna")
    await floor.pool.execute("update lead set owner_id = $2 where id = $1", ids[0], anna)
    await floor.prepare()
    assert [x.id for x in await floor.store.claim(floor.campaign_id, 9, 4)] == [ids[1]]
    assert [x.id for x in await floor.store.claim(floor.campaign_id, 9, 4, [anna])] == [ids[0]]


# Why not


async def test_why_names_every_rule_and_counts_them(floor: Floor) -> None:
    ids = await floor.add_leads(6)
    later = datetime.now(UTC) + timedelta(hours=5)
    await floor.pool.execute(
        "update lead set next_at = $2, status = 'retry' where id = $1", ids[0], later
    )
    await floor.pool.execute("update lead set status = 'done' where id = $1", ids[1])
    await floor.forbid("+79160000002")
    await floor.pool.execute(
        "update lead set approaches = 4, status = 'retry' where id = $1", ids[3]
    )
    why = WhyService(RulesService(floor.pool, floor.rows.id))
    whole = await why.campaign("c")
    assert whole.leads == {
        "dialable": 2, "retry_pause": 1, "done": 1, "do_not_call": 1, "approaches_spent": 1
    }  # fmt: skip
    assert whole.changes_at["retry_pause"] == later
    [lead] = await why.leads(lead_id=ids[2])
    assert [(r.rule, r.phone_position) for r in lead.reasons] == [("do_not_call", 0)]
    assert not lead.dialable
    await set_campaign(floor, status="paused")
    [paused] = await why.leads(phone="+79160000004")
    assert [r.rule for r in paused.reasons] == ["campaign_not_running"]
    for wrong in (why.campaign("no such"), why.leads(lead_id=999_999)):
        with pytest.raises(WhyError):
            await wrong


async def test_a_lead_is_found_by_phone_through_keys_alone(floor: Floor) -> None:
    """Among millions of leads and phones nothing is read but what the keys of a phone lead to."""
    [lead] = await floor.add_leads(1)
    async with floor.pool.acquire() as connection, connection.transaction():
        # Of tables as small as here the planner would read all.
        await connection.execute("set local enable_seqscan = off")
        values = floor.rows.id, None, "+79160000000"
        query = Queries.load("campaigns.rules").find_lead
        [found] = await connection.fetch(query, *values)
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {query}", *values))
    assert found["id"] == lead
    assert "Scan using contact_phone_of_list" in plan and "((list_id = list.id) AND (e164" in plan
    assert "Index Cond: (contact_id = p.contact_id)" in plan
    assert plan.count(" on contact_phone ") == plan.count(" on lead ") == 1


async def test_why_shows_what_counts_and_what_is_not_sure(floor: Floor) -> None:
    """The stricter of campaign and profile, and of which of the two it is."""
    law = {"limits": {"per_day": 2, "per_week": 5}, "calendar": "ru"}
    await LegalService(floor.pool, floor.rows.id).define({**OPEN_PROFILE, **law}, "tester")
    await set_campaign(
        floor,
        hours={"mon": [["10:00", "13:00"]], "sat": []},
        limits={"per_day": 1, "per_week": 7, "minimum_pause_s": 60.0},
        consent_needed=True,
    )
    service = WhyService(RulesService(floor.pool, floor.rows.id))
    why = await service.campaign("c")
    found = {one.rule: (one.value, one.campaign, one.profile, one.set_by) for one in why.effective}
    assert found["hours.mon"] == ("10:00-13:00", "10:00-13:00", "00:00-24:00", "campaign")
    assert found["hours.sat"] == ("none", "none", "00:00-24:00", "campaign")
    assert found["hours.workday"] == ("00:00-24:00", "", "00:00-24:00", "profile")
    assert found["limits.per_day"] == ("1", "1", "2", "campaign")
    assert found["limits.per_week"] == ("5", "7", "5", "profile")
    assert found["limits.minimum_pause_s"] == ("60", "60", "", "campaign")
    assert found["consent"] == ("needed", "needed", "", "campaign")
    assert found["minimum_ring"] == ("≥ 3 s", "", "≥ 3 s", "profile")
    assert found["pause_after_abandoned"][0] == "72 h"
    assert why.warnings[0].rule == "legal_limits"  # the profile got stricter than the campaign
    known = {"name": "ru", "years": {str(year): {} for year in range(2000, 2101)}}
    await CalendarService(floor.pool, floor.rows.id).load(known, "a file", "anna")
    assert len((await service.campaign("c")).warnings) == 1
    unsure = {"name": "ru", "years": {str(datetime.now(UTC).year): {"provisional": True}}}
    await CalendarService(floor.pool, floor.rows.id).load(unsure, "a file", "anna")
    _, warning = (await service.campaign("c")).warnings
    assert warning.rule == "calendar" and "постановления" in warning.ru


async def test_a_campaign_that_contradicts_its_profile_is_not_dialed(floor: Floor) -> None:
    await floor.add_leads(2)
    await set_campaign(floor, legal_profile="ru_advertising")
    assert await claimed(floor) == []
    why = await WhyService(RulesService(floor.pool, floor.rows.id)).campaign("c")
    assert {"legal_mode", "legal_caller_id"} <= {reason.rule for reason in why.reasons}
    await set_campaign(floor, legal_profile="uk", caller_id="+442079460000")
    why = await WhyService(RulesService(floor.pool, floor.rows.id)).campaign("c")
    assert [reason.rule for reason in why.reasons] == ["legal_message", "register_stale"]
    assert await claimed(floor) == []
    await set_campaign(floor, message={"sound": None, "names": ["company", "number"]})
    why = await WhyService(RulesService(floor.pool, floor.rows.id)).campaign("c")
    assert [reason.rule for reason in why.reasons] == ["register_stale"]
    await DncService(floor.pool, floor.rows.id).load(["+442079460001"], "anna", register="tps")
    why = await WhyService(RulesService(floor.pool, floor.rows.id)).campaign("c")
    assert why.reasons == ()


async def test_a_disposition_after_the_agreement_leaves_the_callback_open(floor: Floor) -> None:
    attempt = await floor.dialed()
    await floor.finish(over(conversation(attempt)), DONE)
    soon = datetime.now(UTC) - timedelta(seconds=1)
    await CallbackService(floor.pool, floor.rows.id).add(
        NewCallback(attempt.lead.id, soon, phone=attempt.lead.phone), "anna"
    )
    await floor.dispose(attempt, "agreed")
    assert await claimed(floor) == [attempt.lead.id]
