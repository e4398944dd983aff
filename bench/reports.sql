-- What bench/reports.py fills its database with: a year of a floor.

-- name: bulk
-- No triggers and no foreign keys while the year is written: it is history.
set session_replication_role = replica;

-- name: loosen
-- Without indexes rows are added faster; these come back, or no report reads them.
drop index attempt_open_lead, attempt_campaign_placed, attempt_floor_placed, attempt_lead,
    attempt_contact, attempt_phone, attempt_open_phone, attempt_open_campaign, attempt_conversation,
    attempt_abandoned, attempt_callback;

-- name: floor
-- Ten campaigns of two lists each, 200 operators in ten teams.
with made as (
    insert into floor (name, time_zone) values ('main', 'Europe/Moscow') returning id
), node as (
    insert into node (name) values ('main') returning id
), trunk as (
    insert into trunk (node_id, name, lines, calls_per_second)
    select id, 'carrier', 100, 10 from node returning id
), lists as (
    insert into list (floor_id, name) select id, 'list ' || n from made, generate_series(1, 10) n
), campaigns as (
    insert into campaign (floor_id, trunk_id, name)
    select made.id, trunk.id, 'campaign ' || n from made, trunk, generate_series(1, 10) n
)
insert into operator (floor_id, login, full_name, phone_ha1, team)
select id, 'op' || n, 'Operator ' || n, repeat('0', 32), 'team ' || n % 10
from made, generate_series(1, 200) n;

-- name: dispositions
-- What operators say.
insert into disposition (floor_id, code, title_ru, title_en, flags) values
    (1, 'a', 'Договорились', 'Agreed', '{productive,target}'),
    (1, 'b', 'Отказ', 'Refused', '{productive,refusal}'),
    (1, 'c', 'Перезвонить', 'Later', '{callback}'), (1, 'd', 'Не тот', 'Wrong person', '{}'),
    (1, 'e', 'Думает', 'Thinks', '{productive}');

-- name: contacts
-- $1 contacts, in turn of the ten lists.
insert into contact (list_id) select 1 + n % 10 from generate_series(0, $1::bigint - 1) n;

-- name: leads
-- A lead of each of $1 contacts; each list is in two campaigns, half of its contacts in each. The
-- last $2 leads are still dialed, all others had four approaches.
insert into lead (campaign_id, contact_id, status, approaches)
select 1 + (n % 10 + n / 10 % 2) % 10, 1 + n,
    case when n < $1::bigint - $2::bigint then 'done' else 'retry' end,
    case when n < $1::bigint - $2::bigint then 4 else 2 end
from generate_series(0, $1::bigint - 1) n;

-- name: attempts
-- Dials number $1 to $2 of $3 in a year of 12 hours a day, $4 leads at a time, which are dialed four
-- times, two days between. Half of the campaigns are predictive; a fifth is answered, half a percent
-- abandoned, nine conversations of ten have a disposition.
insert into attempt (id, floor_id, campaign_id, lead_id, contact_id, node_id, trunk_id, phone,
    placed_at, rang_at, answered_at, bridged_at, ended_at, operator_id, dial_operator_id,
    dial_interval_s, operator_dial_interval_s, outcome, ended_by, disposition_id, mode)
select uuidv7(), 1, campaign, lead, lead, 1, 1, '+7' || 9000000000 + lead,
    placed, placed + interval '3 seconds',
    case when luck < 0.205 then placed + interval '12 seconds' end,
    case when luck < 0.2 then placed + interval '12 seconds' end,
    placed + (case when luck < 0.2 then 20 + 200 * luck2 else 5 + 25 * luck2 end) * interval '1 s',
    case when luck < 0.2 then worker end, case when campaign % 2 = 0 then worker end,
    -30 * ln(1 - luck2), case when campaign % 2 = 0 then -60 * ln(1 - luck2) end,
    case when luck < 0.2 then 'answered' when luck < 0.205 then 'abandoned'
        when luck < 0.75 then 'no_answer' when luck < 0.9 then 'busy' when luck < 0.93 then 'invalid'
        else 'machine' end,
    case when luck2 < 0.05 then 'operator' else 'person' end,
    case when luck < 0.18 then 1 + (luck2 * 4.999)::integer end,
    case when campaign % 2 = 0 then 'progressive' else 'predictive' end
from (
    select 1 + nth as lead, 1 + (nth % 10 + nth / 10 % 2) % 10 as campaign, luck, luck2, placed,
        (nth % 10 + nth / 10 % 2) % 10 * 20 + (random() * 19)::integer + 1 as worker
    from (
        select n / (4 * $4::bigint) * $4::bigint + n % $4::bigint as nth,
            random() as luck, random() as luck2,
            $5::timestamptz + second / 43200 * interval '1 day'
                + second % 43200 * interval '1 second' as placed
        from generate_series($1::bigint, $2::bigint) n
        cross join lateral (select (n * (365 * 43200 / $3::float8))::bigint as second) s
    ) dial
) call;

-- name: callbacks
-- Every fifth lead that was talked with on a callback's disposition is promised one two days later,
-- and dialed on it half of the time, 20 minutes early to 20 minutes late.
with promised as (
    insert into callback (floor_id, campaign_id, lead_id, list_id, at, promised_at, operator_id,
        status, created_by, created_at)
    select 1, campaign_id, lead_id, 1 + (lead_id - 1) % 10, placed_at + interval '2 days',
        placed_at + interval '2 days', operator_id, 'done', 'op', placed_at
    from attempt where disposition_id = 3 and lead_id % 5 = 0 returning id, lead_id, promised_at
), dialed as (
    select distinct on (a.id) a.id, promised.id as callback_id
    from promised join attempt a on a.lead_id = promised.lead_id
        and a.placed_at between promised.promised_at - interval '20 minutes'
            and promised.promised_at + interval '20 minutes'
    where promised.id % 2 = 0 order by a.id
)
update attempt a set callback_id = dialed.callback_id from dialed where a.id = dialed.id;

-- name: plans
-- A plan for each operator, team and campaign, and the floor's, all year long.
insert into plan (floor_id, kind, subject, measure, amount, since, weekdays, checkpoint,
    checkpoint_share, set_by)
select 1, kind, subject, measure, 50, '2025-01-01', '{0,1,2,3,4}', '13:00', 0.5, 'bench'
from (
    select 'operator' as kind, login as subject from operator
    union all select distinct 'team', team from operator
    union all select 'campaign', name from campaign union all select 'floor', ''
) whose cross join unnest(array['dials', 'conversations', 'target']) as measure;

-- name: shifts
-- A shift of 12 hours for each operator and day, $1 states in each.
with made as (
    insert into shift (id, operator_id, floor_id, node_id, started_at, ended_at)
    select gen_random_uuid(), o, 1, 1, begin, begin + interval '12 hours'
    from generate_series(1, 200) o, generate_series(0, 364) d
    cross join lateral (select $2::timestamptz + d * interval '1 day' as begin) b
    returning id, started_at
)
insert into shift_state (shift_id, seq, state, started_at, ended_at)
select id, n, (array['ready', 'dialing', 'talking', 'wrap_up', 'paused'])[1 + n % 5],
    started_at + n * step, started_at + (n + 1) * step
from made, generate_series(0, $1::integer - 1) n
cross join lateral (select interval '12 hours' / $1::integer as step) s;

-- name: tighten
-- The indexes that reports and roll-ups use.
create index attempt_floor_placed on attempt (floor_id, placed_at);

-- name: tighten_leads
-- The same.
create index attempt_lead on attempt (lead_id);

-- name: tighten_abandoned
-- The same.
create index attempt_abandoned on attempt (floor_id, answered_at) where outcome = 'abandoned';

-- name: tighten_callbacks
-- The same.
create index attempt_callback on attempt (callback_id) where callback_id is not null;

-- name: tighten_open
-- The same.
create unique index attempt_open_lead on attempt (lead_id) where outcome is null;

-- name: vacuum
-- What autovacuum does in time.
vacuum analyze;

-- name: sizes
-- Megabytes of the rows and of the roll-ups, with their indexes.
select pg_total_relation_size('attempt') >> 20 as attempts_mb,
    (pg_total_relation_size('report_cell') + pg_total_relation_size('report_said_cell')
        + pg_total_relation_size('report_time_cell') + pg_total_relation_size('report_hour_cell')
        + pg_total_relation_size('report_lead_cell') + pg_total_relation_size('report_touch_cell')
        + pg_total_relation_size('report_hasty_cell')) >> 20 as roll_ups_mb,
    pg_total_relation_size('report_lead') >> 20 as leads_counted_mb,
    (select count(*) from report_cell) as cells;

-- name: no_rollups
-- Reports read the rows alone; up to when the roll-ups went.
update report_rolled set until = since returning old.until;

-- name: rollups_again
-- They read roll-ups up to $1.
update report_rolled set until = $1;
