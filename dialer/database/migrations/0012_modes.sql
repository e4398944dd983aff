-- Modes in which a person decides every dial, and broadcast; what an operator's phone is.

alter table campaign drop constraint campaign_mode_check;
alter table campaign add constraint campaign_mode_check
    check (mode in ('manual', 'preview', 'progressive', 'predictive', 'broadcast'));
alter table campaign
    add column preview_limit_s double precision not null default 60
        check (preview_limit_s between 5 and 3600),
    add column preview_at_limit text not null default 'skip'    -- what happens at that limit
        check (preview_at_limit in ('dial', 'skip', 'pause'));

-- The campaign's mode when the call was placed: it keeps that mode's promise to the end.
alter table attempt add column mode text not null default 'progressive'
    check (mode in ('manual', 'preview', 'progressive', 'predictive', 'broadcast'));

-- An operator read a lead's card and did not dial.
create table skip (
    id          uuid primary key,
    campaign_id bigint not null references campaign on delete cascade,
    lead_id     bigint not null references lead on delete cascade,
    operator_id bigint not null references operator,
    at          timestamptz not null,
    reason      text not null check (length(reason) between 1 and 200),
    read_s      double precision not null                       -- how long the card was open
);
create index skip_lead on skip (lead_id);
create index skip_campaign_at on skip (campaign_id, at);

alter table operator
    add column phone_mode text not null default 'nailed_up'
        check (phone_mode in ('nailed_up', 'ring_per_call')),
    add column phone_number text                                -- null: the SIP login
        check (phone_number ~ '^\+[1-9][0-9]{6,14}$');
