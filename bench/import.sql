-- What bench/import.py fills its database with.

-- name: is_seeded
-- Whether a former run left its lists.
select exists (select from floor);

-- name: again
-- Take away what a former run imported.
delete from list where name = 'new';

-- name: floor
-- A floor with ten lists.
with made as (insert into floor (name) values ('main') returning id)
insert into list (floor_id, name) select made.id, 'list ' || number
from made, generate_series(1, 10) as number;

-- name: loosen
-- Without keys rows are added faster.
alter table contact_phone
    disable trigger all,
    drop constraint contact_phone_of_list,
    drop constraint contact_phone_pkey;

-- name: contacts
-- $1 contacts, in turn of the ten lists.
insert into contact (list_id, name, company)
select 1 + number % 10, 'name ' || number, 'company ' || number
from generate_series(1, $1::bigint) as number;

-- name: phones
-- Their phones: different Russian mobile numbers, in no order.
insert into contact_phone (contact_id, list_id, position, e164, zone_set_id)
select id, list_id, 0, '+79' || lpad((id * 7919 % 1000000000)::text, 9, '0'), 1 from contact
where id <= $1::bigint;

-- name: tighten
-- All keys again.
alter table contact_phone
    add primary key (contact_id, position),
    add constraint contact_phone_of_list unique (list_id, e164),
    enable trigger all;

-- name: vacuum_contact
-- As it is on a server that has run for a while.
vacuum analyze contact;

-- name: vacuum_phone
-- The same.
vacuum analyze contact_phone;

-- name: checkpoint
-- Or the measured work pays for what was written before.
checkpoint;

-- name: bare
-- A table of eight texts.
drop table if exists bare;
create table bare (a text, b text, c text, d text, e text, f text, g text, h text);
