-- What rules count over several events of a member: `counted` says what is added up and since which day. The sum is in millionths, of what was
-- kept; the points are those of all its awards.
create table if not exists tally (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    rule text collate "C" not null,
    wallet text collate "C" not null,
    counted text collate "C" not null,
    sum bigint not null check (sum >= 0),
    awarded bigint not null,
    due bigint not null,
    taken bigint not null check (taken >= 0),
    waived bigint not null check (waived >= 0),
    primary key (pipeline, bucket, member, rule, wallet, counted),
    check (taken + waived = due and due <= awarded)
) with (fillfactor = 70);

-- For which sum an award was given, if it is not its event's alone.
alter table award add column if not exists counted text collate "C";

-- What an order counts in which sums.
alter table purchase add column if not exists tallied text;
