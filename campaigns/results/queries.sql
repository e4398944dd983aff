-- What came of a campaign: its attempts with dispositions and answers.

-- name: campaign
-- The campaign named $2 of floor $1 with the fields of its form.
select id, form || coalesce((
    select jsonb_agg(jsonb_build_object('code', s.value->>'code') order by s.place)
    from jsonb_array_elements(broadcast->'steps') with ordinality as s(value, place)
    where s.value->'keys' <> '[]'), '[]') as form
from campaign where floor_id = $1 and name = $2;

-- name: attempts
-- Attempts of campaign $1 placed from $2 until before $3 (null: no limit), oldest first.
-- $4: conversations only.
select a.id, a.placed_at, a.phone, c.name, c.company, a.outcome, a.ended_by, a.answered_at,
    a.bridged_at, a.ended_at, o.login as operator, d.code as disposition, d.title_ru, d.title_en,
    d.flags, a.note, a.callback_at, a.answers || a.keys as answers, a.mode
from attempt a join lead l on l.id = a.lead_id join contact c on c.id = l.contact_id
left join operator o on o.id = a.operator_id
left join disposition d on d.id = a.disposition_id
where a.campaign_id = $1 and ($2::timestamptz is null or a.placed_at >= $2)
    and ($3::timestamptz is null or a.placed_at < $3)
    and (not $4 or a.bridged_at is not null)
order by a.placed_at, a.id;

-- name: note
-- Who took what out, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
