-- Roll-ups of leads: how lists and campaigns stand, and how fast their leads are closed. Roll-ups of
-- calls without campaigns and lists: quarters of the whole floor, days of operators. And the functions
-- of calls look an attempt's list up by keys: a step of the roll-ups needs one day's attempts, for
-- which all leads and all contacts were joined.

alter table report_cell drop constraint report_cell_grain_check, add check (
    grain in ('quarter', 'hour', 'whole_day', 'day', 'floor_quarter', 'person_day'));
alter table report_said_cell drop constraint report_said_cell_grain_check, add check (
    grain in ('quarter', 'hour', 'whole_day', 'day', 'floor_quarter', 'person_day'));
delete from report_rolled;                                       -- they are made anew
alter table report_rolled add column leads_until timestamptz;    -- null: no lead is counted yet

-- How leads stand. `first`: no other lead of the contact is older, so that contacts can be counted by
-- it; `closed_on`: the floor's day of a closed lead's last attempt.
create function report_leads(the_floor bigint, ids bigint[])
returns table (lead_id bigint, floor_id bigint, campaign_id bigint, list_id bigint,
    contact_id bigint, first boolean, touched boolean, reached boolean, closed boolean,
    first_touch boolean, closed_on date)
language sql stable as $$
    select l.id, c.floor_id, l.campaign_id, contact.list_id, l.contact_id,
        not exists (select from lead older where older.contact_id = l.contact_id and older.id < l.id),
        tried.last_at is not null, tried.reached, l.status = 'done',
        l.status = 'done' and l.approaches = 1 and tried.last_at is not null and not tried.reached,
        case when l.status = 'done' then (tried.last_at at time zone floor.time_zone)::date end
    from unnest(ids) as asked (id) join lead l on l.id = asked.id
    join campaign c on c.id = l.campaign_id and c.floor_id = the_floor
    join floor on floor.id = c.floor_id join contact on contact.id = l.contact_id
    cross join lateral (
        select max(a.placed_at) as last_at,
            coalesce(bool_or(a.outcome in ('answered', 'abandoned')), false) as reached
        from attempt a where a.lead_id = l.id
    ) tried
$$;

-- What each lead was counted as, and the counts, by the day the leads were closed on ('-infinity': they
-- are not, or were without an attempt). Not counted are the attempts placed since
-- report_rolled.leads_until, and what report_lead_mark names has changed.
create table report_lead (
    lead_id bigint primary key, floor_id bigint not null, campaign_id bigint not null,
    list_id bigint not null, contact_id bigint not null, first boolean not null,
    touched boolean not null, reached boolean not null, closed boolean not null,
    first_touch boolean not null, closed_on date
);
create table report_lead_cell (
    floor_id bigint not null, campaign_id bigint not null, list_id bigint not null,
    closed_on date not null, leads bigint not null, contacts bigint not null,
    touched bigint not null, reached bigint not null, closed bigint not null,
    first_touch bigint not null,
    primary key (floor_id, campaign_id, list_id, closed_on)
);
create table report_lead_mark (
    id       bigint generated always as identity primary key,
    floor_id bigint not null,
    first_id bigint not null,
    last_id  bigint not null                             -- counted in
);
create index report_lead_mark_floor on report_lead_mark (floor_id, id);

create function mark_leads_added() returns trigger language plpgsql as $$
begin
    insert into report_lead_mark (floor_id, first_id, last_id)
    select c.floor_id, min(added.id), max(added.id)
    from added join campaign c on c.id = added.campaign_id group by 1;
    return null;
end $$;
create trigger lead_added after insert on lead referencing new table as added
    for each statement execute function mark_leads_added();

create function mark_lead() returns trigger language plpgsql as $$
declare
    gone lead := coalesce(old, new);
begin
    insert into report_lead_mark (floor_id, first_id, last_id)
    values (coalesce((select c.floor_id from campaign c where c.id = gone.campaign_id),
        (select r.floor_id from report_lead r where r.lead_id = gone.id), 0), gone.id, gone.id);
    return null;
end $$;
-- Once in a lead's life, as a rule.
create trigger lead_closed after update of status, approaches, campaign_id, contact_id on lead
    for each row when ((old.status = 'done') <> (new.status = 'done')
        or new.status = 'done' and old.approaches <> new.approaches
        or (old.campaign_id, old.contact_id) is distinct from (new.campaign_id, new.contact_id))
    execute function mark_lead();
create trigger lead_removed after delete on lead for each row execute function mark_lead();

-- Attempts of the last hour need no mark, as they were placed after leads_until; but those that are
-- taken back do: their leads may have been counted with them.
create or replace function mark_attempt() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        insert into report_mark (floor_id, since, until)
        values (old.floor_id, old.placed_at, greatest(old.placed_at, old.answered_at));
    end if;
    if tg_op <> 'DELETE' then
        insert into report_mark (floor_id, since, until)
        values (new.floor_id, new.placed_at, greatest(new.placed_at, new.answered_at));
        insert into report_lead_mark (floor_id, first_id, last_id)
        values (new.floor_id, new.lead_id, new.lead_id);
    end if;
    return null;
end $$;
create function mark_lead_of_attempt() returns trigger language plpgsql as $$
begin
    insert into report_lead_mark (floor_id, first_id, last_id)
    values (old.floor_id, old.lead_id, old.lead_id);
    return null;
end $$;
create trigger attempt_removed after delete on attempt
    for each row execute function mark_lead_of_attempt();
create trigger attempt_moved after update of lead_id on attempt
    for each row when (old.lead_id <> new.lead_id) execute function mark_lead_of_attempt();

-- As before, but that an attempt's list is looked up by keys: `offset 0` keeps the subquery one.
-- Of a cell only its dials have histograms: one of each, which is not added again.
create or replace function report_cells(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
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

create or replace function report_said(the_floor bigint, since_ timestamptz[], until_ timestamptz[],
    by_operator boolean)
returns table (since timestamptz, campaign_id bigint, list_id bigint, operator_id bigint,
    disposition_id bigint, attempts bigint)
language sql stable as $$
    select quarter_of(a.placed_at), a.campaign_id, coalesce(contact.list_id, 0),
        case when by_operator then coalesce(a.operator_id, 0) else 0 end, a.disposition_id, count(*)
    from unnest(since_, until_) as span (since, until)
    join attempt a on a.floor_id = the_floor and a.disposition_id is not null
        and a.placed_at >= span.since and a.placed_at < span.until
    left join lateral (select contact.list_id from lead l join contact on contact.id = l.contact_id
        where l.id = a.lead_id offset 0) contact on true
    group by 1, 2, 3, 4, 5
$$;

create or replace function report_hours(the_floor bigint, since_ timestamptz[], until_ timestamptz[])
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
        cross join lateral (select contact.list_id, contact.time_zone
            from lead l join contact on contact.id = l.contact_id
            where l.id = a.lead_id offset 0) contact
        left join lateral (select phone.zone_set_id from contact_phone phone
            where phone.list_id = contact.list_id and phone.e164 = a.phone offset 0) phone on true
        left join zone_set on zone_set.id = phone.zone_set_id
    ) as placed
    group by 1, 2, 3, 4
$$;
