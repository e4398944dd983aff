-- Gauges: what the database knows of the running campaigns of floor $1.

-- name: leads_left
-- Leads that can still be dialed, by running campaign.
select campaign.id, campaign.name,
    (select count(*) from lead
     where lead.campaign_id = campaign.id and lead.status in ('new', 'retry')
        and lead.approaches < campaign.max_approaches) as leads_left
from campaign where campaign.floor_id = $1 and campaign.status = 'running'
order by campaign.id;

-- name: hours
-- In how many hours campaigns dialed, and in how many of those that began after $7: from roll-ups of
-- the grains $2 in the spans $3 to $4, from the rows in the spans $5 to $6.
select campaign_id, count(distinct hour) as hours,
    count(distinct hour) filter (where hour > $7::timestamptz) as day_hours
from (
    select c.campaign_id, date_trunc('hour', c.since) as hour
    from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as s (grain, since, until)
    join report_cell c on c.floor_id = $1 and c.grain = s.grain
        and c.since >= s.since and c.since < s.until
    where c.dials > 0
    union all
    select distinct a.campaign_id, date_trunc('hour', a.placed_at)
    from unnest($5::timestamptz[], $6::timestamptz[]) as s (since, until)
    join attempt a on a.floor_id = $1 and a.placed_at >= s.since and a.placed_at < s.until
) as dialed
group by 1;

-- name: leads_counted
-- Up to when attempts of leads are rolled up; null: they are not, or are all being counted anew.
select rolled.leads_until from report_rolled rolled join floor on floor.id = rolled.floor_id
where floor.id = $1 and rolled.zone = floor.time_zone and not exists (
    select from report_lead_mark where floor_id = $1 and last_id = 9223372036854775807);

-- name: closed
-- Leads closed since the day $3 of zone $4, by campaign: those that the roll-ups know, and of the
-- others those dialed since $2 (up to which attempts are rolled up; null: none are). A lead closed or
-- opened again without a dial is known when it is rolled up.
select campaign_id, sum(leads)::bigint as closed
from (
    select campaign_id, closed as leads from report_lead_cell
    where floor_id = $1 and closed_on >= $3::date and $2::timestamptz is not null
    union all
    select lead.campaign_id, 1
    from (
        select distinct a.lead_id from attempt a
        where a.floor_id = $1
            and a.placed_at >= coalesce($2::timestamptz, $3::date::timestamp at time zone $4)
    ) as recent cross join lateral (select lead.campaign_id from lead
        where lead.id = recent.lead_id and lead.status = 'done' and not exists (
            select from report_lead known where known.lead_id = lead.id and known.closed_on >= $3
                and $2::timestamptz is not null) offset 0) as lead
) as lead
group by 1;

-- name: list_outcomes
-- Attempts by list and outcome: from roll-ups of the grains $2 in the spans $3 to $4, from the rows
-- in the spans $5 to $6.
with counted as (
    select c.list_id, of.outcome, of.attempts
    from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as s (grain, since, until)
    join report_cell c on c.floor_id = $1 and c.grain = s.grain
        and c.since >= s.since and c.since < s.until
    cross join lateral (values
        ('answered', c.answered), ('no_answer', c.no_answer), ('busy', c.busy),
        ('invalid', c.invalid), ('rejected', c.rejected), ('congestion', c.congestion),
        ('machine', c.machine), ('abandoned', c.abandoned), ('failed', c.failed),
        ('unknown', c.unknown)
    ) as of (outcome, attempts)
    union all
    select contact.list_id, a.outcome, 1
    from unnest($5::timestamptz[], $6::timestamptz[]) as s (since, until)
    join attempt a on a.floor_id = $1 and a.placed_at >= s.since and a.placed_at < s.until
        and a.outcome is not null
    cross join lateral (select contact.list_id from lead join contact on contact.id = lead.contact_id
        where lead.id = a.lead_id offset 0) as contact
)
select list.name, counted.outcome, sum(counted.attempts)::bigint as attempts
from counted join list on list.id = counted.list_id
group by list.id, list.name, counted.outcome having sum(counted.attempts) > 0
order by 3 desc
limit 2000;
