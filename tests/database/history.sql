-- A history of a floor at random, and ways to change it afterwards.

-- name: time_zone
-- Whose days the floor has.
update floor set time_zone = $2 where id = $1;

-- name: team
-- An operator's team.
update operator set team = $2 where id = $1;

-- name: lead_ids
-- All leads.
select id from lead order by id;

-- name: interval_truth
-- Percentiles of dial intervals and sums straight from the rows.
select count(*) as dials, count(bridged_at) as conversations,
    count(*) filter (where outcome = 'abandoned') as abandoned,
    sum(extract(epoch from ended_at - placed_at))::float8 as trunk_s,
    percentile_cont(0.5) within group (order by dial_interval_s) as median,
    percentile_cont(0.9) within group (order by dial_interval_s) as p90
from attempt where placed_at >= $1 and placed_at < $2;

-- name: mode
-- Some calls were predictive.
update attempt set mode = 'predictive', dial_operator_id = null where placed_at < $1;

-- name: correct_some
-- Dispositions of every tenth conversation are corrected.
update attempt set disposition_id = disposition_of(campaign_id, 'agreed')
where id in (select id from (select id, row_number() over (order by placed_at, id) as nth
    from attempt where bridged_at is not null) each where nth % 10 = 1);

-- name: delete_some
-- Every tenth attempt without a conversation turned out never to have been.
delete from attempt
where id in (select id from (select id, row_number() over (order by placed_at, id) as nth
    from attempt where bridged_at is null) each where nth % 10 = 1);

-- name: cut_states
-- Every tenth state turns out to have ended earlier.
update shift_state set ended_at = started_at + (ended_at - started_at) / 2
where (shift_id, seq) in (select shift_id, seq from (select shift_id, seq,
    row_number() over (order by started_at, shift_id, seq) as nth from shift_state) each
    where nth % 10 = 1);

-- name: move_part
-- Some parts of conversations turn out to have been another operator's.
update conversation_part set operator_id = $1
where operator_id <> $1 and began_by = 'answer' and attempt_id in (select attempt_id from (
    select attempt_id, row_number() over (order by began_at, attempt_id) as nth
    from conversation_part where operator_id <> $1 and began_by = 'answer') each where nth % 5 = 1);

-- name: spoil_cells
-- Roll-ups that are wrong, to see that they are read.
update report_cell set dials = dials + 1;

-- name: spoil_person_hours
-- The same of operators' hours alone.
update report_cell set dials = dials + 1 where grain = 'person_hour';

-- name: no_rollups
-- Reports read the rows alone.
delete from report_rolled;

-- name: marks
-- Changes that are not in the roll-ups.
select count(*) from report_mark;

-- name: cells
-- All roll-ups of calls.
select * from report_cell order by floor_id, grain, since, campaign_id, list_id, operator_id;
