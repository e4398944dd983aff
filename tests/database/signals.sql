-- What operators did on each list straight from the rows, and what may change later.

-- name: worked
-- By attempts of floor $1 placed from $2 to $3.
with dial as (
    select a.*, contact.list_id, l.status, l.approaches, d.flags,
        a.outcome not in ('failed', 'congestion', 'unknown', 'invalid') as told,
        a.outcome in ('answered', 'abandoned') as reached,
        a.ended_by = 'operator' and a.answered_at is null and a.ended_at is not null as given_up,
        row_number() over (partition by a.lead_id, a.outcome not in ('failed', 'congestion',
            'unknown', 'invalid') order by a.placed_at, a.id) as nth,
        bool_or(a.outcome in ('answered', 'abandoned')) over (partition by a.lead_id)
            as ever_reached
    from attempt a join lead l on l.id = a.lead_id join contact on contact.id = l.contact_id
    left join disposition d on d.id = a.disposition_id where a.floor_id = $1
), counted as (
    select dial_operator_id as operator_id, list_id, 1 as dials, told::integer as told,
        (told and not reached)::integer as not_reached,
        (given_up and rang_at is not null)::integer as given_up_rang,
        case when given_up then extract(epoch from ended_at - rang_at)::float8 end as ring_s,
        (given_up and ended_at < coalesce(rang_at, placed_at) + interval '10 s')::integer as hasty,
        0 as conversations, 0 as short, 0 as leads, 0 as first_touch
    from dial where placed_at >= $2 and placed_at < $3
    union all
    select operator_id, list_id, 0, 0, 0, 0, null, 0, 1, (sum(seconds) < 10)::integer, 0, 0
    from (
        select dial.id, dial.list_id, p.operator_id,
            extract(epoch from p.ended_at - p.began_at) as seconds
        from dial join conversation_part p on p.attempt_id = dial.id
        where placed_at >= $2 and placed_at < $3 and bridged_at is not null
    ) part group by id, operator_id, list_id
    union all
    select coalesce(operator_id, dial_operator_id), list_id, 0, 0, 0, 0, null, 0, 0, 0, 1,
        coalesce(status = 'done' and approaches = 1 and (not ever_reached
            or not (select other.flags from dial other where other.lead_id = dial.lead_id
                    and other.reached order by other.placed_at desc, other.id desc limit 1)
                && array['productive', 'target', 'refusal', 'callback', 'do_not_call', 'hand_over',
                    'decision_maker']), false)::integer
    from dial where told and nth = 1 and placed_at >= $2 and placed_at < $3
)
select operator_id, list_id, sum(dials) as dials, coalesce(sum(told), 0) as told,
    coalesce(sum(not_reached), 0) as not_reached, coalesce(sum(given_up_rang), 0) as given_up_rang,
    percentile_cont(0.5) within group (order by ring_s) as given_up_ring_s,
    coalesce(sum(hasty), 0) as hasty, sum(conversations) as conversations, sum(short) as short,
    sum(leads) as leads, sum(first_touch) as first_touch
from counted where operator_id is not null group by 1, 2 order by 1, 2;

-- name: said_late
-- Half of what was junk was refused.
update attempt set disposition_id = (
    select min(id) from disposition where code = 'refused')
where id in (select a.id from attempt a join disposition d on d.id = a.disposition_id
    where d.code = 'junk' order by a.placed_at limit 3);

-- name: reopened
-- Some leads that were closed are dialed again.
update lead set status = 'retry' where id in (
    select id from lead where status = 'done' order by id limit 9);

-- name: hung_up_later
-- Some own hang-ups were later than it seemed.
update attempt set ended_at = ended_at + interval '15 s' where id in (
    select id from attempt where ended_by = 'operator' and answered_at is null and ended_at
        < rang_at + interval '10 s' order by placed_at limit 4);

-- name: another_talked
-- A conversation was handed over at its middle.
with half as (
    select *, began_at + (ended_at - began_at) / 2 as middle from conversation_part
    order by attempt_id limit 1
), first as (
    update conversation_part p set ended_at = half.middle from half
    where p.attempt_id = half.attempt_id and p.began_at = half.began_at
)
insert into conversation_part (attempt_id, operator_id, began_at, ended_at, began_by)
select attempt_id, (select id from operator where id <> half.operator_id order by id limit 1),
    middle, ended_at, 'transfer' from half;
