-- What people say of leads: who is first, whose they are.

-- name: operator_id
-- An operator who works here.
select id from operator where floor_id = $1 and login = $2 and removed_at is null

-- name: campaign_id
-- A campaign of the floor.
select id from campaign where floor_id = $1 and name = $2

-- name: list_id
-- A list of the floor.
select id from list where floor_id = $1 and name = $2

-- name: set
-- Leads of a campaign $1 ($2 ids, of a list $3, with a phone $4, with attributes $5; null: any) get
-- the priority $6 (null: as it is) and the owner $8 where $7 says so. What was prepared of them is
-- forgotten, and who waited for an owner is asked again. Counts leads that were changed.
with changed as (
    update lead set priority = coalesce($6, priority),
        owner_id = case when $7 then $8::bigint else owner_id end,
        next_at = case when $7 and blocked_by = 'owner_absent' then now() else next_at end,
        blocked_by = case when $7 and blocked_by = 'owner_absent' then null else blocked_by end
    from contact c
    where lead.campaign_id = $1 and c.id = lead.contact_id
        and ($2::bigint[] is null or lead.id = any($2::bigint[]))
        and ($3::bigint is null or c.list_id = $3)
        and ($4::text is null or exists (
            select from contact_phone p where p.contact_id = c.id and p.e164 = $4))
        and ($5::jsonb is null or c.attributes @> $5)
        and (lead.priority <> coalesce($6, lead.priority)
            or $7 and lead.owner_id is distinct from $8::bigint)
    returning lead.id),
forgotten as (
    delete from ready where claimed_fence is null and lead_id in (select id from changed))
select count(*) from changed

-- name: note
-- Who changed how many leads is kept.
insert into audit (actor, action, subject, details) values ($1, 'leads_set', $2, $3)
