-- What is known of one person, and its end.

-- name: contacts
-- Contacts of floor $1 that have number $2, or the one with id $3.
select contact.id, list.name as list, contact.name, contact.company, contact.time_zone,
    contact.region, contact.attributes, contact.created_at,
    array(select e164 from contact_phone p where p.contact_id = contact.id order by position) as phones
from contact join list on list.id = contact.list_id
where list.floor_id = $1 and contact.id in (
    select contact_id from contact_phone where e164 = $2
        and list_id in (select id from list where floor_id = $1)
    union select $3::bigint)
order by contact.id

-- name: leads
-- These contacts in campaigns.
select lead.id, lead.contact_id, campaign.name as campaign, lead.status, lead.approaches,
    lead.failures, lead.next_at, lead.last_outcome, operator.login as owner
from lead join campaign on campaign.id = lead.campaign_id
left join operator on operator.id = lead.owner_id
where lead.contact_id = any($1::bigint[]) order by lead.id

-- name: attempts
-- Dials of floor $1 to these numbers $2 or for these leads $3, with what was said.
select a.id, a.lead_id, campaign.name as campaign, a.phone, a.placed_at, a.rang_at, a.answered_at,
    a.bridged_at, a.ended_at, a.outcome, a.ended_by, operator.login as operator,
    disposition.code as disposition, a.note, a.answers, a.keys, a.callback_at
from attempt a join campaign on campaign.id = a.campaign_id
left join operator on operator.id = a.operator_id
left join disposition on disposition.id = a.disposition_id
where a.floor_id = $1 and (a.phone = any($2::text[]) or a.lead_id = any($3::bigint[]))
order by a.placed_at, a.id

-- name: recordings
-- Recordings of these attempts: file names, and what became of them.
select attempt_id, path, seconds, bytes, finished_at, deleted_at
from recording where attempt_id = any($1::uuid[]) order by attempt_id

-- name: recordings_wait
-- How many of these attempts still wait for their recording to be finished.
select count(*) from attempt where id = any($1::uuid[]) and recording is not null
    and bridged_at is not null and not exists (
        select from recording r where r.attempt_id = attempt.id and r.finished_at is not null)

-- name: consents
-- Consents of these numbers.
select k.id, k.e164, k.source, k.evidence, k.given_at, k.until, k.withdrawn_at, c.name as campaign
from consent k left join campaign c on c.id = k.campaign_id
where k.floor_id = $1 and k.e164 = any($2::text[]) order by k.id

-- name: callbacks
-- Agreed callbacks of these leads.
select callback.id, lead_id, phone, at, operator.login as operator, status, note,
    callback.created_at
from callback left join operator on operator.id = callback.operator_id
where lead_id = any($1::bigint[]) order by callback.id

-- name: forbidden
-- Do-not-call entries of these numbers.
select e164, source, reason, until, created_at, case when floor_id is null then 'system'
    when campaign_id is null then 'floor' else 'campaign' end as scope
from do_not_call where (floor_id is null or floor_id = $1) and e164 = any($2::text[])
order by created_at

-- name: audit
-- Who revealed, listened to or changed something of these.
select at, actor, action, subject from audit where subject = any($1::text[]) order by at, id

-- name: note
-- Privileged actions are kept.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4)

-- name: stop
-- From now on nobody dials these leads: they are done.
update lead set status = 'done', last_outcome = 'do_not_call', blocked_by = null
where id = any($1::bigint[]) and status <> 'dialing'

-- name: leave_queue
-- What was prepared of them is void.
delete from ready where lead_id = any($1::bigint[])

-- name: forbid
-- The numbers are never dialed again on floor $1.
insert into do_not_call (floor_id, e164, source, reason, added_by)
select $1, number, 'command', 'erased', $3 from unnest($2::text[]) as number
on conflict (e164, coalesce(floor_id, 0), coalesce(campaign_id, 0)) do update
    set until = null, register = null

-- name: withdraw
-- Consents end; what is kept of them proves that earlier calls were lawful.
update consent set withdrawn_at = now()
where floor_id = $1 and e164 = any($2::text[]) and withdrawn_at is null

-- name: living
-- How many calls of these numbers or leads are not over.
select count(*) from attempt
where floor_id = $1 and outcome is null
    and (phone = any($2::text[]) or lead_id = any($3::bigint[]))

-- name: blank_attempts
-- Times and outcomes stay, as the law has it; the number becomes a word that leads to nobody.
update attempt set note = '', answers = '{}', keys = '{}',
    phone = coalesce(pseudonym.word, attempt.phone)
from unnest($1::uuid[]) as wanted (id)
cross join lateral (
    select (select p.word from unnest($2::text[], $3::text[]) as p (e164, word)
        where p.e164 = (select phone from attempt own where own.id = wanted.id)) as word) as pseudonym
where attempt.id = wanted.id

-- name: blank_skips
-- What operators wrote when they skipped the card.
update skip set reason = 'erased' where lead_id = any($1::bigint[])

-- name: drop_callbacks
-- Agreed callbacks, with their notes.
delete from callback where lead_id = any($1::bigint[])

-- name: drop_phones
-- The contacts' numbers.
delete from contact_phone where contact_id = any($1::bigint[])

-- name: blank_contacts
-- Names, company, attributes, place.
update contact set name = '', company = '', attributes = '{}', time_zone = null, region = null
where id = any($1::bigint[])
