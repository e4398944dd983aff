-- The same check as before, in the order of the contacts: phones are stored in the order of their
-- own key, and a contact far from the last one for each of a million costs more than a sort.
create or replace function contact_phone_added() returns trigger language plpgsql as $$
begin
    -- Nobody removes one of these lists (and by that its contacts) before we are through.
    perform from list where id in (select list_id from added) for key share;
    if exists (
        select from (select distinct contact_id, list_id from added order by contact_id) as owner
        left join contact on contact.id = owner.contact_id and contact.list_id = owner.list_id
        where contact.id is null)
    then
        raise foreign_key_violation using
            message = 'a phone belongs to a contact of its own list',
            table = 'contact_phone', constraint = 'contact_phone_contact';
    end if;
    return null;
end $$;
