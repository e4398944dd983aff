-- What scripts may say of contacts.

-- name: attributes
-- Columns that the lists $2 of floor $1 have besides the known ones (of their newest contacts).
select distinct key from list
cross join lateral (
    select attributes from contact where list_id = list.id order by id desc limit 200
) as newest, jsonb_object_keys(newest.attributes) as key
where list.floor_id = $1 and list.name = any($2::text[]);
