-- The life of a campaign: statuses, approval, schedule, goals, versions of its settings.

alter table campaign drop constraint campaign_status_check;
update campaign set status = 'finished' where status = 'stopped';
alter table campaign
    add check (status in ('draft', 'approved', 'running', 'paused', 'finished', 'archived')),
    add column status_since  timestamptz not null default now(),
    add column status_by     text not null default '',   -- login name, or 'prozvon' for the controller
    add column status_reason text not null default '',   -- a stable word: by_hand, schedule, goal_...
    add column approved_at   timestamptz,
    add column approved_by   text,
    -- Moratoria that were lifted: [{"moratorium", "by", "reason"}].
    add column approval_exceptions jsonb not null default '[]',
    add column version       integer not null default 1,  -- of the settings; grows with every edit
    -- Times of the floor's own zone.
    add column schedule_start timestamp,
    add column schedule_stop  timestamp check (schedule_stop > schedule_start),
    add column goal_date            date,
    add column goal_conversations   integer check (goal_conversations > 0),
    add column goal_decision_makers integer check (goal_decision_makers > 0),
    add column goal_list_end        boolean not null default false,
    add column brief_client   text,
    add column brief_payment  text,
    add column brief_promises text[] not null default '{}';

-- What changed: {"key": [old, new]}. Version 1 is the campaign as it was made.
create table campaign_version (
    campaign_id bigint not null references campaign on delete cascade,
    version     integer not null check (version > 0),
    at          timestamptz not null default now(),
    actor       text not null,
    action      text not null check (action in ('created', 'cloned', 'edited')),
    changes     jsonb not null,
    primary key (campaign_id, version)
);

-- Goals count these twice a second.
create index attempt_conversation on attempt (campaign_id) where bridged_at is not null;

-- The order of a campaign's lists as it was given.
alter table campaign_list add column position integer not null default 0;
