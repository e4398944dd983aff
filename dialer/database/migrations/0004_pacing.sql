-- Pacing: weights, skills and limits of a campaign, what its pacing has learned, what it asked for.

alter table campaign
    add column weight double precision not null default 1 check (weight between 0.01 and 100),
    add column skills text[] not null default '{}',      -- an operator needs all of them
    add column max_lines integer check (max_lines between 1 and 100000),
    add column lines_per_operator double precision check (lines_per_operator between 1 and 100);

alter table decision add column asked integer not null default 0;

create table pacer_state (
    campaign_id bigint primary key references campaign on delete cascade,
    kept_at     timestamptz not null,
    state       jsonb                                    -- null: forgotten, because it failed
);
