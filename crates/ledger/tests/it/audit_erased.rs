//! What an erasure leaves is broken on purpose, and the audit must find exactly that.

use contract::program::TakeBack;

use crate::audit::each_break_is_found;
use crate::erasing::erase;
use crate::freezing::freeze;
use crate::holds::hold_of;
use crate::time::days;
use crate::world::{World, back, bought, spend};

const BREAKS: &[(&str, &[u8])] = &[
    // A balance with its lot and its postings, so that all else agrees: ann has a point again.
    (
        "update balance set pending = 1 where member = 1;
         update lot set pending = 1, expired = expired - 1, activates_at = null, waits_for = 'delivered' where member = 1 and sequence = 2;
         update allocation set amount = amount - 1 where member = 1 and lot = 2;
         update posting set amount = amount - 1 where member = 1 and account = 'expired';
         update posting set amount = amount + 1 where member = 1 and account = 'pending' and amount < 0",
        &[2],
    ),
    ("update award set waived = waived - 1, taken = taken + 1 where member = 1 and waived > 0", &[5]),
    ("update award set inputs = '{\"effect\":\"Fixed\",\"base\":\"12\",\"points\":\"1\",\"exact\":\"1\"}' where member = 1", &[4]),
    ("insert into purchase (pipeline, bucket, member, order_id, event, ruleset) select pipeline, bucket, number, 'o', '{}', '' from member
      where number = 1", &[4]),
    ("update inbox set results = '[]' where event_id = 's1'", &[4]),
    ("update inbox set hash = (select hash from inbox where event_id = 'b1') where event_id = 's1'", &[4]),
    ("update inbox set hash = (select hash from inbox where event_id = 'b1') where event_id = 'later'", &[4]),
    ("update inbox set outcome = 'Parked' where event_id = 'r9'", &[4]),
    ("update inbox set outcome = 'Erased' where event_id = 'b1'", &[4]),
    ("update member set external_id = 'ann' where number = 1", &[4]),
    ("update member set frozen_reason = 'card stolen' where number = 1", &[4]),
    ("update member set merged_reason = 'one person' where number = 1", &[4]),
    ("update member set merged_by = 'bea' where number = 1", &[4]),
    ("delete from tombstone", &[4]),
];

/// Ann is the first member of all.
async fn history(world: &World) {
    world.one(bought("o1", "ann", &[40, 30, 30])).await;
    world.one(bought("b1", "bob", &[5, 5])).await;
    world.one(hold_of("h1", "ann", ("till", 20))).await;
    world.one(spend("s1", "ann", 80)).await;
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(back("r9", "ann", "o9", &[])).await;
    world.one(days(bought("o2", "ann", &[7, 8]), "wait", 40)).await;
    world.one(freeze("f1", "ann")).await;
    world.one(erase("x1", "ann")).await;
    world.one(bought("later", "ann", &[5])).await;
}

async fn owing(world: World) -> World {
    world.policy(TakeBack::Unlimited).await
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_an_erasure() {
    each_break_is_found(BREAKS, history, async || owing(World::sqlite_file().await).await).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_an_erasure() {
    each_break_is_found(BREAKS, history, async || owing(World::postgres().await).await).await;
}
