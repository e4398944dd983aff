-- What keeps phones and their contacts together, at the price of a statement and not of a row.

-- Nothing ever asked for the id of a phone.
alter table contact_phone
    drop column id,
    drop constraint contact_phone_contact_id_position_key,
    add primary key (contact_id, position),
    drop constraint contact_phone_contact;

-- A foreign key asks for every row by itself: a third of the time of an import of a million.
alter table contact drop constraint contact_list_id_fkey;

create function contact_added() returns trigger language plpgsql as $$
begin
    -- Nobody removes one of these lists before we are through.
    perform from list where id in (select list_id from added) for key share;
    if exists (select from added where not exists (select from list where id = added.list_id)) then
        raise foreign_key_violation using
            message = 'a contact belongs to a list',
            table = 'contact', constraint = 'contact_list_id_fkey';
    end if;
    return null;
end $$;
create trigger contact_added after insert on contact
    referencing new table as added for each statement execute function contact_added();

-- A list's contacts go with it.
create function list_removed() returns trigger language plpgsql as $$
begin
    delete from contact using removed where contact.list_id = removed.id;
    return null;
end $$;
create trigger list_removed after delete on list
    referencing old table as removed for each statement execute function list_removed();

create function contact_phone_added() returns trigger language plpgsql as $$
begin
    -- Nobody removes one of these lists (and by that its contacts) before we are through.
    perform from list where id in (select list_id from added) for key share;
    if exists (
        select from added left join contact
            on contact.id = added.contact_id and contact.list_id = added.list_id
        where contact.id is null)
    then
        raise foreign_key_violation using
            message = 'a phone belongs to a contact of its own list',
            table = 'contact_phone', constraint = 'contact_phone_contact';
    end if;
    return null;
end $$;
create trigger contact_phone_added after insert on contact_phone
    referencing new table as added for each statement execute function contact_phone_added();

create function contact_phone_moved() returns trigger language plpgsql as $$
begin
    raise foreign_key_violation using
        message = 'a phone stays with its contact',
        table = 'contact_phone', constraint = 'contact_phone_contact';
end $$;
create trigger contact_phone_moved before update on contact_phone
    for each row when ((old.contact_id, old.list_id) is distinct from (new.contact_id, new.list_id))
    execute function contact_phone_moved();

create trigger contact_moved before update on contact
    for each row when ((old.id, old.list_id) is distinct from (new.id, new.list_id))
    execute function contact_phone_moved();

-- A contact's phones go with it.
create function contact_removed() returns trigger language plpgsql as $$
begin
    delete from contact_phone using removed where contact_phone.contact_id = removed.id;
    return null;
end $$;
create trigger contact_removed after delete on contact
    referencing old table as removed for each statement execute function contact_removed();
