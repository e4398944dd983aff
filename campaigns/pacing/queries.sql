-- Pacing of a campaign: limits, ledger, decisions, and what simulations are made of.

-- name: find
-- The campaign named $2 of floor $1.
select id, name, status, mode, legal_profile, weight, skills, max_lines, lines_per_operator,
    max_abandon_rate, ring_timeout_s
from campaign where floor_id = $1 and name = $2;

-- name: ledger
-- People answered and abandoned in attempts of campaign $1 in the last $2 seconds.
select count(*) as answered, count(*) filter (where outcome = 'abandoned') as abandoned
from attempt
where campaign_id = $1
    and placed_at >= now() - ($2::float8 + 3600) * interval '1 second'
    and answered_at >= now() - $2::float8 * interval '1 second'
    and outcome is distinct from 'machine';

-- name: decisions
-- The newest $2 decisions of campaign $1, newest first.
select at, asked, placed, limited_by, reason, reason_ru from decision
where campaign_id = $1 order by at desc, id desc limit $2;

-- name: limited_by
-- What limited the decisions of campaign $1 that were kept in the last hour.
select limited_by, count(*) as count from decision
where campaign_id = $1 and at >= now() - interval '1 hour' group by limited_by order by 2 desc;

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);

-- name: set_skills
-- The skills of the operator with login $2 of floor $1; in force from the next sign-in.
update operator set skills = $3 where floor_id = $1 and login = $2 and removed_at is null
returning id;

-- name: durations
-- Seconds to an answer by a person and to a failure, of talks and of wrap-ups, in attempts of
-- campaign $1 placed from $2 to $3; the newest $4 of each kind.
with mine as materialized (
    select * from attempt
    where campaign_id = $1 and placed_at >= $2 and placed_at < $3 and ended_at is not null
), found as (
    select 'answer' as kind, extract(epoch from answered_at - placed_at) as seconds, placed_at
    from mine where answered_at is not null and outcome <> 'machine'
    union all
    select 'failure', extract(epoch from ended_at - placed_at), placed_at
    from mine where answered_at is null and outcome <> 'unknown' and ended_by <> 'dialer'
    union all
    select 'talk', extract(epoch from ended_at - bridged_at), placed_at
    from mine where bridged_at is not null
    union all
    select 'wrap_up', extract(epoch from s.ended_at - s.started_at), mine.placed_at
    from mine join shift_state s on s.shift_id = mine.shift_id and s.attempt_id = mine.id
    where s.state = 'wrap_up' and s.ended_at is not null
), numbered as (
    select kind, seconds, row_number() over (partition by kind order by placed_at desc) as place
    from found
)
select kind, greatest(0, seconds)::float8 as seconds from numbered where place <= $4;

-- name: leads_left
-- Leads of campaign $1 that may still be dialed, and dials that each one done has cost.
select count(*) filter (where lead.status <> 'done') as leads,
    coalesce(avg(greatest(1, lead.approaches)) filter (where lead.status = 'done'),
        greatest(1, avg(lead.approaches)), 1)::float8 as dials_per_lead
from lead where lead.campaign_id = $1;

-- name: worked
-- When operators of floor $1 worked from $2 to $3, pauses left out, as epoch seconds; those who
-- talked for campaign $4 or were dialed for by it.
with mine as (
    select distinct unnest(array[operator_id, dial_operator_id]) as operator_id from attempt
    where campaign_id = $4 and placed_at >= $2 and placed_at < $3
)
select shift.operator_id,
    extract(epoch from greatest(s.started_at, $2))::float8 as begin,
    extract(epoch from least(coalesce(s.ended_at, now()), $3))::float8 as end
from shift join shift_state s on s.shift_id = shift.id
where shift.floor_id = $1 and shift.operator_id in (select operator_id from mine)
    and s.state not in ('paused', 'connecting')
    and s.started_at < $3 and coalesce(s.ended_at, now()) > $2
order by 1, 2;

-- name: answered_by_bin
-- Dials and answers by people of campaign $1 from $2 to $3, in steps of $5 seconds since $4.
select floor((extract(epoch from placed_at) - $4::float8) / $5::float8)::integer as bin,
    count(*) as dials,
    count(*) filter (where answered_at is not null and outcome <> 'machine') as answered
from attempt
where campaign_id = $1 and placed_at >= $2 and placed_at < $3
    and outcome is not null and outcome <> 'unknown' and ended_by <> 'dialer'
    and extract(epoch from placed_at) >= $4::float8
group by 1 order by 1;

-- name: day_fact
-- What came of the dials of campaign $1 from $2 to $3; seconds of talk and wrap-up.
select count(*) as dials,
    count(*) filter (where answered_at is not null and outcome <> 'machine') as answered,
    count(*) filter (where (answered_at is null and outcome <> 'unknown' and ended_by <> 'dialer')
        or outcome = 'machine') as not_answered,
    count(*) filter (where outcome = 'abandoned') as abandoned,
    count(bridged_at) as conversations,
    coalesce(sum(extract(epoch from ended_at - bridged_at)), 0)::float8
        + coalesce((select sum(extract(epoch from s.ended_at - s.started_at)) from shift_state s
            join attempt a on a.id = s.attempt_id and a.shift_id = s.shift_id
            where s.state = 'wrap_up' and a.campaign_id = $1
                and a.placed_at >= $2 and a.placed_at < $3), 0)::float8 as busy_s
from attempt
where campaign_id = $1 and placed_at >= $2 and placed_at < $3 and outcome is not null;
