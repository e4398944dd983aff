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
