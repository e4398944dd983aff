-- Export of contacts with what came of them. $1 floor, $2 list, $3 campaign, $4 status,
-- $5 outcome, $6 disposition, $7 since, $8 until, $9 attributes; null: not asked for.

-- name: rows
-- Contacts with their leads (without a campaign: contacts without a lead too), by list and id.
select list.name as list, campaign.name as campaign, contact.name, contact.company,
    array(select e164 from contact_phone where contact_phone.contact_id = contact.id
        order by position) as phones,
    contact.time_zone, contact.region, contact.attributes,
    lead.status, lead.approaches, last.outcome as last_outcome, last.code as last_disposition,
    last.placed_at at time zone floor.time_zone as last_dialed_at, last.note
from list join floor on floor.id = list.floor_id
join contact on contact.list_id = list.id
left join lead on lead.contact_id = contact.id
left join campaign on campaign.id = lead.campaign_id
left join lateral (
    select attempt.outcome, attempt.placed_at, attempt.note, disposition.code
    from attempt left join disposition on disposition.id = attempt.disposition_id
    where attempt.lead_id = lead.id order by attempt.placed_at desc limit 1
) as last on true
where list.floor_id = $1
    and ($2::text is null or list.name = $2)
    and ($3::text is null or campaign.name = $3)
    and ($4::text is null or lead.status = $4)
    and ($5::text is null or last.outcome = $5)
    and ($6::text is null or last.code = $6)
    and ($7::timestamptz is null or last.placed_at >= $7)
    and ($8::timestamptz is null or last.placed_at < $8)
    and ($9::jsonb is null or contact.attributes @> $9)
order by list.id, contact.id, lead.id;

-- name: attribute_names
-- Names of attributes of the lists that may be in it: $2 list, $3 campaign; at most $4.
select distinct key from list join contact on contact.list_id = list.id,
    jsonb_object_keys(contact.attributes) as key
where list.floor_id = $1 and ($2::text is null or list.name = $2)
    and ($3::text is null or exists (
        select from lead join campaign on campaign.id = lead.campaign_id
        where lead.contact_id = contact.id and campaign.name = $3))
order by key limit $4;

-- name: find_names
-- Whether the floor has the list $2, the campaign $3.
select exists (select from list where floor_id = $1 and name = $2) as list,
    exists (select from campaign where floor_id = $1 and name = $3) as campaign;

-- name: note
-- Who took what out.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);

-- name: allow_long_work
-- Give this transaction $1 milliseconds.
select set_config('statement_timeout', $1, true),
    set_config('idle_in_transaction_session_timeout', $1, true);
