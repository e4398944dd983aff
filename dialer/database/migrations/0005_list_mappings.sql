-- Saved column mappings; phones of one list stay together.

create table list_mapping (
    floor_id bigint not null references floor,
    name     text not null check (name ~ '\S'),
    columns  jsonb not null check (jsonb_typeof(columns) = 'object'),  -- column name -> field
    saved_at timestamptz not null default now(),
    primary key (floor_id, name)
);

-- By list first: a new list's phones go to one end of the index. By phone first, an import of a
-- million rewrites (and logs, whole) nearly every page of the index of ten million.
-- One phone in all lists is found by way of the floor's lists.
alter table contact_phone
    drop constraint contact_phone_of_list,
    add constraint contact_phone_of_list unique (list_id, e164);
