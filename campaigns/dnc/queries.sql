-- Do-not-call: entries and their ends.

-- name: find_campaign
-- The id of a campaign.
select id from campaign where floor_id = $1 and name = $2

-- name: add_numbers
-- Numbers $3 are forbidden; one that was until some time only is forbidden as long as said now.
-- What a register had and somebody now forbids for good stays when the register drops it; for a time
-- only, the register's goes further. Returns how many are new.
with added as (
    insert into do_not_call (floor_id, campaign_id, e164, source, reason, added_by, until, register)
    select $1, $2, number, $4, $5, $6, $7, $8 from unnest($3::text[]) as number
    on conflict (e164, coalesce(floor_id, 0), coalesce(campaign_id, 0)) do update
        set until = excluded.until, source = excluded.source, reason = excluded.reason,
            added_by = excluded.added_by, register = excluded.register
        where do_not_call.until is not null
            and (excluded.until is null or excluded.until > do_not_call.until)
            or do_not_call.register is not null and excluded.register is null
                and excluded.until is null
    returning 1
)
select count(*) from added

-- name: add_mask
-- A prefix or pattern is forbidden.
insert into do_not_call_mask (floor_id, campaign_id, kind, written, mask, source, reason, added_by, until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (mask, coalesce(floor_id, 0), coalesce(campaign_id, 0)) do update
    set until = excluded.until, reason = excluded.reason, added_by = excluded.added_by
returning id

-- name: remove_numbers
-- A number is allowed again in this scope.
delete from do_not_call where e164 = $3 and floor_id is not distinct from $1
    and campaign_id is not distinct from $2 returning id

-- name: remove_mask
-- A prefix or pattern is allowed again in this scope.
delete from do_not_call_mask where mask = $3 and floor_id is not distinct from $1
    and campaign_id is not distinct from $2 returning id

-- name: reopen
-- Leads that were closed or put off only because of do-not-call are asked again.
update lead set status = case when approaches + failures = 0 then 'new' else 'retry' end,
    last_outcome = null, next_at = now(), blocked_by = null
from campaign c
where c.id = lead.campaign_id and ($1::bigint is null or c.floor_id = $1)
    and ($2::bigint is null or c.id = $2)
    and (lead.last_outcome = 'do_not_call' and lead.status = 'done'
        or lead.blocked_by = 'do_not_call' and lead.status in ('new', 'retry'))
    and exists (select from contact_phone p where p.contact_id = lead.contact_id and p.e164 like $3)

-- name: reopen_numbers
-- The same for numbers $3, as many as a register may drop; they are looked for list by list.
update lead set status = case when approaches + failures = 0 then 'new' else 'retry' end,
    last_outcome = null, next_at = now(), blocked_by = null
from campaign c
where c.id = lead.campaign_id and ($1::bigint is null or c.floor_id = $1)
    and ($2::bigint is null or c.id = $2)
    and (lead.last_outcome = 'do_not_call' and lead.status = 'done'
        or lead.blocked_by = 'do_not_call' and lead.status in ('new', 'retry'))
    and lead.contact_id in (
        select p.contact_id from list l join contact_phone p on p.list_id = l.id
        where ($1::bigint is null or l.floor_id = $1) and p.e164 = any($3::text[]))

-- name: entries
-- What is forbidden on a floor, newest first: for one number $2 everything that concerns it.
select 'number' as kind, e164 as written, d.source, d.reason, d.added_by, d.until, d.created_at,
    d.register, c.name as campaign, case when d.floor_id is null then 'system'
        when d.campaign_id is null then 'floor' else 'campaign' end as scope
from do_not_call d left join campaign c on c.id = d.campaign_id
where (d.floor_id is null or d.floor_id = $1) and ($2::text is null or d.e164 = $2)
union all
select m.kind, m.written, m.source, m.reason, m.added_by, m.until, m.created_at, null, c.name,
    case when m.floor_id is null then 'system'
        when m.campaign_id is null then 'floor' else 'campaign' end
from do_not_call_mask m left join campaign c on c.id = m.campaign_id
where (m.floor_id is null or m.floor_id = $1) and ($2::text is null or $2 like m.mask)
order by created_at desc limit $3

-- name: imported
-- A public register was imported.
insert into do_not_call_import (floor_id, register, numbers, imported_by) values ($1, $2, $3, $4)

-- name: drop_left
-- Numbers of a scope that the register no longer has.
delete from do_not_call where floor_id is not distinct from $1
    and campaign_id is not distinct from $2 and register = $3 and not e164 = any($4::text[])
returning e164

-- name: note
-- Privileged actions are kept.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4)
