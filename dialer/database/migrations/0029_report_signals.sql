-- Roll-ups for the report of operators who are far off the others on a list: own hang-ups without
-- waiting, and whose first touch of a lead it was. Days that are rolled up get theirs here; leads are
-- counted again in the background.

-- Dials that their operator hung up sooner than 10 s of ringing (where it never rang: of dialing).
create function report_hasty(the_floor bigint, since_ timestamptz[], until_ timestamptz[])
returns table (since timestamptz, campaign_id bigint, list_id bigint, operator_id bigint,
    hasty bigint)
language sql stable as $$
    select quarter_of(a.placed_at), a.campaign_id, contact.list_id, a.dial_operator_id, count(*)
    from unnest(since_, until_) as span (since, until)
    join attempt a on a.floor_id = the_floor and a.dial_operator_id is not null
        and a.placed_at >= span.since and a.placed_at < span.until
        and a.ended_by = 'operator' and a.answered_at is null
        and a.ended_at < coalesce(a.rang_at, a.placed_at) + interval '10 seconds'
    cross join lateral (select contact.list_id from lead l join contact on contact.id = l.contact_id
        where l.id = a.lead_id offset 0) contact
    group by 1, 2, 3, 4
$$;
create table report_hasty_cell (
    floor_id bigint not null, since timestamptz not null,       -- a day
    campaign_id bigint not null, list_id bigint not null, operator_id bigint not null,
    hasty bigint not null,
    primary key (floor_id, since, campaign_id, list_id, operator_id)
);
insert into report_hasty_cell
select rolled.floor_id, date_trunc('day', h.since, rolled.zone), h.campaign_id, h.list_id,
    h.operator_id, sum(h.hasty)
from report_rolled rolled cross join lateral report_hasty(rolled.floor_id, array[rolled.since],
    array[date_trunc('day', rolled.until, rolled.zone)]) h
group by 1, 2, 3, 4, 5;

-- As before, and whose the first touch was: the first dial that says anything of the lead, of whom it
-- was dialed for or who talked. `closed_as`: -1 the lead is not closed after one approach (or somebody
-- was reached and nothing was said of it), 0 it is and nobody was reached, else what was said last.
drop function report_leads(bigint, bigint[]);
create function report_leads(the_floor bigint, ids bigint[])
returns table (lead_id bigint, floor_id bigint, campaign_id bigint, list_id bigint,
    contact_id bigint, first boolean, touched boolean, reached boolean, closed boolean,
    first_touch boolean, closed_on date, touched_by bigint, touched_at timestamptz, closed_as bigint)
language sql stable as $$
    select l.id, c.floor_id, l.campaign_id, contact.list_id, l.contact_id,
        not exists (select from lead older where older.contact_id = l.contact_id and older.id < l.id),
        tried.last_at is not null, tried.reached, l.status = 'done',
        l.status = 'done' and l.approaches = 1 and tried.last_at is not null and not tried.reached,
        case when l.status = 'done' then (tried.last_at at time zone floor.time_zone)::date end,
        tried.touched_by, tried.touched_at,
        case when l.status <> 'done' or l.approaches <> 1 then -1 when not tried.reached then 0
            else coalesce(tried.said, -1) end
    from unnest(ids) as asked (id) join lead l on l.id = asked.id
    join campaign c on c.id = l.campaign_id and c.floor_id = the_floor
    join floor on floor.id = c.floor_id join contact on contact.id = l.contact_id
    cross join lateral (
        select max(a.placed_at) as last_at,
            coalesce(bool_or(a.outcome in ('answered', 'abandoned')), false) as reached,
            min(a.placed_at) filter (where a.told) as touched_at,
            (array_agg(coalesce(a.operator_id, a.dial_operator_id) order by a.placed_at, a.id)
                filter (where a.told))[1] as touched_by,
            (array_agg(a.disposition_id order by a.placed_at desc, a.id desc)
                filter (where a.outcome in ('answered', 'abandoned')))[1] as said
        from (select a.*, a.outcome not in ('failed', 'congestion', 'unknown', 'invalid') as told
            from attempt a where a.lead_id = l.id) a
    ) tried
$$;
alter table report_lead add column touched_by bigint, add column touched_at timestamptz,
    add column closed_as bigint not null default -1;
create index report_lead_touched on report_lead (floor_id, touched_at) where touched_by is not null;
create table report_touch_cell (
    floor_id bigint not null, touched_on date not null,         -- of the floor's zone
    campaign_id bigint not null, list_id bigint not null, operator_id bigint not null,
    closed_as bigint not null, leads bigint not null,
    primary key (floor_id, touched_on, campaign_id, list_id, operator_id, closed_as)
);
update report_rolled set leads_until = null;                    -- they are counted anew
