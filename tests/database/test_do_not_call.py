"""Do-not-call in a real PostgreSQL: entries that end, files, registers, what a person asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.dnc.model import DncError, Scope
from campaigns.dnc.service import DncService, Where
from dialer.database.pool import Pool
from tests.database.store_floor import DONE, Floor, running_floor
from tests.database.test_store_ends import conversation, over


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    return await running_floor(pool)


async def test_an_entry_that_has_ended_forbids_nothing_and_can_be_renewed(floor: Floor) -> None:
    service = DncService(floor.pool, floor.rows.id)
    past = datetime.now(UTC) - timedelta(minutes=1)
    await service.add("+79160000000", "anna", until=past)
    attempt = await floor.dialed()
    await floor.write(lambda c: floor.store.opt_out(c, attempt.id))
    await floor.finish(over(attempt), DONE)
    await floor.pool.execute("update lead set status = 'retry', next_at = now()")
    assert await floor.claim() == []
    await service.remove("+79160000000", "anna")
    assert len(await floor.claim()) == 1  # closed by do-not-call only, so open again


async def test_do_not_call_of_a_file_and_of_a_register(floor: Floor) -> None:
    service = DncService(floor.pool, floor.rows.id)
    done = await service.load(["8 916 000 00 01", "nonsense", "+7 916 000-00-02"], "anna")
    assert (done.numbers, done.added, done.rejected) == (2, 2, 1)
    assert (await service.load(["+79160000001"], "anna")).added == 0
    await service.load(["+79160000003", "+79160000004"], "anna", register="tps")
    fresh = await service.load(["+79160000004"], "anna", register="tps")
    assert fresh.dropped == 1
    assert await service.entries("+79160000003") == []
    for wrong in ("12", "+*", "hello", "+7??x"):
        with pytest.raises(DncError) as refused:
            await service.add(wrong, "anna")
        assert refused.value.id == "bad_entry"


@pytest.mark.parametrize("scope", ["system", "floor", "campaign"])
async def test_leads_of_a_number_that_a_register_drops_are_open_again(
    floor: Floor, scope: Scope
) -> None:
    service = DncService(floor.pool, floor.rows.id)
    name = await floor.pool.fetchval("select name from campaign where id = $1", floor.campaign_id)
    where = Where(scope, name if scope == "campaign" else None)
    await floor.add_leads(1)
    phone, other = "+79160000000", "+79160009999"
    await service.load([phone, other], "anna", where=where, register="tps")
    await floor.pool.execute("update lead set status = 'done', last_outcome = 'do_not_call'")
    assert (await service.load([phone], "anna", where=where, register="tps")).dropped == 1
    assert await floor.claim() == []
    assert (await service.load([other], "anna", where=where, register="tps")).dropped == 1
    assert len(await floor.claim()) == 1


@pytest.mark.parametrize("how", ["command", "key", "operator"])
async def test_who_asked_not_to_be_called_is_not_when_a_register_drops_them(
    floor: Floor, how: str
) -> None:
    service = DncService(floor.pool, floor.rows.id)
    attempt = await floor.dialed()
    phone, other = attempt.lead.phone, "+79169999999"
    await service.load([phone, other], "anna", register="tps")
    if how == "command":
        await service.add(phone, "anna")
    elif how == "key":
        await floor.write(lambda c: floor.store.opt_out(c, attempt.id))
    else:
        await floor.finish(over(conversation(attempt)), DONE)
        await floor.dispose(attempt, "do_not_call")
    assert (await service.load([other], "anna", register="tps")).dropped == 0
    [entry] = await service.entries(phone)
    assert (entry["register"], entry["until"]) == (None, None)


async def test_what_a_register_forbids_is_not_allowed_sooner_by_an_entry_for_a_time(
    floor: Floor,
) -> None:
    service = DncService(floor.pool, floor.rows.id)
    await service.load(["+79160000003"], "anna", register="tps")
    await service.add("+79160000003", "boris", until=datetime.now(UTC) + timedelta(days=1))
    [entry] = await service.entries("+79160000003")
    assert (entry["register"], entry["until"]) == ("tps", None)
