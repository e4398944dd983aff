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

-- name: trunks_of_node
-- Names of the trunks of the node named $1.
select trunk.name from trunk join node on node.id = trunk.node_id
where node.name = $1 order by trunk.name;

-- name: make_campaign
-- A new campaign in draft with the defaults; no row when the floor has one of that name.
insert into campaign (floor_id, name, status_by) values ($1, $2, $3)
on conflict (floor_id, name) do nothing
returning id;

-- name: write_settings
-- The settings of campaign $1 as version $3. $2: columns by name; those that are left out stay.
update campaign set
    mode = new.mode, language = new.language, caller_id = new.caller_id,
    further_caller_ids = new.further_caller_ids,
    ring_timeout_s = new.ring_timeout_s, post_dial_delay_s = new.post_dial_delay_s,
    wrap_up_limit_s = new.wrap_up_limit_s, waiting_sound = new.waiting_sound,
    preview_limit_s = new.preview_limit_s,
    preview_at_limit = new.preview_at_limit, recording = new.recording,
    max_approaches = new.max_approaches, weight = new.weight, skills = new.skills,
    max_lines = new.max_lines, lines_per_operator = new.lines_per_operator,
    max_abandon_rate = new.max_abandon_rate,
    schedule_start = new.schedule_start, schedule_stop = new.schedule_stop,
    goal_date = new.goal_date, goal_conversations = new.goal_conversations,
    goal_decision_makers = new.goal_decision_makers, goal_list_end = new.goal_list_end,
    legal_profile = new.legal_profile, hours = new.hours, limits = new.limits, retry = new.retry,
    consent_needed = new.consent_needed, lead_order = new.lead_order,
    list_weights = new.list_weights, brief_client = new.brief_client, brief_payment = new.brief_payment,
    brief_promises = new.brief_promises, form = new.form,
    -- A script that is taken away is no JSON null.
    script = nullif(new.script, 'null'::jsonb),
    broadcast = nullif(new.broadcast, 'null'::jsonb), message = nullif(new.message, 'null'::jsonb),
    version = $3, changed_at = now()
from (select (jsonb_populate_record(c, $2::jsonb)).* from campaign c where c.id = $1) as new
where campaign.id = $1;

-- name: set_trunk
-- Campaign $1 dials over trunk $2 (null: any) and no further ones.
with dropped as (delete from campaign_trunk where campaign_id = $1)
update campaign set trunk_id = $2 where id = $1;

-- name: use_trunk
-- Campaign $1 may dial over trunk $2 too, its $3-th further one.
insert into campaign_trunk (campaign_id, trunk_id, position) values ($1, $2, $3);

-- name: read_campaign
-- A campaign with its settings by column; locked for an edit.
select campaign.id, campaign.status, campaign.version, to_jsonb(campaign) as settings,
    array(select trunk.name from trunk
          left join campaign_trunk f on f.trunk_id = trunk.id and f.campaign_id = campaign.id
          where trunk.id = campaign.trunk_id or f.trunk_id is not null
          order by trunk.id = campaign.trunk_id desc, f.position) as trunks,
    array(select list.name from campaign_list join list on list.id = campaign_list.list_id
          where campaign_list.campaign_id = campaign.id order by campaign_list.position) as lists,
    dispositions_of(campaign.id) as dispositions
from campaign
where campaign.floor_id = $1 and campaign.name = $2
for update of campaign;

-- name: add_version
-- One edit of a campaign.
insert into campaign_version (campaign_id, version, actor, action, changes)
values ($1, $2, $3, $4, $5);

-- name: versions
-- All versions of a campaign, oldest first.
select version, at, actor, action, changes from campaign_version
where campaign_id = $1 order by version;

-- name: last_editor
-- Who made version $2 of campaign $1.
select actor from campaign_version where campaign_id = $1 and version = $2;

-- name: use_lists
-- The lists $2, in this order, belong to campaign $1.
insert into campaign_list (campaign_id, list_id, position)
select $1, list_id, position from unnest($2::bigint[]) with ordinality as given (list_id, position)
on conflict (campaign_id, list_id) do update set position = excluded.position;

-- name: drop_lists
-- Campaign $1 has no other lists than $2; leads of the others that were never dialed go.
with dropped as (
    delete from campaign_list where campaign_id = $1 and not list_id = any($2::bigint[])
    returning list_id
)
delete from lead using contact
where lead.campaign_id = $1 and contact.id = lead.contact_id and lead.status = 'new'
    and contact.list_id in (select list_id from dropped);

-- name: make_leads
-- A lead for every contact of the campaign's lists that has none yet, in the order of the files;
-- one only for a number that stands in several lists, with what the list says of it: how early it
-- comes, whose it is. Returns how many.
with phones as (
    select distinct on (contact.id) contact.id, contact_phone.e164, contact.lead_priority,
        contact.lead_owner_id
    from campaign_list join contact on contact.list_id = campaign_list.list_id
    join contact_phone on contact_phone.contact_id = contact.id
    where campaign_list.campaign_id = $1
    order by contact.id, contact_phone.position
), first as (
    select distinct on (e164) id, lead_priority, lead_owner_id from phones order by e164, id
), made as (
    insert into lead (campaign_id, contact_id, priority, owner_id)
    select $1, first.id, coalesce(first.lead_priority, 0), operator.id
    from first left join operator on operator.id = first.lead_owner_id and operator.removed_at is null
    order by first.id
    on conflict (campaign_id, contact_id) do nothing
    returning 1
)
select count(*) from made;

-- name: find_campaign
-- What decides whether a campaign can start; locked, so that its status stays until the commit.
select campaign.id, campaign.status, campaign.mode,
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
-- From one of the statuses $3 to $4, by $5, for the reason $6; no row when it has another one.
update campaign set status = $4, status_since = now(), status_by = $5, status_reason = $6,
    changed_at = now()
where floor_id = $1 and name = $2 and status = any($3::text[])
returning id;

-- name: approve
-- Who approved campaign $1, and which moratoria were lifted for it.
update campaign set approved_at = now(), approved_by = $2, approval_exceptions = $3
where id = $1;

-- name: take_approval_back
-- Campaign $1 is not approved any more.
update campaign set approved_at = null, approved_by = null, approval_exceptions = '[]'
where id = $1;

-- name: campaigns
-- Campaigns of floor $1, all or the one named $2, with their lists.
select campaign.id, campaign.name, campaign.status, campaign.mode,
    array(select trunk.name from trunk
          left join campaign_trunk f on f.trunk_id = trunk.id and f.campaign_id = campaign.id
          where trunk.id = campaign.trunk_id or f.trunk_id is not null
          order by trunk.id = campaign.trunk_id desc, f.position) as trunks,
    campaign.status_reason, campaign.status_since, campaign.status_by, campaign.version,
    campaign.goal_date, campaign.goal_conversations, campaign.goal_decision_makers,
    case when campaign.goal_decision_makers is not null then (
        select count(*) from attempt a join disposition d on d.id = a.disposition_id
        where a.campaign_id = campaign.id and a.bridged_at is not null
            and d.flags @> array['decision_maker']
    ) end as decision_makers,
    array(select list.name from campaign_list join list on list.id = campaign_list.list_id
          where campaign_list.campaign_id = campaign.id order by campaign_list.position) as lists
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
    decision.reason, decision.reason_ru
from campaign cross join lateral (
    select at, placed, limited_by, reason, reason_ru from decision
    where decision.campaign_id = campaign.id order by at desc, id desc limit 1
) as decision
where campaign.id = any($1::bigint[]);

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
