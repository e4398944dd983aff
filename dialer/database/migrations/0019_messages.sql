-- What abandoned people hear, and what it was confirmed to name.

alter table campaign add column message jsonb;          -- null: the node's message, nothing confirmed
