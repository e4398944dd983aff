-- Roll-ups of operators by the hour of the floor's day, without campaigns and lists: for the parts of
-- days that begin or end a period, and for an operator's or a team's hours and days of other zones.

alter table report_cell drop constraint report_cell_grain_check, add check (grain in
    ('quarter', 'hour', 'whole_day', 'day', 'floor_quarter', 'person_day', 'person_hour'));
alter table report_said_cell drop constraint report_said_cell_grain_check, add check (grain in
    ('quarter', 'hour', 'whole_day', 'day', 'floor_quarter', 'person_day', 'person_hour'));
alter table report_time_cell drop constraint report_time_cell_grain_check, add check (grain in
    ('quarter', 'hour', 'whole_day', 'day', 'person_hour'));
create index report_cell_person on report_cell (floor_id, grain, operator_id, since);
create index report_said_cell_person on report_said_cell (floor_id, grain, operator_id, since);
create index report_time_cell_person on report_time_cell (floor_id, grain, operator_id, since);
delete from report_rolled;                              -- they are made anew
