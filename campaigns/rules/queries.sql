-- The queue of what is next: which leads come into it, and what rules look at.

-- name: campaigns
-- Running campaigns of a floor, with all that rules depend on; or the one with the id $2.
select c.id, c.name, c.status, c.mode, c.legal_profile, c.hours, c.limits, c.consent_needed,
    c.max_approaches, c.caller_id, c.ring_timeout_s, c.recording, c.max_abandon_rate, c.lead_order,
    c.list_weights, c.ranked_as, c.ranked_to, c.language, c.message
from campaign c
where c.floor_id = $1 and (case when $2::bigint is null then c.status = 'running' else c.id = $2 end)
order by c.id

-- name: under_profile
-- Campaigns of a floor under legal profile $2 that are dialed or may be.
select id from campaign where floor_id = $1 and legal_profile = $2
    and status in ('draft', 'approved', 'running', 'paused') order by name

-- name: profiles_in_use
-- Legal profiles of a floor's campaigns that are dialed or may be.
select distinct legal_profile from campaign where floor_id = $1
    and status in ('draft', 'approved', 'running', 'paused') order by 1

-- name: floor_named
-- The id of a floor.
select id from floor where name = $1

-- name: staff
-- Operators of the floor: who is signed in.
select o.id, exists (select from shift s where s.operator_id = o.id and s.ended_at is null) as signed_in
from operator o where o.floor_id = $1 and o.removed_at is null

-- name: calendars
-- Calendars that the floor imported, oldest first.
select id, name, document from calendar_import where floor_id = $1 order by id

-- name: registers
-- When each public register was imported last.
select register, max(imported_at) as imported_at from do_not_call_import where floor_id = $1
group by register

-- name: head
-- The first $3 leads of a campaign in its order that are due at $2 and not in the queue.
select h.id from (
    select id, priority, rank, next_at from lead
    where campaign_id = $1 and status in ('new', 'retry') and next_at <= $2
    order by priority desc, rank, next_at, id limit $3
) h
where not exists (select from ready r where r.lead_id = h.id)
order by h.priority desc, h.rank, h.next_at, h.id

-- name: slots
-- The priorities and ranks from $2 to $3 that a campaign's open leads have. They are few, so that each
-- is one look into the index after the one before.
with recursive slot as (
    (select priority, rank from lead
        where campaign_id = $1 and status in ('new', 'retry') and rank between $2 and $3
        order by priority desc, rank limit 1)
    union all
    select n.priority, n.rank from slot s cross join lateral (
        select * from (
            (select 1 as turn, priority, rank from lead
                where campaign_id = $1 and status in ('new', 'retry') and priority = s.priority
                    and rank > s.rank and rank <= $3
                order by rank limit 1)
            union all
            (select 2, priority, rank from lead
                where campaign_id = $1 and status in ('new', 'retry') and priority < s.priority
                    and rank between $2 and $3
                order by priority desc, rank limit 1)
        ) either order by turn limit 1
    ) n
)
select priority, rank from slot

-- name: head_of_slots
-- The same as `head` where leads of a priority $4 and a rank $5 come at a place $6 of that priority.
with h as (
    select l.id, s.priority, s.place, l.next_at
    from (
        select * from unnest($4::integer[], $5::bigint[], $6::integer[]) as t(priority, rank, place)
        order by priority desc, place
    ) s cross join lateral (
        select id, next_at from lead
        where campaign_id = $1 and status in ('new', 'retry') and priority = s.priority
            and rank = s.rank and next_at <= $2
        order by next_at, id limit $3
    ) l
    order by s.priority desc, s.place, l.next_at, l.id limit $3
)
select h.id from h where not exists (select from ready r where r.lead_id = h.id)
order by h.priority desc, h.place, h.next_at, h.id

-- name: places_of_leads
-- Where $3 leads of a campaign after id $2 are: the contact's zone and region, the next phone.
select l.id, c.time_zone, c.region, (
    select p.e164 from contact_phone p where p.contact_id = l.contact_id
    order by p.position < l.next_phone, p.position limit 1) as e164
from lead l join contact c on c.id = l.contact_id
where l.campaign_id = $1 and l.id > $2 order by l.id limit $3

-- name: set_ranks
-- Give leads $1 the ranks $2.
update lead set rank = r.rank from unnest($1::bigint[], $2::bigint[]) as r(id, rank)
where lead.id = r.id and lead.rank <> r.rank

-- name: number_zone_sets
-- The numbers of sets of zones $1 (each a text of names with commas).
select id, zones from zone_set
where zones in (select string_to_array(t, ',') from unnest($1::text[]) as t)

-- name: add_zone_sets
-- Make sets of zones known; another may have been faster.
insert into zone_set (zones) select string_to_array(t, ',') from unnest($1::text[]) as t
on conflict (zones) do update set zones = excluded.zones returning id, zones

-- name: zone_sets
-- Sets of zones by their numbers.
select id, zones from zone_set where id = any($1::smallint[])

-- name: due_callbacks
-- Leads of a campaign with a callback that is due at $2 and not in the queue.
select b.lead_id as id from callback b
where b.campaign_id = $1 and b.status = 'waiting' and b.at <= $2
    and not exists (select from ready r where r.lead_id = b.lead_id)
order by b.at limit $3

-- name: facts
-- What rules look at, of leads $3 of campaign $2 of floor $1 at $4; in their order.
select l.id, l.status, l.approaches, l.failures, l.next_at, l.next_phone, l.owner_id, l.contact_id,
    l.priority, l.rank, l.campaign_id, c.list_id, c.time_zone,
    c.region, p.phones,
    b.id as callback_id, b.at as callback_at, b.status as callback_status, b.phone as callback_phone,
    b.operator_id as callback_operator_id, b.grace_s as callback_grace_s, b.escalation
from unnest($3::bigint[]) with ordinality as asked(id, place)
join lead l on l.id = asked.id join contact c on c.id = l.contact_id
left join callback b on b.lead_id = l.id and b.status in ('waiting', 'escalated', 'dialing')
left join lateral (
    select jsonb_agg(jsonb_build_object(
        'e164', cp.e164, 'position', cp.position, 'invalid', cp.invalid_at is not null,
        'forbidden', f.forbidden, 'forbidden_until', case when f.forbidden then (
            select case when every(d.until is not null) then max(d.until) end from (
                select until from do_not_call where e164 = cp.e164
                    and (floor_id is null or floor_id = $1)
                    and (campaign_id is null or campaign_id = $2)
                union all
                select until from do_not_call_mask where cp.e164 like mask
                    and (floor_id is null or floor_id = $1)
                    and (campaign_id is null or campaign_id = $2)
            ) d) end,
        'consent', $5 and has_consent(cp.e164, $1, $2, $4)
    ) order by cp.position) as phones
    from contact_phone cp
    cross join lateral (select is_forbidden(cp.e164, $1, $2, $4) as forbidden offset 0) f
    where cp.contact_id = l.contact_id
) p on true
order by asked.place

-- name: history
-- Attempts of a floor to any of phones $2 or to contacts $3.
select a.phone, a.contact_id, a.lead_id, a.placed_at, a.ended_at, a.outcome, a.ended_by from attempt a
where a.floor_id = $1 and (a.phone = any($2::text[]) or a.contact_id = any($3::bigint[]))

-- name: enqueue
-- Leads that may be dialed come into the queue.
insert into ready (lead_id, floor_id, campaign_id, callback_id, cold, priority, rank, due_at, phone,
    facts, approaches, failures, operator_id, needs_consent, prepared_at, open_until)
select r.lead_id, $1, $2, r.callback_id, r.callback_id is null, r.priority, r.rank, r.due_at,
    r.phone, r.facts::jsonb, r.approaches, r.failures, r.operator_id, $3, $4, r.open_until
from unnest($5::bigint[], $6::bigint[], $7::integer[], $8::bigint[], $9::timestamptz[], $10::text[],
    $11::text[], $12::integer[], $13::integer[], $14::bigint[], $15::timestamptz[])
    as r(lead_id, callback_id, priority, rank, due_at, phone, facts, approaches, failures, operator_id,
        open_until)
on conflict (lead_id) do nothing

-- name: postpone
-- Leads that may not be dialed yet: asked again then. What was changed meanwhile stays.
update lead set next_at = b.again_at, blocked_by = b.rule
from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::timestamptz[])
    as b(id, again_at, rule, was)
where lead.id = b.id and lead.status in ('new', 'retry') and lead.next_at = b.was

-- name: close_leads
-- Leads that must never be dialed.
update lead set status = 'done', last_outcome = b.rule, blocked_by = null
from unnest($1::bigint[], $2::text[]) as b(id, rule)
where lead.id = b.id and lead.status in ('new', 'retry')

-- name: escalate
-- Callbacks whose operator stayed away: for the supervisor.
update callback set status = 'escalated' where id = any($1::bigint[]) and status = 'waiting'

-- name: forget_expired
-- What was prepared and may not be dialed any more, or was prepared long ago.
delete from ready where floor_id = $1 and claimed_fence is null
    and (open_until <= $2 or prepared_at < $3)

-- name: forget_campaign
-- A campaign's rules have changed, or it stopped: its queue is made anew.
delete from ready where campaign_id = $1 and claimed_fence is null

-- name: forget_stopped
-- Nothing of campaigns that do not run is kept ready.
delete from ready where floor_id = $1 and claimed_fence is null and not campaign_id = any($2::bigint[])

-- name: ready_size
-- How many leads of a campaign are ready and not claimed.
select count(*) from ready where campaign_id = $1 and claimed_fence is null

-- name: ask_again
-- A campaign's rules have changed: leads that a rule had moved are asked again, $3 at a time.
with blocked as (
    select id from lead where campaign_id = $1 and blocked_by is not null limit $3
)
update lead set next_at = least(next_at, $2), blocked_by = null
from blocked where lead.id = blocked.id
returning lead.id

-- name: rank_some
-- Give leads after id $2 of a campaign their place by order $3, $4 at a time; returns the last id.
with batch as (
    select id from lead where campaign_id = $1 and id > $2 order by id limit $4
), ranked as (
    update lead set rank = case $3
        when 'oldest' then lead.id when 'newest' then -lead.id
        when 'least_attempts' then lead.approaches
        when 'random' then hashint8extended(lead.id, $1) else 0 end
    from batch where lead.id = batch.id
)
select max(id) from batch

-- name: rank_mix
-- Mix lists by weights: the n-th lead of a list comes at n / weight.
with weights as (
    select list.id, (w.value)::double precision as weight
    from campaign c cross join jsonb_each_text(c.list_weights) as w(key, value)
    join list on list.floor_id = c.floor_id and list.name = w.key where c.id = $1
), placed as (
    select l.id, row_number() over (partition by ct.list_id order by l.id)
        / coalesce(w.weight, 1) as place
    from lead l join contact ct on ct.id = l.contact_id left join weights w on w.id = ct.list_id
    where l.campaign_id = $1
)
update lead set rank = (placed.place * 1000)::bigint from placed where lead.id = placed.id

-- name: ranked
-- The leads of a campaign up to id $3 follow order $2.
update campaign set ranked_as = $2, ranked_to = $3 where id = $1

-- name: last_lead
-- The newest lead of a campaign.
select coalesce(max(id), 0) from lead where campaign_id = $1

-- name: find_lead
-- A lead by its id, or leads by a phone of theirs. The key of phones begins with the list, so each
-- list is asked by itself; without the offsets, or where leads are joined once more to what was
-- found, the planner may read all leads instead.
with wanted as (
    select id, campaign_id from lead where id = $2
    union
    select lead.id, lead.campaign_id
    from list cross join lateral (
        select p.contact_id from contact_phone p where p.list_id = list.id and p.e164 = $3 offset 0
    ) as owner
    cross join lateral (
        select l.id, l.campaign_id from lead l where l.contact_id = owner.contact_id offset 0
    ) as lead
)
select wanted.id, wanted.campaign_id, c.name as campaign
from wanted join campaign c on c.id = wanted.campaign_id
where c.floor_id = $1 order by wanted.id

-- name: find_campaign
-- A campaign by its name.
select id from campaign where floor_id = $1 and name = $2

-- name: blocked_counts
-- Leads of a campaign by what keeps them: status, rule, whether they are due.
select status, blocked_by, next_at <= $2 as due, approaches >= $3 as spent, count(*) as leads,
    min(next_at) filter (where next_at > $2) as changes_at
from lead where campaign_id = $1 group by 1, 2, 3, 4

-- name: done_counts
-- Leads that are done, by how.
select coalesce(last_outcome, 'done') as how, count(*) as leads from lead
where campaign_id = $1 and status = 'done' group by 1

-- name: sample_due
-- Some leads that are due, to be asked one by one.
select id from lead where campaign_id = $1 and status in ('new', 'retry') and next_at <= $2
order by priority desc, rank, next_at, id limit $3
