-- Health of lists. $1 is the list, where not said otherwise.

-- name: find_list
-- The list named $2 of floor $1, with the floor's time zone.
select list.id, floor.time_zone from list join floor on floor.id = list.floor_id
where floor.id = $1 and list.name = $2;

-- name: outcomes_by_day
-- Ended attempts by day in time zone $2 and outcome, from $3 on.
select (attempt.placed_at at time zone $2)::date as day, attempt.outcome, count(*)
from contact join lead on lead.contact_id = contact.id
join attempt on attempt.lead_id = lead.id
where contact.list_id = $1 and attempt.outcome is not null and attempt.placed_at >= $3
group by 1, 2 order by 1;

-- name: leads
-- How many contacts and leads there are, and how they stand.
with own as (
    select lead.status, lead.approaches,
        exists (select from attempt where attempt.lead_id = lead.id) as touched,
        exists (select from attempt where attempt.lead_id = lead.id
                and attempt.outcome in ('answered', 'abandoned')) as reached
    from contact join lead on lead.contact_id = contact.id where contact.list_id = $1
)
select (select count(*) from contact where list_id = $1) as contacts,
    (select count(*) from contact where list_id = $1
        and not exists (select from lead where lead.contact_id = contact.id)) as without_lead,
    count(*) filter (where status <> 'done') as open,
    count(*) filter (where status = 'done') as closed,
    count(*) filter (where touched) as touched,
    count(*) filter (where reached) as reached,
    count(*) filter (where status = 'done' and approaches = 1 and touched and not reached)
        as first_touch
from own;

-- name: pace
-- Leads closed, by the day of their last attempt in zone $2, on the last $3 days with attempts.
with active as (
    select (attempt.placed_at at time zone $2)::date as day
    from contact join lead on lead.contact_id = contact.id
    join attempt on attempt.lead_id = lead.id
    where contact.list_id = $1 group by 1 order by 1 desc limit $3
), closed as (
    select (max(attempt.placed_at) at time zone $2)::date as day
    from contact join lead on lead.contact_id = contact.id and lead.status = 'done'
    join attempt on attempt.lead_id = lead.id
    where contact.list_id = $1 group by lead.id
)
select (select count(*) from active) as days,
    (select count(*) from closed where day >= (select min(day) from active)) as closed;

-- name: answers_by_hour
-- Dials and answers by hour of the week, in the called person's time, on floor $1 since $2: of
-- list $3 and campaign $4, or of all where they are null. The time is the contact's own zone, else
-- the phone's where it leaves only one open, else the floor's.
select (extract(isodow from placed.local)::integer - 1) as weekday,
    extract(hour from placed.local)::integer as hour,
    count(*) as dials,
    count(*) filter (where placed.outcome in ('answered', 'abandoned')) as answers
from (
    select attempt.outcome, attempt.placed_at at time zone coalesce(
        contact.time_zone,
        case when cardinality(zone_set.zones) = 1 then zone_set.zones[1] end,
        floor.time_zone) as local
    from attempt join floor on floor.id = attempt.floor_id
    join lead on lead.id = attempt.lead_id
    join contact on contact.id = lead.contact_id
    left join contact_phone on contact_phone.list_id = contact.list_id
        and contact_phone.e164 = attempt.phone
    left join zone_set on zone_set.id = contact_phone.zone_set_id
    where attempt.floor_id = $1 and attempt.placed_at >= $2
        and attempt.outcome not in ('failed', 'congestion', 'unknown', 'invalid')
        and ($3::bigint is null or contact.list_id = $3)
        and ($4::bigint is null or attempt.campaign_id = $4)
) as placed
group by 1, 2;
