-- Who talked with a person, from when to when. A conversation that nobody hands over has one part.
create table conversation_part (
    attempt_id  uuid not null references attempt on delete cascade,
    operator_id bigint not null references operator,
    shift_id    uuid references shift,
    began_at    timestamptz not null,
    began_by    text not null check (began_by in (
        'answer', 'transfer', 'pick_up', 'return', 'three_way')),
    ended_at    timestamptz check (ended_at >= began_at),
    ended_by    text check (ended_by in ('transfer', 'park', 'leave', 'phone_lost', 'person',
        'operator', 'dialer', 'ring_timeout', 'network', 'node')),
    primary key (attempt_id, operator_id, began_at)
);
create index conversation_part_operator on conversation_part (operator_id, began_at);
create unique index conversation_part_open on conversation_part (attempt_id, operator_id)
    where ended_at is null;
