-- What a list says of a contact's leads: who comes first, whose they are. Leads made later begin with
-- it; null says nothing. Operators are never deleted, and a foreign key asks for every row of an
-- import by itself.

alter table contact
    add column lead_priority integer,
    add column lead_owner_id bigint;
