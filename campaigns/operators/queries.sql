-- Staff: who works on a floor.

-- name: add_operator
-- A new operator; no row when the login is taken, on whatever floor.
insert into operator (floor_id, login, full_name, stage, skills, phone_ha1)
values ($1, $2, $3, $4, $5, $6)
on conflict (login) where removed_at is null do nothing
returning id;

-- name: operators
-- The staff of floor $1 by login, with their open shifts.
select operator.login, operator.full_name, operator.stage, operator.skills, operator.created_at,
    shift.started_at as signed_in_at
from operator left join shift on shift.operator_id = operator.id and shift.ended_at is null
where operator.floor_id = $1 and operator.removed_at is null
order by operator.login;

-- name: find_operator
-- The operator with login $2 of floor $1, locked, and since when the shift is open.
select operator.id,
    (select started_at from shift
     where shift.operator_id = operator.id and shift.ended_at is null) as signed_in_at
from operator
where operator.floor_id = $1 and operator.login = $2 and operator.removed_at is null
for update of operator;

-- name: remove_operator
-- Takes an operator who is not signed in off the staff; what was done stays.
update operator set removed_at = now()
where id = $1 and removed_at is null
    and not exists (select from shift where operator_id = $1 and ended_at is null)
returning id;

-- name: phones
-- Phones the node should have. A login that was used before may still have the old phone there.
select operator.login, operator.phone_ha1,
    exists (select from operator as former
            where former.login = operator.login and former.removed_at is not null) as used_before
from operator
where operator.floor_id = $1 and operator.removed_at is null
order by operator.login;

-- name: former_logins
-- Which of the logins $1 belonged to people who have left, and belong to nobody now.
select distinct former.login from operator as former
where former.login = any($1::text[]) and former.removed_at is not null
    and not exists (select from operator as present
                    where present.login = former.login and present.removed_at is null)
order by former.login;

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
