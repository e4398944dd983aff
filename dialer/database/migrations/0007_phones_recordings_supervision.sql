-- Kinds of phones and their short-lived logins, recordings, and who listens to whom.

alter table operator add column role text not null default 'operator'
    check (role in ('operator', 'supervisor'));
alter table operator add column phone_kind text not null default 'sip'
    check (phone_kind in ('sip', 'sip_tls', 'browser'));

-- A browser phone's login: it ends by itself, and is renewed by whoever has it.
create table browser_phone (
    id          bigint generated always as identity primary key,
    operator_id bigint not null references operator,
    ha1         text not null check (ha1 ~ '^[0-9a-f]{32}$'),  -- SIP digest, not the password
    issued_by   text not null,
    issued_at   timestamptz not null default now(),
    expires_at  timestamptz not null,
    ended_at    timestamptz                                    -- taken from the node
);
create unique index browser_phone_live on browser_phone (operator_id) where ended_at is null;

alter table campaign add column recording_keep_days integer
    check (recording_keep_days between 1 and 36500);           -- null: as the settings say

-- The finished recording of a conversation: one file, the person left, our side right.
create table recording (
    attempt_id uuid primary key references attempt,
    path       text,                                           -- null: there is no file, see problem
    seconds    double precision not null default 0,
    bytes      bigint not null default 0,
    sha256     text,
    finished_at timestamptz,                                   -- null: they still talk, or just did
    stopped_at timestamptz,                                    -- cut short while they talked ...
    stopped_for text check (stopped_for in ('disk')),          -- ... for this
    problem    text,
    deleted_at timestamptz,
    deleted_by text
);
create index recording_kept on recording (finished_at) where deleted_at is null;

-- What is silent in a recording on purpose: card data.
create table recording_pause (
    attempt_id uuid not null references attempt,
    started_at timestamptz not null,
    ended_at   timestamptz check (ended_at >= started_at),
    primary key (attempt_id, started_at)
);
create unique index recording_pause_open on recording_pause (attempt_id) where ended_at is null;

-- A supervisor on an operator's line; a change of mode is a new row.
create table supervision (
    id            uuid not null,                               -- also the supervisor's own leg
    seq           integer not null,
    supervisor_id bigint not null references operator,
    operator_id   bigint not null references operator,
    mode          text not null check (mode in ('listen', 'whisper', 'barge')),
    started_at    timestamptz not null,
    ended_at      timestamptz check (ended_at >= started_at),
    primary key (id, seq)
);
create index supervision_open on supervision (operator_id) where ended_at is null;
