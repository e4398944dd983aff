-- Schedule and goals: what campaigns may become by themselves.

-- name: lives
-- Campaigns of floor $1 that may change by themselves, with their plans and what was done.
select c.id, c.name, c.status, c.status_since, c.schedule_start, c.schedule_stop, c.goal_date,
    c.goal_conversations, c.goal_decision_makers,
    -- Where operators type numbers no list ends.
    c.goal_list_end and c.mode <> 'manual' as goal_list_end,
    case when c.goal_conversations is not null then (
        select count(*) from attempt a where a.campaign_id = c.id and a.bridged_at is not null
    ) else 0 end as conversations,
    case when c.goal_decision_makers is not null then (
        select count(*) from attempt a join disposition d on d.id = a.disposition_id
        where a.campaign_id = c.id and a.bridged_at is not null
            and d.flags @> array['decision_maker']
    ) else 0 end as decision_makers,
    exists (select from lead l where l.campaign_id = c.id) as has_leads,
    exists (select from lead l where l.campaign_id = c.id
        and l.status in ('new', 'retry') and l.approaches < c.max_approaches)
    or exists (select from lead l where l.campaign_id = c.id
        and l.status in ('claimed', 'dialing')) as has_work
from campaign c
where c.floor_id = $1 and (c.status = 'running'
    or (c.status in ('approved', 'paused') and c.schedule_start is not null))
order by c.id;

-- name: rooms
-- Running and paused campaigns of floor $1 with goals of numbers: what is settled, and what is not.
-- A conversation without a disposition counts until the operator's time for it is over.
select c.id, c.goal_conversations, c.goal_decision_makers,
    (select count(*) from attempt a where a.campaign_id = c.id and a.bridged_at is not null
        and a.outcome is not null) as conversations,
    (select count(*) from attempt a left join disposition d on d.id = a.disposition_id
     where a.campaign_id = c.id and a.bridged_at is not null and a.outcome is not null
        and (d.flags @> array['decision_maker'] or (d.id is null and a.ended_at > now()
            - (c.wrap_up_limit_s + 5) * interval '1 second'))) as decision_makers,
    array(select a.id from attempt a where a.campaign_id = c.id and a.outcome is null) as open
from campaign c
where c.floor_id = $1 and c.status in ('running', 'paused')
    and (c.goal_conversations is not null or c.goal_decision_makers is not null);
