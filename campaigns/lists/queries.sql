-- Import of lists. One transaction: COPY of what is new, then what touches other contacts.

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
-- Table for rows that update contacts the list has, until the end of the transaction.
CREATE TEMPORARY TABLE list_import_row (
    line       bigint NOT NULL,
    name       text   NOT NULL,
    company    text   NOT NULL,
    time_zone  text,
    region     text,
    attributes text   NOT NULL
) ON COMMIT DROP;

-- name: stage_phones
-- Table for the good phones of those rows, with their zone set.
CREATE TEMPORARY TABLE list_import_phone (
    line        bigint   NOT NULL,
    position    smallint NOT NULL,
    e164        text     NOT NULL,
    zone_set_id smallint
) ON COMMIT DROP;

-- name: stage_left
-- Table for the phones of the file that do not go in. owner: the contact that the rest of their row
-- made, else minus the row's line. in_list: the list had them before.
CREATE TEMPORARY TABLE list_import_left (
    owner   bigint  NOT NULL,
    e164    text    NOT NULL,
    in_list boolean NOT NULL
) ON COMMIT DROP;

-- name: stage_known
-- Table for phones of rows that update, with the contact that the list has.
CREATE TEMPORARY TABLE list_import_known (
    e164       text   NOT NULL,
    contact_id bigint NOT NULL
) ON COMMIT DROP;

-- name: stage_wishes
-- Table for what rows say of leads (priority, an operator's id), once for each phone.
CREATE TEMPORARY TABLE list_import_wish (
    line     bigint NOT NULL,
    e164     text   NOT NULL,
    priority integer,
    owner_id bigint
) ON COMMIT DROP;

-- name: nothing_elsewhere
-- Table for phones of the file that other lists have, where none are looked for.
CREATE TEMPORARY TABLE list_import_elsewhere (
    e164       text   NOT NULL,
    contact_id bigint NOT NULL
) ON COMMIT DROP;

-- name: analyze_rows
-- Tell the planner how many rows were staged.
ANALYZE list_import_row (line);

-- name: analyze_phones
-- Tell the planner how many phones were staged.
ANALYZE list_import_phone (line, e164);

-- name: analyze_wishes
-- Tell the planner how many there are.
ANALYZE list_import_wish (line, e164);

-- name: make_list
-- Make the list or take the one of that name; from here one import at a time goes on with it. No
-- key is set, so a campaign may take the list meanwhile.
INSERT INTO list (floor_id, name, source) VALUES ($1, $2, $3)
ON CONFLICT (floor_id, name) DO UPDATE SET source = list.source
RETURNING id, xmax = 0 AS is_new;  -- what was there is locked by this transaction: xmax

-- name: lists_of_campaign
-- The lists of campaign $1.
SELECT list_id FROM campaign_list WHERE campaign_id = $1;

-- name: lists_of_floor
-- The lists of floor $1.
SELECT id FROM list WHERE floor_id = $1;

-- name: first_contact
-- A number below those of all contacts that this transaction makes.
SELECT nextval('contact_id_seq');

-- name: find_known
-- Which of the phones $2 list $1 has, and whose they are.
SELECT known.e164, known.contact_id
  FROM (SELECT e164 FROM unnest($2::text[]) AS told (e164) ORDER BY e164) AS told
  JOIN contact_phone AS known ON known.list_id = $1 AND known.e164 = told.e164;

-- name: draw_contacts
-- $1 numbers for new contacts.
SELECT nextval('contact_id_seq') FROM generate_series(1, $1::bigint);

-- name: note_known
-- Note the phones of rows that update which list $1 had before: contacts below $2.
INSERT INTO list_import_known (e164, contact_id)
SELECT known.e164, known.contact_id
  FROM (SELECT DISTINCT e164 FROM list_import_phone ORDER BY e164) AS staged
  JOIN contact_phone AS known ON known.list_id = $1 AND known.e164 = staged.e164
 WHERE known.contact_id < $2;

-- name: choose_way
-- How $1 phones are looked for in $2 lists: each by itself, or all in one go through the table. The
-- planner knows nothing yet of a list that was just loaded. One such look takes as long as some
-- three phones of the table.
SELECT set_config('enable_nestloop',
           CASE WHEN $1::bigint * $2::bigint * 3 > reltuples THEN 'off' ELSE 'on' END, true),
       set_config('max_parallel_workers_per_gather', '1', true)
  FROM pg_class WHERE oid = 'contact_phone'::regclass;

-- name: forget_way
-- The planner is free again.
SELECT set_config('enable_nestloop', 'on', true);

-- name: find_elsewhere
-- Note what list $1 has got by this file, contacts from $2 on, and lists $3 have too. Asked once for
-- the whole file: lists of many millions of phones are gone through once, by more than one process
-- (an INSERT would do it alone).
CREATE TEMPORARY TABLE list_import_elsewhere ON COMMIT DROP AS
SELECT mine.e164, other.contact_id
  FROM contact_phone AS mine JOIN contact_phone AS other ON other.e164 = mine.e164
 WHERE mine.list_id = $1 AND mine.contact_id >= $2 AND other.list_id = ANY ($3::bigint[]);

-- name: find_staged_elsewhere
-- The same for the phones of rows that update.
INSERT INTO list_import_elsewhere (e164, contact_id)
SELECT staged.e164, other.contact_id
  FROM (SELECT DISTINCT e164 FROM list_import_phone) AS staged
  JOIN contact_phone AS other ON other.e164 = staged.e164 AND other.list_id = ANY ($1::bigint[]);

-- name: forget_older
-- Only contacts of the last $1 days count elsewhere.
DELETE FROM list_import_elsewhere AS known
 WHERE NOT EXISTS (
       SELECT FROM contact
        WHERE contact.id = known.contact_id
          AND contact.created_at >= now() - $1::integer * interval '1 day');

-- name: withdraw_phones
-- Take what is known elsewhere out of list $1 again, contacts from $2 on.
WITH gone AS (
    DELETE FROM contact_phone
     WHERE list_id = $1 AND contact_id >= $2
       -- An array: of a join with a list just loaded the planner expects few phones, and reads all.
       AND e164 = ANY (ARRAY(SELECT DISTINCT e164 FROM list_import_elsewhere))
    RETURNING contact_id, e164
), left_out AS (
    INSERT INTO list_import_left (owner, e164, in_list) SELECT contact_id, e164, FALSE FROM gone
)
SELECT count(*) FROM gone;

-- name: withdraw_contacts
-- Take out contacts that have no phone any more.
WITH gone AS (
    DELETE FROM contact
     WHERE id IN (SELECT owner FROM list_import_left WHERE owner > 0)
       AND NOT EXISTS (SELECT FROM contact_phone AS own WHERE own.contact_id = contact.id)
    RETURNING id
)
SELECT count(*) FROM gone;

-- name: close_gaps
-- Number the phones that are left to contacts which lost some.
WITH moved AS (
    DELETE FROM contact_phone AS own
     USING (SELECT DISTINCT owner FROM list_import_left JOIN list_import_elsewhere USING (e164)
             WHERE owner > 0) AS loser
     WHERE own.contact_id = loser.owner
    RETURNING own.*
)
INSERT INTO contact_phone (contact_id, list_id, position, e164, zone_set_id)
SELECT contact_id, list_id, row_number() OVER (PARTITION BY contact_id ORDER BY position) - 1, e164,
       zone_set_id
  FROM moved;  -- the window has read (and so taken away) all of them before it numbers the first

-- name: update_contacts
-- Give known contacts of the list what their (last) rows say; empty cells change nothing.
WITH target AS (
    SELECT DISTINCT ON (known.contact_id) known.contact_id, staged.*
      FROM list_import_phone AS phone
      JOIN list_import_known AS known ON known.e164 = phone.e164
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
-- Give known contacts of list $1 the other phones of their rows, but those known elsewhere.
WITH target AS (
    SELECT phone.line, min(known.contact_id) AS contact_id
      FROM list_import_phone AS phone
      JOIN list_import_known AS known ON known.e164 = phone.e164
     GROUP BY phone.line
), extra AS (
    SELECT DISTINCT ON (staged.e164) target.contact_id, staged.line, staged.position, staged.e164,
           staged.zone_set_id
      FROM list_import_phone AS staged JOIN target USING (line)
     WHERE NOT EXISTS (SELECT FROM list_import_elsewhere AS known WHERE known.e164 = staged.e164)
       AND NOT EXISTS (SELECT FROM contact_phone AS known
                        WHERE known.list_id = $1 AND known.e164 = staged.e164)
     ORDER BY staged.e164, staged.line, staged.position
)
INSERT INTO contact_phone (contact_id, list_id, position, e164, zone_set_id)
SELECT contact_id, $1,
       (SELECT max(own.position) FROM contact_phone AS own
         WHERE own.contact_id = extra.contact_id)
       + row_number() OVER (PARTITION BY contact_id ORDER BY line, position),
       e164, zone_set_id
  FROM extra
RETURNING contact_id;

-- name: wish_contacts
-- Keep what rows say of leads with contacts of list $1: those of the file, from $2 on, by their first
-- row; if $3, known ones by their last, empty cells change nothing. Returns what is new of known ones.
WITH told AS (
    SELECT DISTINCT ON (contact_id) contact_id, wish.priority, wish.owner_id
      FROM list_import_wish AS wish
      JOIN contact_phone AS own ON own.list_id = $1 AND own.e164 = wish.e164
     WHERE $3 OR contact_id >= $2
     ORDER BY contact_id, CASE WHEN contact_id >= $2 THEN line ELSE -line END
), fresh AS (
    SELECT contact_id, nullif(told.priority, contact.lead_priority) AS priority,
           nullif(told.owner_id, contact.lead_owner_id) AS owner_id
      FROM told JOIN contact ON contact.id = contact_id
), kept AS (
    UPDATE contact
       SET lead_priority = coalesce(fresh.priority, contact.lead_priority),
           lead_owner_id = coalesce(fresh.owner_id, contact.lead_owner_id)
      FROM fresh
     WHERE contact.id = fresh.contact_id
       AND (fresh.priority IS NOT NULL OR fresh.owner_id IS NOT NULL)
    RETURNING contact.id, fresh.priority, fresh.owner_id
)
SELECT id, priority, owner_id FROM kept WHERE id < $2;

-- name: wish_leads
-- Give the leads of contacts $1 the priorities $2 and the owners $3 (null: as it is); counts those
-- that were changed. What was prepared of them is forgotten, and who waited for an owner is asked
-- again.
WITH changed AS (
    UPDATE lead
       SET priority = coalesce(told.priority, lead.priority),
           owner_id = coalesce(told.owner_id, lead.owner_id),
           next_at = CASE WHEN blocked_by = 'owner_absent' THEN now() ELSE next_at END,
           blocked_by = nullif(blocked_by, 'owner_absent')
      FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS told (id, priority, owner_id)
     WHERE lead.contact_id = told.id
       AND (lead.priority <> told.priority OR lead.owner_id IS DISTINCT FROM told.owner_id
            AND told.owner_id IS NOT NULL)
    RETURNING lead.id
), forgotten AS (
    DELETE FROM ready WHERE claimed_fence IS NULL AND lead_id IN (SELECT id FROM changed)
)
SELECT count(*) FROM changed;

-- name: note_leads
-- Who changed leads by a file: $1, list $2, what became of it $3.
INSERT INTO audit (actor, action, subject, details) VALUES ($1, 'leads_set', $2, $3);

-- name: operators
-- Who works on floor $1.
SELECT id, login, full_name FROM operator WHERE floor_id = $1 AND removed_at IS NULL;

-- name: count_left
-- Rows that made no contact, by where their phones are known; the rest is in the file itself.
SELECT count(*) FILTER (WHERE in_list) AS in_list,
       count(*) FILTER (WHERE elsewhere AND NOT in_list) AS elsewhere,
       count(*) FILTER (WHERE NOT in_list AND NOT elsewhere) AS in_file
  FROM (SELECT bool_or(rest.in_list) AS in_list, bool_or(known.e164 IS NOT NULL) AS elsewhere
          FROM list_import_left AS rest
          LEFT JOIN (SELECT DISTINCT e164 FROM list_import_elsewhere) AS known USING (e164)
         WHERE NOT EXISTS (SELECT FROM contact WHERE contact.id = rest.owner)
         GROUP BY rest.owner) AS duplicate;

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
-- is known is not told twice, and one older than a withdrawal does not come back by a file. $6: who
-- brings the file.
INSERT INTO consent (floor_id, campaign_id, e164, source, evidence, given_at, added_by)
SELECT DISTINCT ON (told.e164, told.source, told.given_at)
    $1::bigint, NULL::bigint, told.e164, told.source, told.evidence, told.given_at, $6
FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS told (e164, source, evidence, given_at)
WHERE NOT EXISTS (
    SELECT FROM consent AS kept
    WHERE kept.floor_id = $1 AND kept.e164 = told.e164
        AND (kept.withdrawn_at >= told.given_at
            OR kept.campaign_id IS NULL AND kept.source = told.source
                AND kept.given_at = told.given_at))
RETURNING e164;

-- name: hold_list
-- A campaign that takes list $1 from here on waits, and sees what this import brings.
SELECT FROM list WHERE id = $1 FOR UPDATE;

-- name: make_leads
-- Contacts of list $1 from $2 on become leads of every campaign that has the list, but archived
-- ones; by the same rule as when a campaign takes a list: one lead for a number that stands in
-- several of its lists. Returns how many.
WITH made AS (
    INSERT INTO lead (campaign_id, contact_id, priority, owner_id)
    SELECT campaign.id, contact.id, coalesce(contact.lead_priority, 0), operator.id
      FROM campaign_list JOIN campaign ON campaign.id = campaign_list.campaign_id
      JOIN contact ON contact.list_id = campaign_list.list_id AND contact.id >= $2
      JOIN contact_phone AS mine ON mine.contact_id = contact.id AND mine.position = 0
      LEFT JOIN operator ON operator.id = contact.lead_owner_id AND operator.removed_at IS NULL
     WHERE campaign_list.list_id = $1 AND campaign.status <> 'archived'
       AND NOT EXISTS (
           SELECT FROM campaign_list AS others JOIN contact_phone AS other
               ON other.list_id = others.list_id AND other.e164 = mine.e164
            WHERE others.campaign_id = campaign.id AND other.position = 0
              AND other.contact_id < mine.contact_id)
     ORDER BY campaign.id, contact.id
        ON CONFLICT (campaign_id, contact_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM made;
