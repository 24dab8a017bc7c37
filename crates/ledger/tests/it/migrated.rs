//! Tables of an earlier version, brought to this one with what stands in them.

use crate::world::{World, bought};

/// What each version brought, taken back.
const TAKEN_BACK: &[(u32, &str)] = &[
    (2, "drop table due; drop index lot_activates; drop index lot_expires; alter table lot drop column expired"),
    (
        3,
        "drop table hold; drop table hold_lot; alter table entry drop column hold_id; alter table allocation drop column hold_id",
    ),
    (4, "drop table owed; drop table payment"),
    (5, "drop index lot_idles; alter table lot drop column idles; alter table balance drop column idle_at"),
    (6, MOVES),
    (7, ERASURE),
    (8, WARNINGS),
    (9, "drop table counter; drop table reward; alter table balance drop column reward_at"),
    (10, MERGES),
    (
        11,
        "drop table budget; drop table slice; drop index award_budget; alter table award drop column budget; alter table award drop column freed",
    ),
    (12, "alter table lot drop column waits_for"),
    (13, TIERS),
    (14, "drop table retention; drop table forgotten"),
    (16, "alter table posting drop column part"),
    (17, "alter table allocation drop column part"),
    (22, "drop table tally; alter table award drop column counted; alter table purchase drop column tallied"),
];

/// In `PostgreSQL` alone: one table again of what is partitioned.
const PARTITIONS: &str = "
    create table whole (like entry including defaults including constraints, primary key (pipeline, bucket, member, id));
    insert into whole select * from entry; drop table entry; alter table whole rename to entry; alter index whole_pkey rename to entry_pkey;
    create table whole (like posting including defaults including constraints, primary key (pipeline, bucket, member, entry, n));
    insert into whole select * from posting; drop table posting; alter table whole rename to posting;
    alter index whole_pkey rename to posting_pkey; alter table posting drop column recorded_at;
    create table whole (like allocation including defaults including constraints, primary key (pipeline, bucket, member, entry, n));
    insert into whole select * from allocation; drop table allocation; alter table whole rename to allocation;
    alter index whole_pkey rename to allocation_pkey; alter table allocation drop column recorded_at;
    create index allocation_order on allocation (pipeline, bucket, member, order_id) where order_id is not null";

const MOVES: &str =
    "drop table transfer; alter table member drop column frozen_at; alter table member drop column frozen_reason;
     alter table member drop column frozen_by";

/// The outcomes that the inbox knows stay: nothing of before has the new one.
const ERASURE: &str =
    "drop table erasure; drop table tombstone; alter table member drop column erased_at; alter table member drop column erased_reason;
     alter table member drop column erased_by; alter table member drop column erased_in";

const WARNINGS: &str = "drop index lot_warns; alter table lot drop column warns_at; alter table lot drop column warned;
     alter table balance drop column idle_warns_at; alter table balance drop column idle_warned";

const MERGES: &str = "drop index member_merged; alter table member drop column merged_bucket; alter table member drop column merged_number;
     alter table member drop column merged_at; alter table member drop column merged_reason; alter table member drop column merged_by;
     alter table entry drop column from_bucket; alter table entry drop column from_member";

const TIERS: &str = "drop table qualifying; drop table tier_history; alter table member drop column tier;
     alter table member drop column tier_since; alter table member drop column tier_until; alter table award drop column counts_on;
     alter table purchase drop column tier";

impl World {
    /// The same rows in the tables of an earlier version, migrated to this one: they are of it, and the audit finds nothing.
    pub(crate) async fn migrated_from(&self, version: u32) -> Self {
        self.taken_back(version).await;
        // A program that was open would keep plans of columns that are gone.
        let world = Self::beside(self);
        assert!(world.ledger.check_version().await.is_err());
        world.ledger.migrate().await.unwrap();
        world.ledger.check_version().await.unwrap();
        world.audits_clean().await;
        world
    }

    pub(crate) async fn taken_back_to(self, version: u32) -> Self {
        self.taken_back(version).await;
        self
    }

    async fn taken_back(&self, version: u32) {
        if self.is_postgres() && version < 21 {
            self.tamper(PARTITIONS).await;
        }
        for (_, sql) in TAKEN_BACK.iter().filter(|(brought, _)| *brought > version) {
            self.tamper(sql).await;
        }
        self.tamper(&format!("delete from refinery_schema_history where version > {version}")).await;
    }
}

/// Somebody reads for longer than a migration waits at once; it lets go, so that workers get on, and comes again.
#[tokio::test]
async fn a_migration_comes_again_for_a_table_that_somebody_keeps() {
    let world = World::postgres().await;
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.taken_back(4).await;
    let reading = World::beside(&world);
    let reads = async {
        reading.tamper("begin; lock table balance in access share mode; select pg_sleep(5); commit").await;
        std::time::Instant::now()
    };
    let migrating = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let world = World::beside(&world);
        world.ledger.migrate().await.unwrap();
        std::time::Instant::now()
    };
    let (read, migrated) = tokio::join!(reads, migrating);
    assert!(migrated > read, "it did not wait");
    let world = World::beside(&world);
    world.ledger.check_version().await.unwrap();
    world.audits_clean().await;
}
