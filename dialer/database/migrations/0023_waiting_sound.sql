-- What a person of a campaign hears who waits for an operator.

alter table campaign add column waiting_sound text      -- null: as the floor's settings say
    check (waiting_sound in ('ring', 'music', 'silence'));
