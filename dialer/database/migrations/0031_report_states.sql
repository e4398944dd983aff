-- As before, but that states are looked up by their shifts: a day of roll-ups read the states of all
-- shifts that ever were.
create or replace function report_time(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean, operators bigint[] default null)
returns table (since timestamptz, operator_id bigint, connecting_s double precision,
    ready_s double precision, reserved_s double precision, dialing_s double precision,
    talking_s double precision, hold_s double precision, consult_s double precision,
    wrap_up_s double precision, paused_s double precision, waits numeric)
language sql stable as $$
    with span as materialized (
        select * from unnest(since_, until_) as s (since, until)
    ), shift_near as materialized (
        select s.id, s.operator_id, s.started_at, coalesce(s.ended_at, 'infinity') as ended_at
        from shift s where s.floor_id = the_floor
            and s.started_at < (select max(span.until) from span)
            and (s.ended_at > (select min(span.since) from span) or s.ended_at is null)
            and (operators is null or s.operator_id = any(operators))
    ), shift_in as materialized (
        select s.id, s.operator_id, span.since, span.until from span join shift_near s
            on s.started_at < span.until and s.ended_at > span.since
    ), state as materialized (
        select st.shift_id, st.seq, st.state, st.attempt_id, st.started_at,
            coalesce(st.ended_at, now()) as ended_at
        from (select distinct id from shift_in) s
        cross join lateral (select * from shift_state of_it where of_it.shift_id = s.id offset 0) st
    ), piece as (
        select cell.since, span.operator_id, st.state, extract(epoch from
            least(st.ended_at, span.until, cell.since + interval '15 minutes')
            - greatest(st.started_at, span.since, cell.since))::double precision as seconds
        from shift_in span join state st on st.shift_id = span.id
            and st.started_at < span.until and st.ended_at > span.since
        cross join lateral generate_series(quarter_of(greatest(st.started_at, span.since)),
            least(st.ended_at, span.until) - interval '1 microsecond', interval '15 minutes')
            as cell (since)
    ), run as (
        select st.shift_id, st.state, st.attempt_id, st.started_at,
            lag(st.state) over shift_so_far as before,
            max(st.ended_at) filter (where st.state not in ('ready', 'reserved'))
                over (shift_so_far rows between unbounded preceding and 1 preceding) as free_since
        from state st window shift_so_far as (partition by st.shift_id order by st.seq)
    ), wait as (
        select quarter_of(run.started_at) as since, span.operator_id,
            extract(epoch from run.started_at - run.free_since)::double precision as seconds
        from shift_in span join run on run.shift_id = span.id
            and run.started_at >= span.since and run.started_at < span.until
        join attempt a on a.id = run.attempt_id and a.mode = 'predictive'
        where run.state = 'talking' and run.before in ('ready', 'reserved')
    ), counted as (
        select p.since, case when by_operator then p.operator_id else 0 end as operator_id,
            p.state, p.seconds, null::numeric as waited from piece p
        union all
        select w.since, case when by_operator then w.operator_id else 0 end,
            null, null, one_in_histogram(w.seconds) from wait w
    )
    select c.since, c.operator_id,
        coalesce(sum(c.seconds) filter (where c.state = 'connecting'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'ready'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'reserved'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'dialing'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'talking'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'hold'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'consult'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'wrap_up'), 0),
        coalesce(sum(c.seconds) filter (where c.state = 'paused'), 0),
        sum(c.waited)
    from counted c group by 1, 2
$$;
