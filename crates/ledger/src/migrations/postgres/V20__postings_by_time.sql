select partition_by_time('posting', 'pipeline, bucket, member, entry, n');
