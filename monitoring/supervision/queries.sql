-- Supervisors on operators' lines.

-- name: person
-- Somebody on the staff of floor $1: id and role.
select id, role from operator where floor_id = $1 and login = $2 and removed_at is null;

-- name: began
-- A supervisor is on an operator's line, in one mode.
insert into supervision (id, seq, supervisor_id, operator_id, mode, started_at)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing;

-- name: ended
-- That mode is over.
update supervision set ended_at = greatest(started_at, $2)
where id = $1 and ended_at is null;

-- name: open
-- Who was on whose line when the last controller of floor $1 stopped.
select supervision.id, supervision.seq, supervision.mode, supervision.started_at,
    supervisor.id as supervisor_id, supervisor.login as supervisor,
    operator.id as operator_id, operator.login as operator
from supervision
join operator as supervisor on supervisor.id = supervision.supervisor_id
join operator on operator.id = supervision.operator_id
where supervision.ended_at is null and operator.floor_id = $1;

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
