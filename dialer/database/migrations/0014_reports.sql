-- Reports: operators' teams, and roll-ups that follow every change of what they were made of.

alter table operator add column team text not null default '' check (length(team) <= 64);

-- A histogram is one number: 12 decimal digits for each bucket, the smallest values last, so that
-- sum() adds histograms. Bucket n > 0 holds (0.001 * 1.04^(n-1), 0.001 * 1.04^n] seconds, bucket 0
-- what is shorter, bucket 480 (41 hours) what is longer.
create function one_in_histogram(seconds double precision) returns numeric
language sql immutable parallel safe as $$
    -- greatest() and least() pass over nulls.
    select case when seconds is not null then ('1e' || 12 * greatest(0, least(480,
        ceil(ln(greatest(seconds, 0.001) / 0.001) / ln(1.04))))::integer)::numeric end
$$;

-- The quarter of an hour that a moment is in; every zone's hours and days begin with one.
create function quarter_of(moment timestamptz) returns timestamptz
language sql immutable parallel safe as $$
    select date_bin('15 minutes', moment, timestamptz '2000-01-01 00:00+00')
$$;

-- The one definition of what reports count of calls, by quarter, campaign, list, and (if wanted)
-- operator, 0 where there is none: dials by the operator dialed for; conversations by who talked, but
-- those of several operators are left out then (a sum over operators would count them twice).
-- People who answered count where they answered, and belong to no operator.
create function report_cells(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean)
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
        from span join attempt a on a.floor_id = the_floor
            and a.placed_at >= span.since and a.placed_at < span.until
        left join lead l on l.id = a.lead_id left join contact on contact.id = l.contact_id
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
        left join lead l on l.id = a.lead_id left join contact on contact.id = l.contact_id
        where not by_operator group by 1, 2, 3
    )
    select c.since, c.campaign_id, c.list_id, c.operator_id,
        sum(c.dials)::bigint, sum(c.in_progress)::bigint, sum(c.answered)::bigint,
        sum(c.no_answer)::bigint, sum(c.busy)::bigint, sum(c.invalid)::bigint,
        sum(c.rejected)::bigint, sum(c.congestion)::bigint, sum(c.machine)::bigint,
        sum(c.abandoned)::bigint, sum(c.failed)::bigint, sum(c.unknown)::bigint,
        sum(c.trunk_s), sum(c.given_up)::bigint,
        sum(c.intervals), sum(c.own_intervals), sum(c.given_up_rings),
        sum(c.conversations)::bigint, sum(c.talk_s), sum(c.short)::bigint,
        sum(c.people)::bigint, sum(c.people_abandoned)::bigint
    from counted c group by 1, 2, 3, 4
$$;

-- What operators said came of attempts; an operator's are those he had last.
create function report_said(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean)
returns table (since timestamptz, campaign_id bigint, list_id bigint, operator_id bigint,
    disposition_id bigint, attempts bigint)
language sql stable as $$
    select quarter_of(a.placed_at), a.campaign_id, coalesce(contact.list_id, 0),
        case when by_operator then coalesce(a.operator_id, 0) else 0 end, a.disposition_id, count(*)
    from unnest(since_, until_) as span (since, until)
    join attempt a on a.floor_id = the_floor and a.disposition_id is not null
        and a.placed_at >= span.since and a.placed_at < span.until
    left join lead l on l.id = a.lead_id left join contact on contact.id = l.contact_id
    group by 1, 2, 3, 4, 5
$$;

-- Seconds of operators in each state, by quarter and (if wanted) operator; a state that is not over
-- counts up to now. waits: from ready to the next conversation of a predictive campaign.
create function report_time(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean)
returns table (since timestamptz, operator_id bigint, connecting_s double precision,
    ready_s double precision, reserved_s double precision, dialing_s double precision,
    talking_s double precision, hold_s double precision, consult_s double precision,
    wrap_up_s double precision, paused_s double precision, waits numeric)
language sql stable as $$
    with span as materialized (
        select * from unnest(since_, until_) as s (since, until)
    ), shift_of as (
        select distinct s.id, s.operator_id from span join shift s on s.floor_id = the_floor
            and s.started_at < span.until and (s.ended_at > span.since or s.ended_at is null)
    ), state as materialized (
        select s.operator_id, st.shift_id, st.seq, st.state, st.attempt_id, st.started_at,
            coalesce(st.ended_at, now()) as ended_at
        from shift_of s join shift_state st on st.shift_id = s.id
    ), piece as (
        select cell.since, st.operator_id, st.state, extract(epoch from
            least(st.ended_at, span.until, cell.since + interval '15 minutes')
            - greatest(st.started_at, span.since, cell.since))::double precision as seconds
        from span join state st on st.started_at < span.until and st.ended_at > span.since
        cross join lateral generate_series(quarter_of(greatest(st.started_at, span.since)),
            least(st.ended_at, span.until) - interval '1 microsecond', interval '15 minutes')
            as cell (since)
    ), run as (
        select st.operator_id, st.state, st.attempt_id, st.started_at,
            lag(st.state) over shift_so_far as before,
            max(st.ended_at) filter (where st.state not in ('ready', 'reserved'))
                over (shift_so_far rows between unbounded preceding and 1 preceding) as free_since
        from state st window shift_so_far as (partition by st.shift_id order by st.seq)
    ), wait as (
        select quarter_of(run.started_at) as since, run.operator_id,
            extract(epoch from run.started_at - run.free_since)::double precision as seconds
        from span join run on run.started_at >= span.since and run.started_at < span.until
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

-- Dials and answers by weekday (0: Monday) and hour of the called person's own time: the contact's
-- zone, else the phone's where it leaves only one open, else the floor's. Calls that the line or the
-- node lost, and dead numbers, say nothing of the hour.
create function report_hours(the_floor bigint, since_ timestamptz[], until_ timestamptz[])
returns table (campaign_id bigint, list_id bigint, weekday integer, hour integer,
    dials bigint, answers bigint)
language sql stable as $$
    select placed.campaign_id, placed.list_id, extract(isodow from placed.local)::integer - 1,
        extract(hour from placed.local)::integer, count(*),
        count(*) filter (where placed.outcome in ('answered', 'abandoned'))
    from (
        select a.campaign_id, contact.list_id, a.outcome, a.placed_at at time zone coalesce(
            contact.time_zone,
            case when cardinality(zone_set.zones) = 1 then zone_set.zones[1] end,
            floor.time_zone) as local
        from unnest(since_, until_) as span (since, until)
        join attempt a on a.floor_id = the_floor
            and a.placed_at >= span.since and a.placed_at < span.until
            and a.outcome not in ('failed', 'congestion', 'unknown', 'invalid')
        join floor on floor.id = a.floor_id
        join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
        left join contact_phone on contact_phone.list_id = contact.list_id
            and contact_phone.e164 = a.phone
        left join zone_set on zone_set.id = contact_phone.zone_set_id
    ) as placed
    group by 1, 2, 3, 4
$$;

-- What the functions above said, kept: by quarter without operators, by day of the floor's zone
-- with them. Everything before report_rolled.until is here, but what report_mark names has changed.
create table report_rolled (
    floor_id bigint primary key references floor,
    zone     text not null,                              -- whose days
    since    timestamptz not null,
    until    timestamptz not null check (until >= since)
);
create table report_mark (
    id       bigint generated always as identity primary key,
    floor_id bigint not null,
    since    timestamptz not null,
    until    timestamptz not null                        -- counted in
);
create index report_mark_floor on report_mark (floor_id);
create table report_cell (
    floor_id bigint not null, grain text not null check (grain in ('quarter', 'day')),
    since timestamptz not null, campaign_id bigint not null, list_id bigint not null,
    operator_id bigint not null,
    dials bigint not null, in_progress bigint not null, answered bigint not null,
    no_answer bigint not null, busy bigint not null, invalid bigint not null,
    rejected bigint not null, congestion bigint not null, machine bigint not null,
    abandoned bigint not null, failed bigint not null, unknown bigint not null,
    trunk_s double precision not null, given_up bigint not null,
    intervals numeric, own_intervals numeric, given_up_rings numeric,
    conversations bigint not null, talk_s double precision not null, short bigint not null,
    people bigint not null, people_abandoned bigint not null,
    primary key (floor_id, grain, since, campaign_id, list_id, operator_id)
);
create table report_said_cell (
    floor_id bigint not null, grain text not null check (grain in ('quarter', 'day')),
    since timestamptz not null, campaign_id bigint not null, list_id bigint not null,
    operator_id bigint not null, disposition_id bigint not null, attempts bigint not null,
    primary key (floor_id, grain, since, campaign_id, list_id, operator_id, disposition_id)
);
create table report_time_cell (
    floor_id bigint not null, grain text not null check (grain in ('quarter', 'day')),
    since timestamptz not null, operator_id bigint not null,
    connecting_s double precision not null, ready_s double precision not null,
    reserved_s double precision not null, dialing_s double precision not null,
    talking_s double precision not null, hold_s double precision not null,
    consult_s double precision not null, wrap_up_s double precision not null,
    paused_s double precision not null, waits numeric,
    primary key (floor_id, grain, since, operator_id)
);
create table report_hour_cell (
    floor_id bigint not null, since timestamptz not null,       -- a day
    campaign_id bigint not null, list_id bigint not null, weekday integer not null,
    hour integer not null, dials bigint not null, answers bigint not null,
    primary key (floor_id, since, campaign_id, list_id, weekday, hour)
);

-- Changes of the last hour need no mark: roll-ups end an hour and a half before the present.
create function mark_attempt() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        insert into report_mark (floor_id, since, until)
        values (old.floor_id, old.placed_at, greatest(old.placed_at, old.answered_at));
    end if;
    if tg_op <> 'DELETE' then
        insert into report_mark (floor_id, since, until)
        values (new.floor_id, new.placed_at, greatest(new.placed_at, new.answered_at));
    end if;
    return null;
end $$;
create trigger attempt_late_insert after insert on attempt for each row
    when (new.placed_at < now() - interval '1 hour') execute function mark_attempt();
create trigger attempt_late_delete after delete on attempt for each row
    when (old.placed_at < now() - interval '1 hour') execute function mark_attempt();
create trigger attempt_late_update after update of floor_id, campaign_id, lead_id, mode,
    dial_operator_id, dial_interval_s, operator_dial_interval_s, placed_at, rang_at, answered_at,
    bridged_at, ended_at, operator_id, outcome, ended_by, disposition_id on attempt for each row
    when (least(old.placed_at, new.placed_at) < now() - interval '1 hour')
    execute function mark_attempt();

create function mark_part() returns trigger language plpgsql as $$
begin
    insert into report_mark (floor_id, since, until)
    select a.floor_id, a.placed_at, a.placed_at from attempt a
    where a.id = case tg_op when 'DELETE' then old.attempt_id else new.attempt_id end;
    return null;
end $$;
create trigger part_late_insert after insert on conversation_part for each row
    when (new.began_at < now() - interval '1 hour') execute function mark_part();
create trigger part_late_update after update on conversation_part for each row
    when (least(old.began_at, new.began_at) < now() - interval '1 hour')
    execute function mark_part();
create trigger part_late_delete after delete on conversation_part for each row
    when (old.began_at < now() - interval '1 hour') execute function mark_part();

-- An open state that is found to have ended long ago counted too much since then.
create function mark_state() returns trigger language plpgsql as $$
declare
    first timestamptz; last timestamptz;
begin
    if tg_op = 'INSERT' then
        first := new.started_at; last := coalesce(new.ended_at, now());
    elsif tg_op = 'DELETE' then
        first := old.started_at; last := coalesce(old.ended_at, now());
    elsif old.ended_at is null and old.started_at = new.started_at and old.state = new.state then
        first := new.ended_at; last := now();
    else
        first := least(old.started_at, new.started_at);
        last := greatest(coalesce(old.ended_at, now()), coalesce(new.ended_at, now()));
    end if;
    insert into report_mark (floor_id, since, until)
    select s.floor_id, first, last from shift s
    where s.id = case tg_op when 'DELETE' then old.shift_id else new.shift_id end;
    return null;
end $$;
create trigger state_late_insert after insert on shift_state for each row
    when (new.started_at < now() - interval '1 hour') execute function mark_state();
create trigger state_late_delete after delete on shift_state for each row
    when (old.started_at < now() - interval '1 hour') execute function mark_state();
create trigger state_late_update after update on shift_state for each row
    when (new.ended_at < now() - interval '1 hour' or old.ended_at < now() - interval '1 hour'
        or (old.state, old.started_at) is distinct from (new.state, new.started_at))
    execute function mark_state();

create index attempt_abandoned on attempt (floor_id, answered_at) where outcome = 'abandoned';
create index conversation_part_handed on conversation_part (began_at) where began_by <> 'answer';
create index shift_ended on shift (floor_id, ended_at);
