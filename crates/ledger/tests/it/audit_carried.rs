//! Sums that stand for entries of long ago, and what refers to those, broken on purpose; see [`crate::audit`].

use contract::program::TakeBack;

use crate::audit::each_break_is_found;
use crate::world::World;
use crate::{audit, audit_refunds, carrying_merged, hold_audit};

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update posting set amount = amount + 1 where account = 'issued' and member = 1", &[1, 9, 11]),
    ("update posting set amount = amount - 1 where account = 'redeemed'", &[1, 9]),
    ("update balance set available = available + 1", &[2, 9]),
    ("update lot set available = available - 1 where available > 0", &[2, 3]),
    ("update lot set initial = initial + 1", &[3]),
    ("update lot set expired = expired - 1 where expired > 0", &[3]),
    ("delete from allocation where order_id is null", &[3]),
    ("update allocation set part = null where part = 'Expired'", &[3]),
    ("update allocation set amount = amount - 1 where order_id is not null", &[3, 5]),
    ("delete from entry where member = 1", &[4]),
    ("delete from posting where member = 1", &[2, 9, 11]),
    ("update entry set kind = 'Earn' where kind = 'CarriedForward'", &[4]),
    (
        "update entry set id = 1 where member = 1; update posting set entry = 1 where member = 1;
      update allocation set entry = 1 where member = 1",
        &[4],
    ),
    ("update inbox set entry = entry + 1000000 where event_id = 's1'", &[4]),
    ("delete from retention", &[4]),
    ("update retention set recorded_before = happened_until, happened_until = recorded_before", &[4]),
    ("update award set waived = waived + 1 where taken > 0", &[5]),
    ("delete from award where taken = 0", &[11]),
];

const OF_REFUNDS: &[(&str, &[u8])] = &[
    ("update owed set points = points + 1 where points > 0", &[2, 5]),
    ("update allocation set order_id = null where order_id = 'o1'", &[5]),
    ("update payment set points = points + 1 where points > 0", &[9]),
    ("delete from payment where points > 0", &[9]),
    ("delete from payment where points < 0 and into_lot = lot", &[9]),
    ("update posting set part = null where part = 'Order'", &[9]),
];

const OF_HOLDS: &[(&str, &[u8])] = &[
    ("update lot set held = held - 1, available = available + 1 where held > 0", &[2, 8]),
    ("update hold set held = held - 1, captured = captured + 1 where hold_id = 'open'", &[8]),
    ("delete from hold where hold_id = 'open'", &[3, 8]),
    ("update hold set entry = entry + 1000000 where hold_id = 'open'", &[8]),
    ("update hold set ended = ended + 1000000 where hold_id = 'freed'", &[8]),
    ("update allocation set amount = amount - 1 where hold_id is not null", &[3, 8]),
];

/// Of `ann` (1), who was merged into `bob` (2).
const OF_MERGES: &[(&str, &[u8])] = &[
    ("update posting set part = null where part = 'Merge'", &[11]),
    ("update posting set amount = amount - 1 where part = 'Merge' and amount > 0", &[1, 9, 11]),
    ("update posting set part = null where part = 'Order' and member = 1", &[9]),
    ("update posting set amount = amount - 1 where part = 'Order' and member = 1", &[1, 9]),
    ("update payment set points = points + 1 where order_id = 'o3' and points > 0", &[9]),
    ("delete from entry where from_member is not null", &[4]),
    ("update entry set from_member = 2 where from_member is not null", &[4]),
    ("update entry set from_member = null, from_bucket = null where from_member is not null", &[4, 11]),
    ("update entry set id = id - 1 where from_member is not null", &[4]),
    ("delete from entry where member = 1", &[4, 9, 11]),
];

async fn carried(world: &World, history: impl AsyncFn(&World)) {
    history(world).await;
    world.years_pass().await;
    assert!(world.carry_forward().await.entries > 0);
}

async fn each_is_found(fresh: impl AsyncFn() -> World) {
    each_break_is_found(BREAKS, async |world| carried(world, audit::history).await, &fresh).await;
    each_break_is_found(OF_HOLDS, async |world| carried(world, hold_audit::history).await, &fresh).await;
    each_break_is_found(OF_MERGES, async |world| carried(world, carrying_merged::merged_history).await, &fresh).await;
    let owing = async || fresh().await.policy(TakeBack::Unlimited).await;
    each_break_is_found(OF_REFUNDS, async |world| carried(world, audit_refunds::history).await, owing).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_what_is_carried_forward() {
    each_is_found(World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_what_is_carried_forward() {
    each_is_found(async || World::postgres().await.older().await).await;
}
