-- When a callback was promised for: `at` moves with every try.

alter table callback add column promised_at timestamptz not null default now();
update callback set promised_at = at;
create index callback_promised on callback (floor_id, promised_at);
create index attempt_callback on attempt (callback_id) where callback_id is not null;
