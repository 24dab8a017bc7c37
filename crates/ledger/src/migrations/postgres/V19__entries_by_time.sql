select partition_by_time('entry', 'pipeline, bucket, member, id');
