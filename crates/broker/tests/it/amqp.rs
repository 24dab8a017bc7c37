//! Declaring, publishing, looking.

use std::collections::BTreeMap;
use std::time::Duration;

use broker::{Connection, OperationError, Properties, Publication, PublishError, apply};
use contract::broker_object::{Argument, Arguments, Binding, Destination, Exchange, Queue, Standing, Step};

use super::Vhost;

const LONG: Duration = Duration::from_secs(10);

pub(crate) fn queue(name: &str, arguments: &[(&str, Argument)]) -> Queue {
    let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Queue { name: name.to_owned(), durable: true, auto_delete: false, arguments }
}

fn exchange(name: &str, kind: &str) -> Exchange {
    let (name, kind) = (name.to_owned(), kind.to_owned());
    Exchange { name, kind, durable: true, auto_delete: false, internal: false, arguments: Arguments::new() }
}

fn binding(source: &str, (destination_kind, destination): (Destination, &str), key: &str) -> Binding {
    let (source, destination, routing_key) = (source.to_owned(), destination.to_owned(), key.to_owned());
    Binding { source, destination_kind, destination, routing_key, arguments: Arguments::new() }
}

pub(crate) fn publication(exchange: &str, key: &str, body: &str) -> Publication {
    let properties = Properties {
        content_type: Some("text/plain".to_owned()),
        message_id: Some(format!("id-{body}")),
        headers: BTreeMap::from([("x-loyalty-reason".to_owned(), "Unreadable".to_owned())]),
    };
    Publication { exchange: exchange.to_owned(), routing_key: key.to_owned(), properties, body: body.into() }
}

async fn one_queue(connection: &Connection) {
    connection.declare(&Step::DeclareQueue(queue("q", &[]))).await.unwrap();
}

#[tokio::test]
async fn what_was_applied_is_what_is_seen_field_by_field() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    let alternate = Arguments::from([("alternate-exchange".to_owned(), Argument::Text("x.lost".to_owned()))]);
    let exchanges = [
        Exchange { internal: true, ..exchange("x.owner", "headers") },
        exchange("x.lost", "fanout"),
        Exchange { arguments: alternate, ..exchange("shop / \"ä\"", "topic") },
    ];
    let lane = [
        ("x-queue-type", Argument::Text("quorum".to_owned())),
        ("x-delivery-limit", Argument::Int(-1)),
        ("x-dead-letter-exchange", Argument::Text("x.dead".to_owned())),
    ];
    let dead = [
        ("x-queue-type", Argument::Text("classic".to_owned())),
        ("x-max-length", Argument::Int(100_000)),
        ("x-overflow", Argument::Text("drop-head".to_owned())),
    ];
    let queues = [queue("x/main", &lane), queue("x.dead", &dead)];
    let mark = Arguments::from([
        ("x-match".to_owned(), Argument::Text("all".to_owned())),
        ("loyalty.dev/owner".to_owned(), Argument::Text("shops/x".to_owned())),
    ]);
    let bindings = [
        Binding { arguments: mark.clone(), ..binding("x.owner", (Destination::Queue, "x/main"), "") },
        Binding { arguments: mark, ..binding("x.owner", (Destination::Exchange, "shop / \"ä\""), "") },
        binding("shop / \"ä\"", (Destination::Queue, "x/main"), "purchase.#"),
        binding("shop / \"ä\"", (Destination::Queue, "x/main"), "refund.*"),
    ];
    let steps: Vec<_> = (exchanges.iter().cloned().map(Step::DeclareExchange))
        .chain(queues.iter().cloned().map(Step::DeclareQueue))
        .chain(bindings.iter().cloned().map(Step::Bind))
        .collect();
    // Twice: each step may be repeated.
    apply(&connection, &steps).await.unwrap();
    apply(&connection, &steps).await.unwrap();
    let Standing::Seen(seen) = vhost.management.observe(&vhost.name).await.unwrap() else { panic!("unseen") };
    for exchange in &exchanges {
        assert_eq!(seen.exchanges.get(&exchange.name), Some(exchange));
    }
    for queue in &queues {
        assert_eq!(seen.queues.get(&queue.name).map(|standing| &standing.queue), Some(queue));
    }
    assert_eq!(seen.bindings, bindings.iter().cloned().collect());
    let unbind: Vec<_> = bindings.iter().skip(1).cloned().map(Step::Unbind).collect();
    apply(&connection, &unbind).await.unwrap();
    let Standing::Seen(seen) = vhost.management.observe(&vhost.name).await.unwrap() else { panic!("unseen") };
    assert_eq!(seen.bindings, bindings.iter().take(1).cloned().collect());
}

#[tokio::test]
async fn a_queue_that_stands_otherwise_is_refused_and_the_connection_goes_on() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    one_queue(&connection).await;
    let steps = [
        Step::DeclareQueue(queue("first", &[])),
        Step::DeclareQueue(queue("q", &[("x-max-length", Argument::Int(5))])),
        Step::DeclareQueue(queue("third", &[])),
    ];
    let error = apply(&connection, &steps).await.unwrap_err();
    assert_eq!(*error.step, steps[1]);
    assert!(error.source.is_precondition_failed(), "{error:?}");
    assert_eq!(error.to_string(), "could not apply: declare queue `q`");
    let source = error.source.to_string();
    assert!(source.starts_with("could not declare queue `q`: the broker refuses: PRECONDITION_FAILED"), "{source}");
    assert!(source.contains("x-max-length"), "{source}");
    assert_eq!(connection.passive_depth("first").await.unwrap(), Some(0));
    assert_eq!(connection.passive_depth("third").await.unwrap(), None, "nothing after the failure");
}

#[tokio::test]
async fn a_binding_from_an_exchange_that_is_not_there_is_not_found() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    one_queue(&connection).await;
    let step = Step::Bind(binding("nowhere", (Destination::Queue, "q"), "k"));
    let error = connection.declare(&step).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    assert!(error.to_string().starts_with("could not bind queue `q` by key `k` to exchange `nowhere`"), "{error}");
    let long = Step::Bind(binding(&"x".repeat(256), (Destination::Queue, "q"), "k"));
    assert!(matches!(connection.declare(&long).await, Err(OperationError::TooLong { .. })));
}

#[tokio::test]
async fn published_messages_are_confirmed_counted_and_stay_when_looked_at() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    one_queue(&connection).await;
    let publisher = connection.publisher().await.unwrap();
    for number in 0..2500 {
        publisher.publish(publication("", "q", &number.to_string())).await.unwrap();
    }
    publisher.flush().await.unwrap();
    assert_eq!(publisher.unconfirmed(), 0);
    assert_eq!(connection.passive_depth("q").await.unwrap(), Some(2500));
    for redelivered in [false, true] {
        let messages = connection.peek("q", 3).await.unwrap();
        let bodies: Vec<_> = messages.iter().map(|message| message.body.clone()).collect();
        assert_eq!(bodies, [b"0", b"1", b"2"]);
        let first = &messages[0];
        assert_eq!(first.redelivered, redelivered);
        assert_eq!((first.exchange.as_str(), first.routing_key.as_str()), ("", "q"));
        assert_eq!(first.message_id.as_deref(), Some("id-0"));
        assert_eq!(first.content_type.as_deref(), Some("text/plain"));
        assert_eq!(first.headers["x-loyalty-reason"], "Unreadable");
    }
    assert_eq!(connection.passive_depth("q").await.unwrap(), Some(2500));
    assert_eq!(connection.purge("q").await.unwrap(), 2500);
    assert_eq!(connection.peek("q", 3).await.unwrap(), []);
}

#[tokio::test]
async fn a_quorum_queue_without_a_limit_survives_being_looked_at_often() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    let arguments = [("x-queue-type", Argument::Text("quorum".to_owned())), ("x-delivery-limit", Argument::Int(-1))];
    connection.declare(&Step::DeclareQueue(queue("q", &arguments))).await.unwrap();
    let publisher = connection.publisher().await.unwrap();
    publisher.publish(publication("", "q", "a")).await.unwrap().wait().await.unwrap();
    // More than the broker's own limit of twenty.
    for _ in 0..30 {
        assert_eq!(looked(&connection).await, 1);
    }
}

/// A quorum queue takes a moment to have a returned message again.
async fn looked(connection: &Connection) -> usize {
    let deadline = tokio::time::Instant::now() + LONG;
    loop {
        let count = connection.peek("q", 5).await.unwrap().len();
        if count > 0 || tokio::time::Instant::now() > deadline {
            return count;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_no_queue_takes_comes_back_and_flush_tells_it_too() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    connection.declare(&Step::DeclareExchange(exchange("shop", "topic"))).await.unwrap();
    let publisher = connection.publisher().await.unwrap();
    let lost = PublishError::Unroutable { exchange: "shop".to_owned(), routing_key: "purchase.a".to_owned() };
    let confirm = publisher.publish(publication("shop", "purchase.a", "a")).await.unwrap();
    assert_eq!(confirm.wait().await, Err(lost.clone()));
    assert_eq!(publisher.flush().await, Err(lost));
    assert_eq!(publisher.flush().await, Ok(()), "told once");
}

#[tokio::test]
async fn publishing_to_an_exchange_that_is_not_there_is_told() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    let publisher = connection.publisher().await.unwrap();
    let confirm = publisher.publish(publication("nowhere", "k", "a")).await.unwrap();
    let error = confirm.wait().await.unwrap_err().to_string();
    assert!(error.starts_with("could not publish to exchange `nowhere`: "), "{error}");
    assert!(error.contains("NOT_FOUND"), "{error}");
    assert!(connection.is_connected());
}

#[tokio::test]
async fn a_consumer_takes_messages_in_order_and_for_good() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    one_queue(&connection).await;
    let publisher = connection.publisher().await.unwrap();
    for body in ["a", "b", "c"] {
        publisher.publish(publication("", "q", body)).await.unwrap();
    }
    publisher.close().await.unwrap();
    let mut consumer = connection.consume("q").await.unwrap();
    for body in ["a", "b"] {
        assert_eq!(consumer.next(LONG).await.unwrap().unwrap().body, body.as_bytes());
    }
    consumer.close().await;
    let left = connection.peek("q", 5).await.unwrap();
    assert_eq!(left.iter().map(|message| message.body.as_slice()).collect::<Vec<_>>(), [b"c"]);
    let mut consumer = connection.consume("q").await.unwrap();
    assert_eq!(consumer.next(LONG).await.unwrap().unwrap().body, b"c");
    connection.delete_queue("q").await.unwrap();
    assert_eq!(consumer.next(LONG).await.unwrap(), None, "ended by the broker");
    connection.delete_queue("q").await.unwrap();
    connection.delete_exchange("no such").await.unwrap();
}

#[tokio::test]
async fn steps_that_delete_spare_messages_and_may_be_repeated() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    for kind in ["quorum", "classic"] {
        let queue = queue("q", &[("x-queue-type", Argument::Text(kind.to_owned()))]);
        let steps = [Step::DeclareQueue(queue), Step::DeclareExchange(exchange("x", "fanout"))];
        apply(&connection, &steps).await.unwrap();
        let publisher = connection.publisher().await.unwrap();
        publisher.publish(publication("", "q", "a")).await.unwrap().wait().await.unwrap();
        let gently = Step::DeleteQueue { name: "q".to_owned(), force: false };
        let remove = [gently, Step::DeleteExchange { name: "x".to_owned() }];
        let error = apply(&connection, &remove).await.unwrap_err();
        let sentence = "could not delete queue `q`: 1 messages are ready in it; drain or purge it first";
        assert_eq!(error.source.to_string(), sentence);
        assert!(connection.is_connected());
        assert_eq!(connection.passive_depth("q").await.unwrap(), Some(1));
        connection.purge("q").await.unwrap();
        // Twice: what is gone is gone.
        apply(&connection, &remove).await.unwrap();
        apply(&connection, &remove).await.unwrap();
        assert_eq!(connection.passive_depth("q").await.unwrap(), None);
        let Standing::Seen(seen) = vhost.management.observe(&vhost.name).await.unwrap() else { panic!("unseen") };
        assert!(seen.queues.is_empty() && !seen.exchanges.contains_key("x"));
    }
    one_queue(&connection).await;
    let publisher = connection.publisher().await.unwrap();
    publisher.publish(publication("", "q", "a")).await.unwrap().wait().await.unwrap();
    connection.declare(&Step::DeleteQueue { name: "q".to_owned(), force: true }).await.unwrap();
    assert_eq!(connection.passive_depth("q").await.unwrap(), None);
}

#[tokio::test]
async fn an_applier_takes_steps_one_by_one_and_ends_with_a_refused_one() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    let applier = connection.applier().await.unwrap();
    applier.take(&Step::DeclareExchange(exchange("x", "fanout"))).await.unwrap();
    applier.take(&Step::DeclareQueue(queue("q", &[]))).await.unwrap();
    assert_eq!(connection.passive_depth("q").await.unwrap(), Some(0), "carried out when the call is back");
    let error = applier.take(&Step::DeclareExchange(exchange("x", "topic"))).await.unwrap_err();
    assert!(error.source.is_precondition_failed(), "{error:?}");
    assert!(applier.take(&Step::DeclareQueue(queue("r", &[]))).await.is_err());
    applier.close().await;
    connection.applier().await.unwrap().take(&Step::DeclareQueue(queue("r", &[]))).await.unwrap();
}
