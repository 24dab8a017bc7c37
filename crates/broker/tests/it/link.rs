//! One broker for many who ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{Connection, Counts, Depth, Link, Publisher, QueueCounts, Settings, View};
use contract::broker_object::{Argument, Arguments, Desired, Queue, Standing, Step};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;

use super::Vhost;
use super::amqp::{publication, queue};

/// The broker counts every five seconds, and a new quorum queue takes two rounds.
const COUNTED_MAX: Duration = Duration::from_secs(40);

fn link(vhost: &Vhost) -> Link {
    Link::new(vhost.settings.clone(), "link test")
}

async fn declare(connection: &Connection, name: &str, kind: &str) {
    let arguments = [("x-queue-type", Argument::Text(kind.to_owned()))];
    connection.declare(&Step::DeclareQueue(queue(name, &arguments))).await.unwrap();
}

async fn publish(connection: &Connection, queue: &str, count: u32) -> Publisher {
    let publisher = connection.publisher().await.unwrap();
    for number in 0..count {
        publisher.publish(publication("", queue, &number.to_string())).await.unwrap();
    }
    publisher.flush().await.unwrap();
    publisher
}

/// Takes `take` messages and acknowledges `acked` of them at once. The channel is open for as long as somebody holds it.
async fn acknowledge(vhost: &Vhost, queue: &str, (take, acked): (u16, usize)) -> (Connection, Channel) {
    use futures::StreamExt;
    let connection = vhost.connect().await;
    let channel = connection.channel().await.unwrap();
    channel.basic_qos(take, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.unwrap();
    let taken: Vec<_> = consumer.take(take.into()).collect().await;
    let last = taken[acked - 1].as_ref().unwrap().delivery_tag;
    channel.basic_ack(last, BasicAckOptions { multiple: true }).await.unwrap();
    (connection, channel)
}

/// Waits until the broker has counted what the test did.
async fn counted(link: &Link, is_it: impl Fn(&Counts) -> bool) -> Arc<Counts> {
    let deadline = Instant::now() + COUNTED_MAX;
    loop {
        let counts = link.counts(Instant::now()).await.unwrap().unwrap();
        if is_it(&counts) {
            return counts;
        }
        assert!(Instant::now() < deadline, "{counts:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn all_share_one_connection_and_get_a_new_one_when_it_is_gone() {
    let vhost = Vhost::new().await;
    let link = link(&vhost);
    let all = futures::future::join_all((0..50).map(|_| link.connection())).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert!(all.iter().all(|one| Arc::ptr_eq(one, &all[0])));
    link.close().await;
    assert!(!all[0].is_connected());
    let again = link.connection().await.unwrap();
    assert!(again.is_connected() && !Arc::ptr_eq(&again, &all[0]));
}

#[tokio::test]
async fn a_refused_login_is_told_to_all_and_tried_again_by_the_next() {
    let vhost = Vhost::new().await;
    let link = Link::new(vhost.settings.clone().with_vhost("broker/later"), "link test");
    let all = futures::future::join_all((0..5).map(|_| link.connection())).await;
    assert!(all.iter().all(|one| matches!(one, Err(broker::BrokerError::NoVhost { .. }))), "{all:?}");
    vhost.management.create_vhost("broker/later").await.unwrap();
    let connected = link.connection().await.map(|connection| connection.is_connected());
    vhost.management.delete_vhost("broker/later").await.unwrap();
    assert!(connected.unwrap());
}

#[tokio::test]
async fn depths_are_live_and_a_missing_queue_harms_nobody() {
    let vhost = Vhost::new().await;
    let link = link(&vhost);
    assert_eq!(link.depth("q").await.unwrap(), None);
    let connection = link.connection().await.unwrap();
    declare(&connection, "q", "quorum").await;
    publish(&connection, "q", 3).await;
    for _ in 0..3 {
        assert_eq!(link.depth("q").await.unwrap(), Some(Depth { ready: 3, consumers: 0 }));
        assert_eq!(link.depth("none").await.unwrap(), None);
    }
    let many = futures::future::join_all((0..200).map(|number| {
        let link = link.clone();
        tokio::spawn(async move { link.depth(if number % 3 == 0 { "none" } else { "q" }).await.unwrap() })
    }));
    let known = many.await.into_iter().filter_map(Result::unwrap).filter(|depth| depth.ready == 3).count();
    assert_eq!(known, 133);
    link.close().await;
    assert_eq!(link.depth("q").await.unwrap().map(|depth| depth.ready), Some(3), "over another connection");
    assert!(link.depth(&"q".repeat(256)).await.is_err());
    assert!(link.depth("q").await.unwrap().is_some());
}

#[tokio::test]
async fn a_look_shows_what_was_done_before_it_and_is_shared_while_it_is_young() {
    let vhost = Vhost::new().await;
    let link = link(&vhost);
    let start = Instant::now();
    let together = (0..20).map(|_| {
        let link = link.clone();
        tokio::spawn(async move { link.look(Some(start)).await.unwrap() })
    });
    let together: Vec<_> = futures::future::join_all(together).await.into_iter().map(Result::unwrap).collect();
    let first = &together[0];
    assert!(together.iter().all(|one| Arc::ptr_eq(one, first)));
    declare(&link.connection().await.unwrap(), "q", "classic").await;
    let declared = Instant::now();
    assert!(Arc::ptr_eq(&link.look(Some(start)).await.unwrap(), first));
    assert_eq!(link.unseen_for(start), None, "it was seen");
    let wait = link.unseen_for(declared).unwrap_or_default();
    let sight = link.look(Some(declared)).await.unwrap();
    assert!(sight.taken >= declared + wait, "the broker is left alone for a while");
    let queue = Queue { name: "q".to_owned(), durable: true, auto_delete: false, arguments: Arguments::new() };
    let wanted = Desired { queues: vec![queue], ..Desired::default() };
    let Standing::Seen(seen) = sight.about(&wanted, "shops/x") else { panic!("unseen") };
    assert_eq!(seen.queues.keys().collect::<Vec<_>>(), ["q"]);
    let Standing::Seen(before) = first.about(&wanted, "shops/x") else { panic!("unseen") };
    assert!(before.queues.is_empty());
}

#[tokio::test]
async fn a_broker_without_a_management_api_is_not_seen_unless_somebody_named_one() {
    // At the usual port of this machine there is none, or one that does not know this user.
    let settings = Settings::from_url("amqp://nobody:hush@127.0.0.1:1").unwrap();
    let link = Link::new(settings.clone(), "link test");
    let sight = link.look(Some(Instant::now())).await.unwrap();
    assert!(matches!(sight.view, View::Unseen(_)) && sight.unseen_because().is_some());
    assert_eq!(sight.about(&Desired::default(), "shops/x"), Standing::Unseen);
    assert!(link.counts(Instant::now()).await.unwrap().is_none());
    let named = settings.with_management("http://127.0.0.1:1").unwrap();
    assert!(broker::sight(&named).await.unwrap_err().is_absent());
    let link = Link::new(named, "link test");
    assert!(link.look(Some(Instant::now())).await.unwrap_err().is_absent());
    assert!(link.counts(Instant::now()).await.unwrap_err().is_absent());
}

#[tokio::test]
async fn acknowledged_messages_are_counted_one_by_one_and_for_good() {
    const KINDS: [&str; 2] = ["quorum", "classic"];
    let vhost = Vhost::new().await;
    let link = link(&vhost);
    let connection = link.connection().await.unwrap();
    let are = |counts: &Counts, want: [u64; 2]| {
        KINDS.iter().all(|kind| {
            let QueueCounts { acked_total, published_total, .. } = counts.queues[*kind];
            [acked_total, published_total] == want.map(Some)
        })
    };
    // What a channel did that closed before the broker looked is never counted: these stay open.
    let (mut publishers, mut consumers) = (Vec::new(), Vec::new());
    for kind in KINDS {
        declare(&connection, kind, kind).await;
        publishers.push(publish(&connection, kind, 100).await);
        consumers.push(acknowledge(&vhost, kind, (40, 30)).await);
    }
    counted(&link, |counts| are(counts, [30, 100])).await;
    // Others go on, and the total with them.
    for (connection, channel) in consumers {
        drop(channel);
        connection.close().await;
    }
    let mut others = Vec::new();
    for kind in KINDS {
        others.push(acknowledge(&vhost, kind, (25, 25)).await);
    }
    let counts = counted(&link, |counts| are(counts, [55, 100])).await;
    // Only a queue that can hold messages back tells how many.
    assert_eq!(counts.queues["quorum"].delayed, Some(0));
    assert_eq!(counts.queues["classic"].delayed, None);
}

#[tokio::test]
async fn messages_that_are_held_back_are_counted_apart() {
    let vhost = Vhost::new().await;
    if !is_at_least(&vhost, (4, 3)).await {
        return;
    }
    let link = link(&vhost);
    let connection = link.connection().await.unwrap();
    let arguments = [
        ("x-queue-type", Argument::Text("quorum".to_owned())),
        ("x-delayed-retry-type", Argument::Text("all".to_owned())),
        ("x-delayed-retry-min", Argument::Int(600_000)),
        ("x-delayed-retry-max", Argument::Int(600_000)),
    ];
    connection.declare(&Step::DeclareQueue(queue("q", &arguments))).await.unwrap();
    publish(&connection, "q", 5).await;
    let channel = connection.channel().await.unwrap();
    let got = channel.basic_get("q".into(), lapin::options::BasicGetOptions::default()).await.unwrap().unwrap();
    let requeue = lapin::options::BasicNackOptions { requeue: true, multiple: false };
    channel.basic_nack(got.delivery.delivery_tag, requeue).await.unwrap();
    // The numbers of one queue come at different times too.
    let want = [Some(4), Some(0), Some(1)];
    counted(&link, |counts| {
        let QueueCounts { ready, unacked, delayed, .. } = counts.queues["q"];
        [ready, unacked, delayed] == want
    })
    .await;
    assert_eq!(link.depth("q").await.unwrap().unwrap().ready, 4, "a look does not see it");
}

async fn is_at_least(vhost: &Vhost, want: (u32, u32)) -> bool {
    let version = vhost.management.overview().await.unwrap().rabbitmq_version;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= want
}
