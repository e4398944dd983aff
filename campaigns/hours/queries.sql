-- Calendars that a floor imported.

-- name: imports
-- Imports of a floor, oldest first.
select name, document, imported_at, imported_by from calendar_import where floor_id = $1 order by id

-- name: add
-- A calendar, or some years of it.
insert into calendar_import (floor_id, name, document, imported_by) values ($1, $2, $3, $4)

-- name: note
-- Privileged actions are kept.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4)
