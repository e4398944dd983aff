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
-- Dispositions of a tenth of the conversations are corrected.
update attempt set disposition_id = disposition_of(campaign_id, 'agreed')
where bridged_at is not null and hashtext(id::text) % 10 = 0;

-- name: delete_some
-- Attempts that turned out never to have been.
delete from attempt where bridged_at is null and hashtext(id::text) % 10 = 0;

-- name: cut_states
-- What was an operator's last state turns out to have ended earlier.
update shift_state set ended_at = started_at + (ended_at - started_at) / 2
where hashtext(shift_id::text || seq::text) % 10 = 0;

-- name: move_part
-- One part of a conversation turns out to have been another operator's.
update conversation_part set operator_id = $1
where operator_id <> $1 and began_by = 'answer' and hashtext(attempt_id::text) % 5 = 0;

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
