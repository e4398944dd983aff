-- Bookkeeping of the migrations themselves.

-- name: lock
-- Let one migrating process in; the others wait until its session ends.
select pg_advisory_lock($1);

-- name: create_table
-- Make the table of applied migrations in a database that has none.
create table if not exists schema_migration (
    number     integer     primary key,
    name       text        not null,
    checksum   text        not null,
    applied_at timestamptz not null default now()
);

-- name: table_exists
-- Whether the table of applied migrations is there.
select to_regclass('schema_migration') is not null;

-- name: applied
-- All applied migrations in order.
select number, name, checksum from schema_migration order by number;

-- name: remember
-- Note a migration as applied, in its own transaction.
insert into schema_migration (number, name, checksum) values ($1, $2, $3);
