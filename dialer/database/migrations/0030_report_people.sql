-- What reports count of some operators alone is looked for among their own attempts and shifts: it was
-- counted for everybody and then thrown away. And a shift is cut by the spans that it lies in, not each
-- by every span; neither is each attempt compared with every span (`offset 0` keeps the subquery one).
-- The same numbers as before.

-- As before, but that it is put into the statements that call it: text || integer is not immutable, and
-- so each of three values an attempt was a call of 30 microseconds.
create or replace function one_in_histogram(seconds double precision) returns numeric
language sql immutable parallel safe as $$
    -- greatest() and least() pass over nulls.
    select case when seconds is not null then ('1e' || (12 * greatest(0, least(480,
        ceil(ln(greatest(seconds, 0.001) / 0.001) / ln(1.04))))::integer)::text)::numeric end
$$;

drop function report_cells(bigint, timestamptz[], timestamptz[], boolean);
-- As before; `operators` (null: all) are those whose cells are whole, others may be there in part.
create function report_cells(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean, operators bigint[] default null)
returns table (since timestamptz, campaign_id bigint, list_id bigint, operator_id bigint,
    dials bigint, in_progress bigint, answered bigint, no_answer bigint, busy bigint,
    invalid bigint, rejected bigint, congestion bigint, machine bigint, abandoned bigint,
    failed bigint, unknown bigint, trunk_s double precision, given_up bigint,
    intervals numeric, own_intervals numeric, given_up_rings numeric,
    conversations bigint, talk_s double precision, short bigint, people bigint,
    people_abandoned bigint)
language sql stable as $$
    with span as materialized (
        select * from unnest(since_, until_) as s (since, until)
    ), dial as materialized (
        select quarter_of(a.placed_at) as since, a.id, a.campaign_id,
            coalesce(contact.list_id, 0) as list_id, a.dial_operator_id, a.operator_id,
            a.outcome, a.ended_by, a.placed_at, a.rang_at, a.answered_at, a.bridged_at, a.ended_at,
            a.dial_interval_s, a.operator_dial_interval_s,
            a.ended_by = 'operator' and a.answered_at is null and a.ended_at is not null as given_up
        from span cross join lateral (select * from attempt a where a.floor_id = the_floor
            and a.placed_at >= span.since and a.placed_at < span.until
            and (operators is null or a.dial_operator_id = any(operators)
                or a.operator_id = any(operators) or a.bridged_at is not null and exists (
                    select from conversation_part p
                    where p.attempt_id = a.id and p.operator_id = any(operators))) offset 0) a
        left join lateral (select contact.list_id from lead l join contact on contact.id = l.contact_id
            where l.id = a.lead_id offset 0) contact on true
    ), part as (
        select d.since, d.campaign_id, d.list_id, d.id,
            coalesce(p.operator_id, d.operator_id) as operator_id,
            sum(extract(epoch from coalesce(p.ended_at, d.ended_at, now())
                - coalesce(p.began_at, d.bridged_at)))::double precision as seconds
        from dial d left join conversation_part p on p.attempt_id = d.id
        where d.bridged_at is not null group by 1, 2, 3, 4, 5
    ), talk as (
        select p.since, p.campaign_id, p.list_id, coalesce(min(p.operator_id), 0) as operator_id,
            sum(p.seconds) as seconds
        from part p group by p.since, p.campaign_id, p.list_id, p.id
        having not by_operator or count(*) = 1
    ), counted as (
        select d.since, d.campaign_id, d.list_id,
            case when by_operator then coalesce(d.dial_operator_id, 0) else 0 end as operator_id,
            count(*) as dials, count(*) filter (where outcome is null) as in_progress,
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
            coalesce(sum(extract(epoch from ended_at - placed_at)), 0)::double precision as trunk_s,
            count(*) filter (where d.given_up) as given_up,
            sum(one_in_histogram(dial_interval_s)) as intervals,
            sum(one_in_histogram(operator_dial_interval_s)) as own_intervals,
            sum(one_in_histogram(extract(epoch from ended_at - rang_at)::double precision))
                filter (where d.given_up) as given_up_rings,
            0::bigint as conversations, 0::double precision as talk_s, 0::bigint as short,
            0::bigint as people, 0::bigint as people_abandoned
        from dial d group by 1, 2, 3, 4
        union all
        select t.since, t.campaign_id, t.list_id,
            case when by_operator then t.operator_id else 0 end,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null,
            count(*), sum(t.seconds), count(*) filter (where t.seconds < 10), 0, 0
        from talk t group by 1, 2, 3, 4
        union all
        select quarter_of(a.answered_at), a.campaign_id, coalesce(contact.list_id, 0), 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, 0, 0, 0,
            count(*), count(*) filter (where a.outcome = 'abandoned')
        from span join attempt a on a.floor_id = the_floor
            and a.placed_at >= span.since - interval '1 hour' and a.placed_at < span.until
            and a.answered_at >= span.since and a.answered_at < span.until
            and a.outcome is not null and a.outcome <> 'machine'
        left join lateral (select contact.list_id from lead l join contact on contact.id = l.contact_id
            where l.id = a.lead_id offset 0) contact on true
        where not by_operator group by 1, 2, 3
    )
    select c.since, c.campaign_id, c.list_id, c.operator_id,
        sum(c.dials)::bigint, sum(c.in_progress)::bigint, sum(c.answered)::bigint,
        sum(c.no_answer)::bigint, sum(c.busy)::bigint, sum(c.invalid)::bigint,
        sum(c.rejected)::bigint, sum(c.congestion)::bigint, sum(c.machine)::bigint,
        sum(c.abandoned)::bigint, sum(c.failed)::bigint, sum(c.unknown)::bigint,
        sum(c.trunk_s), sum(c.given_up)::bigint,
        max(c.intervals), max(c.own_intervals), max(c.given_up_rings),
        sum(c.conversations)::bigint, sum(c.talk_s), sum(c.short)::bigint,
        sum(c.people)::bigint, sum(c.people_abandoned)::bigint
    from counted c group by 1, 2, 3, 4
$$;

drop function report_said(bigint, timestamptz[], timestamptz[], boolean);
create function report_said(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean, operators bigint[] default null)
returns table (since timestamptz, campaign_id bigint, list_id bigint, operator_id bigint,
    disposition_id bigint, attempts bigint)
language sql stable as $$
    select quarter_of(a.placed_at), a.campaign_id, coalesce(contact.list_id, 0),
        case when by_operator then coalesce(a.operator_id, 0) else 0 end, a.disposition_id, count(*)
    from unnest(since_, until_) as span (since, until)
    cross join lateral (select * from attempt a
        where a.floor_id = the_floor and a.disposition_id is not null
            and a.placed_at >= span.since and a.placed_at < span.until
            and (operators is null or a.operator_id = any(operators)) offset 0) a
    left join lateral (select contact.list_id from lead l join contact on contact.id = l.contact_id
        where l.id = a.lead_id offset 0) contact on true
    group by 1, 2, 3, 4, 5
$$;

drop function report_time(bigint, timestamptz[], timestamptz[], boolean);
create function report_time(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
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
        from (select distinct id from shift_in) s join shift_state st on st.shift_id = s.id
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

-- An operator's hours lay a page each, so that a team's year was 90,000 pages; days to come are written in
-- this order.
cluster report_cell using report_cell_person;
cluster report_said_cell using report_said_cell_person;
cluster report_time_cell using report_time_cell_person;
analyze report_cell, report_said_cell, report_time_cell;
