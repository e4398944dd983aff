-- Gauges: what the database knows of the running campaigns of floor $1.

-- name: leads_left
-- Leads that can still be dialed, by running campaign; how many it closed in the last 24 hours, and
-- in how many hours of these it dialed at all.
select campaign.id, campaign.name,
    (select count(*) from lead
     where lead.campaign_id = campaign.id and lead.status in ('new', 'retry')
        and lead.approaches < campaign.max_approaches) as leads_left,
    day.closed, day.hours
from campaign cross join lateral (
    select count(distinct lead.id) filter (where lead.status = 'done') as closed,
        count(distinct date_trunc('hour', attempt.placed_at)) as hours
    from attempt join lead on lead.id = attempt.lead_id
    where attempt.campaign_id = campaign.id and attempt.placed_at > now() - interval '1 day'
) as day
where campaign.floor_id = $1 and campaign.status = 'running'
order by campaign.id;

-- name: list_outcomes
-- Attempts of the last 24 hours by list and outcome.
select list.name, attempt.outcome, count(*) as attempts
from attempt join lead on lead.id = attempt.lead_id
join contact on contact.id = lead.contact_id join list on list.id = contact.list_id
where attempt.floor_id = $1 and attempt.placed_at > now() - interval '1 day'
    and attempt.outcome is not null
group by list.id, list.name, attempt.outcome
order by count(*) desc
limit 2000;
