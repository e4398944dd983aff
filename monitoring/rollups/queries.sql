-- Roll-ups of floor $1: what reports count, kept. Spans begin at $2 and end at $3 (not counted in).

-- name: rolled
-- What the roll-ups have, whose days they are, and whose they should be.
select rolled.since, rolled.until, rolled.zone, floor.time_zone, rolled.leads_until
from floor left join report_rolled rolled on rolled.floor_id = floor.id where floor.id = $1;

-- name: lock
-- One at a time fills a floor's roll-ups.
select pg_advisory_xact_lock(hashtextextended('prozvon roll-ups', $1));

-- name: marks
-- What has changed since it was rolled up.
select id, since, until from report_mark where floor_id = $1 order by since, until;

-- name: earliest
-- When the floor's history begins; null: it has none.
select least((select min(placed_at) from attempt where floor_id = $1),
    (select min(started_at) from shift where floor_id = $1));

-- name: settled
-- Up to when everything that began is over, at most up to $2. Attempts that are not over keep
-- their hour open.
select least($2::timestamptz, (select min(placed_at) from attempt
    where floor_id = $1 and outcome is null));

-- name: nothing
-- Whether nobody dialed and nobody worked from $2 to $3.
select not exists (select from attempt
        where floor_id = $1 and placed_at >= $2 and placed_at < $3)
    and not exists (select from shift where floor_id = $1 and started_at < $3
        and (ended_at is null or ended_at > $2));

-- name: keep_rolled
-- How far the roll-ups are.
insert into report_rolled (floor_id, since, until, zone) values ($1, $2, $3, $4)
on conflict (floor_id) do update set since = excluded.since, until = excluded.until,
    zone = excluded.zone;

-- name: forget_rolled
-- They are made anew from the beginning.
delete from report_rolled where floor_id = $1;

-- name: forget_marks
-- These changes are in the roll-ups now.
delete from report_mark where id = any($1::bigint[]);

-- name: forget_cells
-- Cells of the grain $2 in spans that begin at $3 and end at $4.
delete from report_cell c using unnest($3::timestamptz[], $4::timestamptz[]) as s (since, until)
where c.floor_id = $1 and c.grain = $2 and c.since >= s.since and c.since < s.until;

-- name: forget_said
-- The same of dispositions.
delete from report_said_cell c
using unnest($3::timestamptz[], $4::timestamptz[]) as s (since, until)
where c.floor_id = $1 and c.grain = $2 and c.since >= s.since and c.since < s.until;

-- name: forget_time
-- The same of operators' time.
delete from report_time_cell c
using unnest($3::timestamptz[], $4::timestamptz[]) as s (since, until)
where c.floor_id = $1 and c.grain = $2 and c.since >= s.since and c.since < s.until;

-- name: forget_hours
-- The same of answers by the hour, which are kept by days alone.
delete from report_hour_cell c
using unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
where c.floor_id = $1 and c.since >= s.since and c.since < s.until;

-- name: forget_hasty
-- The same of dials without waiting.
delete from report_hasty_cell c
using unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
where c.floor_id = $1 and c.since >= s.since and c.since < s.until;

-- name: fill_cells
-- Quarters of an hour.
insert into report_cell select $1, 'quarter', c.* from report_cells($1, $2, $3, false) c;

-- name: fill_said
-- The same of dispositions.
insert into report_said_cell select $1, 'quarter', c.* from report_said($1, $2, $3, false) c;

-- name: fill_time
-- The same of operators' time.
insert into report_time_cell select $1, 'quarter', c.* from report_time($1, $2, $3, false) c;

-- name: fill_day_cells
-- One whole day of zone $4 by operators, and their hours of it, counted from its beginning, without
-- campaigns and lists; an operator's together, as they are read so.
with quarter as materialized (
    select * from report_cells($1, $2, $3, true)
)
insert into report_cell
select $1, cell.grain, cell.since, cell.campaign_id, cell.list_id, q.operator_id,
    sum(dials), sum(in_progress), sum(answered), sum(no_answer), sum(busy), sum(invalid),
    sum(rejected), sum(congestion), sum(machine), sum(abandoned), sum(failed), sum(unknown),
    sum(trunk_s), sum(given_up), sum(intervals), sum(own_intervals), sum(given_up_rings),
    sum(conversations), sum(talk_s), sum(short), sum(people), sum(people_abandoned)
from quarter q cross join lateral (values
    ('day', date_trunc('day', q.since, $4), q.campaign_id, q.list_id),
    ('person_hour', date_bin('1 hour', q.since, ($2::timestamptz[])[1]), 0, 0)
) as cell (grain, since, campaign_id, list_id)
group by 2, 3, 4, 5, 6 order by 2, 6, 3;

-- name: fill_day_said
-- The same of dispositions.
with quarter as materialized (
    select * from report_said($1, $2, $3, true)
)
insert into report_said_cell
select $1, cell.grain, cell.since, cell.campaign_id, cell.list_id, q.operator_id, q.disposition_id,
    sum(q.attempts)
from quarter q cross join lateral (values
    ('day', date_trunc('day', q.since, $4), q.campaign_id, q.list_id),
    ('person_hour', date_bin('1 hour', q.since, ($2::timestamptz[])[1]), 0, 0)
) as cell (grain, since, campaign_id, list_id)
group by 2, 3, 4, 5, 6, 7 order by 2, 6, 3;

-- name: fill_day_time
-- The same of operators' time.
with quarter as materialized (
    select * from report_time($1, $2, $3, true)
)
insert into report_time_cell
select $1, cell.grain, cell.since, q.operator_id, sum(connecting_s), sum(ready_s),
    sum(reserved_s), sum(dialing_s), sum(talking_s), sum(hold_s), sum(consult_s), sum(wrap_up_s),
    sum(paused_s), sum(waits)
from quarter q cross join lateral (values
    ('day', date_trunc('day', q.since, $4)),
    ('person_hour', date_bin('1 hour', q.since, ($2::timestamptz[])[1]))
) as cell (grain, since)
group by 2, 3, 4 order by 2, 4, 3;

-- name: fill_hours
-- Answers by the called person's hour, of each of these days.
insert into report_hour_cell
select $1, s.since, c.*
from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
cross join lateral report_hours($1, array[s.since], array[s.until]) c;

-- name: fill_hasty
-- Dials without waiting, of each of these days.
insert into report_hasty_cell
select $1, s.since, h.campaign_id, h.list_id, h.operator_id, sum(h.hasty)
from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
cross join lateral report_hasty($1, array[s.since], array[s.until]) h
group by 2, 3, 4, 5;

-- name: fill_sums_cells
-- Cells of the grain $2, hours or whole days that begin at $3 and end at $4, out of their quarters.
-- Summed in order, so that what is made anew is the same to the last digit.
insert into report_cell
select $1, $2, s.since, c.campaign_id, c.list_id, 0,
    sum(dials), sum(in_progress), sum(answered), sum(no_answer), sum(busy), sum(invalid),
    sum(rejected), sum(congestion), sum(machine), sum(abandoned), sum(failed), sum(unknown),
    sum(trunk_s order by c.since), sum(given_up), sum(intervals), sum(own_intervals),
    sum(given_up_rings), sum(conversations), sum(talk_s order by c.since), sum(short),
    sum(people), sum(people_abandoned)
from unnest($3::timestamptz[], $4::timestamptz[]) as s (since, until)
join report_cell c on c.floor_id = $1 and c.grain = 'quarter'
    and c.since >= s.since and c.since < s.until
group by s.since, c.campaign_id, c.list_id;

-- name: fill_sums_said
-- The same of dispositions.
insert into report_said_cell
select $1, $2, s.since, c.campaign_id, c.list_id, 0, c.disposition_id, sum(attempts)
from unnest($3::timestamptz[], $4::timestamptz[]) as s (since, until)
join report_said_cell c on c.floor_id = $1 and c.grain = 'quarter'
    and c.since >= s.since and c.since < s.until
group by s.since, c.campaign_id, c.list_id, c.disposition_id;

-- name: fill_sums_time
-- The same of operators' time.
insert into report_time_cell
select $1, $2, s.since, 0, sum(connecting_s order by c.since), sum(ready_s order by c.since),
    sum(reserved_s order by c.since), sum(dialing_s order by c.since),
    sum(talking_s order by c.since), sum(hold_s order by c.since),
    sum(consult_s order by c.since), sum(wrap_up_s order by c.since),
    sum(paused_s order by c.since), sum(waits)
from unnest($3::timestamptz[], $4::timestamptz[]) as s (since, until)
join report_time_cell c on c.floor_id = $1 and c.grain = 'quarter'
    and c.since >= s.since and c.since < s.until
group by s.since;

-- name: fill_merged_cells
-- Cells of the grain $2, without campaigns and lists, out of those of the grain $3 in spans that
-- begin at $4 and end at $5.
insert into report_cell
select $1, $2, c.since, 0, 0, c.operator_id,
    sum(dials), sum(in_progress), sum(answered), sum(no_answer), sum(busy), sum(invalid),
    sum(rejected), sum(congestion), sum(machine), sum(abandoned), sum(failed), sum(unknown),
    sum(trunk_s order by c.campaign_id, c.list_id), sum(given_up), sum(intervals),
    sum(own_intervals), sum(given_up_rings), sum(conversations),
    sum(talk_s order by c.campaign_id, c.list_id), sum(short), sum(people), sum(people_abandoned)
from unnest($4::timestamptz[], $5::timestamptz[]) as s (since, until)
join report_cell c on c.floor_id = $1 and c.grain = $3
    and c.since >= s.since and c.since < s.until
group by c.since, c.operator_id;

-- name: fill_merged_said
-- The same of dispositions.
insert into report_said_cell
select $1, $2, c.since, 0, 0, c.operator_id, c.disposition_id, sum(attempts)
from unnest($4::timestamptz[], $5::timestamptz[]) as s (since, until)
join report_said_cell c on c.floor_id = $1 and c.grain = $3
    and c.since >= s.since and c.since < s.until
group by c.since, c.operator_id, c.disposition_id;

-- name: limits
-- Of reports too. Histograms are added in memory; compiling such a statement takes longer than it
-- saves, and a plan made for spans of any length reads all attempts.
select set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: leads_rolled
-- Up to when attempts of leads are counted, if the roll-ups have the days of the floor's zone.
select rolled.leads_until from report_rolled rolled join floor on floor.id = rolled.floor_id
where floor.id = $1 and rolled.zone = floor.time_zone;

-- name: keep_leads_rolled
-- Attempts of leads are counted up to $2.
update report_rolled set leads_until = $2 where floor_id = $1;

-- name: forget_leads
-- No lead is counted.
with cells as (delete from report_lead_cell where floor_id = $1),
    touches as (delete from report_touch_cell where floor_id = $1),
    marks as (delete from report_lead_mark where floor_id = $1)
delete from report_lead where floor_id = $1;

-- name: mark_all_leads
-- All are to be counted.
insert into report_lead_mark (floor_id, first_id, last_id) values ($1, 0, 9223372036854775807);

-- name: mark_dialed
-- Leads dialed from $2 to $3 are to be counted anew.
insert into report_lead_mark (floor_id, first_id, last_id)
select distinct $1::bigint, lead_id, lead_id from attempt
where floor_id = $1 and placed_at >= $2 and placed_at < $3;

-- name: lead_marks
-- The first of the marks.
select id from report_lead_mark where floor_id = $1 order by id limit $2;

-- name: leads_waiting
-- How many leads have changed since they were counted.
select count(distinct l.id) from report_lead_mark m
join lead l on l.id between m.first_id and m.last_id
join campaign c on c.id = l.campaign_id and c.floor_id = $1
where m.floor_id = $1;

-- name: marked_leads
-- At most $3 leads that marks $2 name, those removed since too, mark by mark.
select mark.id as mark_id, lead.id as lead_id
from report_lead_mark mark cross join lateral (
    (select l.id from lead l where l.id between mark.first_id and mark.last_id order by 1 limit $3)
    union
    (select r.lead_id from report_lead r
        where r.lead_id between mark.first_id and mark.last_id order by 1 limit $3)
    order by 1 limit $3
) lead where mark.id = any($2::bigint[]) and mark.floor_id = $1 order by 1, 2 limit $3;

-- name: forget_lead_marks
-- These are counted.
delete from report_lead_mark where id = any($1::bigint[]);

-- name: shorten_lead_mark
-- Of mark $1 the leads up to number $2 are counted.
update report_lead_mark set first_id = $2 + 1 where id = $1;

-- name: of_their_contacts
-- Leads $1 and all others of the same contacts: one of them is the contact's first.
select id from unnest($1::bigint[]) as asked (id)
union
select other.id from lead l join lead other on other.contact_id = l.contact_id
where l.id = any($1::bigint[])
union
select other.id from report_lead r join lead other on other.contact_id = r.contact_id
where r.lead_id = any($1::bigint[]);

-- name: uncount_leads
-- Leads $2 are taken out of the counts.
with gone as (
    delete from report_lead where floor_id = $1 and lead_id = any($2::bigint[]) returning *
), summed as (
    select campaign_id, list_id, coalesce(closed_on, '-infinity') as closed_on, count(*) as leads,
        count(*) filter (where first) as contacts, count(*) filter (where touched) as touched,
        count(*) filter (where reached) as reached, count(*) filter (where closed) as closed,
        count(*) filter (where first_touch) as first_touch
    from gone group by 1, 2, 3
), touch as (
    select (gone.touched_at at time zone floor.time_zone)::date as touched_on, gone.campaign_id,
        gone.list_id, gone.touched_by, gone.closed_as, count(*) as leads
    from gone join floor on floor.id = $1 where gone.touched_by is not null group by 1, 2, 3, 4, 5
), fewer as (
    update report_touch_cell c set leads = c.leads - t.leads
    from touch t where c.floor_id = $1 and c.touched_on = t.touched_on
        and c.campaign_id = t.campaign_id and c.list_id = t.list_id
        and c.operator_id = t.touched_by and c.closed_as = t.closed_as
)
update report_lead_cell c set leads = c.leads - s.leads, contacts = c.contacts - s.contacts,
    touched = c.touched - s.touched, reached = c.reached - s.reached, closed = c.closed - s.closed,
    first_touch = c.first_touch - s.first_touch
from summed s where c.floor_id = $1 and c.campaign_id = s.campaign_id and c.list_id = s.list_id
    and c.closed_on = s.closed_on;

-- name: count_leads
-- Leads $2 are counted as they stand.
with counted as (
    insert into report_lead select * from report_leads($1, $2) returning *
), touches as (
    insert into report_touch_cell as c
    select $1, (counted.touched_at at time zone floor.time_zone)::date, counted.campaign_id,
        counted.list_id, counted.touched_by, counted.closed_as, count(*)
    from counted join floor on floor.id = $1 where counted.touched_by is not null
    group by 2, 3, 4, 5, 6
    on conflict (floor_id, touched_on, campaign_id, list_id, operator_id, closed_as)
        do update set leads = c.leads + excluded.leads
)
insert into report_lead_cell as c
select $1, campaign_id, list_id, coalesce(closed_on, '-infinity'), count(*),
    count(*) filter (where first), count(*) filter (where touched),
    count(*) filter (where reached), count(*) filter (where closed),
    count(*) filter (where first_touch)
from counted group by 2, 3, 4
on conflict (floor_id, campaign_id, list_id, closed_on) do update set
    leads = c.leads + excluded.leads, contacts = c.contacts + excluded.contacts,
    touched = c.touched + excluded.touched, reached = c.reached + excluded.reached,
    closed = c.closed + excluded.closed, first_touch = c.first_touch + excluded.first_touch;

-- name: drop_empty_cells
-- What holds no lead any more.
with touches as (delete from report_touch_cell where floor_id = $1 and leads = 0)
delete from report_lead_cell where floor_id = $1 and leads = 0;
