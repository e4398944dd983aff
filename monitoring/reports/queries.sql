-- Reports: what was done from $2 (counted in) to $3 (not counted in) on floor $1.

-- name: names
-- What reports of floor $1 can be narrowed by, those of former times too; and the floor itself.
select 'floor' as kind, id, name, '' as full_name, '' as team, true as present
from floor where id = $1
union all select 'operator', id, login, full_name, team, removed_at is null
from operator where floor_id = $1
union all select 'campaign', id, name, '', '', true from campaign where floor_id = $1
union all select 'list', id, name, '', '', true from list where floor_id = $1
order by kind, name, id;

-- name: cells
-- Calls by the cut $8 (days and hours of zone $9) of operators $10, campaigns $11, lists $12 (null:
-- all), and all together: from roll-ups of the grains $2 in the spans $4 to $5, from the rows in the
-- spans $6 to $7. $3: by operators. $13: the histograms that are wanted, as adding them takes long.
-- `offset 0`: spans are looked up one by one, as there may be hundreds.
with cell as (
    select c.since, c.campaign_id, c.list_id, c.operator_id, c.dials, c.in_progress, c.answered,
        c.no_answer, c.busy, c.invalid, c.rejected, c.congestion, c.machine, c.abandoned, c.failed,
        c.unknown, c.trunk_s, c.given_up, c.intervals, c.own_intervals, c.given_up_rings,
        c.conversations, c.talk_s, c.short, c.people, c.people_abandoned
    from unnest($2::text[], $4::timestamptz[], $5::timestamptz[]) as s (grain, since, until)
    cross join lateral (select * from report_cell c where c.floor_id = $1 and c.grain = s.grain
        and c.since >= s.since and c.since < s.until
        and ($10::bigint[] is null or c.operator_id = any($10)) offset 0) c
    union all
    select * from report_cells($1, $6, $7, $3, $10)
), chosen as (
    select cell.*, case $8::text when 'operator' then nullif(cell.operator_id, 0)::text
        when 'team' then cell.operator_id::text
        when 'campaign' then cell.campaign_id::text
        when 'list' then cell.list_id::text
        when 'operator and list' then cell.operator_id || ' ' || cell.list_id
        when 'day' then (cell.since at time zone $9)::date::text
        when 'hour' then extract(hour from cell.since at time zone $9)::text end as key
    from cell
    where ($10::bigint[] is null or cell.operator_id = any($10))
        and ($11::bigint[] is null or cell.campaign_id = any($11))
        and ($12::bigint[] is null or cell.list_id = any($12))
), by_key as (
    select key as cut, sum(dials) as dials, sum(in_progress) as in_progress, sum(answered) as answered,
        sum(no_answer) as no_answer, sum(busy) as busy, sum(invalid) as invalid,
        sum(rejected) as rejected, sum(congestion) as congestion, sum(machine) as machine,
        sum(abandoned) as abandoned, sum(failed) as failed, sum(unknown) as unknown,
        sum(trunk_s) as trunk_s, sum(given_up) as given_up,
        sum(case when 'intervals' = any($13::text[]) then intervals end) as intervals,
        sum(case when 'own_intervals' = any($13::text[]) then own_intervals end) as own_intervals,
        sum(case when 'given_up_rings' = any($13::text[]) then given_up_rings end)
            as given_up_rings,
        sum(conversations) as conversations, sum(talk_s) as talk_s, sum(short) as short,
        sum(people) as people, sum(people_abandoned) as people_abandoned
    from chosen group by 1
), named as (
    select by_key.*, case $8::text when 'team' then o.team else cut end as key
    from by_key left join operator o on $8::text = 'team' and o.id::text = cut
)
select key, grouping(key) = 1 as total, sum(dials)::bigint as dials,
    sum(in_progress)::bigint as in_progress, sum(answered)::bigint as answered,
    sum(no_answer)::bigint as no_answer, sum(busy)::bigint as busy, sum(invalid)::bigint as invalid,
    sum(rejected)::bigint as rejected, sum(congestion)::bigint as congestion,
    sum(machine)::bigint as machine, sum(abandoned)::bigint as abandoned,
    sum(failed)::bigint as failed, sum(unknown)::bigint as unknown, sum(trunk_s) as trunk_s,
    sum(given_up)::bigint as given_up, sum(intervals)::text as intervals,
    sum(own_intervals)::text as own_intervals, sum(given_up_rings)::text as given_up_rings,
    sum(conversations)::bigint as conversations, sum(talk_s) as talk_s,
    sum(short)::bigint as short, sum(people)::bigint as people,
    sum(people_abandoned)::bigint as people_abandoned
from named group by grouping sets ((key), ());

-- name: shared_talks
-- Conversations that several operators had, which cells by operators leave out: each operator has
-- his part, all together it is one. Of attempts placed from $2 to $3; cut and narrowed as cells.
with handed as (
    select distinct attempt_id from conversation_part where began_by <> 'answer'
        and began_at >= $2 and began_at < $3::timestamptz + interval '1 day'
), part as (
    select a.id, a.placed_at, a.campaign_id, coalesce(contact.list_id, 0) as list_id, p.operator_id,
        sum(extract(epoch from coalesce(p.ended_at, a.ended_at, now()) - p.began_at))::float8
            as seconds,
        count(*) over (partition by a.id) as operators
    from handed join attempt a on a.id = handed.attempt_id and a.floor_id = $1
        and a.placed_at >= $2 and a.placed_at < $3 and a.bridged_at is not null
    join conversation_part p on p.attempt_id = a.id
    left join lead l on l.id = a.lead_id left join contact on contact.id = l.contact_id
    group by a.id, contact.list_id, p.operator_id
), chosen as (
    select part.id, part.seconds, case $4::text when 'operator' then part.operator_id::text
        when 'team' then o.team when 'campaign' then part.campaign_id::text
        when 'list' then part.list_id::text
        when 'operator and list' then part.operator_id || ' ' || part.list_id
        when 'day' then (part.placed_at at time zone $5)::date::text
        when 'hour' then extract(hour from part.placed_at at time zone $5)::text end as key
    from part join operator o on o.id = part.operator_id
    where part.operators > 1 and ($6::bigint[] is null or part.operator_id = any($6))
        and ($7::bigint[] is null or part.campaign_id = any($7))
        and ($8::bigint[] is null or part.list_id = any($8))
), talk as (
    select key, grouping(key) = 1 as total, id, sum(seconds) as seconds
    from chosen group by grouping sets ((key, id), (id))
)
select key, total, count(*) as conversations, sum(seconds) as talk_s,
    count(*) filter (where seconds < 10) as short
from talk group by key, total;

-- name: said
-- What operators said came of attempts, from the same places as cells, cut and narrowed alike.
with cell as (
    select c.since, c.campaign_id, c.list_id, c.operator_id, c.disposition_id, c.attempts
    from unnest($2::text[], $4::timestamptz[], $5::timestamptz[]) as s (grain, since, until)
    cross join lateral (select * from report_said_cell c where c.floor_id = $1 and c.grain = s.grain
        and c.since >= s.since and c.since < s.until
        and ($10::bigint[] is null or c.operator_id = any($10)) offset 0) c
    union all
    select * from report_said($1, $6, $7, $3, $10)
), chosen as (
    select cell.disposition_id, cell.attempts,
        case $8::text when 'operator' then nullif(cell.operator_id, 0)::text
        when 'team' then cell.operator_id::text
        when 'campaign' then cell.campaign_id::text
        when 'list' then cell.list_id::text
        when 'day' then (cell.since at time zone $9)::date::text
        when 'hour' then extract(hour from cell.since at time zone $9)::text end as key
    from cell
    where ($10::bigint[] is null or cell.operator_id = any($10))
        and ($11::bigint[] is null or cell.campaign_id = any($11))
        and ($12::bigint[] is null or cell.list_id = any($12))
), by_key as (
    select key as cut, disposition_id, sum(attempts) as attempts from chosen group by 1, 2
), named as (
    select by_key.*, case $8::text when 'team' then o.team else cut end as key
    from by_key left join operator o on $8::text = 'team' and o.id::text = cut
), counted as (
    select key, grouping(key) = 1 as total, disposition_id, sum(attempts)::bigint as attempts
    from named group by grouping sets ((key, disposition_id), (disposition_id))
)
select counted.key, counted.total, d.code, d.title_ru, d.title_en, d.flags, counted.attempts
from counted join disposition d on d.id = counted.disposition_id;

-- name: time
-- Seconds of operators $10 (null: all) in each state, from the same places as cells, cut alike.
with cell as (
    select c.since, c.operator_id, c.connecting_s, c.ready_s, c.reserved_s, c.dialing_s,
        c.talking_s, c.hold_s, c.consult_s, c.wrap_up_s, c.paused_s, c.waits
    from unnest($2::text[], $4::timestamptz[], $5::timestamptz[]) as s (grain, since, until)
    cross join lateral (select * from report_time_cell c where c.floor_id = $1 and c.grain = s.grain
        and c.since >= s.since and c.since < s.until
        and ($10::bigint[] is null or c.operator_id = any($10)) offset 0) c
    union all
    select * from report_time($1, $6, $7, $3, $10)
), chosen as (
    select cell.*, case $8::text when 'operator' then nullif(cell.operator_id, 0)::text
        when 'team' then cell.operator_id::text
        when 'day' then (cell.since at time zone $9)::date::text
        when 'hour' then extract(hour from cell.since at time zone $9)::text end as key
    from cell
    where ($10::bigint[] is null or cell.operator_id = any($10))
), by_key as (
    select key as cut, sum(connecting_s) as connecting_s, sum(ready_s) as ready_s,
        sum(reserved_s) as reserved_s, sum(dialing_s) as dialing_s, sum(talking_s) as talking_s,
        sum(hold_s) as hold_s, sum(consult_s) as consult_s, sum(wrap_up_s) as wrap_up_s,
        sum(paused_s) as paused_s, sum(waits) as waits
    from chosen group by 1
), named as (
    select by_key.*, case $8::text when 'team' then o.team else cut end as key
    from by_key left join operator o on $8::text = 'team' and o.id::text = cut
)
select key, grouping(key) = 1 as total, sum(connecting_s) as connecting_s, sum(ready_s) as ready_s,
    sum(reserved_s) as reserved_s, sum(dialing_s) as dialing_s, sum(talking_s) as talking_s,
    sum(hold_s) as hold_s, sum(consult_s) as consult_s, sum(wrap_up_s) as wrap_up_s,
    sum(paused_s) as paused_s, sum(waits)::text as waits
from named group by grouping sets ((key), ());

-- name: hours
-- Dials and answers of campaigns $6, lists $7 (null: all) by weekday and hour of the called people's
-- own time: from roll-ups by day in the spans $2 to $3, from the rows in the spans $4 to $5.
with cell as (
    select c.campaign_id, c.list_id, c.weekday, c.hour, c.dials, c.answers
    from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
    join report_hour_cell c on c.floor_id = $1 and c.since >= s.since and c.since < s.until
    union all
    select * from report_hours($1, $4, $5)
)
select weekday, hour, sum(dials)::bigint as dials, sum(answers)::bigint as answers
from cell
where ($6::bigint[] is null or campaign_id = any($6)) and ($7::bigint[] is null or list_id = any($7))
group by 1, 2 order by 1, 2;

-- name: hasty
-- Dials without waiting by operator and list, of campaigns $6, lists $7 (null: all): from roll-ups by
-- day in the spans $2 to $3, from the rows in the spans $4 to $5.
with cell as (
    select c.campaign_id, c.list_id, c.operator_id, c.hasty
    from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
    join report_hasty_cell c on c.floor_id = $1 and c.since >= s.since and c.since < s.until
    union all
    select campaign_id, list_id, operator_id, hasty from report_hasty($1, $4, $5)
)
select operator_id, list_id, sum(hasty)::bigint as hasty from cell
where ($6::bigint[] is null or campaign_id = any($6)) and ($7::bigint[] is null or list_id = any($7))
group by 1, 2;

-- name: touches
-- Leads of campaigns $9, lists $10 (null: all) first touched from $3 to $4, by whose touch that was,
-- and those of them that were closed after it for nothing: nobody was reached, or what was said has no
-- flag of a result. From roll-ups that know attempts up to $2: counts of the floor's days $5 to $6, for
-- the spans $7 to $8 what leads were counted as; of leads that have changed or were dialed since, their
-- rows. $2 null: there are no roll-ups.
with pending as materialized (
    select l.id from report_lead_mark m join lead l on l.id between m.first_id and m.last_id
    where m.floor_id = $1 and $2::timestamptz is not null
    union select r.lead_id
    from report_lead_mark m join report_lead r on r.lead_id between m.first_id and m.last_id
    where m.floor_id = $1 and $2 is not null
    union select a.lead_id from attempt a where a.floor_id = $1 and a.placed_at >= $2
    union select a.lead_id from attempt a
    where a.floor_id = $1 and a.placed_at >= $3 and a.placed_at < $4 and $2 is null
), touch as (
    select c.campaign_id, c.list_id, c.operator_id, c.closed_as, c.leads
    from unnest($5::date[], $6::date[]) as s (since, until) join report_touch_cell c
        on c.floor_id = $1 and c.touched_on >= s.since and c.touched_on < s.until
    where $2 is not null
    union all
    select r.campaign_id, r.list_id, r.touched_by, r.closed_as, 1
    from unnest($7::timestamptz[], $8::timestamptz[]) as s (since, until) join report_lead r
        on r.floor_id = $1 and r.touched_at >= s.since and r.touched_at < s.until
    where r.touched_by is not null and $2 is not null
    union all
    select campaign_id, list_id, touched_by, closed_as, -1 from report_lead
    where floor_id = $1 and lead_id in (select id from pending) and $2 is not null
        and touched_by is not null and touched_at >= $3 and touched_at < $4
    union all
    select campaign_id, list_id, touched_by, closed_as, 1
    from report_leads($1, array(select id from pending))
    where touched_by is not null and touched_at >= $3 and touched_at < $4
)
select touch.operator_id, touch.list_id, sum(touch.leads)::bigint as leads,
    coalesce(sum(touch.leads) filter (where touch.closed_as = 0 or not d.flags && array['productive',
        'target', 'refusal', 'callback', 'do_not_call', 'hand_over', 'decision_maker']), 0)::bigint
        as first_touch
from touch left join disposition d on d.id = touch.closed_as
where ($9::bigint[] is null or touch.campaign_id = any($9))
    and ($10::bigint[] is null or touch.list_id = any($10))
group by 1, 2 having sum(touch.leads) > 0;

-- name: callbacks
-- Callbacks promised for a time from $2 to $3, by the cut $4 (days of zone $5) of operators $6,
-- campaigns $7, lists $8 (null: all), and all together, as they are at $9.
with promise as (
    select b.status, b.promised_at, b.grace_s, dial.first_at as dialed_at, dial.reached,
        case $4::text when 'operator' then b.operator_id::text when 'team' then o.team
            when 'campaign' then b.campaign_id::text when 'list' then b.list_id::text
            when 'day' then (b.promised_at at time zone $5)::date::text end as key
    from callback b left join operator o on o.id = b.operator_id
    cross join lateral (select min(a.placed_at) as first_at,
            coalesce(bool_or(a.bridged_at is not null), false) as reached
        from attempt a where a.callback_id = b.id) dial
    where b.floor_id = $1 and b.promised_at >= $2 and b.promised_at < $3
        and ($6::bigint[] is null or b.operator_id = any($6))
        and ($7::bigint[] is null or b.campaign_id = any($7))
        and ($8::bigint[] is null or b.list_id = any($8))
), judged as (
    select key, reached, extract(epoch from dialed_at - promised_at)::float8 as delay_s,
        case when dialed_at <= promised_at + grace_s * interval '1 second' then 'kept'
            when dialed_at is not null then 'late' when status = 'canceled' then 'canceled'
            when promised_at + grace_s * interval '1 second' < $9::timestamptz then 'missed'
            else 'waiting' end as came_to
    from promise
)
select key, grouping(key) = 1 as total,
    count(*) filter (where came_to <> 'canceled') as promised,
    count(*) filter (where came_to = 'kept') as kept,
    count(*) filter (where came_to = 'late') as late,
    count(*) filter (where came_to = 'missed') as missed,
    count(*) filter (where came_to = 'waiting') as waiting,
    count(*) filter (where came_to = 'canceled') as canceled,
    count(*) filter (where reached) as reached,
    percentile_cont(0.5) within group (order by greatest(delay_s, 0))
        filter (where delay_s is not null) as late_median_s
from judged group by grouping sets ((key), ());

-- name: campaign_terms
-- What campaigns $2 (null: all) of floor $1 promise of abandoned calls.
select id, name, legal_profile, max_abandon_rate from campaign
where floor_id = $1 and ($2::bigint[] is null or id = any($2)) order by name;

-- name: abandoned_attempts
-- The abandoned attempts behind the ledger, as they came; at most $6.
select a.id::text, c.name as campaign, a.placed_at, a.answered_at, a.ended_at, a.ended_by
from attempt a join campaign c on c.id = a.campaign_id
join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
join list on list.id = contact.list_id
where a.floor_id = $1 and a.placed_at >= $2::timestamptz - interval '1 hour' and a.placed_at < $3
    and a.answered_at >= $2 and a.answered_at < $3 and a.outcome = 'abandoned'
    and ($4::bigint[] is null or c.id = any($4)) and ($5::bigint[] is null or list.id = any($5))
order by a.answered_at, a.id limit $6;

-- name: leads
-- How the leads of campaigns $3, lists $4 (null: all) stand now, by campaign, list and the day they
-- were closed on ($5 for all closed before): from roll-ups that know attempts up to $2, and from the
-- rows of leads that have changed or were dialed since. $2 null: there are no roll-ups.
with pending as (
    select l.id from lead l join campaign c on c.id = l.campaign_id
    where $2::timestamptz is null and c.floor_id = $1
    union select l.id from report_lead_mark m join lead l on l.id between m.first_id and m.last_id
    where m.floor_id = $1 and $2 is not null
    union select r.lead_id
    from report_lead_mark m join report_lead r on r.lead_id between m.first_id and m.last_id
    where m.floor_id = $1 and $2 is not null
    union select a.lead_id from attempt a where a.floor_id = $1 and a.placed_at >= $2
), asked as materialized (
    select id from pending
    union select other.id from pending join lead l on l.id = pending.id
    join lead other on other.contact_id = l.contact_id where $2 is not null
    union select other.id from pending join report_lead r on r.lead_id = pending.id
    join lead other on other.contact_id = r.contact_id where $2 is not null
), counted as (
    select campaign_id, list_id, closed_on, leads, contacts, touched, reached, closed, first_touch
    from report_lead_cell where floor_id = $1 and $2 is not null
    union all
    select campaign_id, list_id, closed_on, -1, -first::integer, -touched::integer,
        -reached::integer, -closed::integer, -first_touch::integer
    from report_lead where floor_id = $1 and lead_id in (select id from asked) and $2 is not null
    union all
    select campaign_id, list_id, closed_on, 1, first::integer, touched::integer,
        reached::integer, closed::integer, first_touch::integer
    from report_leads($1, array(select id from asked))
)
select campaign_id, list_id, case when isfinite(closed_on) then greatest(closed_on, $5::date) end
        as closed_on,
    sum(leads)::bigint as leads, sum(contacts)::bigint as contacts,
    sum(touched)::bigint as touched, sum(reached)::bigint as reached,
    sum(closed)::bigint as closed, sum(first_touch)::bigint as first_touch
from counted
where ($3::bigint[] is null or campaign_id = any($3)) and ($4::bigint[] is null or list_id = any($4))
group by 1, 2, 3 having sum(leads) > 0;

-- name: list_days
-- Outcomes of lists $8 (null: all) by day of zone $7, from roll-ups of the grains $2 in the spans $3
-- to $4, from the rows in the spans $5 to $6: all days before a list's last $9 in one row without a
-- day.
with cell as (
    select c.since, c.list_id, c.dials, c.in_progress, c.answered, c.no_answer, c.busy, c.invalid,
        c.rejected, c.congestion, c.machine, c.abandoned, c.failed, c.unknown
    from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as s (grain, since, until)
    join report_cell c on c.floor_id = $1 and c.grain = s.grain
        and c.since >= s.since and c.since < s.until
    union all
    select since, list_id, dials, in_progress, answered, no_answer, busy, invalid, rejected,
        congestion, machine, abandoned, failed, unknown
    from report_cells($1, $5, $6, false)
), by_day as (
    select list_id, (since at time zone $7)::date as day,
        dense_rank() over (partition by list_id order by (since at time zone $7)::date desc)
            as days_ago,
        dials, in_progress, answered, no_answer, busy, invalid, rejected, congestion, machine,
        abandoned, failed, unknown
    from cell where dials > 0 and ($8::bigint[] is null or list_id = any($8))
)
select list_id, case when days_ago <= $9 then day end as day,
    sum(answered)::bigint as answered, sum(no_answer)::bigint as no_answer,
    sum(busy)::bigint as busy, sum(invalid)::bigint as invalid, sum(rejected)::bigint as rejected,
    sum(congestion)::bigint as congestion, sum(machine)::bigint as machine,
    sum(abandoned)::bigint as abandoned, sum(failed)::bigint as failed,
    sum(unknown)::bigint as unknown
from by_day group by 1, 2;

-- name: list_contacts
-- How many contacts lists $1 have.
select list_id, count(*) as contacts from contact where list_id = any($1::bigint[]) group by 1;

-- name: limit_statements
-- A report that takes long is given up; dialing needs the machine.
select set_config('statement_timeout', $1, true);

-- name: note
-- Who took what out.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);

-- name: role
-- What somebody on the staff of floor $1 is.
select role from operator where floor_id = $1 and login = $2 and removed_at is null;
