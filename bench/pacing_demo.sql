-- What the bench of pacing on a real Asterisk reads and sets.

-- name: set_mode
-- Another mode, while the campaign runs.
update campaign set mode = $2 where id = $1

-- name: half
-- Of campaign $1 from $2 to $3: conversations begun, operators' seconds of waiting and of work (cut
-- to the time), people who answered calls placed then, and those abandoned.
with spans as (
    select s.state, extract(epoch from least(coalesce(s.ended_at, now()), $3)
        - greatest(s.started_at, $2))::float8 as seconds
    from shift_state s
    where s.shift_id in (select shift_id from attempt where campaign_id = $1)
        and s.state not in ('paused', 'connecting')
        and s.started_at < $3 and coalesce(s.ended_at, now()) > $2
)
select (select count(*) from attempt
        where campaign_id = $1 and bridged_at >= $2 and bridged_at < $3) as conversations,
    (select sum(seconds) from spans where state not in ('talking', 'wrap_up')) as waited_s,
    (select sum(seconds) from spans) as worked_s,
    (select count(*) from attempt where campaign_id = $1 and answered_at is not null
        and placed_at >= $2 and placed_at < $3) as answered,
    (select count(*) from attempt where campaign_id = $1 and outcome = 'abandoned'
        and placed_at >= $2 and placed_at < $3) as abandoned
