-- Rows that tests of services need.

-- name: list
-- A list of a floor.
insert into list (floor_id, name) values ($1, $2) returning id;

-- name: contact
-- A contact with one phone.
with made as (insert into contact (list_id) values ($1) returning id, list_id)
insert into contact_phone (contact_id, list_id, position, e164)
select id, list_id, 0, $2 from made returning contact_id;

-- name: attempt
-- An attempt with the times and outcome given.
insert into attempt (id, floor_id, campaign_id, lead_id, node_id, trunk_id, phone,
    dial_operator_id, operator_id, dial_interval_s, operator_dial_interval_s,
    placed_at, bridged_at, ended_at, outcome, rang_at, answered_at, ended_by, disposition_id)
select $1, $2, l.campaign_id, l.id, $3, c.trunk_id, '+70000000000', $5, $6, $7, $8, $9, $10,
    $11, $12, $13, $14, $15, disposition_of(l.campaign_id, $16)
from lead l join campaign c on c.id = l.campaign_id where l.id = $4;

-- name: part
-- An operator's part of a conversation.
insert into conversation_part (attempt_id, operator_id, began_at, ended_at, began_by)
values ($1, $2, $3, $4, $5);

-- name: dispositions
-- Two that a floor offers.
insert into disposition (floor_id, code, title_ru, title_en, flags) values
    ($1, 'agreed', 'Договорились', 'Agreed', '{productive,target}'),
    ($1, 'refused', 'Отказ', 'Refused', '{productive,refusal}')
on conflict do nothing;

-- name: correct
-- Dispositions are corrected, of attempts long over.
update attempt set disposition_id = disposition_of(campaign_id, $2)
where disposition_id = disposition_of(campaign_id, $1);

-- name: lock_attempts
-- Nobody reads attempts meanwhile.
lock table attempt in access exclusive mode;

-- name: shift
-- A shift, open or over.
insert into shift (id, operator_id, floor_id, node_id, started_at, ended_at)
values ($1, $2, $3, $4, $5, $6);

-- name: state
-- One state of a shift.
insert into shift_state (shift_id, seq, state, started_at, ended_at)
values ($1, $2, $3, $4, $5);

-- name: operator_id
-- By login.
select id from operator where login = $1;

-- name: leads
-- A campaign's leads.
select lead.id from lead join campaign on campaign.id = lead.campaign_id
where campaign.name = $1 order by lead.id;

-- name: audit
-- What was noted, oldest first.
select actor, action, subject, details from audit order by id;

-- name: finish_leads
-- All leads of a campaign are done.
update lead set status = 'done' from campaign
where campaign.id = lead.campaign_id and campaign.name = $1;

-- name: decision
-- One line of a campaign's decision log.
insert into decision (campaign_id, at, placed, limited_by, reason)
select id, $2, $3, $4, $5 from campaign where name = $1;

-- name: move_contacts
-- Where all contacts live.
update contact set time_zone = $1;

-- name: finish_dialed
-- Leads of a campaign that were dialed are done.
update lead set status = 'done', approaches = 1 from campaign
where campaign.id = lead.campaign_id and campaign.name = $1
    and exists (select from attempt where attempt.lead_id = lead.id);

-- name: callback
-- A callback of lead $1 promised for $2.
insert into callback (floor_id, campaign_id, lead_id, at, promised_at, status, operator_id, created_by)
select c.floor_id, c.id, l.id, $2, $2, $3, $4, 'tester'
from lead l join campaign c on c.id = l.campaign_id where l.id = $1 returning id;

-- name: of_callback
-- An attempt was the callback's dial.
update attempt set callback_id = $2 where id = $1;

-- name: team
-- An operator's team.
update operator set team = $2 where id = $1;

-- name: predictive
-- All calls were predictive, and each talking state belongs to one.
with changed as (update attempt set mode = 'predictive' where bridged_at is not null returning id)
update shift_state set attempt_id = (select min(id::text)::uuid from changed)
where state = 'talking';
