-- Dispositions of each campaign's own, form fields, scripts, and what operators answered.

alter table disposition
    add column campaign_id bigint references campaign on delete cascade,  -- null: the floor's
    add column position    integer not null default 0,
    add column hot_key     text check (hot_key ~ '^[0-9A-Za-z]$'),
    add column requires    text[] not null default '{}',   -- codes of form fields
    add column retired_at  timestamptz,                    -- not offered any more
    drop constraint disposition_floor_id_code_key,
    add constraint disposition_code unique nulls not distinct (floor_id, campaign_id, code);
create index disposition_campaign on disposition (campaign_id);

alter table campaign
    add column form   jsonb not null default '[]' check (jsonb_typeof(form) = 'array'),
    add column script jsonb;

alter table attempt
    add column answers     jsonb not null default '{}',
    add column callback_at timestamptz,
    add column callback_same_operator boolean not null default true;

insert into disposition (floor_id, campaign_id, position, code, title_ru, title_en, flags)
select d.floor_id, c.id, row_number() over (partition by c.id order by d.id), d.code, d.title_ru,
    d.title_en, d.flags
from campaign c join disposition d on d.floor_id = c.floor_id and d.campaign_id is null;

-- What a campaign offers, as its file says it; the floor's set where it has none of its own.
create function dispositions_of(wanted bigint) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('code', d.code, 'title_ru', d.title_ru,
        'title_en', d.title_en, 'flags', d.flags, 'hot_key', d.hot_key, 'requires', d.requires)
        order by d.position, d.id), '[]')
    from campaign c join disposition d on d.floor_id = c.floor_id and d.retired_at is null
    where c.id = wanted and case
        when exists (select from disposition own where own.campaign_id = c.id)
        then d.campaign_id = c.id else d.campaign_id is null end
$$;

-- The disposition that a code means in a campaign: its own, else the floor's.
create function disposition_of(wanted bigint, wanted_code text) returns bigint
language sql stable as $$
    select d.id from campaign c join disposition d on d.floor_id = c.floor_id
    where c.id = wanted and d.code = wanted_code
        and (d.campaign_id = c.id or d.campaign_id is null)
    order by d.campaign_id nulls last limit 1
$$;

-- Attempts that are not over, for goals.
create index attempt_open_campaign on attempt (campaign_id) where outcome is null;
