-- Broadcast: what a campaign plays and asks, and the answers by keys that an attempt brought.

alter table campaign add column broadcast jsonb;        -- null: none

alter table attempt add column keys jsonb not null default '{}';   -- step's code -> answer
