-- Parts of conversations: who talked with a person, from when to when, and how it came and went.

-- name: part_began
-- An operator's part of a conversation begins, unless it is open already.
insert into conversation_part (attempt_id, operator_id, shift_id, began_at, began_by)
select $1, $2, $3, $4::timestamptz, $5
where not exists (
    select from conversation_part where attempt_id = $1 and operator_id = $2 and ended_at is null)
on conflict do nothing

-- name: part_ended
-- An operator's part ends; the first end counts.
update conversation_part set ended_at = greatest($3::timestamptz, began_at), ended_by = $4
where attempt_id = $1 and operator_id = $2 and ended_at is null

-- name: parts_ended
-- The person's call is over, and with it every part that was still open.
update conversation_part set ended_at = greatest($2::timestamptz, began_at), ended_by = $3
where attempt_id = $1 and ended_at is null

-- name: parts
-- The parts of one conversation in order.
select o.login, p.began_at, p.began_by, p.ended_at, p.ended_by
from conversation_part p join operator o on o.id = p.operator_id
where p.attempt_id = $1 order by p.began_at, o.login

-- name: group_members
-- Operators of a stage or with a skill.
select login from operator
where floor_id = $1 and removed_at is null and (stage = $2 or $3 = any(skills))

-- name: operator_by_number
-- Which operator a number dialed on a phone means.
select login from operator where floor_id = $1 and id = $2 and removed_at is null

-- name: forbidden_number
-- Whether do-not-call forbids a number to a campaign, now.
select is_forbidden($2, $1, $3, now())

-- name: client_number
-- Where the contacts of the floor are that have the number, and whether campaign $3 has consent for
-- it at $4; nothing for a number that is of no list.
select distinct c.time_zone, c.region, has_consent($1, $2, $3, $4) as consent
from contact_phone p join list l on l.id = p.list_id join contact c on c.id = p.contact_id
where l.floor_id = $2 and p.e164 = $1

-- name: handed_over
-- Another operator has the person now: the attempt is theirs.
update attempt set operator_id = $2, shift_id = $3 where id = $1 and outcome is null
