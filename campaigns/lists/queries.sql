-- Import of lists. One transaction: stage by COPY, then merge what is new.

-- name: allow_long_work
-- Give this transaction's statements, and the reading between them, $1 milliseconds each.
SELECT set_config('statement_timeout', $1, true),
       set_config('idle_in_transaction_session_timeout', $1, true),
       set_config('work_mem', '64MB', true);

-- name: find_floor
-- The id of the floor named $1.
SELECT id FROM floor WHERE name = $1;

-- name: find_list
-- The id of the list named $2 of floor $1.
SELECT id FROM list WHERE floor_id = $1 AND name = $2;

-- name: stage_rows
-- Table for rows of the file with a good phone, until the end of the transaction.
CREATE TEMPORARY TABLE list_import_row (
    line       bigint NOT NULL,
    name       text   NOT NULL,
    company    text   NOT NULL,
    time_zone  text,
    region     text,
    attributes text   NOT NULL
) ON COMMIT DROP;

-- name: stage_phones
-- Table for the good phones of those rows.
CREATE TEMPORARY TABLE list_import_phone (
    line     bigint   NOT NULL,
    position smallint NOT NULL,
    e164     text     NOT NULL,
    zones    smallint
) ON COMMIT DROP;

-- name: stage_new
-- Table for the phones that the list does not have yet, with the contact they belong to.
CREATE TEMPORARY TABLE list_import_new (
    line       bigint   NOT NULL,
    contact_id bigint   NOT NULL,
    position   smallint NOT NULL,
    e164       text     NOT NULL,
    zones      smallint
) ON COMMIT DROP;

-- name: analyze_rows
-- Tell the planner how many rows were staged.
ANALYZE list_import_row;

-- name: analyze_phones
-- Tell the planner how many phones were staged.
ANALYZE list_import_phone;

-- name: make_list
-- Make the list or take the one of that name; from here one import at a time goes on with it.
INSERT INTO list (floor_id, name, source) VALUES ($1, $2, $3)
ON CONFLICT (floor_id, name) DO UPDATE SET name = excluded.name
RETURNING id;

-- name: choose_new
-- Find the phones new to list $1 (of equal ones the first line's) and number their contacts.
WITH new_phone AS (
    SELECT DISTINCT ON (staged.e164) staged.line, staged.position, staged.e164, staged.zones
      FROM list_import_phone AS staged
     WHERE NOT EXISTS (
           SELECT FROM contact_phone AS known
            WHERE known.list_id = $1 AND known.e164 = staged.e164)
     ORDER BY staged.e164, staged.line, staged.position
), new_contact AS (
    SELECT line, nextval(pg_get_serial_sequence('contact', 'id')) AS id
      FROM (SELECT DISTINCT line FROM new_phone ORDER BY line) AS new_line
)
INSERT INTO list_import_new (line, contact_id, position, e164, zones)
SELECT line, new_contact.id,
       row_number() OVER (PARTITION BY line ORDER BY new_phone.position) - 1, new_phone.e164,
       new_phone.zones
  FROM new_phone JOIN new_contact USING (line);

-- name: count_new
-- How many contacts and phones are new.
SELECT count(DISTINCT line) AS contacts, count(*) AS phones FROM list_import_new;

-- name: add_contacts
-- Store the new contacts of list $1, in the order of the file.
INSERT INTO contact (id, list_id, name, company, time_zone, region, attributes)
       OVERRIDING SYSTEM VALUE
SELECT new.contact_id, $1, staged.name, staged.company, staged.time_zone, staged.region,
       staged.attributes::jsonb
  FROM list_import_row AS staged
  JOIN (SELECT DISTINCT line, contact_id FROM list_import_new) AS new USING (line)
 ORDER BY staged.line;

-- name: add_phones
-- Store the phones of the new contacts of list $1; $2 are the ids of the zone sets by code.
INSERT INTO contact_phone (contact_id, list_id, position, e164, zone_set_id)
SELECT contact_id, $1, position, e164, ($2::smallint[])[zones]
  FROM list_import_new ORDER BY line, position;

-- name: zone_sets
-- The sets of zones that are known, each once.
SELECT id, zones FROM zone_set;

-- name: add_zone_sets
-- Make known the sets of zones $1 (each one a text of IANA names with commas).
INSERT INTO zone_set (zones) SELECT string_to_array(new_set, ',') FROM unnest($1::text[]) AS new_set
ON CONFLICT DO NOTHING;

-- name: lists
-- The lists of the floor named $1 with what they hold, newest first.
SELECT list.id, list.name, list.source, list.imported_at,
       (SELECT count(*) FROM contact WHERE contact.list_id = list.id) AS contacts,
       (SELECT count(*) FROM contact_phone WHERE contact_phone.list_id = list.id) AS phones
  FROM list JOIN floor ON floor.id = list.floor_id
 WHERE floor.name = $1
 ORDER BY list.imported_at DESC, list.id DESC;
