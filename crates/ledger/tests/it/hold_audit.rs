//! What is reserved, broken on purpose: the audit must find exactly that.

use crate::audit::each_break_is_found;
use crate::holds::{capture, hold_of, release, until};
use crate::time::{days, on};
use crate::world::{World, bought};

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update balance set held = held + 1", &[2, 9]),
    ("update lot set held = held - 1 where held > 0", &[2, 3, 8]),
    ("update lot set held = held - 1, available = available + 1 where held > 0", &[2, 8]),
    ("update hold set held = held - 1, released = released + 1 where hold_id = 'open'", &[8]),
    ("update hold set held = held - 1, captured = captured + 1 where hold_id = 'open'", &[8]),
    ("update hold_lot set held = held - 1 where hold_id = 'open'", &[8]),
    ("update hold_lot set amount = amount + 1 where hold_id = 'part'", &[8]),
    ("delete from hold where hold_id = 'open'", &[3, 8]),
    ("delete from hold_lot where hold_id = 'freed'", &[8]),
    ("update hold set stage = 'Released' where hold_id = 'open'", &[8]),
    ("update hold set stage = 'TimedOut' where hold_id = 'freed'", &[8]),
    ("update hold set ended = null where hold_id = 'freed'", &[8]),
    ("update hold set ended = entry where hold_id = 'freed'", &[8]),
    ("update hold set entry = ended where hold_id = 'freed'", &[8]),
    ("update entry set hold_id = 'freed' where hold_id = 'part' and kind = 'Capture'", &[8]),
    ("update entry set hold_id = null where kind = 'TimeOut'", &[8]),
    ("update allocation set hold_id = null where hold_id is not null", &[3, 8]),
    ("update allocation set amount = amount - 1 where hold_id is not null", &[3, 8]),
    ("update entry set kind = 'Spend' where kind = 'Release'", &[3, 8]),
    ("update hold set expires_at = null where hold_id = 'open'", &[3]),
    ("update posting set amount = amount + 1 where account = 'held' and amount > 0", &[1, 2]),
];

/// One hold is open, one was captured in part, one released after its points had ended, one timed out.
pub(crate) async fn history(world: &World) {
    world.one(days(bought("o1", "ann", &[40, 30, 30]), "last", 10)).await;
    world.one(bought("o2", "ann", &[500, 500])).await;
    let hold = |name: &str, points| hold_of(&format!("hold-{name}"), "ann", (name, points));
    world.one(hold("freed", 20)).await;
    world.one(hold("part", 90)).await;
    world.one(until(hold("timed", 30), 2)).await;
    world.one(until(hold("open", 40), 90)).await;
    world.one(on(capture("c1", "ann", ("part", Some(30)), true), 3)).await;
    world.one(on(capture("c2", "ann", ("part", Some(10)), false), 4)).await;
    world.one(on(release("f1", "ann", "freed"), 12)).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_a_hold() {
    each_break_is_found(BREAKS, history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_a_hold() {
    each_break_is_found(BREAKS, history, World::postgres).await;
}
