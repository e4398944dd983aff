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

-- name: names
-- What reports of floor $1 can be narrowed by, those of former times too; and its own name.
select 'floor' as kind, name from floor where id = $1
union select 'operator', login from operator where floor_id = $1
union select 'campaign', name from campaign where floor_id = $1
union select 'list', name from list where floor_id = $1;

-- name: dials
-- Attempts placed in the period by the cut $4 (days and hours of zone $5) of operators $6,
-- campaigns $7, lists $8 (null: all), and all together. An operator's are those dialed for him;
-- the intervals are his there, the campaigns' in every other cut.
with chosen as (
    select a.*, case $4::text when 'operator' then a.dial_operator_id::text
            when 'campaign' then c.name when 'list' then list.name
            when 'day' then (a.placed_at at time zone $5)::date::text
            when 'hour' then extract(hour from a.placed_at at time zone $5)::text end as key,
        case $4::text when 'operator' then a.operator_dial_interval_s
            when 'list' then null else a.dial_interval_s end as interval_s,
        extract(epoch from coalesce(a.answered_at, a.ended_at) - a.rang_at)::float8 as ring_s,
        a.ended_by = 'operator' and a.answered_at is null and a.ended_at is not null as given_up
    from attempt a join campaign c on c.id = a.campaign_id
    join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
    join list on list.id = contact.list_id
    left join operator o on o.id = a.dial_operator_id
    where a.floor_id = $1 and a.placed_at >= $2 and a.placed_at < $3
        and ($6::text[] is null or o.login = any($6)) and ($7::text[] is null or c.name = any($7))
        and ($8::text[] is null or list.name = any($8))
)
select key, grouping(key) = 1 as total, count(*) as dials,
    count(*) filter (where outcome is null) as in_progress,
    count(*) filter (where outcome = 'answered') as answered,
    count(*) filter (where outcome = 'no_answer') as no_answer,
    count(*) filter (where outcome = 'busy') as busy,
    count(*) filter (where outcome = 'invalid') as invalid,
    count(*) filter (where outcome = 'rejected') as rejected,
    count(*) filter (where outcome = 'congestion') as congestion,
    count(*) filter (where outcome = 'machine') as machine,
    count(*) filter (where outcome = 'abandoned') as abandoned,
    count(*) filter (where outcome = 'failed') as failed,
    count(*) filter (where outcome = 'unknown') as unknown,
    coalesce(sum(extract(epoch from ended_at - placed_at)), 0)::float8 as trunk_s,
    percentile_cont(0.5) within group (order by interval_s) as interval_median_s,
    percentile_cont(0.9) within group (order by interval_s) as interval_p90_s,
    count(*) filter (where given_up) as given_up,
    percentile_cont(0.5) within group (order by ring_s) filter (where given_up) as given_up_ring_s
from chosen group by grouping sets ((key), ());

-- name: talks
-- Conversations of attempts placed in the period, cut and narrowed as dials; an operator's are
-- those he had a part in, with the seconds of that part.
with part as (
    select a.id, a.placed_at, a.campaign_id, a.lead_id, coalesce(p.operator_id, a.operator_id)
            as operator_id,
        extract(epoch from coalesce(p.ended_at, a.ended_at, now())
            - coalesce(p.began_at, a.bridged_at))::float8 as seconds
    from attempt a left join conversation_part p on p.attempt_id = a.id
    where a.floor_id = $1 and a.placed_at >= $2 and a.placed_at < $3 and a.bridged_at is not null
), chosen as (
    select part.id, part.seconds, case $4::text when 'operator' then part.operator_id::text
        when 'campaign' then c.name when 'list' then list.name
        when 'day' then (part.placed_at at time zone $5)::date::text
        when 'hour' then extract(hour from part.placed_at at time zone $5)::text end as key
    from part join campaign c on c.id = part.campaign_id
    join lead l on l.id = part.lead_id join contact on contact.id = l.contact_id
    join list on list.id = contact.list_id left join operator o on o.id = part.operator_id
    where ($6::text[] is null or o.login = any($6)) and ($7::text[] is null or c.name = any($7))
        and ($8::text[] is null or list.name = any($8))
), talk as (
    select key, id, sum(seconds) as seconds from chosen group by key, id
)
select key, grouping(key) = 1 as total, count(distinct id) as conversations,
    sum(seconds)::float8 as talk_s,
    count(distinct id) filter (where seconds < 10) as short
from talk group by grouping sets ((key), ());

-- name: said
-- What operators said came of attempts placed in the period, cut and narrowed as dials; an
-- operator's are those he had last.
with chosen as (
    select a.id, d.code, d.title_ru, d.title_en, d.flags,
        case $4::text when 'operator' then a.operator_id::text
        when 'campaign' then c.name when 'list' then list.name
        when 'day' then (a.placed_at at time zone $5)::date::text
        when 'hour' then extract(hour from a.placed_at at time zone $5)::text end as key
    from attempt a join campaign c on c.id = a.campaign_id
    join disposition d on d.id = a.disposition_id
    join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
    join list on list.id = contact.list_id left join operator o on o.id = a.operator_id
    where a.floor_id = $1 and a.placed_at >= $2 and a.placed_at < $3
        and ($6::text[] is null or o.login = any($6)) and ($7::text[] is null or c.name = any($7))
        and ($8::text[] is null or list.name = any($8))
)
select key, grouping(key) = 1 as total, code, title_ru, title_en, flags, count(*) as attempts
from chosen
group by grouping sets ((key, code, title_ru, title_en, flags), (code, title_ru, title_en, flags));

-- name: state_time
-- Seconds in each state inside slices of time from $5 to $6, named $4, of operators $7 (null: all):
-- by operator ($2) or by the slices' names, and all together. A state that is not over counts up to
-- now; $3 is the end of the last slice.
with piece as (
    select case when $2 then s.operator_id::text else slice.name end as key, st.state,
        extract(epoch from least(coalesce(st.ended_at, now()), slice.until)
            - greatest(st.started_at, slice.since))::float8 as seconds
    from unnest($4::text[], $5::timestamptz[], $6::timestamptz[]) as slice(name, since, until)
    join shift s on s.floor_id = $1 and s.started_at < slice.until
        and coalesce(s.ended_at, now()) > slice.since
    join shift_state st on st.shift_id = s.id and st.started_at < slice.until
        and coalesce(st.ended_at, now()) > slice.since
    join operator o on o.id = s.operator_id
    where s.started_at < $3 and ($7::text[] is null or o.login = any($7))
)
select key, grouping(key) = 1 as total, state, sum(seconds) as seconds
from piece group by grouping sets ((key, state), (state));

-- name: ledger
-- People who answered and those who were abandoned, by campaign or day of the answer in zone $5
-- (cut $4), and all together: the law's own count. Of campaigns $6, lists $7 (null: all).
with chosen as (
    select a.outcome, case $4::text when 'campaign' then c.name
        else (a.answered_at at time zone $5)::date::text end as key
    from attempt a join campaign c on c.id = a.campaign_id
    join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
    join list on list.id = contact.list_id
    where a.floor_id = $1 and a.placed_at >= $2::timestamptz - interval '1 hour'
        and a.placed_at < $3 and a.answered_at >= $2 and a.answered_at < $3
        and a.outcome is not null and a.outcome <> 'machine'
        and ($6::text[] is null or c.name = any($6)) and ($7::text[] is null or list.name = any($7))
)
select key, grouping(key) = 1 as total, count(*) as people,
    count(*) filter (where outcome = 'abandoned') as abandoned
from chosen group by grouping sets ((key), ());

-- name: ledger_windows
-- The same for each campaign $1 over the $2 seconds that end at $3: what its ledger says then.
select asked.campaign_id, count(a.id) as people,
    count(a.id) filter (where a.outcome = 'abandoned') as abandoned
from unnest($1::bigint[], $2::float8[]) as asked(campaign_id, seconds)
left join attempt a on a.campaign_id = asked.campaign_id and a.placed_at < $3
    and a.placed_at >= $3::timestamptz - asked.seconds * interval '1 second' - interval '1 hour'
    and a.answered_at >= $3::timestamptz - asked.seconds * interval '1 second'
    and a.answered_at < $3 and a.outcome is not null and a.outcome <> 'machine'
group by asked.campaign_id;

-- name: campaign_terms
-- What campaigns of floor $1 named $2 (null: all) promise of abandoned calls.
select id, name, legal_profile, max_abandon_rate from campaign
where floor_id = $1 and ($2::text[] is null or name = any($2)) order by name;

-- name: abandoned_attempts
-- The abandoned attempts behind the ledger, as they came; at most $6.
select a.id::text, c.name as campaign, a.placed_at, a.answered_at, a.ended_at, a.ended_by
from attempt a join campaign c on c.id = a.campaign_id
join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
join list on list.id = contact.list_id
where a.floor_id = $1 and a.placed_at >= $2::timestamptz - interval '1 hour' and a.placed_at < $3
    and a.answered_at >= $2 and a.answered_at < $3 and a.outcome = 'abandoned'
    and ($4::text[] is null or c.name = any($4)) and ($5::text[] is null or list.name = any($5))
order by a.answered_at, a.id limit $6;

-- name: reach
-- How the leads of lists or campaigns (cut $2) stand now, and all together. Of campaigns $3,
-- lists $4 (null: all).
with own as (
    select case $2::text when 'list' then list.name else c.name end as key, l.status, l.approaches,
        exists (select from attempt a where a.lead_id = l.id) as touched,
        exists (select from attempt a where a.lead_id = l.id
                and a.outcome in ('answered', 'abandoned')) as reached
    from lead l join campaign c on c.id = l.campaign_id
    join contact on contact.id = l.contact_id join list on list.id = contact.list_id
    where c.floor_id = $1 and ($3::text[] is null or c.name = any($3))
        and ($4::text[] is null or list.name = any($4))
)
select key, grouping(key) = 1 as total, count(*) as leads,
    count(*) filter (where touched) as touched, count(*) filter (where reached) as reached,
    count(*) filter (where status = 'done') as closed,
    count(*) filter (where status = 'done' and approaches = 1 and touched and not reached)
        as first_touch
from own group by grouping sets ((key), ());

-- name: limit_statements
-- A report that takes long is given up; dialing needs the machine.
select set_config('statement_timeout', $1, true);

-- name: note
-- Who took what out.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);

-- name: role
-- What somebody on the staff of floor $1 is.
select role from operator where floor_id = $1 and login = $2 and removed_at is null;
