-- What may happen to leads and their attempts at any time, and how the rows say they stand.

-- name: reach
-- Straight from the rows, by list ($2 'list') or campaign: leads, touched, reached, closed, closed
-- after the first touch.
with own as (
    select case $2::text when 'list' then list.name else c.name end as name, l.status, l.approaches,
        exists (select from attempt a where a.lead_id = l.id) as touched,
        exists (select from attempt a where a.lead_id = l.id
                and a.outcome in ('answered', 'abandoned')) as reached
    from lead l join campaign c on c.id = l.campaign_id
    join contact on contact.id = l.contact_id join list on list.id = contact.list_id
    where c.floor_id = $1
)
select name, count(*), count(*) filter (where touched), count(*) filter (where reached),
    count(*) filter (where status = 'done'),
    count(*) filter (where status = 'done' and approaches = 1 and touched and not reached)
from own group by 1 order by 1;

-- name: lists
-- All lists.
select id, name from list where floor_id = $1 order by name;

-- name: add_leads
-- Leads of campaign $1 of at most $3 contacts whose number leaves $2 by 7.
insert into lead (campaign_id, contact_id)
select $1, id from contact where id % 7 = $2 order by id limit $3 on conflict do nothing;

-- name: remove_lead
-- A lead that was never dialed.
delete from lead where id = $1 and not exists (select from attempt where lead_id = lead.id);

-- name: remove_contact
-- A contact that was never dialed, with its leads and phones.
delete from contact where id = $1 and not exists (
    select from attempt join lead on lead.id = attempt.lead_id where lead.contact_id = contact.id);

-- name: end_attempts
-- All that go on end so.
update attempt set outcome = $1, ended_at = now() where outcome is null;

-- name: remove_attempt
-- Some attempt of the lead never was.
delete from attempt where id = (select id from attempt where lead_id = $1 limit 1);

-- name: correct_attempt
-- Some attempt of the lead came to something else.
update attempt set outcome = $2
where id = (select id from attempt where lead_id = $1 and outcome is not null limit 1);

-- name: move_attempt
-- Some attempt of the lead was another's.
update attempt set lead_id = $2 where id = (select id from attempt where lead_id = $1 limit 1);

-- name: stand
-- A lead is put into a status, after so many approaches.
update lead set status = $2, approaches = $3 where id = $1;

-- name: time_zone
-- Whose days the floor has.
update floor set time_zone = $2 where id = $1;

-- name: leads
-- All leads.
select id from lead order by id;

-- name: campaigns
-- All campaigns.
select id from campaign order by id;

-- name: counted
-- What is kept.
select * from report_lead_cell order by floor_id, campaign_id, list_id, closed_on;

-- name: touches
-- The same of first touches.
select * from report_touch_cell
order by floor_id, touched_on, campaign_id, list_id, operator_id, closed_as;

-- name: junk
-- What says nothing.
insert into disposition (floor_id, code, title_ru, title_en) values ($1, 'junk', 'Мусор', 'Junk');

-- name: mark_one
-- A lead has to be counted again.
insert into report_lead_mark (floor_id, first_id, last_id) select 1, min(id), min(id) from lead;
