-- Since when no points of a member may leave but those that were promised before, why, and who said so; without a time, they may.
alter table member add column frozen_at integer;
alter table member add column frozen_reason text;
alter table member add column frozen_by text;
