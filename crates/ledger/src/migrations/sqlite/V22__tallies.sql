-- What rules count over several events of a member: `counted` says what is added up and since which day. The sum is in millionths, of what was
-- kept; the points are those of all its awards.
create table tally (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    rule text not null,
    wallet text not null,
    counted text not null,
    sum integer not null check (sum >= 0),
    awarded integer not null,
    due integer not null,
    taken integer not null check (taken >= 0),
    waived integer not null check (waived >= 0),
    primary key (pipeline, bucket, member, rule, wallet, counted),
    check (taken + waived = due and due <= awarded)
) strict, without rowid;

-- For which sum an award was given, if it is not its event's alone.
alter table award add column counted text;

-- What an order counts in which sums.
alter table purchase add column tallied text;
