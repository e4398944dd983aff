"""Ends of attempts, dispositions, shifts, decisions, in a real PostgreSQL: each idempotent."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest

from campaigns.leads.model import DAY_S, HOUR_S, NextStep
from campaigns.refusals import Sentence
from dialer.calls import Attempt, Conversing, Ended, Placed
from dialer.database.pool import Pool
from dialer.ids import new_id
from dialer.operators import Connecting, Paused, Ready, Seat, StateChange
from dialer.outcomes import EndedBy, Outcome
from dialer.pacing import Decision
from dialer.store import Dial
from tests.database.store_floor import DONE, NOW, Floor, moment, running_floor


@pytest.fixture(name="floor")
async def floor_fixture(pool: Pool) -> Floor:
    return await running_floor(pool)


def conversation(placed: Placed) -> Conversing:
    return placed.ringing(NOW + 2).answered(NOW + 9).bridged(NOW + 10, "anna")


def over(attempt: Attempt, outcome_cause: int = 16) -> Ended:
    seen = attempt.seen("PJSIP/trunk-carrier-1")
    return seen.ended(NOW + 60, cause=outcome_cause, sip_code=None, by=EndedBy.PERSON)


# Ends


async def test_a_finish_writes_the_outcome_and_the_leads_next_time(floor: Floor) -> None:
    attempt = await floor.dialed()
    await floor.finish(over(attempt.ringing(NOW + 2), 17), NextStep("retry", 1, 0, 1800))
    row = await floor.attempt_row(attempt)
    assert row is not None
    assert (row["outcome"], row["ended_by"], row["cause"]) == ("busy", "person", 17)
    assert (row["rang_at"], row["ended_at"]) == (moment(NOW + 2), moment(NOW + 60))
    lead = await floor.lead(attempt.lead.id)
    assert (lead["status"], lead["approaches"], lead["last_outcome"]) == ("retry", 1, "busy")
    assert (lead["next_at"], lead["claimed_fence"]) == (moment(NOW + 60 + 1800), None)


async def test_the_first_outcome_stays(floor: Floor) -> None:
    attempt = await floor.dialed()
    await floor.finish(over(attempt.ringing(NOW + 2), 17))
    before = (await floor.attempt_row(attempt), await floor.lead(attempt.lead.id))
    await floor.finish(over(attempt.ringing(NOW + 2), 17))
    await floor.finish(attempt.lost(NOW + 99, known_dead=True), DONE)
    assert (await floor.attempt_row(attempt), await floor.lead(attempt.lead.id)) == before


async def test_a_late_second_finish_leaves_the_leads_next_attempt_alone(floor: Floor) -> None:
    attempt = await floor.dialed()
    await floor.finish(over(attempt.ringing(NOW + 2)), NextStep("retry", 1, 0, -3600))
    [lead] = await floor.claim()
    assert await floor.commit(floor.attempt(lead))
    await floor.finish(over(attempt.ringing(NOW + 2)), DONE)
    assert (await floor.lead(lead.id))["status"] == "dialing"


async def test_a_conversation_is_known_before_its_end(floor: Floor) -> None:
    operator_id, shift_id = await floor.sign_in("anna")
    talking = conversation(await floor.dialed("/var/a.wav"))
    for _ in range(2):
        await floor.write(floor.store.bridged(talking, operator_id, shift_id))
    [opened] = await floor.store.open_attempts()
    assert (opened["operator"], opened["bridged_at"]) == ("anna", moment(NOW + 10))

    # A controller that came later never saw the ringing: what is known stays known.
    restored = replace(talking, rang_at=None, rang_known=False)
    await floor.finish(over(restored), DONE)
    row = await floor.attempt_row(talking)
    assert row is not None
    assert (row["rang_at"], row["answered_at"]) == (moment(NOW + 2), moment(NOW + 9))
    assert (row["operator_id"], row["shift_id"]) == (operator_id, shift_id)
    assert (row["outcome"], row["recording"]) == ("answered", "/var/a.wav")


async def test_no_conversation_no_recording(floor: Floor) -> None:
    attempt = await floor.dialed("/var/a.wav")
    await floor.finish(over(attempt.answered(NOW + 5)))
    row = await floor.attempt_row(attempt)
    assert row is not None and row["recording"] is None


async def test_a_conversation_after_its_end_changes_nothing(floor: Floor) -> None:
    operator_id, shift_id = await floor.sign_in("anna")
    attempt = await floor.dialed()
    await floor.finish(over(attempt))
    before = await floor.attempt_row(attempt)
    talking = conversation(attempt)
    await floor.write(floor.store.bridged(talking, operator_id, shift_id))
    assert await floor.attempt_row(attempt) == before


async def test_the_database_knows_every_outcome_and_end(floor: Floor) -> None:
    outcomes, ends = tuple(Outcome), tuple(EndedBy)
    for number in range(max(len(outcomes), len(ends))):
        outcome, by = outcomes[number % len(outcomes)], ends[number % len(ends)]
        attempt = await floor.dialed()
        await floor.finish(replace(over(attempt), outcome=outcome, ended_by=by))
        row = await floor.attempt_row(attempt)
        assert row is not None and (row["outcome"], row["ended_by"]) == (outcome, by)


async def test_legs_are_written_once(floor: Floor) -> None:
    attempt = await floor.dialed()
    call_id, store = str(attempt.id), floor.store

    async def begin(channel: str) -> None:
        await floor.write(store.call_created(call_id, channel, NOW, attempt_id=attempt.id))

    async def end(call_id: str, cause: int) -> None:
        await floor.write(store.call_ended(call_id, NOW + 5, NOW + 9, cause))

    await begin("PJSIP/a-1")
    await begin("PJSIP/b-2")
    await end(call_id, 16)
    await end(call_id, 44)
    await end("unknown", 16)
    [call] = await floor.pool.fetch("select * from call")
    assert (call["id"], call["channel"], call["cause"]) == (call_id, "PJSIP/a-1", 16)
    assert (call["direction"], call["ended_at"]) == ("out", moment(NOW + 9))


# Dispositions and do-not-call


async def test_call_back_brings_a_lead_again(floor: Floor) -> None:
    attempt = await floor.dialed()
    await floor.finish(over(conversation(attempt)), DONE)
    for _ in range(2):
        await floor.dispose(attempt, "call_back")
    row = await floor.attempt_row(attempt)
    assert row is not None
    assert (row["note"], row["disposed_at"]) == ("a note", moment(NOW + 70))
    lead = await floor.lead(attempt.lead.id)
    assert (lead["status"], lead["next_at"]) == ("retry", moment(NOW + 70 + 4 * HOUR_S))


@pytest.mark.parametrize("code", ["call_back", "machine"])
async def test_one_given_while_still_talking_counts_too(floor: Floor, code: str) -> None:
    attempt = await floor.dialed()
    await floor.dispose(attempt, code, NOW + 30)
    await floor.finish(over(conversation(attempt)), DONE)
    lead = await floor.lead(attempt.lead.id)
    assert (lead["status"], lead["approaches"]) == ("retry", 1)
    assert lead["next_at"] == moment(NOW + 60 + 4 * HOUR_S)


@pytest.mark.parametrize("early", [True, False])
async def test_no_call_back_over_the_limit(floor: Floor, early: bool) -> None:
    attempt = await floor.dialed()
    if early:
        await floor.dispose(attempt, "call_back")
    await floor.finish(over(conversation(attempt)), NextStep("done", 4, 0, 0.0))
    if not early:
        await floor.dispose(attempt, "call_back")
    assert (await floor.lead(attempt.lead.id))["status"] == "done"


@pytest.mark.parametrize("code", ["agreed", "interested", "refused", "wrong_number", "no_talk"])
async def test_other_dispositions_leave_the_lead_done(floor: Floor, code: str) -> None:
    attempt = await floor.dialed()
    await floor.finish(over(conversation(attempt)), DONE)
    await floor.dispose(attempt, code)
    assert (await floor.lead(attempt.lead.id))["status"] == "done"
    assert await floor.pool.fetchval("select count(*) from do_not_call") == 0


async def test_do_not_call_counts_at_once_and_for_every_campaign(floor: Floor) -> None:
    lead = await floor.claimed_lead()
    other_id = await floor.pool.fetchval(
        "insert into campaign (floor_id, trunk_id, name, status) values ($1, $2, 'd', 'running') "
        "returning id",
        floor.rows.id,
        floor.rows.trunk_id,
    )
    other = replace(floor, campaign_id=other_id)
    await floor.pool.execute(
        "insert into lead (campaign_id, contact_id) select $1, id from contact", other_id
    )
    [same_person] = await other.claim()
    attempt = floor.attempt(lead)
    assert await floor.commit(attempt)
    await floor.finish(over(conversation(attempt.placed())), DONE)
    for _ in range(2):
        await floor.dispose(attempt.placed(), "do_not_call")
    assert not await other.commit(other.attempt(same_person))
    [row] = await floor.pool.fetch("select * from do_not_call")
    assert (row["e164"], row["source"], row["attempt_id"]) == (
        attempt.lead.phone,
        "operator",
        attempt.id,
    )


async def test_an_unknown_disposition_changes_nothing(floor: Floor) -> None:
    attempt = await floor.dialed()
    await floor.dispose(attempt, "nonsense")
    row = await floor.attempt_row(attempt)
    assert row is not None and row["disposition_id"] is None


async def test_the_opt_out_key_is_written_once(floor: Floor) -> None:
    attempt = await floor.dialed()
    for _ in range(2):
        await floor.write(lambda c: floor.store.opt_out(c, attempt.id))
    await floor.write(lambda c: floor.store.opt_out(c, new_id(NOW)))
    [row] = await floor.pool.fetch("select * from do_not_call")
    assert (row["e164"], row["source"]) == (attempt.lead.phone, "key_press")
    await floor.finish(over(attempt.answered(NOW + 2).left_alone()), NextStep("retry", 1, 0, 0.0))
    await floor.pool.execute("update lead set next_at = now()")
    assert await floor.claim() == []


# Shifts


async def test_a_shift_is_cut_into_states_without_a_gap(floor: Floor) -> None:
    operator_id, shift_id = await floor.sign_in("anna")
    changes: list[StateChange] = []
    first = Connecting(NOW)
    changes.append(StateChange(shift_id, "anna", 0, None, first))
    seat = Seat(operator_id, "anna", shift_id, NOW, changes.append, first)
    seat.become(first.phone_up(NOW + 3.25))
    seat.become(Paused(NOW + 60, "lunch"))
    seat.become(Ready(NOW - 3600))  # the clock was set back
    for change in changes:
        for _ in range(2):
            await floor.change_state(change)
    for _ in range(2):
        await floor.write(floor.store.close_shift(shift_id, NOW + 90))
    a, b, c, d = (moment(NOW + s) for s in (0, 3.25, 60, 90))
    assert await floor.states(shift_id) == [
        (0, "connecting", None, a, b),
        (1, "ready", None, b, c),
        (2, "paused", "lunch", c, c),
        (3, "ready", None, c, d),
    ]
    assert await floor.store.open_shifts() == []


async def test_a_crash_right_after_the_sign_in_leaves_no_gap(floor: Floor) -> None:
    _, shift_id = await floor.sign_in("anna")
    assert await floor.states(shift_id) == [(0, "connecting", None, moment(NOW), None)]
    [row] = await floor.store.open_shifts()
    assert (row["login"], row["state"], row["seq"]) == ("anna", "connecting", 0)


async def test_an_open_shift_has_its_present_state_and_last_dial(floor: Floor) -> None:
    operator_id, shift_id = await floor.sign_in("anna", NOW - 100)
    change = StateChange(shift_id, "anna", 1, Connecting(NOW - 100), Paused(NOW - 50, "lunch"))
    await floor.change_state(change)
    attempt = floor.attempt(await floor.claimed_lead())
    assert await floor.store.commit_attempt(
        attempt, Dial(floor.rows.trunk_id, operator_id, None, None)
    )
    [row] = await floor.store.open_shifts()
    assert (row["operator_id"], row["state"], row["reason"]) == (operator_id, "paused", "lunch")
    assert (row["seq"], row["state_since"]) == (1, moment(NOW - 50))
    assert row["last_dial_at"] == moment(NOW)


async def test_a_state_is_entered_whole_or_not_at_all(floor: Floor) -> None:
    _, shift_id = await floor.sign_in("anna")
    bad = StateChange(shift_id, "anna", 1, None, Paused(NOW + 5, "\x00"))
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await floor.change_state(bad)
    assert await floor.states(shift_id) == [(0, "connecting", None, moment(NOW), None)]


# The decision log


async def test_a_decision_is_logged_once_and_kept_for_a_day(floor: Floor) -> None:
    decision = Decision(2, "operators", Sentence("2 free", "свободно 2"))

    async def log(at: float) -> None:
        await floor.write(floor.store.log_decision(floor.campaign_id, at, decision))

    for at in (NOW - 2 * DAY_S, NOW, NOW):
        await log(at)
    assert await floor.pool.fetchval("select count(*) from decision") == 2
    await floor.store.forget_decisions()
    [row] = await floor.pool.fetch("select at, placed, limited_by, reason, reason_ru from decision")
    assert tuple(row) == (moment(NOW), 2, "operators", "2 free", "свободно 2")
