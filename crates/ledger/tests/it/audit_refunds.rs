//! What is owed after refunds, and what paid for orders, broken on purpose; see [`crate::audit`].

use contract::program::TakeBack;

use crate::audit::each_break_is_found;
use crate::payments::spend_for;
use crate::time::{days, on};
use crate::world::{World, adjust, back, bought, spend};

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update balance set debt = debt + 1 where debt > 0", &[2, 9]),
    ("update balance set available = 1 where debt > 0", &[2, 6, 9]),
    ("update balance set debt = -1 where debt = 0", &[2, 6, 9]),
    ("update posting set amount = amount - 1 where account = 'debt' and amount < 0", &[1, 2]),
    ("delete from posting where account = 'debt' and amount > 0", &[1, 2]),
    ("update owed set points = points + 1 where points > 0", &[2, 5]),
    ("delete from owed", &[2, 5]),
    // Owed for another order than the one whose refund left it.
    ("update owed set order_id = 'o2' where points > 0", &[5]),
    // What paid it off, for nobody.
    (
        "update allocation set order_id = null where order_id = 'o1' and entry = (select id from entry where event_id = 'a1')",
        &[5],
    ),
    // Debt without a refund, and under rules that know none.
    ("update entry set kind = 'Adjust' where event_id = 'r1'", &[6]),
    ("update ruleset set spec = replace(spec, 'Unlimited', 'WithinBalance')", &[6]),
    ("update entry set ruleset = 'another' where event_id = 'r1'", &[6]),
    ("update payment set points = points + 1 where points > 0", &[9]),
    ("delete from payment where points > 0", &[9]),
    ("update payment set points = points - 100 where points < 0 and into_lot = lot", &[3, 9]),
    ("delete from payment where points < 0 and into_lot = lot", &[3, 9]),
    ("update payment set into_lot = into_lot + 7 where points < 0 and into_lot = lot", &[3]),
    ("update allocation set amount = amount - 1 where amount < 0 and order_id is null", &[3]),
    ("update entry set order_id = null where event_id = 's3'", &[9]),
];

pub(crate) async fn history(world: &World) {
    // 100 points were spent and are asked for; 20 came in since.
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.one(spend("s1", "ann", 70)).await;
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(adjust("a1", "ann", 20)).await;
    // Of 50 points that paid, 25 came back, 10 of them into a lot that would have ended.
    world.one(days(bought("o2", "bob", &[20, 20]), "last", 3)).await;
    world.one(bought("o3", "bob", &[10, 5])).await;
    world.one(spend_for("s3", "bob", "o9", 50)).await;
    world.one(on(bought("o9", "bob", &[10, 10, 20]), 1)).await;
    world.one(on(back("r9", "bob", "o9", &["3"]), 1)).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_a_debt_or_a_payment() {
    each_break_is_found(BREAKS, history, async || World::sqlite_file().await.policy(TakeBack::Unlimited).await).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_a_debt_or_a_payment() {
    each_break_is_found(BREAKS, history, async || World::postgres().await.policy(TakeBack::Unlimited).await).await;
}
