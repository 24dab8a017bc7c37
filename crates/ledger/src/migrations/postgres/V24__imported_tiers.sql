-- A tier may have been brought along from another system. Rows of before have one of the other reasons: nobody has to look at them.
alter table tier_history drop constraint tier_history_reason_check;
alter table tier_history add constraint tier_history_reason_check
    check (reason in ('Reached', 'Kept', 'Lowered', 'Merged', 'Imported')) not valid;
