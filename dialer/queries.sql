-- name: lease_floor
-- Take the floor's lease when it is free, expired, or held by ourselves; the fence grows.
update floor set lease_holder = $2, lease_fence = lease_fence + 1,
    lease_expires_at = now() + $3 * interval '1 second'
where id = $1
    and (lease_holder is null or lease_expires_at < now() or lease_holder = any($4::text[]))
returning lease_fence

-- name: renew_lease
-- Keep the lease we hold; no row means that another controller took the floor over.
update floor set lease_expires_at = now() + $3 * interval '1 second'
where id = $1 and lease_fence = $2
returning lease_fence

-- name: release_lease
-- Give the floor back at the end.
update floor set lease_holder = null, lease_expires_at = null where id = $1 and lease_fence = $2

-- name: lease_fence
-- The fence of whoever took the floor last.
select lease_fence from floor where id = $1

-- name: lease_holder
-- Who holds the floor, for the message to the one who cannot have it.
select lease_holder, lease_expires_at from floor where id = $1

-- name: ensure_floor
-- The floor's row, made at the first start.
insert into floor (name, time_zone) values ($1, $2)
on conflict (name) do update set time_zone = excluded.time_zone returning id

-- name: ensure_node
-- The node's row, made at the first start.
insert into node (name) values ($1)
on conflict (name) do update set name = excluded.name returning id

-- name: ensure_trunk
-- The trunk's row follows the settings.
insert into trunk (node_id, name, lines, calls_per_second) values ($1, $2, $3, $4)
on conflict (node_id, name) do update
    set lines = excluded.lines, calls_per_second = excluded.calls_per_second
returning id

-- name: ensure_dispositions
-- The standard set of dispositions of a floor.
insert into disposition (floor_id, code, title_ru, title_en, flags)
select $1, d.code, d.title_ru, d.title_en, d.flags from (values
    ('agreed', 'Договорились', 'Agreed', array['productive', 'target', 'decision_maker']),
    ('interested', 'Интерес есть', 'Interested', array['productive']),
    ('refused', 'Отказ', 'Refused', array['productive', 'refusal']),
    ('do_not_call', 'Больше не звонить', 'Do not call', array['refusal', 'do_not_call']),
    ('call_back', 'Перезвонить', 'Call back', array['callback']),
    ('machine', 'Автоответчик', 'Answering machine', array['machine']),
    ('wrong_number', 'Не тот номер', 'Wrong number', '{}'),
    ('no_talk', 'Разговора не было', 'No conversation', '{}')
) as d(code, title_ru, title_en, flags)
on conflict (floor_id, campaign_id, code) do nothing

-- name: dispositions
-- The floor's dispositions, for the desk.
select id, code, title_ru, title_en, flags from disposition
where floor_id = $1 and campaign_id is null order by id

-- name: running_campaigns
-- What the controller dials now, with the trunks (none: any) and caller ids that it may use.
select c.*, array_remove(array_prepend(c.caller_id, c.further_caller_ids), null) as caller_ids,
    array(select t.name from trunk t
          left join campaign_trunk f on f.trunk_id = t.id and f.campaign_id = c.id
          where t.id = c.trunk_id or f.trunk_id is not null
          order by t.id = c.trunk_id desc, f.position) as trunks
from campaign c where c.floor_id = $1 and c.status = 'running' order by c.id

-- name: claim_leads
-- Claim the next leads of a campaign for this lease out of the queue of what is ready; of those
-- that are for one operator, only the ones of operators $6.
-- The share lock makes a take-over wait: what it then releases is all that the old lease claimed.
with held as (
    select id from floor where id = $5 and lease_fence = $3 for share
), next as (
    select lead_id from ready
    where campaign_id = $1 and claimed_fence is null and open_until > $4 and exists (select from held)
        and (operator_id is null or operator_id = any($6::bigint[]))
    order by cold, priority desc, rank, due_at, lead_id
    limit $2 for update skip locked
), claimed as (
    update ready set claimed_fence = $3 from next where ready.lead_id = next.lead_id
    returning ready.*
)
select lead_id as id, approaches, failures, phone, operator_id, callback_id, facts, cold, priority,
    rank
from claimed
order by cold, priority desc, rank, due_at, lead_id

-- name: release_leads
-- Claimed leads that were not dialed: their rules are asked again.
delete from ready where lead_id = any($1::bigint[]) and claimed_fence = $2

-- name: postpone_lead
-- A claimed lead that no trunk takes now goes back, due after $3 seconds.
with freed as (
    delete from ready where lead_id = $1 and claimed_fence = $2 returning lead_id
)
update lead set next_at = now() + $3 * interval '1 second'
from freed where lead.id = freed.lead_id and lead.status in ('new', 'retry')

-- name: pass_on
-- A lead whose call a trunk did not take up is claimed again at once, for another trunk; what that
-- one makes good is no failure. No row: its campaign stopped, the lease is gone, or it changed.
with mine as (
    update lead set failures = greatest(failures - 1, 0)
    from campaign c, (select id from floor where id = $2 and lease_fence = $3 for share) held
    where lead.id = $1 and lead.status = 'retry' and lead.last_outcome in ('failed', 'congestion')
        and c.id = lead.campaign_id and c.floor_id = held.id and c.status = 'running'
    returning lead.*
)
insert into ready (lead_id, floor_id, campaign_id, callback_id, cold, priority, rank, due_at, phone,
    facts, approaches, failures, operator_id, needs_consent, prepared_at, open_until, claimed_fence)
select id, $2, campaign_id, $6, false, priority, rank, next_at, $4, $5::jsonb, approaches, failures,
    $7, coalesce(($5::jsonb->>'needs_consent')::boolean, false), $8::timestamptz,
    coalesce(($5::jsonb->>'open_until')::timestamptz, $8::timestamptz + interval '30 seconds'), $3
from mine
on conflict (lead_id) do update set claimed_fence = excluded.claimed_fence, phone = excluded.phone,
    failures = excluded.failures where ready.claimed_fence is null
returning lead_id

-- name: release_stale_leads
-- Leads claimed under an older lease: their controller is gone and never committed an attempt.
delete from ready where floor_id = $1 and claimed_fence <> $2

-- name: commit_attempts
-- Commit before dialing: each lead is ours and as we know it, its floor's lease too, the campaign
-- still runs, and what was asked when it was prepared holds: hours, do-not-call, consent, and
-- nobody has dialed this person since. What does not come back must not be dialed.
-- One campaign at a time: it has one lead of a contact. The share lock makes a take-over wait, so
-- that the next controller sees these attempts.
with held as (
    select id from floor where id = $1 and lease_fence = $2 for share
), wanted as (
    select * from unnest($6::uuid[], $7::bigint[], $8::text[], $9::integer[], $10::integer[],
        $11::bigint[], $12::bigint[], $13::float8[], $14::float8[], $15::timestamptz[],
        $16::text[], $17::text[])
        as w(id, lead_id, phone, approaches, failures, trunk_id, dial_operator_id,
            dial_interval_s, operator_dial_interval_s, placed_at, recording, mode)
), taken as (
    delete from ready r using held, wanted w
    where r.lead_id = w.lead_id and r.claimed_fence = $2 and r.phone = w.phone
        and r.open_until > $3
    returning r.*
), mine as (
    update lead set status = 'dialing', blocked_by = null
    from taken, wanted w, campaign c
    where lead.id = taken.lead_id and w.lead_id = taken.lead_id
        and lead.status in ('new', 'retry')
        and lead.approaches = w.approaches and lead.failures = w.failures
        and c.id = $4 and lead.campaign_id = c.id and c.status = 'running'
        and not is_forbidden(w.phone, $1, c.id, $3)
        and (not taken.needs_consent or has_consent(w.phone, $1, c.id, $3))
        and not exists (select from attempt a where a.floor_id = $1 and a.phone = w.phone
            and (a.placed_at > taken.prepared_at or a.outcome is null))
        and not exists (select from attempt a where a.contact_id = lead.contact_id
            and (a.placed_at > taken.prepared_at or a.outcome is null))
        and (taken.callback_id is null or exists (select from callback b
            where b.id = taken.callback_id and b.status = 'waiting'))
    returning lead.id, lead.contact_id, taken.callback_id
), called_back as (
    update callback set status = 'dialing', attempt_id = w.id
    from mine, wanted w where callback.id = mine.callback_id and w.lead_id = mine.id
)
insert into attempt (id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone, dial_operator_id,
    dial_interval_s, operator_dial_interval_s, placed_at, recording, contact_id, callback_id, mode)
select w.id, $1, $4, mine.id, $5, w.trunk_id, w.phone, w.dial_operator_id, w.dial_interval_s,
    w.operator_dial_interval_s, w.placed_at, w.recording, mine.contact_id, mine.callback_id, w.mode
from mine join wanted w on w.lead_id = mine.id
returning id

-- name: why_not_committed
-- What changed between the claim and the dial.
select l.status as lead_status, c.status as campaign_status, f.lease_fence,
    is_forbidden($2, f.id, c.id, $3) as do_not_call, r.claimed_fence, r.open_until
from lead l join campaign c on c.id = l.campaign_id join floor f on f.id = c.floor_id
left join ready r on r.lead_id = l.id
where l.id = $1

-- name: attempt_bridged
-- A conversation began.
update attempt set rang_at = $2, answered_at = $3, bridged_at = $4, operator_id = $5, shift_id = $6
where id = $1 and outcome is null

-- name: finish_attempts
-- The one outcome of each attempt, and what it does to its lead. Idempotent: a second time changes
-- nothing. What an earlier controller knew stays, and so does a disposition given while still talking.
with ended as (
    update attempt a set rang_at = coalesce(w.rang_at, a.rang_at),
        answered_at = coalesce(w.answered_at, a.answered_at),
        bridged_at = coalesce(w.bridged_at, a.bridged_at), ended_at = w.ended_at,
        operator_id = coalesce(w.operator_id, a.operator_id),
        shift_id = coalesce(w.shift_id, a.shift_id),
        outcome = w.outcome, ended_by = w.ended_by, cause = w.cause, sip_code = w.sip_code,
        recording = case when coalesce(w.bridged_at, a.bridged_at) is not null then a.recording end
    from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[],
        $5::timestamptz[], $6::bigint[], $7::uuid[], $8::text[], $9::text[], $10::integer[],
        $11::integer[], $12::text[], $13::integer[], $14::integer[], $15::float8[], $16::integer[])
        as w(id, rang_at, answered_at, bridged_at, ended_at, operator_id, shift_id, outcome,
            ended_by, cause, sip_code, status, approaches, failures, after_s, next_phone)
    where a.id = w.id and a.outcome is null
    returning a.lead_id, a.campaign_id, a.disposition_id, a.contact_id, a.phone, a.callback_id,
        a.bridged_at is not null as conversed, w.ended_at, w.outcome, w.status, w.approaches,
        w.failures, w.after_s, w.next_phone,
        (select w.approaches > lead.approaches from lead where lead.id = a.lead_id) as approached
), dead as (
    update contact_phone set invalid_at = ended.ended_at from ended
    where ended.outcome = 'invalid' and contact_phone.contact_id = ended.contact_id
        and contact_phone.e164 = ended.phone
), called_back as (
    -- What trunk, node or dialer did is no try of the person.
    update callback set tries = tries + approached::integer,
        at = ended.ended_at + interval '15 minutes',
        status = case when conversed or outcome = 'invalid' then 'done'
            when tries + 1 >= 3 and approached then 'missed'
            when ended.status = 'done' and not approached then 'missed' else 'waiting' end
    from ended where callback.id = ended.callback_id and callback.status = 'dialing'
    returning ended.lead_id, callback.status = 'waiting' as waits, callback.at
), last as (
    select ended.*, c.lead_order,
        coalesce((d.flags && array['machine', 'callback'] or c.retry->'dispositions' ? d.code)
            and ended.status = 'done' and ended.approaches < c.max_approaches, false) as again,
        coalesce((c.retry->'dispositions'->d.code->>'pause_s')::double precision, 14400) as pause_s,
        coalesce((select at from called_back b where b.waits and b.lead_id = ended.lead_id),
            (select b.at from callback b
                where b.lead_id = ended.lead_id and b.status = 'waiting')) as callback_at
    from ended join campaign c on c.id = ended.campaign_id
    left join disposition d on d.id = ended.disposition_id
)
update lead set approaches = last.approaches, failures = last.failures,
    last_outcome = last.outcome, claimed_fence = null,
    status = case when again or callback_at is not null then 'retry' else last.status end,
    next_at = coalesce(callback_at, last.ended_at
        + case when again then pause_s else after_s end * interval '1 second'),
    next_phone = coalesce(last.next_phone, lead.next_phone), blocked_by = null,
    rank = case when lead_order = 'least_attempts' then last.approaches else rank end
from last where lead.id = last.lead_id and lead.status = 'dialing'

-- name: lock_lead
-- Wait for whoever still changes the lead (a commit that was given up may be under way).
select id from lead where id = $1 for update

-- name: withdraw_attempt
-- An attempt that was never sent to the node: as if it had not been.
delete from attempt where id = $1 and outcome is null returning lead_id

-- name: withdraw_lead
-- Its lead goes back. $3: the attempt's row was there.
with freed as (
    delete from ready where lead_id = $1 and claimed_fence = $2
), called_back as (
    update callback set status = 'waiting', attempt_id = null
    where lead_id = $1 and status = 'dialing' and $3
)
update lead set status = case when approaches + failures = 0 then 'new' else 'retry' end
where id = $1 and status = 'dialing' and $3

-- name: release_lost_claims
-- Leads claimed under our own lease that the controller does not have: the answer to a claim or to
-- a release was lost. $3: leads that it has.
delete from ready where floor_id = $1 and claimed_fence = $2 and not lead_id = any($3::bigint[])

-- name: call_created
-- Legs' lives begin.
insert into call (id, node_id, direction, attempt_id, shift_id, trunk_id, channel, created_at)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::uuid[], $5::uuid[], $6::bigint[],
    $7::text[], $8::timestamptz[])
on conflict do nothing

-- name: call_ended
-- Legs' lives end.
update call set answered_at = w.answered_at, ended_at = w.ended_at, cause = w.cause
from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::integer[])
    as w(node_id, id, answered_at, ended_at, cause)
where call.node_id = w.node_id and call.id = w.id and call.ended_at is null

-- name: open_shift
-- An operator signs in. The first state comes with the shift: a crash leaves no gap between them.
with opened as (
    insert into shift (id, operator_id, floor_id, node_id, started_at) values ($1, $2, $3, $4, $5)
    on conflict (id) do nothing
    returning id, started_at
)
insert into shift_state (shift_id, seq, state, started_at)
select id, 0, $6, started_at from opened

-- name: change_state
-- The next state of a shift; the last one ends where it starts.
with closed as (
    update shift_state set ended_at = $6
    where shift_id = $1 and seq < $2 and ended_at is null returning seq
), done as (
    select count(*) from closed -- read by the insert, so that no shift has two open states
)
insert into shift_state (shift_id, seq, state, reason, attempt_id, started_at)
select $1, $2, $3, $4, $5, $6 from done on conflict (shift_id, seq) do nothing

-- name: close_shift
-- An operator signs out: the last state ends with the shift.
with closed as (
    update shift_state set ended_at = $2 where shift_id = $1 and ended_at is null
)
update shift set ended_at = $2 where id = $1 and ended_at is null

-- name: operator_by_login
-- Who signs in.
select id, login, skills, phone_mode, phone_number from operator
where floor_id = $1 and login = $2 and removed_at is null

-- name: open_shifts
-- Shifts that were open when the last controller stopped, with their present state.
select s.id, s.operator_id, o.login, o.skills, o.phone_mode, o.phone_number, s.started_at,
    st.seq, st.state, st.reason, st.attempt_id, st.started_at as state_since,
    (select a.mode from attempt a where a.id = st.attempt_id) as attempt_mode,
    (select max(a.placed_at) from attempt a
     where a.dial_operator_id = s.operator_id and a.placed_at >= s.started_at) as last_dial_at
from shift s join operator o on o.id = s.operator_id
left join lateral (
    select * from shift_state where shift_id = s.id order by seq desc limit 1
) st on true
where s.floor_id = $1 and s.ended_at is null

-- name: open_attempts
-- Attempts without an outcome when the last controller stopped.
select a.*, t.name as trunk, d.login as dial_operator, o.login as operator,
    l.approaches, l.failures, c.max_approaches
from attempt a join trunk t on t.id = a.trunk_id
join lead l on l.id = a.lead_id join campaign c on c.id = a.campaign_id
left join operator d on d.id = a.dial_operator_id
left join operator o on o.id = a.operator_id
where a.floor_id = $1 and a.outcome is null

-- name: last_dials
-- When each campaign dialed last, for its dial interval.
select campaign_id, max(placed_at) as placed_at from attempt
where floor_id = $1 and placed_at > now() - interval '1 day' group by campaign_id

-- name: dispose
-- The operator's disposition of a conversation, and what its flags do to the lead.
with disposed as (
    update attempt set disposition_id = d.id, disposed_at = $4, note = $5, answers = $6,
        callback_at = $7, callback_same_operator = $8
    from disposition d
    where attempt.id = $1 and d.floor_id = $2 and d.id = disposition_of(attempt.campaign_id, $3)
    returning attempt.lead_id, attempt.phone, attempt.floor_id, attempt.id, d.flags
), forbidden as (
    insert into do_not_call (floor_id, e164, source, attempt_id)
    select floor_id, phone, 'operator', id from disposed where flags @> array['do_not_call']
    on conflict (e164, coalesce(floor_id, 0), coalesce(campaign_id, 0)) do update
        set until = null, register = null, source = excluded.source,
            attempt_id = excluded.attempt_id
        where do_not_call.until is not null or do_not_call.register is not null
), again as (
    update lead set status = 'retry', next_at = $4::timestamptz + interval '1 second' *
        coalesce((c.retry->'dispositions'->$3->>'pause_s')::double precision, 14400)
    from disposed, campaign c
    where lead.id = disposed.lead_id and lead.status = 'done' and c.id = lead.campaign_id
        and (flags && array['machine', 'callback'] or c.retry->'dispositions' ? $3)
        and lead.approaches < c.max_approaches
), settled as (
    -- A conversation that a lost phone cut off is due again, unless all was said before.
    update lead set status = 'done'
    from disposed, campaign c
    where lead.id = disposed.lead_id and lead.status = 'retry' and c.id = lead.campaign_id
        and flags && array['productive', 'refusal', 'target', 'do_not_call']
        and not flags && array['machine', 'callback']
        and not coalesce(c.retry->'dispositions' ? $3, false)
        and not exists (select from callback b where b.lead_id = lead.id
            and b.status in ('waiting', 'escalated'))
)
select flags from disposed

-- name: opt_out
-- A person pressed the opt-out key: effective for the next dial everywhere on the floor.
insert into do_not_call (floor_id, e164, source, attempt_id)
select floor_id, phone, 'key_press', id from attempt where id = $1
on conflict (e164, coalesce(floor_id, 0), coalesce(campaign_id, 0)) do update
    set until = null, register = null, source = excluded.source, attempt_id = excluded.attempt_id
    where do_not_call.until is not null or do_not_call.register is not null

-- name: keep_key
-- A person answered step $2 of a broadcast with key $3: what that key means, and the disposition that
-- it gives where there is none. Idempotent; a key that means nothing (any more) changes nothing.
with pressed as (
    select a.id, a.campaign_id, k.value->>'answer' as answer, k.value->>'disposition' as code
    from attempt a join campaign c on c.id = a.campaign_id
    cross join jsonb_array_elements(c.broadcast->'steps') s
    cross join jsonb_array_elements(s.value->'keys') k
    where a.id = $1 and s.value->>'code' = $2 and k.value->>'key' = $3
)
update attempt set keys = attempt.keys || jsonb_build_object($2::text, pressed.answer),
    disposition_id = coalesce(attempt.disposition_id,
        disposition_of(pressed.campaign_id, pressed.code))
from pressed where attempt.id = pressed.id

-- name: log_decision
-- Why this number of calls, why none.
insert into decision (campaign_id, at, placed, limited_by, reason, reason_ru, asked)
select * from unnest($1::bigint[], $2::timestamptz[], $3::integer[], $4::text[], $5::text[],
    $6::text[], $7::integer[]) as w(campaign_id, at, placed, limited_by, reason, reason_ru, asked)
where not exists (select from decision d where d.campaign_id = w.campaign_id and d.at = w.at)

-- name: forget_decisions
-- Decisions are kept for a day.
delete from decision where at < now() - interval '1 day'

-- name: next_due
-- When the next lead of a campaign may be dialed, the rule that keeps it until then, and how many
-- still can be (no more than 10,001 are counted), besides those that are claimed.
with open_leads as (
    select next_at, blocked_by from lead l
    where campaign_id = $1 and status in ('new', 'retry') and approaches < $2 and not exists (
        select from ready r where r.lead_id = l.id and r.claimed_fence is not null)
    order by next_at limit 10001
)
select min(next_at) as next_at, count(*) as leads,
    (array_agg(blocked_by order by next_at))[1] as kept_by
from open_leads

-- name: pacer_state
-- What a campaign's pacing had learned when it was last kept.
select state from pacer_state where campaign_id = $1

-- name: keep_pacer_state
-- What a campaign's pacing has learned, for the next start; null forgets it.
insert into pacer_state (campaign_id, kept_at, state) values ($1, $2, $3)
on conflict (campaign_id) do update set kept_at = excluded.kept_at, state = excluded.state

-- name: ledger_truth
-- People answered and abandoned by attempts that have ended, in steps of $3 seconds since $2.
select floor(extract(epoch from answered_at) / $3::float8) * $3::float8 as at,
    count(*) as answered, count(*) filter (where outcome = 'abandoned') as abandoned
from attempt
where campaign_id = $1 and placed_at >= $2::timestamptz - interval '1 hour'
    and answered_at >= $2::timestamptz and outcome is not null and outcome <> 'machine'
group by 1 order by 1
