-- What a record says about a run, and the rows that a replay begins with.

-- name: outcomes
-- Attempts of floor $1 placed since $2, as the controller wrote them; seconds since their placing.
select a.id::text as attempt, a.outcome, a.ended_by, a.cause, a.sip_code, o.login as operator,
    round(extract(epoch from a.rang_at - a.placed_at), 3)::float8 as rang_s,
    round(extract(epoch from a.answered_at - a.placed_at), 3)::float8 as answered_s,
    round(extract(epoch from a.ended_at - a.placed_at), 3)::float8 as ended_s,
    round(extract(epoch from a.ended_at - a.bridged_at), 3)::float8 as conversation_s,
    (select count(*) from jsonb_object_keys(a.keys))::int as keys
from attempt a left join operator o on o.id = a.operator_id
where a.floor_id = $1 and a.placed_at >= $2
order by a.placed_at, a.id

-- name: states
-- States of the shifts of floor $1 that began since $2; seconds that each took.
select s.id::text as shift, st.seq, st.state, st.reason, st.attempt_id::text as attempt,
    round(extract(epoch from st.ended_at - st.started_at), 3)::float8 as seconds
from shift s join shift_state st on st.shift_id = s.id
where s.floor_id = $1 and s.started_at >= $2
order by s.started_at, s.id, st.seq

-- name: parts
-- Parts of the conversations of floor $1 placed since $2: whose, how they began and ended.
select p.attempt_id::text as attempt,
    row_number() over (partition by p.attempt_id order by p.began_at, p.operator_id)::int as number,
    o.login as operator, p.began_by, p.ended_by,
    round(extract(epoch from p.ended_at - p.began_at), 3)::float8 as seconds
from conversation_part p join attempt a on a.id = p.attempt_id
join operator o on o.id = p.operator_id
where a.floor_id = $1 and a.placed_at >= $2
order by p.began_at, p.attempt_id, p.operator_id

-- name: supervisions
-- Who was on whose line on floor $1 since $2, and how.
select s.id::text as id, s.seq, v.login as supervisor, o.login as operator, s.mode,
    round(extract(epoch from s.ended_at - s.started_at), 3)::float8 as seconds
from supervision s join operator v on v.id = s.supervisor_id join operator o on o.id = s.operator_id
where o.floor_id = $1 and s.started_at >= $2
order by s.started_at, s.id, s.seq

-- name: operators
-- Who was at work on floor $1 since $2, or on somebody's line; no names.
select id, login, skills, phone_mode, phone_number, stage, role from operator
where id in (
    select operator_id from shift where floor_id = $1 and started_at >= $2
    union select supervisor_id from supervision where started_at >= $2)
and floor_id = $1
order by id

-- name: campaigns
-- What was dialed or shown on floor $1 since $2: settings that calls go by; no names.
select c.id, c.mode, c.language, c.caller_id, c.further_caller_ids, c.ring_timeout_s,
    c.post_dial_delay_s, c.wrap_up_limit_s, c.recording, c.max_approaches, c.max_abandon_rate,
    c.weight, c.skills, c.max_lines, c.lines_per_operator, c.retry, c.preview_limit_s,
    c.preview_at_limit, c.broadcast, c.waiting_sound
from campaign c
where c.floor_id = $1 and (
    c.id in (select a.campaign_id from attempt a where a.floor_id = $1 and a.placed_at >= $2)
    or c.id in (select s.campaign_id from skip s where s.at >= $2))
order by c.id

-- name: add_campaign
-- A running campaign of floor $1 as a record describes it ($2).
insert into campaign (id, floor_id, name, status, mode, language, caller_id, further_caller_ids,
    ring_timeout_s, post_dial_delay_s, wrap_up_limit_s, recording, max_approaches,
    max_abandon_rate, weight, skills, max_lines, lines_per_operator, retry, preview_limit_s,
    preview_at_limit, broadcast, waiting_sound)
overriding system value
select r.id, $1, 'campaign ' || r.id, 'running', r.mode, r.language, r.caller_id,
    r.further_caller_ids, r.ring_timeout_s, r.post_dial_delay_s, r.wrap_up_limit_s, r.recording,
    r.max_approaches, r.max_abandon_rate, r.weight, r.skills, r.max_lines, r.lines_per_operator,
    r.retry, coalesce(r.preview_limit_s, 60), coalesce(r.preview_at_limit, 'skip'), r.broadcast,
    r.waiting_sound
from jsonb_populate_record(null::campaign, $2) r

-- name: add_operator
-- An operator of floor $1 as a record describes them ($2); nobody has this password.
insert into operator (id, floor_id, login, full_name, skills, phone_ha1, phone_mode, phone_number,
    stage, role)
overriding system value
select r.id, $1, r.login, r.login, r.skills, repeat('0', 32), r.phone_mode, r.phone_number,
    coalesce(r.stage, 'cold_call'), coalesce(r.role, 'operator')
from jsonb_populate_record(null::operator, $2) r

-- name: add_list
-- The list of all people of a replay on floor $1.
insert into list (floor_id, name) values ($1, 'replay') returning id

-- name: add_lead
-- One person of list $1 for campaign $2, not due by itself; $3 approaches and $4 failures so far.
with person as (insert into contact (list_id) values ($1) returning id)
insert into lead (campaign_id, contact_id, status, approaches, failures, next_at)
select $2, person.id, 'new', $3, $4, now() + interval '10 years' from person
returning id

-- name: claim_lead
-- Lead $1 of campaign $3 on floor $2 is claimed for lease $5, to be dialed at phone $4.
insert into ready (lead_id, floor_id, campaign_id, cold, priority, rank, due_at, phone, facts,
    approaches, failures, needs_consent, prepared_at, open_until, claimed_fence)
select l.id, $2, $3, true, 0, 0, now(), $4, '{}', l.approaches, l.failures, false,
    now() + interval '10 years', now() + interval '10 years', $5
from lead l where l.id = $1
