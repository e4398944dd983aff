-- Callbacks.

-- name: of_lead
-- What a callback of lead $2 on floor $1 needs.
select l.id, l.campaign_id, l.status from lead l join campaign c on c.id = l.campaign_id
where c.floor_id = $1 and l.id = $2 for update of l

-- name: lead_of_attempt
-- The lead and phone of an attempt, and who talked.
select lead_id, phone, operator_id from attempt where id = $1 and floor_id = $2

-- name: find_operator
-- An operator by login.
select id from operator where floor_id = $1 and login = $2 and removed_at is null

-- name: cancel_open
-- A lead has one callback at a time: the newest agreement counts.
update callback set status = case when status = 'dialing' then 'done' else 'canceled' end
where lead_id = $1 and status in ('waiting', 'dialing', 'escalated')

-- name: add
-- A callback is agreed.
insert into callback (floor_id, campaign_id, lead_id, phone, at, operator_id, grace_s, escalation,
    note, created_by, promised_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5) returning id

-- name: open_lead
-- The lead is dialed again then. One that is being dialed or talked with gets its time at the end.
update lead set status = case when status = 'dialing' then status else 'retry' end, next_at = $2,
    blocked_by = null
where id = $1

-- name: forget_ready
-- What was prepared for the lead is out of date.
delete from ready where lead_id = $1 and claimed_fence is null

-- name: cancel
-- A callback is not wanted any more.
update callback set status = 'canceled'
where id = $2 and floor_id = $1 and status in ('waiting', 'escalated') returning lead_id

-- name: reassign
-- An escalated callback goes to another operator or to anyone ($3 null), at $4.
update callback set status = 'waiting', operator_id = $3, at = $4, escalation = 'anyone'
where id = $2 and floor_id = $1 and status in ('waiting', 'escalated') returning lead_id

-- name: callbacks
-- Callbacks of a floor in a status, the next first.
select b.id, b.lead_id, c.name as campaign, b.at, o.login as operator, b.status, b.grace_s,
    b.escalation, b.tries, b.note, b.created_by
from callback b join campaign c on c.id = b.campaign_id left join operator o on o.id = b.operator_id
where b.floor_id = $1 and b.status = any($2::text[]) and ($3::text is null or o.login = $3)
order by b.at, b.id limit $4

-- name: note
-- Who took a promise back or gave it to somebody else.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4)
