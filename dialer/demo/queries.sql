-- name: attempts
-- Every attempt of a floor since a moment, for the comparison with the carrier's record.
select a.id, a.lead_id, a.phone, a.placed_at, a.rang_at, a.answered_at, a.bridged_at, a.ended_at,
    a.outcome, a.ended_by, a.cause, a.sip_code
from attempt a where a.floor_id = $1 and a.placed_at >= $2 order by a.placed_at

-- name: overlapping_attempts
-- Leads that were in two attempts at once.
select count(*) from attempt a join attempt b
    on a.lead_id = b.lead_id and a.id < b.id and b.placed_at < coalesce(a.ended_at, 'infinity')
where a.floor_id = $1 and a.placed_at >= $2

-- name: answer_to_operator
-- Milliseconds from the answer to the bridge, for every conversation of a floor since a moment.
select extract(epoch from bridged_at - answered_at) * 1000 as ms
from attempt where floor_id = $1 and placed_at >= $2 and bridged_at is not null

-- name: operators
-- What each operator of a floor did since a moment, from attempts and shifts.
select o.login, o.full_name,
    (select count(*) from attempt a where a.dial_operator_id = o.id and a.placed_at >= $2) as dials,
    (select count(*) from attempt a where a.operator_id = o.id and a.placed_at >= $2
        and a.bridged_at is not null) as conversations,
    (select avg(a.operator_dial_interval_s) from attempt a
     where a.dial_operator_id = o.id and a.placed_at >= $2) as dial_interval_s
from operator o where o.floor_id = $1 and o.id in (
    select operator_id from shift where floor_id = $1 and started_at >= $2)
order by o.login

-- name: state_seconds
-- Seconds in each state of the shifts since a moment.
select o.login, st.state, sum(extract(epoch from st.ended_at - st.started_at)) as seconds
from shift s join operator o on o.id = s.operator_id join shift_state st on st.shift_id = s.id
where s.floor_id = $1 and s.started_at >= $2
group by o.login, st.state

-- name: broken_shifts
-- Shifts since a moment whose states leave a gap, overlap, or do not add up to the shift.
with states as (
    select s.id, s.started_at, s.ended_at, st.started_at as began, st.ended_at as ended,
        lag(st.ended_at) over (partition by s.id order by st.seq) as before
    from shift s join shift_state st on st.shift_id = s.id
    where s.floor_id = $1 and s.started_at >= $2
)
select id, bool_or(before is not null and before <> began) as gap, bool_or(ended is null) as open,
    min(began) <> min(started_at) or max(ended) is distinct from max(ended_at) as edges
from states group by id
having bool_or(before is not null and before <> began) or bool_or(ended is null)
    or min(began) <> min(started_at) or max(ended) is distinct from max(ended_at)
