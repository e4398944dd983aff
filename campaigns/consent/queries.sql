-- Consent records.

-- name: find_campaign
-- The id of a campaign.
select id from campaign where floor_id = $1 and name = $2

-- name: add
-- Somebody agreed.
insert into consent (floor_id, campaign_id, e164, source, evidence, given_at, until, added_by)
values ($1, $2, $3, $4, $5, $6, $7, $8) returning id

-- name: withdraw
-- Every consent of a number ends now: the demand to stop is carried out at once.
update consent set withdrawn_at = $3 where floor_id = $1 and e164 = $2 and withdrawn_at is null
returning id

-- name: wake
-- Leads of floor $1 that waited for the consent of phones $2 are asked again.
update lead set next_at = now(), blocked_by = null
from campaign c
where c.id = lead.campaign_id and c.floor_id = $1 and lead.blocked_by = 'no_consent'
    and lead.contact_id in (
        select p.contact_id from list l join contact_phone p on p.list_id = l.id
        where l.floor_id = $1 and p.e164 = any($2::text[]))

-- name: records
-- Consents of a number, or the newest of all.
select k.id, k.e164, k.source, k.evidence, k.given_at, k.until, k.withdrawn_at, k.added_by,
    c.name as campaign
from consent k left join campaign c on c.id = k.campaign_id
where k.floor_id = $1 and ($2::text is null or k.e164 = $2) order by k.id desc limit $3

-- name: note
-- Privileged actions are kept.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4)
