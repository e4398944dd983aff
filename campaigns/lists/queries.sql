-- Import of lists. One transaction: stage by COPY, then merge what is new.

-- name: allow_long_work
-- Give this transaction's statements, and the reading between them, $1 milliseconds each.
SELECT set_config('statement_timeout', $1, true),
       set_config('idle_in_transaction_session_timeout', $1, true),
       set_config('work_mem', '64MB', true), set_config('jit', 'off', true);

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

-- name: stage_taken
-- Table for the phones of all parts of the file that go in, until the end of the file.
CREATE TEMPORARY TABLE list_import_taken (
    contact_id bigint   NOT NULL,
    position   smallint NOT NULL,
    e164       text     NOT NULL,
    zones      smallint
) ON COMMIT DROP;

-- name: stage_new
-- Table for the phones of a part of the file that go in, with the contact they belong to.
CREATE TEMPORARY TABLE list_import_new (
    line       bigint   NOT NULL,
    contact_id bigint   NOT NULL,
    position   smallint NOT NULL,
    e164       text     NOT NULL,
    zones      smallint
) ON COMMIT DROP;

-- name: stage_known
-- Table for staged phones that are known already: in the list itself, or elsewhere.
CREATE TEMPORARY TABLE list_import_known (
    e164       text    NOT NULL,
    in_list    boolean NOT NULL,
    contact_id bigint  NOT NULL
) ON COMMIT DROP;

-- name: analyze_rows
-- Tell the planner how many rows were staged.
ANALYZE list_import_row (line);

-- name: analyze_phones
-- Tell the planner how many phones were staged.
ANALYZE list_import_phone (line, e164);

-- name: analyze_new
-- Tell the planner how many of them go in.
ANALYZE list_import_new (line, position);

-- name: clear_stage
-- Make room for the next part of the file.
TRUNCATE list_import_row, list_import_phone, list_import_new, list_import_known;

-- name: make_list
-- Make the list or take the one of that name; from here one import at a time goes on with it. No
-- key is set, so a campaign may take the list meanwhile.
INSERT INTO list (floor_id, name, source) VALUES ($1, $2, $3)
ON CONFLICT (floor_id, name) DO UPDATE SET source = list.source
RETURNING id;

-- name: lists_of_campaign
-- The lists of campaign $1.
SELECT list_id FROM campaign_list WHERE campaign_id = $1;

-- name: lists_of_floor
-- The lists of floor $1.
SELECT id FROM list WHERE floor_id = $1;

-- name: find_known
-- Note the staged phones that list $1 has and those that lists $2 have, with their contacts; of
-- the latter, where $3 is given, only contacts of the last $3 days.
INSERT INTO list_import_known (e164, in_list, contact_id)
SELECT known.e164, known.list_id = $1, known.contact_id
  FROM (SELECT e164 FROM list_import_phone ORDER BY e164) AS staged
  JOIN contact_phone AS known ON known.e164 = staged.e164
 WHERE known.list_id = $1
    OR (known.list_id = ANY ($2::bigint[])
        AND ($3::integer IS NULL OR EXISTS (
             SELECT FROM contact
              WHERE contact.id = known.contact_id
                AND contact.created_at >= now() - $3 * interval '1 day')));

-- name: analyze_known
-- Tell the planner how many of them there are.
ANALYZE list_import_known;

-- name: choose_new
-- Find the phones that go in (of equal ones the first line's) and number their contacts.
-- $1: phones known elsewhere go in too. $2: rows of a known contact update it, their phones wait.
WITH new_phone AS (
    SELECT DISTINCT ON (staged.e164) staged.line, staged.position, staged.e164, staged.zones
      FROM list_import_phone AS staged
     WHERE NOT EXISTS (  -- one join for both: two are taken to leave one row, and then loop
           SELECT FROM (SELECT e164 FROM list_import_known WHERE in_list OR NOT $1::boolean
                        UNION ALL SELECT e164 FROM list_import_taken) AS gone
            WHERE gone.e164 = staged.e164)
       AND NOT ($2::boolean AND EXISTS (
           SELECT FROM list_import_phone AS other
             JOIN list_import_known AS known ON known.e164 = other.e164 AND known.in_list
            WHERE other.line = staged.line))
     ORDER BY staged.e164, staged.line, staged.position
), numbered AS (
    SELECT line, row_number() OVER (PARTITION BY line ORDER BY position) - 1 AS position, e164,
           zones
      FROM new_phone
)
INSERT INTO list_import_new (line, contact_id, position, e164, zones)
SELECT line,
       CASE position WHEN 0 THEN nextval('contact_id_seq') ELSE currval('contact_id_seq') END,
       position, e164, zones
  FROM numbered;  -- by line and position, as the window has sorted them

-- name: update_contacts
-- Give known contacts of the list what their (last) rows say; empty cells change nothing.
WITH target AS (
    SELECT DISTINCT ON (known.contact_id) known.contact_id, staged.*
      FROM list_import_phone AS phone
      JOIN list_import_known AS known ON known.e164 = phone.e164 AND known.in_list
      JOIN list_import_row AS staged ON staged.line = phone.line
     ORDER BY known.contact_id, staged.line DESC
)
UPDATE contact
   SET name = coalesce(nullif(target.name, ''), contact.name),
       company = coalesce(nullif(target.company, ''), contact.company),
       time_zone = coalesce(target.time_zone, contact.time_zone),
       region = coalesce(target.region, contact.region),
       attributes = contact.attributes || target.attributes::jsonb
  FROM target
 WHERE contact.id = target.contact_id
   AND (coalesce(nullif(target.name, ''), contact.name),
        coalesce(nullif(target.company, ''), contact.company),
        coalesce(target.time_zone, contact.time_zone),
        coalesce(target.region, contact.region),
        contact.attributes || target.attributes::jsonb)
       IS DISTINCT FROM
       (contact.name, contact.company, contact.time_zone, contact.region, contact.attributes)
RETURNING contact.id;

-- name: add_phones_of_known
-- Give known contacts of list $1 the other phones of their rows; $2 as for add_phones.
WITH target AS (
    SELECT phone.line, min(known.contact_id) AS contact_id
      FROM list_import_phone AS phone
      JOIN list_import_known AS known ON known.e164 = phone.e164 AND known.in_list
     GROUP BY phone.line
), extra AS (
    SELECT DISTINCT ON (staged.e164) target.contact_id, staged.line, staged.position, staged.e164,
           staged.zones
      FROM list_import_phone AS staged JOIN target USING (line)
     WHERE NOT EXISTS (SELECT FROM list_import_known AS known WHERE known.e164 = staged.e164)
       AND NOT EXISTS (SELECT FROM list_import_new AS new WHERE new.e164 = staged.e164)
     ORDER BY staged.e164, staged.line, staged.position
)
INSERT INTO contact_phone (contact_id, list_id, position, e164, zone_set_id)
SELECT contact_id, $1,
       (SELECT max(own.position) FROM contact_phone AS own
         WHERE own.contact_id = extra.contact_id)
       + row_number() OVER (PARTITION BY contact_id ORDER BY line, position),
       e164, ($2::smallint[])[zones]
  FROM extra
RETURNING contact_id;

-- name: count_merged
-- New contacts and phones of this part, and rows that made no contact, by where their phones are
-- known; the rest is in the file itself.
SELECT (SELECT count(*) FROM list_import_new WHERE position = 0) AS contacts,
       (SELECT count(*) FROM list_import_new) AS phones,
       count(*) FILTER (WHERE in_list) AS in_list,
       count(*) FILTER (WHERE elsewhere AND NOT in_list) AS elsewhere,
       count(*) FILTER (WHERE NOT in_list AND NOT elsewhere) AS in_file
  FROM (SELECT staged.line,
               coalesce(bool_or(known.in_list), false) AS in_list,
               coalesce(bool_or(NOT known.in_list), false) AS elsewhere
          FROM list_import_phone AS staged LEFT JOIN list_import_known AS known USING (e164)
         WHERE NOT EXISTS (SELECT FROM list_import_new AS new WHERE new.line = staged.line)
         GROUP BY staged.line) AS duplicate;

-- name: find_campaign
-- The id of the campaign named $2 of floor $1.
SELECT id FROM campaign WHERE floor_id = $1 AND name = $2;

-- name: save_mapping
-- Keep mapping $2 of floor $1: $3 is column name -> field.
INSERT INTO list_mapping (floor_id, name, columns) VALUES ($1, $2, $3)
ON CONFLICT (floor_id, name) DO UPDATE SET columns = excluded.columns, saved_at = now();

-- name: find_mapping
-- The mapping $2 of floor $1.
SELECT columns FROM list_mapping WHERE floor_id = $1 AND name = $2;

-- name: mappings
-- The saved mappings of floor $1.
SELECT name, columns, saved_at FROM list_mapping WHERE floor_id = $1 ORDER BY name;

-- name: add_contacts
-- Store the new contacts of list $1, in the order of the file.
INSERT INTO contact (id, list_id, name, company, time_zone, region, attributes)
       OVERRIDING SYSTEM VALUE
SELECT new.contact_id, $1, staged.name, staged.company, staged.time_zone, staged.region,
       staged.attributes::jsonb
  FROM list_import_row AS staged
  JOIN list_import_new AS new ON new.line = staged.line AND new.position = 0
 ORDER BY new.contact_id;

-- name: take_phones
-- Keep the phones of this part's new contacts until the end of the file.
INSERT INTO list_import_taken (contact_id, position, e164, zones)
SELECT contact_id, position, e164, zones FROM list_import_new;

-- name: analyze_taken
-- Tell the planner how many there are.
ANALYZE list_import_taken (e164);

-- name: add_phones
-- Store the phones of the new contacts of list $1; $2 are the ids of the zone sets by code. All
-- parts at once and in the order of the large key: of a key of many millions each page is then
-- read, logged and written once.
INSERT INTO contact_phone (contact_id, list_id, position, e164, zone_set_id)
SELECT contact_id, $1, position, e164, ($2::smallint[])[zones]
  FROM list_import_taken ORDER BY e164;

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

-- name: add_consents
-- Consents of floor $1 that a file tells: phones $2, sources $3, evidences $4, moments $5. One that
-- is known is not told twice, and one older than a withdrawal does not come back by a file.
INSERT INTO consent (floor_id, campaign_id, e164, source, evidence, given_at, added_by)
SELECT DISTINCT ON (told.e164, told.source, told.given_at)
    $1::bigint, NULL::bigint, told.e164, told.source, told.evidence, told.given_at, 'list import'
FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS told (e164, source, evidence, given_at)
WHERE NOT EXISTS (
    SELECT FROM consent AS kept
    WHERE kept.floor_id = $1 AND kept.e164 = told.e164
        AND (kept.withdrawn_at >= told.given_at
            OR kept.campaign_id IS NULL AND kept.source = told.source
                AND kept.given_at = told.given_at))
RETURNING e164;
