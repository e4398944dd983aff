-- What should be done on a working day, by an operator, a team, a campaign or the floor.

create table plan (
    id         bigint generated always as identity primary key,
    floor_id   bigint not null references floor,
    kind       text not null check (kind in ('operator', 'team', 'campaign', 'floor')),
    subject    text not null,                             -- login, team, campaign's name; '': the floor
    measure    text not null check (measure in ('dials', 'conversations', 'line_s', 'productive',
               'target', 'decision_maker', 'hand_over')),
    amount     double precision not null check (amount > 0),        -- of one working day
    weekdays   integer[] not null,                        -- working days, 0 is Monday
    checkpoint time not null,                             -- of the floor's clocks
    checkpoint_share double precision not null
               check (checkpoint_share > 0 and checkpoint_share <= 1),  -- of the day, done by then
    since      date not null,                             -- counted in
    until      date check (until > since),                -- not counted in; null: it goes on
    set_by     text not null,
    set_at     timestamptz not null default now(),
    unique (floor_id, kind, subject, measure, since)
);
