-- What commands ask besides the services.

-- name: other_sessions
-- How many others are connected to this server.
select count(*) from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid();
