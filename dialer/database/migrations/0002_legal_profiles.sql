-- Legal profiles: which one a campaign dials under, and what a floor defines as its own.

alter table campaign
    add column legal_profile text not null default 'own'
        check (legal_profile ~ '^[a-z][a-z0-9_]{0,31}$');

create table legal_profile (
    floor_id   bigint not null references floor,
    version    integer not null check (version > 0),
    definition jsonb not null,
    defined_at timestamptz not null default now(),
    defined_by text not null,
    primary key (floor_id, version)
);
