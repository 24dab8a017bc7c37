-- Who a member was found to be, since when, why, and who said so: from then on all that is theirs is that one's. It is never somebody who was
-- merged in turn.
alter table member add column merged_bucket smallint;
alter table member add column merged_number bigint;
alter table member add column merged_at timestamptz;
alter table member add column merged_reason text;
alter table member add column merged_by text;
create index member_merged on member (merged_number, merged_bucket, pipeline) where merged_number is not null;

-- Whose postings an entry has, where it stands here for what came along by a merge (lots, awards, holds): its postings stay where they are.
alter table entry add column from_bucket smallint;
alter table entry add column from_member bigint;
