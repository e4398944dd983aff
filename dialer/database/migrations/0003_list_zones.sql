-- Where a contact is (for calling hours), and looking a phone up in all lists.

alter table contact add column region text;  -- as the file has it, for people and for hours

-- Every set of time zones that a phone's first digits leave open. A phone may be called only when
-- it is inside the hours in all of them, unless the contact's own zone or region is known.
create table zone_set (
    id    smallint generated always as identity primary key,
    zones text[] not null unique check (cardinality(zones) > 0)  -- IANA names, sorted
);

-- Null: nothing is known. No foreign key: sets are never removed, and a check for each of
-- millions of rows costs more than the whole rest of an import.
alter table contact_phone add column zone_set_id smallint;

-- A phone's list is its contact's, held by one key instead of two.
alter table contact add constraint contact_of_list unique (list_id, id);
drop index contact_list;
alter table contact_phone
    drop constraint contact_phone_list_id_fkey,
    drop constraint contact_phone_contact_id_fkey,
    add constraint contact_phone_contact foreign key (list_id, contact_id)
        references contact (list_id, id) on delete cascade;

-- By phone first: the same phone is looked for in one list, in a campaign's lists, in all of them.
alter table contact_phone
    drop constraint contact_phone_list_id_e164_key,
    add constraint contact_phone_of_list unique (e164, list_id);
