-- Recordings: from the legs a node wrote to the file that is kept, and its end.

-- name: unfinished
-- Conversations of floor $1 that are over, were recorded, and have no finished recording yet.
select attempt.id, attempt.recording, attempt.ended_at, attempt.node_id
from attempt left join recording on recording.attempt_id = attempt.id
where attempt.floor_id = $1 and attempt.recording is not null and attempt.outcome is not null
    and attempt.bridged_at is not null and recording.finished_at is null
order by attempt.ended_at
limit $2;

-- name: finish
-- The one file of each conversation, or why there is none. A second time changes nothing. A pause
-- that nobody ended lasted to the end of the conversation.
with paused as (
    update recording_pause set ended_at = greatest(started_at, attempt.ended_at)
    from attempt where attempt.id = any($1::uuid[]) and recording_pause.attempt_id = attempt.id
        and recording_pause.ended_at is null
)
insert into recording (attempt_id, path, seconds, bytes, sha256, problem, finished_at)
select *, now() from unnest($1::uuid[], $2::text[], $3::float8[], $4::bigint[], $5::text[],
    $6::text[])
on conflict (attempt_id) do update
    set path = excluded.path, seconds = excluded.seconds, bytes = excluded.bytes,
        sha256 = excluded.sha256, problem = excluded.problem, finished_at = now()
    where recording.finished_at is null;

-- name: stopped
-- A recording that was cut short while they talked.
insert into recording (attempt_id, stopped_at, stopped_for) values ($1, $2, $3)
on conflict (attempt_id) do update
    set stopped_at = coalesce(recording.stopped_at, excluded.stopped_at),
        stopped_for = coalesce(recording.stopped_for, excluded.stopped_for);

-- name: pause
-- From now on nothing is recorded.
insert into recording_pause (attempt_id, started_at) values ($1, $2) on conflict do nothing;

-- name: resume
-- Recording goes on.
update recording_pause set ended_at = greatest(started_at, $2)
where attempt_id = $1 and ended_at is null;

-- name: open_pauses
-- Conversations that go on with their recording paused.
select recording_pause.attempt_id
from recording_pause join attempt on attempt.id = recording_pause.attempt_id
where attempt.floor_id = $1 and attempt.outcome is null and recording_pause.ended_at is null;

-- name: stopped_now
-- Conversations that go on with their recording stopped.
select recording.attempt_id
from recording join attempt on attempt.id = recording.attempt_id
where attempt.floor_id = $1 and attempt.outcome is null and recording.stopped_at is not null;

-- name: recordings
-- Finished recordings of floor $1, newest first.
select recording.*, campaign.name as campaign, operator.login as operator,
    attempt.bridged_at as began_at, attempt.ended_at
from recording join attempt on attempt.id = recording.attempt_id
join campaign on campaign.id = attempt.campaign_id
left join operator on operator.id = attempt.operator_id
where attempt.floor_id = $1 and recording.finished_at is not null
    and ($2::uuid is null or attempt.id = $2)
    and ($3::text is null or operator.login = $3)
    and ($4::text is null or campaign.name = $4)
    and ($5::timestamptz is null or attempt.bridged_at >= $5)
    and ($6::timestamptz is null or attempt.bridged_at < $6)
order by attempt.bridged_at desc, attempt.id
limit $7;

-- name: pauses
-- Silent spans of these recordings, in order.
select attempt_id, started_at, ended_at from recording_pause
where attempt_id = any($1::uuid[]) order by attempt_id, started_at;

-- name: expired
-- Files whose time is over: the campaign's days, else $2 days (null: for ever); $3 instead of both.
select recording.attempt_id, recording.path
from recording join attempt on attempt.id = recording.attempt_id
join campaign on campaign.id = attempt.campaign_id
where attempt.floor_id = $1 and recording.deleted_at is null and recording.path is not null
    and recording.finished_at < now()
        - coalesce($3::integer, campaign.recording_keep_days, $2::integer) * interval '1 day'
order by recording.finished_at
limit $4;

-- name: deleted
-- The file is gone; what is known of it stays.
update recording set deleted_at = now(), deleted_by = $2
where attempt_id = $1 and deleted_at is null;

-- name: keep
-- How many days recordings of a campaign are kept; null: as the settings say.
update campaign set recording_keep_days = $3 where floor_id = $1 and name = $2 returning id;

-- name: known
-- Which of these attempts wait for their recording to be finished, or may still talk.
select id from attempt where id = any($1::uuid[]) and recording is not null
    and (outcome is null or not exists (
        select from recording where attempt_id = attempt.id and finished_at is not null));

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
