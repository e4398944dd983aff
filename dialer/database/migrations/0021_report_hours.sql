-- Roll-ups by the hour: sums of quarters, for reports by hours and by days of other zones.

alter table report_cell drop constraint report_cell_grain_check,
    add check (grain in ('quarter', 'hour', 'whole_day', 'day'));
alter table report_said_cell drop constraint report_said_cell_grain_check,
    add check (grain in ('quarter', 'hour', 'whole_day', 'day'));
alter table report_time_cell drop constraint report_time_cell_grain_check,
    add check (grain in ('quarter', 'hour', 'whole_day', 'day'));
delete from report_rolled;                              -- they are made anew
