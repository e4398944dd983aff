"""Claims, commits before dialing and the floor's lease, in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from dialer.calls import Attempt, Lead
from dialer.commits import Commits
from dialer.database.pool import Pool
from dialer.store import SQL, Dial, LeaseHeld, Store
from dialer.tasks import Tasks
from tests.database.staff import TestFloor
from tests.database.store_floor import NOW, Floor, moment, running_floor

WAIT_S = 10.0


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    return await running_floor(pool)


async def second_controller(floor: Floor) -> Store:
    """Another controller that took the floor over from the first."""
    store = Store(floor.pool, floor.rows.id, floor.rows.node_id)
    await store.lease("second", 15, ["first"])
    return store


# Claims


async def test_four_claimers_never_share_a_lead(floor: Floor) -> None:
    ids = await floor.add_leads(200)
    await floor.prepare()

    async def claim_all() -> list[Lead]:
        mine: list[Lead] = []
        while batch := await floor.store.claim(floor.campaign_id, 7, 4):
            mine += batch
        return mine

    shares = await asyncio.gather(*(claim_all() for _ in range(4)))
    claimed = [lead.id for share in shares for lead in share]
    # SKIP LOCKED may leave a claimer without work while others still have theirs in hand.
    claimed += [lead.id for lead in await floor.claim(200)]
    assert sorted(claimed) == ids
    assert len({lead.phone for share in shares for lead in share}) == sum(map(len, shares))


async def test_claims_go_by_priority_then_by_who_waits_longest(floor: Floor) -> None:
    ids = await floor.add_leads(4)
    for lead_id, priority, waits_s in zip(ids, (0, 5, 0, 5), (60, 10, 90, 20), strict=True):
        await floor.pool.execute(
            "update lead set priority = $2, next_at = now() - $3 * interval '1 second' "
            "where id = $1",
            lead_id,
            priority,
            waits_s,
        )
    claimed = await floor.claim()
    assert [lead.id for lead in claimed] == [ids[3], ids[1], ids[2], ids[0]]
    assert [lead.standing for lead in claimed] == [(5, 0), (5, 0), (0, 0), (0, 0)]


async def test_a_lead_carries_what_it_has_behind_it(floor: Floor) -> None:
    [lead_id] = await floor.add_leads(1)
    await floor.pool.execute(
        "update lead set status = 'retry', approaches = 2, failures = 3 where id = $1", lead_id
    )
    [lead] = await floor.claim()
    assert lead == Lead(lead_id, floor.campaign_id, "+79160000000", 2, 3, 4)


async def test_only_what_is_due_and_within_the_limit_is_claimed(floor: Floor) -> None:
    ids = await floor.add_leads(5)
    for lead_id, change in zip(
        ids,
        (
            "approaches = 4, status = 'retry'",
            "next_at = now() + interval '1 hour', status = 'retry'",
            "status = 'done'",
            "status = 'dialing'",
            "approaches = 3, status = 'retry'",
        ),
        strict=True,
    ):
        await floor.pool.execute(f"update lead set {change} where id = $1", lead_id)
    assert [lead.id for lead in await floor.claim()] == [ids[4]]
    due, left, kept_by = await floor.store.next_due(floor.campaign_id, 4)
    assert due is not None and NOW + 3500 < due < time.time() + 3601
    assert (left, kept_by) == (1, None)


async def test_nothing_left_is_said(floor: Floor) -> None:
    assert await floor.claim() == []
    assert await floor.store.next_due(floor.campaign_id, 4) == (None, 0, None)


async def test_do_not_call_is_closed_not_dialed(floor: Floor) -> None:
    ids = await floor.add_leads(3)
    await floor.forbid("+79160000001")
    assert [lead.id for lead in await floor.claim()] == [ids[0], ids[2]]
    row = await floor.lead(ids[1])
    assert (row["status"], row["last_outcome"]) == ("done", "do_not_call")


async def test_do_not_call_of_another_floor_forbids_nothing_here(floor: Floor) -> None:
    other = await TestFloor.make(floor.pool, "second")
    await replace(floor, rows=other).forbid("+79160000000")
    assert (await floor.claimed_lead()).phone == "+79160000000"


async def test_a_controller_that_lost_the_floor_claims_nothing(floor: Floor) -> None:
    await floor.add_leads(3)
    new = await second_controller(floor)
    assert await floor.claim() == []
    assert len(await floor.claim(store=new)) == 3


async def test_released_leads_are_as_before(floor: Floor) -> None:
    fresh, tried = await floor.add_leads(2)
    await floor.pool.execute(
        "update lead set approaches = 1, status = 'retry' where id = $1", tried
    )
    await floor.claim()
    await floor.store.release_leads([fresh, tried])
    assert [(await floor.lead(i))["status"] for i in (fresh, tried)] == ["new", "retry"]
    assert len(await floor.claim()) == 2


async def test_a_controller_that_lost_the_floor_releases_nothing(floor: Floor) -> None:
    [lead_id] = await floor.add_leads(1)
    await floor.claim()
    new = await second_controller(floor)
    await new.release_stale_leads()
    assert len(await floor.claim(store=new)) == 1
    await floor.store.release_leads([lead_id])
    assert await floor.is_claimed(lead_id)


async def test_a_new_controller_releases_what_the_old_one_claimed(floor: Floor) -> None:
    dialing, claimed, tried, mine = await floor.add_leads(4)
    await floor.pool.execute("update lead set failures = 1 where id = $1", tried)
    await floor.pool.execute("update lead set priority = 1 where id <> $1", mine)
    leads = await floor.claim(3)
    assert await floor.commit(floor.attempt(next(x for x in leads if x.id == dialing)))
    new = await second_controller(floor)
    await floor.claim(1, new)
    await new.release_stale_leads()
    statuses = {i: (await floor.lead(i))["status"] for i in (dialing, claimed, tried, mine)}
    assert statuses == {dialing: "dialing", claimed: "new", tried: "new", mine: "new"}
    assert [await floor.is_claimed(i) for i in (claimed, tried, mine)] == [False, False, True]


# Commit, then dial


async def test_a_commit_makes_the_attempt_and_books_the_lead(floor: Floor) -> None:
    attempt = floor.attempt(await floor.claimed_lead(), "/var/a.wav")
    assert await floor.commit(attempt)
    row = await floor.attempt_row(attempt)
    assert row is not None
    assert (row["phone"], row["placed_at"], row["recording"], row["dial_interval_s"]) == (
        attempt.lead.phone,
        moment(NOW),
        "/var/a.wav",
        1.5,
    )
    assert row["outcome"] is None
    assert (await floor.lead(attempt.lead.id))["status"] == "dialing"
    [opened] = await floor.store.open_attempts()
    assert (opened["id"], opened["trunk"], opened["max_approaches"]) == (attempt.id, "carrier", 4)
    assert await floor.store.last_dials() == {floor.campaign_id: NOW}


async def lose_the_lease(floor: Floor, lead: Lead) -> None:
    await second_controller(floor)


async def pause(floor: Floor, lead: Lead) -> None:
    await floor.pool.execute("update campaign set status = 'paused'")


async def say_do_not_call(floor: Floor, lead: Lead) -> None:
    await floor.forbid(lead.phone)


async def release(floor: Floor, lead: Lead) -> None:
    await floor.store.release_leads([lead.id])


async def dial_elsewhere(floor: Floor, lead: Lead) -> None:
    assert await floor.commit(floor.attempt(lead))


async def count_an_approach(floor: Floor, lead: Lead) -> None:
    await floor.pool.execute("update lead set approaches = approaches + 1")


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lose_the_lease, {"lease_fence": 2}),
        (pause, {"campaign_status": "paused"}),
        (say_do_not_call, {"do_not_call": True}),
        (release, {"claimed_fence": None}),
        (dial_elsewhere, {"lead_status": "dialing"}),
        (count_an_approach, {"lead_status": "new"}),
    ],
)
async def test_a_lost_race_is_not_dialed(
    floor: Floor, happens: Callable[[Floor, Lead], Awaitable[None]], why: dict[str, object]
) -> None:
    lead = await floor.claimed_lead()
    await happens(floor, lead)
    attempt = floor.attempt(lead)
    assert not await floor.commit(attempt)
    assert await floor.attempt_row(attempt) is None
    assert (await floor.store.why_not_committed(lead)).items() >= why.items()


async def test_attempts_committed_together_are_judged_one_by_one(floor: Floor) -> None:
    """Given five leads of which one is forbidden and two have one phone, when they are committed
    together, then the forbidden one is not there, nor one of the two."""
    await floor.add_leads(5)
    leads = await floor.claim(5)
    await floor.forbid(leads[1].phone)
    for lead in leads[3:]:
        await floor.pool.execute(
            "update ready set phone = $2 where lead_id = $1", lead.id, "+79990000000"
        )
    leads[3:] = [replace(lead, phone="+79990000000") for lead in leads[3:]]
    attempts = [floor.attempt(lead) for lead in leads]
    dial = Dial(floor.rows.trunk_id, None, None, None)
    committed = await floor.store.commit_attempts([(attempt, dial) for attempt in attempts])
    assert committed == {attempts[i].id for i in (0, 2, 3)}
    assert {row["id"] for row in await floor.store.open_attempts()} == committed
    waits = [(await floor.lead(attempts[i].lead.id))["status"] for i in (1, 4)]
    assert waits == ["new", "new"]


async def test_what_is_placed_while_others_are_committed_goes_together(floor: Floor) -> None:
    await floor.add_leads(30)
    attempts = [floor.attempt(lead) for lead in await floor.claim(30)]
    dial, sizes, store = Dial(floor.rows.trunk_id, None, None, None), [], floor.store
    write = store.commit_attempts

    async def noted(wanted: Sequence[tuple[Attempt, Dial]]) -> set[UUID]:
        sizes.append(len(wanted))
        return await write(wanted)

    store.commit_attempts = noted  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        commits = Commits(store, Tasks(group))
        first = [commits.commit(attempt, dial) for attempt in attempts[:10]]
        while not sizes:
            await asyncio.sleep(0)
        rest = [commits.commit(attempt, dial) for attempt in attempts[10:]]
        assert all(await asyncio.gather(*first, *rest))
    assert sizes == [10, 20]
    assert len(await store.open_attempts()) == 30


async def test_a_database_that_fails_is_told_to_everybody_who_waits(floor: Floor) -> None:
    attempt, dial = floor.attempt(await floor.claimed_lead()), Dial(0, None, None, None)
    async with asyncio.TaskGroup() as group:
        commits = Commits(floor.store, Tasks(group))
        waiting = [commits.commit(attempt, dial) for _ in range(2)]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in found] == 2 * [asyncpg.ForeignKeyViolationError]
        good = Dial(floor.rows.trunk_id, None, None, None)
        assert await commits.commit(attempt, good)


async def test_of_many_commits_for_one_lead_one_wins(floor: Floor) -> None:
    lead = await floor.claimed_lead()
    attempts = [floor.attempt(lead) for _ in range(10)]
    assert sum(await asyncio.gather(*map(floor.commit, attempts))) == 1
    assert len(await floor.store.open_attempts()) == 1


@pytest.mark.parametrize("what", ["claim", "commit"])
async def test_a_take_over_under_way_is_waited_for(floor: Floor, what: str) -> None:
    """Neither slips in between the new controller's lease and its look at what is open."""
    lead = await floor.claimed_lead()
    await floor.add_leads(1)
    async with floor.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        fence = await connection.fetchval(
            SQL["lease_floor"], floor.rows.id, "second", 15.0, ["first"]
        )
        assert fence == 2
        work: Awaitable[object]
        work = floor.claim() if what == "claim" else floor.commit(floor.attempt(lead))
        late = asyncio.ensure_future(work)
        await until_somebody_waits(floor.pool)
        assert not late.done()
        await transaction.commit()
    assert not await asyncio.wait_for(late, WAIT_S)
    assert await floor.store.open_attempts() == []


async def until_somebody_waits(pool: Pool) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await pool.fetchval(
            "select count(*) from pg_stat_activity "
            "where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)


async def test_a_withdrawn_attempt_never_was(floor: Floor) -> None:
    attempt = await floor.dialed()
    for _ in range(2):
        await floor.write(lambda c: floor.store.withdraw(c, attempt))
        assert await floor.attempt_row(attempt) is None
        assert (await floor.lead(attempt.lead.id))["status"] == "new"
    assert [lead.id for lead in await floor.claim()] == [attempt.lead.id]


async def test_an_attempt_that_was_refused_gives_its_lead_back(floor: Floor) -> None:
    lead = await floor.claimed_lead()
    await pause(floor, lead)
    attempt = floor.attempt(lead)
    assert not await floor.commit(attempt)
    await floor.write(lambda c: floor.store.withdraw(c, attempt))
    assert (await floor.lead(lead.id))["status"] == "new"


async def test_a_withdrawal_told_twice_never_touches_the_next_attempt(floor: Floor) -> None:
    first = await floor.dialed()
    await floor.write(lambda c: floor.store.withdraw(c, first))
    [lead] = await floor.claim()
    second = floor.attempt(lead)
    assert await floor.commit(second)
    await floor.write(lambda c: floor.store.withdraw(c, first))
    assert (await floor.lead(lead.id))["status"] == "dialing"
    assert [row["id"] for row in await floor.store.open_attempts()] == [second.id]


# The lease


async def test_one_controller_holds_a_floor(floor: Floor) -> None:
    other = Store(floor.pool, floor.rows.id, floor.rows.node_id)
    with pytest.raises(LeaseHeld, match=r"held by first until \d\d:\d\d:\d\d UTC; stop that"):
        await other.lease("second", 15, [])
    assert (await other.lease_holder())[0] == "first"
    assert await floor.store.renew_lease(15)


async def test_of_many_who_want_a_free_floor_one_gets_it(floor: Floor) -> None:
    await floor.store.release_lease()

    async def take(number: int) -> bool:
        try:
            await Store(floor.pool, floor.rows.id, 1).lease(f"controller {number}", 15, [])
        except LeaseHeld:
            return False
        return True

    assert sum(await asyncio.gather(*map(take, range(8)))) == 1


async def test_a_lease_that_ended_is_taken_over_and_cannot_be_renewed(floor: Floor) -> None:
    await floor.store.renew_lease(-1)
    other = Store(floor.pool, floor.rows.id, floor.rows.node_id)
    await other.lease("second", 15, [])
    assert (floor.store.fence, other.fence) == (1, 2)
    assert not await floor.store.renew_lease(15)
    await floor.store.release_lease()
    assert (await other.lease_holder())[0] == "second"
    assert await other.renew_lease(15)


async def test_a_lease_that_ended_and_nobody_wanted_goes_on(floor: Floor) -> None:
    await floor.store.renew_lease(-1)
    assert await floor.store.renew_lease(15)


async def test_the_same_controller_started_again_has_a_new_fence(floor: Floor) -> None:
    again = Store(floor.pool, floor.rows.id, floor.rows.node_id)
    await again.lease("first", 15, ["first"])
    assert again.fence == 2
    assert not await floor.store.renew_lease(15)
