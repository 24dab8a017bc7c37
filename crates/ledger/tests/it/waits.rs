//! Points that wait for something that happens to their order, on every store.

use contract::event::{Event, Kind, OfOrder};
use contract::program::TakeBack;

use crate::time::{days, on};
use crate::world::{World, back, bought, event, id, on_every_store, spend};

on_every_store! {
    points_wait_until_their_order_is_delivered
    points_wait_no_longer_than_they_are_to
    what_is_delivered_twice_comes_once
    a_delivery_before_its_purchase_waits_for_it
    what_came_back_before_the_delivery_does_not_come
    what_comes_back_after_the_delivery_is_there_at_once
    a_delivery_pays_off_what_is_owed
    points_that_ended_before_the_delivery_are_gone
}

/// Something happens to an order.
pub(crate) fn of_order(name: &str, member: &str, (what, order): (&str, &str)) -> Event {
    event(name, member, Kind::OfOrder(OfOrder { name: id(what), order: id(order) }))
}

/// The points of a purchase wait until it is delivered.
pub(crate) fn waiting(mut event: Event) -> Event {
    event.data.insert("until".to_owned(), "delivered".into());
    event
}

fn delivered(name: &str, order: &str, day: i64) -> Event {
    on(of_order(name, "ann", ("delivered", order)), day)
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

/// Pending and available points of each lot.
async fn lots(world: &World) -> Vec<(String, String, Option<String>)> {
    let balances = world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap().unwrap_or_default();
    let lots = balances.into_iter().flat_map(|balance| balance.lots);
    lots.map(|lot| (lot.pending.to_string(), lot.available.to_string(), lot.until.map(|until| until.to_string())))
        .collect()
}

async fn points_wait_until_their_order_is_delivered(world: World) {
    assert_eq!(told(&world, on(waiting(bought("o1", "ann", &[60, 40])), 0)).await, ["earned 100 points, 0"]);
    told(&world, on(waiting(bought("o2", "ann", &[4, 3])), 0)).await;
    let waits = |points: &str| (points.to_owned(), "0".to_owned(), Some("delivered".to_owned()));
    assert_eq!(lots(&world).await, [waits("100"), waits("7")]);
    assert_eq!(told(&world, on(spend("s1", "ann", 1), 1)).await, ["rejected 1 points, 0, missing 1"]);
    let packed = of_order("p1", "ann", ("packed", "o1"));
    assert_eq!(told(&world, on(packed, 2)).await, Vec::<String>::new());
    assert_eq!(told(&world, delivered("d1", "o1", 3)).await, ["activated 100 points, 100"]);
    assert_eq!(lots(&world).await, [("0".to_owned(), "100".to_owned(), None), waits("7")]);
    assert_eq!(told(&world, on(spend("s2", "ann", 100), 3)).await, ["spent 100 points, 0"]);
}

async fn points_wait_no_longer_than_they_are_to(world: World) {
    told(&world, on(days(waiting(bought("o1", "ann", &[60, 40])), "wait", 14), 0)).await;
    told(&world, on(days(waiting(bought("o2", "ann", &[4, 3])), "wait", 14), 0)).await;
    assert_eq!(told(&world, delivered("d1", "o1", 5)).await, ["activated 100 points, 100"]);
    assert_eq!(told(&world, on(spend("s1", "ann", 107), 14)).await, ["activated 7 points, 107", "spent 107 points, 0"]);
    assert_eq!(told(&world, delivered("d2", "o2", 15)).await, Vec::<String>::new());
}

async fn what_is_delivered_twice_comes_once(world: World) {
    told(&world, on(waiting(bought("o1", "ann", &[60, 40])), 0)).await;
    let first = delivered("d1", "o1", 3);
    assert_eq!(told(&world, first.clone()).await, ["activated 100 points, 100"]);
    assert_eq!(told(&world, delivered("d2", "o1", 4)).await, Vec::<String>::new());
    assert_eq!(told(&world, first).await, ["activated 100 points, 100"]);
    assert_eq!(world.available("ann", "points").await, "100");
}

async fn a_delivery_before_its_purchase_waits_for_it(world: World) {
    assert_eq!(told(&world, delivered("d1", "o1", 3)).await, Vec::<String>::new());
    let purchase = on(waiting(bought("o1", "ann", &[60, 40])), 2);
    assert_eq!(told(&world, purchase).await, ["earned 100 points, 0"]);
    assert_eq!(world.available("ann", "points").await, "100");
    // In one batch, too.
    let events =
        [delivered("d2", "o2", 4), on(waiting(bought("o2", "ann", &[4, 3])), 2), on(spend("s1", "ann", 107), 4)];
    let said = world.batch(&events).await;
    assert_eq!(said[2].told(), ["spent 107 points, 0"]);
    world.audits_clean().await;
}

async fn what_came_back_before_the_delivery_does_not_come(world: World) {
    told(&world, on(waiting(bought("o1", "ann", &[60, 40])), 0)).await;
    told(&world, on(back("r1", "ann", "o1", &["2"]), 1)).await;
    // One line is left: it has the bonus, too.
    let told = told(&world, delivered("d1", "o1", 3)).await;
    assert_eq!(
        (told, world.available("ann", "points").await),
        (vec!["activated 100 points, 100".to_owned()], "100".into())
    );
}

async fn what_comes_back_after_the_delivery_is_there_at_once(world: World) {
    told(&world, on(waiting(bought("o1", "ann", &[60, 0, 0])), 0)).await;
    // All is taken while it waits; with one line left the order is worth 50 again.
    told(&world, on(back("r1", "ann", "o1", &["1"]), 1)).await;
    assert_eq!(lots(&world).await, []);
    assert_eq!(told(&world, delivered("d1", "o1", 3)).await, Vec::<String>::new());
    told(&world, on(back("r2", "ann", "o1", &["2"]), 4)).await;
    assert_eq!(lots(&world).await, [("0".to_owned(), "50".to_owned(), None)]);
    assert_eq!(told(&world, on(spend("s1", "ann", 50), 4)).await, ["spent 50 points, 0"]);
}

async fn a_delivery_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    told(&world, on(bought("o1", "ann", &[20, 10]), 0)).await;
    told(&world, on(spend("s1", "ann", 30), 0)).await;
    told(&world, on(back("r1", "ann", "o1", &[]), 1)).await;
    told(&world, on(waiting(bought("o2", "ann", &[60, 40])), 1)).await;
    let told = told(&world, delivered("d1", "o2", 3)).await;
    assert_eq!(told, ["activated 100 points, 70", "repaid 30 points, owed 0, 70"]);
}

async fn points_that_ended_before_the_delivery_are_gone(world: World) {
    told(&world, on(days(waiting(bought("o1", "ann", &[60, 40])), "last", 2), 0)).await;
    assert_eq!(told(&world, delivered("d1", "o1", 3)).await, ["expired 100 points, 0"]);
    assert_eq!(lots(&world).await, []);
}
