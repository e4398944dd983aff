-- What may be dialed now: hours, limits, do-not-call, consent, callbacks, and the queue of what is next.

alter table campaign
    add column hours          jsonb not null default '{}',
    add column limits         jsonb not null default '{}',
    add column retry          jsonb not null default '{}',
    add column consent_needed boolean not null default false,
    add column lead_order     text not null default 'waiting' check (lead_order in
        ('waiting', 'oldest', 'newest', 'least_attempts', 'random', 'best_hour')),
    add column list_weights   jsonb not null default '{}',   -- list name -> weight; {}: no mix
    add column ranked_as      text not null default 'waiting', -- order that the leads' ranks follow
    add column ranked_to      bigint not null default 0;     -- leads up to this id have their rank

-- rank: place among leads of equal priority, by the campaign's order. blocked_by: the rule that has
-- moved next_at; what changes that rule moves it back.
alter table lead
    add column rank       bigint not null default 0,
    add column next_phone smallint not null default 0,
    add column blocked_by text;
update lead set status = case when approaches + failures = 0 then 'new' else 'retry' end,
    claimed_fence = null where status = 'claimed';
drop index lead_due;
create index lead_next on lead (campaign_id, priority desc, rank, next_at, id)
    where status in ('new', 'retry');
create index lead_wait on lead (campaign_id, next_at) where status in ('new', 'retry');
create index lead_blocked on lead (campaign_id) where blocked_by is not null;
create index lead_contact on lead (contact_id);

alter table contact_phone add column invalid_at timestamptz;   -- the network said: no such number

alter table attempt add column contact_id bigint, add column callback_id bigint;
update attempt set contact_id = lead.contact_id from lead where lead.id = attempt.lead_id;
create index attempt_contact on attempt (contact_id, placed_at);
create index attempt_phone on attempt (phone, placed_at);
-- Two campaigns never call one phone at once.
create unique index attempt_open_phone on attempt (floor_id, phone) where outcome is null;

-- Scope: neither floor nor campaign: the whole system; a campaign's row has its floor too.
alter table do_not_call
    drop constraint do_not_call_pkey,
    alter column floor_id drop not null,
    add column id          bigint generated always as identity primary key,
    add column campaign_id bigint references campaign on delete cascade,
    add column reason      text not null default '',
    add column added_by    text not null default '',
    add column until       timestamptz,
    add column register    text,                              -- the public register it came from
    drop constraint do_not_call_source_check,
    add check (source in ('key_press', 'operator', 'import', 'command'));
create unique index do_not_call_once
    on do_not_call (e164, coalesce(floor_id, 0), coalesce(campaign_id, 0));

create table do_not_call_mask (
    id          bigint generated always as identity primary key,
    floor_id    bigint references floor,
    campaign_id bigint references campaign on delete cascade,
    kind        text not null check (kind in ('prefix', 'pattern')),
    written     text not null,                                -- as people write it
    mask        text not null,                                -- for LIKE
    source      text not null check (source in ('import', 'command')),
    reason      text not null default '',
    added_by    text not null default '',
    until       timestamptz,
    created_at  timestamptz not null default now()
);
create unique index do_not_call_mask_once
    on do_not_call_mask (mask, coalesce(floor_id, 0), coalesce(campaign_id, 0));

-- When a public register was last imported: a legal profile may demand a fresh one.
create table do_not_call_import (
    id          bigint generated always as identity primary key,
    floor_id    bigint not null references floor,
    register    text not null,
    numbers     integer not null,
    imported_at timestamptz not null default now(),
    imported_by text not null
);

create table consent (
    id           bigint generated always as identity primary key,
    floor_id     bigint not null references floor,
    campaign_id  bigint references campaign on delete cascade,  -- null: for every campaign
    e164         text not null check (e164 ~ '^\+[1-9][0-9]{6,14}$'),
    source       text not null,
    evidence     text not null,
    given_at     timestamptz not null,
    until        timestamptz,
    withdrawn_at timestamptz,
    added_by     text not null,
    created_at   timestamptz not null default now()
);
create index consent_phone on consent (e164, floor_id);

-- Whether nobody may call this phone at `moment`. Asked when a lead is prepared and again in the
-- statement that commits an attempt.
create function is_forbidden(phone text, the_floor bigint, the_campaign bigint, moment timestamptz)
returns boolean language sql stable as $$
    select exists (
        select from do_not_call d where d.e164 = phone
            and (d.floor_id is null or d.floor_id = the_floor)
            and (d.campaign_id is null or d.campaign_id = the_campaign)
            and (d.until is null or d.until > moment)
    ) or exists (
        select from do_not_call_mask m where phone like m.mask
            and (m.floor_id is null or m.floor_id = the_floor)
            and (m.campaign_id is null or m.campaign_id = the_campaign)
            and (m.until is null or m.until > moment)
    )
$$;

create function has_consent(phone text, the_floor bigint, the_campaign bigint, moment timestamptz)
returns boolean language sql stable as $$
    select exists (
        select from consent c where c.e164 = phone and c.floor_id = the_floor
            and (c.campaign_id is null or c.campaign_id = the_campaign)
            and c.given_at <= moment and c.withdrawn_at is null
            and (c.until is null or c.until > moment)
    )
$$;

create table callback (
    id          bigint generated always as identity primary key,
    floor_id    bigint not null references floor,
    campaign_id bigint not null references campaign on delete cascade,
    lead_id     bigint not null references lead on delete cascade,
    phone       text,                                          -- null: the lead's own choice
    at          timestamptz not null,
    operator_id bigint references operator,                    -- null: anyone
    grace_s     double precision not null default 600 check (grace_s >= 0),
    escalation  text not null default 'anyone' check (escalation in ('anyone', 'supervisor')),
    status      text not null default 'waiting'
                check (status in ('waiting', 'dialing', 'done', 'missed', 'escalated', 'canceled')),
    tries       integer not null default 0,
    attempt_id  uuid,
    note        text not null default '',
    created_by  text not null,
    created_at  timestamptz not null default now()
);
create unique index callback_open on callback (lead_id) where status in ('waiting', 'dialing', 'escalated');
create index callback_due on callback (campaign_id, at) where status = 'waiting';

create table calendar_import (
    id          bigint generated always as identity primary key,
    floor_id    bigint not null references floor,
    name        text not null,
    document    jsonb not null,
    imported_at timestamptz not null default now(),
    imported_by text not null
);

-- What is next, prepared ahead of time: every rule was asked, the order is in the index. It can be
-- made anew from the leads at any time, so it is not logged; after a crash it is empty.
create unlogged table ready (
    lead_id       bigint primary key,
    floor_id      bigint not null,
    campaign_id   bigint not null,
    callback_id   bigint,
    cold          boolean not null,                            -- false: a callback, before all others
    priority      integer not null,
    rank          bigint not null,
    due_at        timestamptz not null,
    phone         text not null,
    facts         jsonb not null,                              -- what the dialer keeps of the lead
    approaches    integer not null,
    failures      integer not null,
    operator_id   bigint,
    needs_consent boolean not null,
    prepared_at   timestamptz not null,
    open_until    timestamptz not null,
    claimed_fence bigint
);
create index ready_order on ready (campaign_id, cold, priority desc, rank, due_at, lead_id)
    where claimed_fence is null;
