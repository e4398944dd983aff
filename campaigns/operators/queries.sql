-- Staff: who works on a floor.

-- name: add_operator
-- A new operator; no row when the login is taken, on whatever floor.
insert into operator (floor_id, login, full_name, stage, skills, phone_ha1)
values ($1, $2, $3, $4, $5, $6)
on conflict (login) where removed_at is null do nothing
returning id;

-- name: operators
-- The staff of floor $1 by login, with their open shifts.
select operator.login, operator.full_name, operator.stage, operator.skills, operator.team,
    operator.created_at, shift.started_at as signed_in_at, operator.role, operator.phone_kind,
    operator.phone_mode, operator.phone_number
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
-- Phones the node should have, with their kind; a browser phone only while its login lives.
-- A login that was used before may still have the old phone there; so may one of another kind.
select operator.login, operator.phone_kind,
    case operator.phone_kind when 'browser' then browser_phone.ha1 else operator.phone_ha1 end
        as phone_ha1,
    operator.phone_kind <> 'sip' or exists (
        select from operator as former
        where former.login = operator.login and former.removed_at is not null) as push
from operator left join browser_phone
    on browser_phone.operator_id = operator.id and browser_phone.ended_at is null
where operator.floor_id = $1 and operator.removed_at is null
    and (operator.phone_kind <> 'browser' or browser_phone.expires_at > now())
order by operator.login;

-- name: former_logins
-- Which of the logins $1 belonged to people who have left, and belong to nobody now.
select distinct former.login from operator as former
where former.login = any($1::text[]) and former.removed_at is not null
    and not exists (select from operator as present
                    where present.login = former.login and present.removed_at is null)
order by former.login;

-- name: set_role
-- Makes somebody on the staff a supervisor, or an operator only.
update operator set role = $3
where floor_id = $1 and login = $2 and removed_at is null
returning id;

-- name: set_team
-- Puts somebody on the staff into a team; an empty one is none.
update operator set team = $3
where floor_id = $1 and login = $2 and removed_at is null
returning id;

-- name: set_phone_kind
-- Which phone somebody uses; the SIP password stays what it was.
update operator set phone_kind = $3
where floor_id = $1 and login = $2 and removed_at is null
returning id, phone_ha1;

-- name: set_phone
-- How somebody's phone is called, and the outside number, if it is one; whether they are at work.
update operator set phone_mode = $3, phone_number = $4
where floor_id = $1 and login = $2 and removed_at is null
returning exists (select from shift where operator_id = operator.id and ended_at is null)
    as signed_in;

-- name: phone_of
-- How somebody's phone is called now.
select phone_mode, phone_number from operator
where floor_id = $1 and login = $2 and removed_at is null;

-- name: outside_phones
-- Who of the floor named $1 is called at an outside number.
select operator.login, operator.phone_number
from operator join floor on floor.id = operator.floor_id
where floor.name = $1 and operator.removed_at is null and operator.phone_number is not null
order by operator.login;

-- name: use_browser
-- The operator's phone is a browser from now on; locked, so that two logins come in turn.
update operator set phone_kind = 'browser'
where floor_id = $1 and login = $2 and removed_at is null
returning id;

-- name: add_browser_login
-- A login of a browser phone, until $4.
insert into browser_phone (operator_id, ha1, issued_by, expires_at) values ($1, $2, $3, $4);

-- name: end_browser_login
-- The login that an operator's browser has now is over.
update browser_phone set ended_at = now() where operator_id = $1 and ended_at is null;

-- name: browser_login
-- What the operator's browser must know at time $3.
select browser_phone.ha1
from browser_phone join operator on operator.id = browser_phone.operator_id
where operator.floor_id = $1 and operator.login = $2 and operator.removed_at is null
    and operator.phone_kind = 'browser'
    and browser_phone.ended_at is null and browser_phone.expires_at > $3;

-- name: expired_browser_logins
-- Logins whose time is over and whose phone may still be on the node.
select browser_phone.id, operator.login
from browser_phone join operator on operator.id = browser_phone.operator_id
where operator.floor_id = $1 and browser_phone.ended_at is null
    and browser_phone.expires_at <= $2 and operator.phone_kind = 'browser'
order by browser_phone.id;

-- name: end_expired_login
-- Its phone is gone from the node; no row when it was renewed meanwhile.
update browser_phone set ended_at = now() where id = $1 and ended_at is null returning id;

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
