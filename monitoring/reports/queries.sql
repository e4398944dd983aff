-- Reports: what was done from $2 (counted in) to $3 (not counted in) on floor $1.

-- name: operators
-- Those on the staff, and those who left but worked in the period.
select operator.id, operator.login, operator.full_name as name from operator
where operator.floor_id = $1 and (
    operator.removed_at is null
    or exists (select from shift where shift.operator_id = operator.id
               and shift.started_at < $3 and coalesce(shift.ended_at, now()) > $2)
    or exists (select from attempt where attempt.floor_id = $1
               and attempt.placed_at >= $2 and attempt.placed_at < $3
               and operator.id in (attempt.dial_operator_id, attempt.operator_id)))
order by operator.login, operator.id;

-- name: state_seconds
-- Seconds by operator and state; a state that is not over counts up to now.
select shift.operator_id, shift_state.state,
    sum(extract(epoch from least(coalesce(shift_state.ended_at, now()), $3)
        - greatest(shift_state.started_at, $2)))::double precision as seconds
from shift join shift_state on shift_state.shift_id = shift.id
where shift.floor_id = $1
    and shift.started_at < $3 and coalesce(shift.ended_at, now()) > $2
    and shift_state.started_at < $3 and coalesce(shift_state.ended_at, now()) > $2
group by shift.operator_id, shift_state.state;

-- name: operator_dials
-- Dials by the operator they were placed for, with the intervals between them.
select dial_operator_id as operator_id, count(*) as dials,
    count(operator_dial_interval_s) as count,
    avg(operator_dial_interval_s) as mean,
    percentile_cont(0.5) within group (order by operator_dial_interval_s) as median,
    percentile_cont(0.9) within group (order by operator_dial_interval_s) as p90
from attempt
where floor_id = $1 and placed_at >= $2 and placed_at < $3 and dial_operator_id is not null
group by dial_operator_id;

-- name: operator_conversations
-- Conversations by operator.
select operator_id, count(*) as conversations from attempt
where floor_id = $1 and placed_at >= $2 and placed_at < $3
    and bridged_at is not null and operator_id is not null
group by operator_id;

-- name: campaigns
-- Attempts, conversations and dial intervals by campaign, those without attempts too.
select campaign.id, campaign.name, count(attempt.id) as attempts,
    count(attempt.bridged_at) as conversations,
    count(attempt.dial_interval_s) as count,
    avg(attempt.dial_interval_s) as mean,
    percentile_cont(0.5) within group (order by attempt.dial_interval_s) as median,
    percentile_cont(0.9) within group (order by attempt.dial_interval_s) as p90
from campaign left join attempt on attempt.campaign_id = campaign.id
    and attempt.placed_at >= $2 and attempt.placed_at < $3
where campaign.floor_id = $1
group by campaign.id
order by campaign.id;

-- name: outcomes
-- Attempts by campaign and outcome; null: not ended.
select campaign_id, outcome, count(*) from attempt
where floor_id = $1 and placed_at >= $2 and placed_at < $3
group by campaign_id, outcome;
