-- Dispositions, forms and scripts as a desk sees them.

-- name: campaign_dispositions
-- What may come of conversations of the campaign named $2 of floor $1, and the fields to fill in.
select c.id, c.form, dispositions_of(c.id) as dispositions
from campaign c where c.floor_id = $1 and c.name = $2;

-- name: talk
-- What belongs to the conversation of attempt $1.
select a.id, a.campaign_id, c.name as campaign, c.language, c.form, c.script,
    dispositions_of(c.id) as dispositions, contact.name as contact_name,
    contact.company as contact_company, contact.attributes,
    coalesce((select full_name from operator where floor_id = a.floor_id and login = $2
              and removed_at is null), '') as operator_name
from attempt a join campaign c on c.id = a.campaign_id
join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
where a.id = $1;

-- name: write_dispositions
-- The set of campaign $1: what is not in $2 (a list of objects with a position) is retired.
with given as (
    select * from jsonb_to_recordset($2::jsonb) as g (position integer, code text, title_ru text,
        title_en text, flags text[], hot_key text, requires text[])
), retired as (
    update disposition set retired_at = now()
    where campaign_id = $1 and retired_at is null and code not in (select code from given)
)
insert into disposition (floor_id, campaign_id, position, code, title_ru, title_en, flags, hot_key,
    requires)
select c.floor_id, c.id, g.position, g.code, g.title_ru, g.title_en, g.flags, g.hot_key, g.requires
from given g, campaign c where c.id = $1
on conflict (floor_id, campaign_id, code) do update
set position = excluded.position, title_ru = excluded.title_ru, title_en = excluded.title_en,
    flags = excluded.flags, hot_key = excluded.hot_key, requires = excluded.requires,
    retired_at = null;
