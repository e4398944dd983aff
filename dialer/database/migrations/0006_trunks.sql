-- A campaign dials over one trunk, several, or any; shows one number, or several in turn.

-- The first trunk a campaign names; null: any.
alter table campaign alter column trunk_id drop not null;

create table campaign_trunk (
    campaign_id bigint not null references campaign on delete cascade,
    trunk_id    bigint not null references trunk,
    position    smallint not null,                      -- order of the further trunks, from 1
    primary key (campaign_id, trunk_id)
);

alter table campaign add column further_caller_ids text[] not null default '{}'
    check (array_to_string(further_caller_ids, ' ', '?') ~ '^(\+?[0-9]{3,15}( \+?[0-9]{3,15})*)?$');
