-- A callback knows its list, which never changes: a year's callbacks by list looked up lead and contact
-- of each.

alter table callback add column list_id bigint;
update callback set list_id = contact.list_id
from lead join contact on contact.id = lead.contact_id where lead.id = callback.lead_id;

create function callback_of_list() returns trigger language plpgsql as $$
begin
    new.list_id := (select contact.list_id from lead join contact on contact.id = lead.contact_id
        where lead.id = new.lead_id);
    return new;
end $$;
create trigger callback_added before insert on callback
    for each row execute function callback_of_list();
