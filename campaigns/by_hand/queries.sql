-- Dialing by hand: claims of one lead, typed numbers, cards, skips.

-- name: campaign_by_name
-- A campaign of floor $1 named $2: what is needed to refuse a dial with a sentence.
select id, mode, status from campaign where floor_id = $1 and name = $2;

-- name: one_typist
-- Typed numbers become leads one after the other within campaign $1: one lead for one number.
select pg_advisory_xact_lock(hashtextextended('typed numbers', $1));

-- name: look_by_id
-- Lead $2 of campaign $1 as it is.
select l.id, l.status, l.approaches, l.failures, c.max_approaches,
    exists (select from ready r where r.lead_id = l.id and r.claimed_fence is not null) as claimed
from lead l join campaign c on c.id = l.campaign_id
where l.campaign_id = $1 and l.id = $2;

-- name: look_by_number
-- The lead of campaign $1 that has the number $2, the busiest first.
select l.id, l.status, l.approaches, l.failures, c.max_approaches, $2::text as phone,
    exists (select from ready r where r.lead_id = l.id and r.claimed_fence is not null) as claimed
from lead l join campaign c on c.id = l.campaign_id
join contact_phone p on p.contact_id = l.contact_id and p.e164 = $2
where l.campaign_id = $1
order by claimed desc, l.status = 'dialing' desc, l.approaches desc, l.id limit 1;

-- name: typed_list
-- The list of numbers that operators typed in campaign $2 of floor $1, made at the first one.
with made as (
    insert into list (floor_id, name, source)
    select $1, 'typed: ' || c.name, 'typed by operators' from campaign c where c.id = $2
    on conflict (floor_id, name) do update set source = excluded.source
    returning id
), used as (
    insert into campaign_list (campaign_id, list_id) select $2, id from made
    on conflict do nothing
)
select id from made;

-- name: typed_lead
-- A lead for the number $3 in list $2 of campaign $1, made now.
with known as (
    select contact_id as id from contact_phone where list_id = $2 and e164 = $3
), made as (
    insert into contact (list_id) select $2 where not exists (select from known)
    returning id
), phone as (
    insert into contact_phone (contact_id, list_id, position, e164) select id, $2, 0, $3 from made
)
insert into lead (campaign_id, contact_id)
select $1, id from (select id from known union all select id from made) contact
on conflict (campaign_id, contact_id) do nothing
returning id;

-- name: claim_one
-- Lead $1 for the lease $3 of floor $2, as it was seen: status $4, approaches $5; rules that were
-- asked at $10 let it be dialed over phone $7. One that was done has a pause if it is not dialed.
with mine as (
    update lead set status = case when status = 'done' then 'retry' else status end,
        next_at = case when status = 'done' then now() + interval '4 hours' else next_at end
    from (select id from floor where id = $2 and lease_fence = $3 for share) held
    where lead.id = $1 and lead.status = $4 and lead.approaches = $5
    returning lead.*
)
insert into ready (lead_id, floor_id, campaign_id, callback_id, cold, priority, rank, due_at, phone,
    facts, approaches, failures, needs_consent, prepared_at, open_until, claimed_fence)
select id, $2, campaign_id, $6, $6::bigint is null, priority, rank, next_at, $7, $8::text::jsonb,
    approaches, failures, $9, $10, $11, $3
from mine
on conflict (lead_id) do update set claimed_fence = excluded.claimed_fence, phone = excluded.phone,
    facts = excluded.facts, callback_id = excluded.callback_id, operator_id = null,
    approaches = excluded.approaches, failures = excluded.failures,
    needs_consent = excluded.needs_consent, prepared_at = excluded.prepared_at,
    open_until = excluded.open_until
    where ready.claimed_fence is null
returning facts;

-- name: card
-- What an operator reads about lead $1.
select l.approaches, k.name, k.company, k.attributes, k.time_zone
from lead l join contact k on k.id = l.contact_id where l.id = $1;

-- name: history
-- Earlier attempts of lead $1, newest first.
select a.placed_at, a.outcome, a.ended_by, o.login as operator, d.code as disposition, a.note,
    extract(epoch from a.ended_at - a.bridged_at)::double precision as talk_s
from attempt a left join operator o on o.id = coalesce(a.operator_id, a.dial_operator_id)
left join disposition d on d.id = a.disposition_id
where a.lead_id = $1 order by a.placed_at desc limit 50;

-- name: skips
-- Who skipped lead $1, newest first.
select s.at, o.login as operator, s.reason from skip s join operator o on o.id = s.operator_id
where s.lead_id = $1 order by s.at desc limit 20;

-- name: skip_lead
-- A card that was not dialed: the claimed lead goes back as the retry rule says. Idempotent.
with noted as (
    insert into skip (id, campaign_id, lead_id, operator_id, at, reason, read_s)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing
    returning lead_id, at
), freed as (
    delete from ready using noted where ready.lead_id = noted.lead_id and ready.claimed_fence = $8
    returning ready.lead_id
)
update lead set status = $9, approaches = $10, failures = $11,
    next_at = noted.at + $12 * interval '1 second'
from noted, freed where lead.id = freed.lead_id and lead.status in ('new', 'retry');

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
