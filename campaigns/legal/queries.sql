-- Legal profiles that a floor defined itself.

-- name: own_versions
-- The floor's definitions of its own profile, oldest first.
select version, definition, defined_at, defined_by from legal_profile where floor_id = $1 order by version

-- name: lock_floor
-- One definition at a time.
select id from floor where id = $1 for update

-- name: define_own
-- A new version of the floor's own profile.
insert into legal_profile (floor_id, version, definition, defined_by) values ($1, $2, $3, $4)

-- name: note
-- Privileged actions are kept.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4)
