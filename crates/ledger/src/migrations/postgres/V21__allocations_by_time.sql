alter index allocation_order rename to allocation_first_order;
select partition_by_time('allocation', 'pipeline, bucket, member, entry, n');
-- Of the partition that has the same it takes what stands.
create index allocation_order on allocation (pipeline, bucket, member, order_id) where order_id is not null;
drop function partition_by_time;
