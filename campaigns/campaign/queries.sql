-- Campaigns: made from lists, started and stopped, looked at.

-- name: allow_long_work
-- Give this transaction's statements $1 milliseconds each: a list may have millions of contacts.
select set_config('statement_timeout', $1, true);

-- name: find_lists
-- Ids of the lists of floor $1 with these names.
select id, name from list where floor_id = $1 and name = any($2::text[]);

-- name: find_trunk
-- The id of the trunk named $2 on the node named $1.
select trunk.id from trunk join node on node.id = trunk.node_id
where node.name = $1 and trunk.name = $2;

-- name: make_campaign
-- A new campaign in draft; no row when the floor has one of that name.
insert into campaign (floor_id, trunk_id, name, mode, language, caller_id, ring_timeout_s,
    post_dial_delay_s, wrap_up_limit_s, recording, max_approaches, further_caller_ids)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (floor_id, name) do nothing
returning id;

-- name: use_lists
-- The lists $2 belong to campaign $1.
insert into campaign_list (campaign_id, list_id)
select $1, list_id from unnest($2::bigint[]) as list_id
on conflict do nothing;

-- name: use_trunk
-- Campaign $1 may dial over trunk $2 too, its $3-th further one.
insert into campaign_trunk (campaign_id, trunk_id, position) values ($1, $2, $3)
on conflict do nothing;

-- name: make_leads
-- A lead for every contact of the campaign's lists that has none yet, in the order of the files;
-- one only for a number that stands in several lists. Returns how many.
with phones as (
    select distinct on (contact.id) contact.id, contact_phone.e164
    from campaign_list join contact on contact.list_id = campaign_list.list_id
    join contact_phone on contact_phone.contact_id = contact.id
    where campaign_list.campaign_id = $1
    order by contact.id, contact_phone.position
), first as (
    select distinct on (e164) id from phones order by e164, id
), made as (
    insert into lead (campaign_id, contact_id)
    select $1, first.id from first order by first.id
    on conflict (campaign_id, contact_id) do nothing
    returning 1
)
select count(*) from made;

-- name: find_campaign
-- What decides whether a campaign can start; locked, so that its status stays until the commit.
select campaign.id, campaign.status,
    array(select trunk.name from trunk
          left join campaign_trunk f on f.trunk_id = trunk.id and f.campaign_id = campaign.id
          where trunk.id = campaign.trunk_id or f.trunk_id is not null
          order by trunk.id = campaign.trunk_id desc, f.position) as trunks,
    exists (select from lead where lead.campaign_id = campaign.id) as has_leads,
    exists (select from lead where lead.campaign_id = campaign.id and lead.status <> 'done'
        and lead.approaches < campaign.max_approaches) as has_work
from campaign
where campaign.floor_id = $1 and campaign.name = $2
for update of campaign;

-- name: change_status
-- From one of the statuses $3 to $4; no row when it has another one.
update campaign set status = $4, changed_at = now()
where floor_id = $1 and name = $2 and status = any($3::text[])
returning id;

-- name: campaigns
-- Campaigns of floor $1, all or the one named $2, with their lists.
select campaign.id, campaign.name, campaign.status, campaign.mode,
    array(select trunk.name from trunk
          left join campaign_trunk f on f.trunk_id = trunk.id and f.campaign_id = campaign.id
          where trunk.id = campaign.trunk_id or f.trunk_id is not null
          order by trunk.id = campaign.trunk_id desc, f.position) as trunks,
    array(select list.name from campaign_list join list on list.id = campaign_list.list_id
          where campaign_list.campaign_id = campaign.id order by list.id) as lists
from campaign
where campaign.floor_id = $1 and ($2::text is null or campaign.name = $2)
order by campaign.id;

-- name: leads_by_status
-- How many leads of campaigns $1 are in each status.
select campaign_id, status, count(*) from lead
where campaign_id = any($1::bigint[]) group by campaign_id, status;

-- name: attempts_by_outcome
-- How many attempts of campaigns $1 ended in each outcome (null: not ended), and conversations.
select campaign_id, outcome, count(*), count(bridged_at) as conversations from attempt
where campaign_id = any($1::bigint[]) group by campaign_id, outcome;

-- name: last_decisions
-- The newest decision of each of campaigns $1.
select campaign.id as campaign_id, decision.at, decision.placed, decision.limited_by,
    decision.reason
from campaign cross join lateral (
    select at, placed, limited_by, reason from decision
    where decision.campaign_id = campaign.id order by at desc, id desc limit 1
) as decision
where campaign.id = any($1::bigint[]);

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
