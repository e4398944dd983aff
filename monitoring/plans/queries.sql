-- Plans of floor $1.

-- name: known
-- Whether there is such an operator, team or campaign.
select case $2::text
    when 'operator' then exists (select from operator
        where floor_id = $1 and login = $3 and removed_at is null)
    when 'team' then exists (select from operator where floor_id = $1 and team = $3::text)
    when 'campaign' then exists (select from campaign where floor_id = $1 and name = $3)
    else true end;

-- name: forget_later
-- Plans of the same that would begin then or later.
delete from plan where floor_id = $1 and kind = $2 and subject = $3 and measure = $4 and since >= $5;

-- name: end
-- The plan of the same that holds then ends there.
update plan set until = $5 where floor_id = $1 and kind = $2 and subject = $3 and measure = $4
    and since < $5 and (until is null or until > $5) returning id;

-- name: add
-- A plan begins.
insert into plan (floor_id, kind, subject, measure, amount, since, weekdays, checkpoint,
    checkpoint_share, set_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: plans
-- Plans that hold some time from $2 to $3 (both counted in; null: ever).
select kind, subject, measure, amount, since, until, weekdays, checkpoint, checkpoint_share from plan
where floor_id = $1 and ($3::date is null or since <= $3)
    and ($2::date is null or until is null or until > $2)
order by kind, subject, measure, since;

-- name: note
-- Who did what, for the audit.
insert into audit (actor, action, subject, details) values ($1, $2, $3, $4);
