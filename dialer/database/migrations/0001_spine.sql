-- The spine: floors, nodes, operators, campaigns, lists, leads, attempts, calls, shifts.
-- Times are timestamptz, durations are double precision seconds with the suffix _s.

create table floor (
    id            bigint generated always as identity primary key,
    name          text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    time_zone     text not null default 'Europe/Moscow',
    lease_holder  text,
    lease_fence   bigint not null default 0,          -- grows with every take-over
    lease_expires_at timestamptz,
    created_at    timestamptz not null default now()
);

create table node (
    id         bigint generated always as identity primary key,
    name       text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    created_at timestamptz not null default now()
);

create table trunk (
    id               bigint generated always as identity primary key,
    node_id          bigint not null references node,
    name             text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    lines            integer not null check (lines > 0),
    calls_per_second double precision not null check (calls_per_second > 0),
    unique (node_id, name)
);

create table operator (
    id         bigint generated always as identity primary key,
    floor_id   bigint not null references floor,
    login      text not null check (login ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    full_name  text not null,
    stage      text not null default 'cold_call'
               check (stage in ('cold_call', 'sale', 'key_account', 'support')),
    skills     text[] not null default '{}',
    phone_ha1  text not null check (phone_ha1 ~ '^[0-9a-f]{32}$'),  -- SIP digest, not the password
    created_at timestamptz not null default now(),
    removed_at timestamptz
);
create unique index operator_login on operator (login) where removed_at is null;

create table campaign (
    id                bigint generated always as identity primary key,
    floor_id          bigint not null references floor,
    trunk_id          bigint not null references trunk,
    name              text not null,
    status            text not null default 'draft'
                      check (status in ('draft', 'running', 'paused', 'stopped')),
    mode              text not null default 'progressive' check (mode in ('progressive', 'predictive')),
    language          text not null default 'ru' check (language in ('ru', 'en')),
    caller_id         text check (caller_id ~ '^\+?[0-9]{3,15}$'),
    ring_timeout_s    double precision not null default 25 check (ring_timeout_s between 5 and 120),
    post_dial_delay_s double precision not null default 10 check (post_dial_delay_s between 1 and 30),
    wrap_up_limit_s   double precision not null default 60 check (wrap_up_limit_s between 1 and 3600),
    recording         boolean not null default false,
    max_approaches    integer not null default 4 check (max_approaches between 1 and 100),
    max_abandon_rate  double precision not null default 0.03 check (max_abandon_rate between 0 and 1),
    created_at        timestamptz not null default now(),
    changed_at        timestamptz not null default now(),
    unique (floor_id, name)
);

create table list (
    id          bigint generated always as identity primary key,
    floor_id    bigint not null references floor,
    name        text not null,
    source      text not null default '',              -- the file's name, for people
    imported_at timestamptz not null default now(),
    unique (floor_id, name)
);

create table contact (
    id         bigint generated always as identity primary key,
    list_id    bigint not null references list on delete cascade,
    name       text not null default '',
    company    text not null default '',
    time_zone  text,
    attributes jsonb not null default '{}',
    created_at timestamptz not null default now()
);
create index contact_list on contact (list_id);

create table contact_phone (
    id         bigint generated always as identity primary key,
    contact_id bigint not null references contact on delete cascade,
    list_id    bigint not null references list on delete cascade,
    position   smallint not null,                       -- order of the phones of one contact, from 0
    e164       text not null check (e164 ~ '^\+[1-9][0-9]{6,14}$'),
    unique (list_id, e164),
    unique (contact_id, position)
);

create table campaign_list (
    campaign_id bigint not null references campaign on delete cascade,
    list_id     bigint not null references list on delete cascade,
    primary key (campaign_id, list_id)
);

create table lead (
    id          bigint generated always as identity primary key,
    campaign_id bigint not null references campaign on delete cascade,
    contact_id  bigint not null references contact on delete cascade,
    status      text not null default 'new'
                check (status in ('new', 'claimed', 'dialing', 'retry', 'done')),
    approaches  integer not null default 0,              -- dials that cost an approach
    failures    integer not null default 0,              -- dials lost to trunk or node: cost none
    next_at     timestamptz not null default now(),
    priority    integer not null default 0,
    owner_id    bigint references operator,
    last_outcome text,
    claimed_fence bigint,                                -- lease under which it was claimed
    unique (campaign_id, contact_id)
);
create index lead_due on lead (campaign_id, priority desc, next_at, id) where status in ('new', 'retry');
create index lead_busy on lead (campaign_id) where status in ('claimed', 'dialing');

create table disposition (
    id       bigint generated always as identity primary key,
    floor_id bigint not null references floor,
    code     text not null check (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    title_ru text not null,
    title_en text not null,
    flags    text[] not null default '{}' check (flags <@ array[
        'productive', 'target', 'refusal', 'callback', 'do_not_call', 'hand_over', 'decision_maker', 'machine'
    ]::text[]),
    unique (floor_id, code)
);

create table shift (
    id          uuid primary key,
    operator_id bigint not null references operator,
    floor_id    bigint not null references floor,
    node_id     bigint not null references node,
    started_at  timestamptz not null,
    ended_at    timestamptz check (ended_at >= started_at)
);
create unique index shift_open on shift (operator_id) where ended_at is null;
create index shift_started on shift (started_at);

-- Every second of a shift is in exactly one row: the next one starts where this one ends.
create table shift_state (
    shift_id   uuid not null references shift,
    seq        integer not null,
    state      text not null check (state in (
        'connecting', 'ready', 'reserved', 'dialing', 'talking', 'hold', 'consult', 'wrap_up', 'paused')),
    reason     text,
    attempt_id uuid,
    started_at timestamptz not null,
    ended_at   timestamptz check (ended_at >= started_at),
    primary key (shift_id, seq)
);
create unique index shift_state_open on shift_state (shift_id) where ended_at is null;

-- id is a UUIDv7: its first bits are the time, so the table can be cut into partitions by id.
create table attempt (
    id           uuid primary key,
    floor_id     bigint not null references floor,
    campaign_id  bigint not null references campaign,
    lead_id      bigint not null references lead,
    node_id      bigint not null references node,
    trunk_id     bigint not null references trunk,
    phone        text not null,
    dial_operator_id bigint references operator,         -- progressive: whose dial it is
    dial_interval_s  double precision,                   -- since the campaign's previous dial
    operator_dial_interval_s double precision,           -- since that operator's previous dial, pauses excluded
    placed_at    timestamptz not null,
    rang_at      timestamptz,
    answered_at  timestamptz,
    bridged_at   timestamptz,                            -- a conversation began
    ended_at     timestamptz,
    operator_id  bigint references operator,             -- who talked
    shift_id     uuid references shift,
    outcome      text check (outcome in ('answered', 'no_answer', 'busy', 'invalid', 'rejected',
                 'congestion', 'machine', 'abandoned', 'failed', 'unknown')),
    ended_by     text check (ended_by in ('person', 'operator', 'dialer', 'ring_timeout',
                 'network', 'node', 'phone_lost')),
    cause        integer,                                -- Q.850
    sip_code     integer,
    recording    text,
    disposition_id bigint references disposition,
    disposed_at  timestamptz,
    note         text not null default ''
);
create unique index attempt_open_lead on attempt (lead_id) where outcome is null;
create index attempt_campaign_placed on attempt (campaign_id, placed_at);
create index attempt_floor_placed on attempt (floor_id, placed_at);
create index attempt_lead on attempt (lead_id);

create table call (
    id          text not null,                           -- Asterisk's Uniqueid; ours for what we originate
    node_id     bigint not null references node,
    direction   text not null check (direction in ('out', 'in', 'operator')),
    attempt_id  uuid references attempt,
    shift_id    uuid references shift,
    trunk_id    bigint references trunk,
    channel     text not null default '',
    created_at  timestamptz not null,
    answered_at timestamptz,
    ended_at    timestamptz,
    cause       integer,
    primary key (node_id, id)
);
create index call_attempt on call (attempt_id);

create table decision (
    id          bigint generated always as identity primary key,
    campaign_id bigint not null references campaign on delete cascade,
    at          timestamptz not null,
    placed      integer not null,
    limited_by  text not null,
    reason      text not null
);
create index decision_campaign_at on decision (campaign_id, at);

create table do_not_call (
    floor_id   bigint not null references floor,
    e164       text not null,
    source     text not null check (source in ('key_press', 'operator', 'import')),
    attempt_id uuid references attempt,
    created_at timestamptz not null default now(),
    primary key (floor_id, e164)
);

create table audit (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    actor   text not null,
    action  text not null,
    subject text not null,
    details jsonb not null default '{}'
);
