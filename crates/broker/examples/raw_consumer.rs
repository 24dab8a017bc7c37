//! What the worker is measured against: a consumer that only acknowledges, with the same prefetch and the same batches, and no
//! decoding. Also fills a queue and watches its depth. `AMQP_URL` says where.
//!
//! ```text
//! raw_consumer fill EXCHANGE ROUTING_KEY FILE    publishes each line of a file, and waits for the confirms
//! raw_consumer watch QUEUE                       prints `MICROSECONDS DEPTH` every few milliseconds, until it is ended
//! raw_consumer consume QUEUE                     acknowledges whatever comes, until it is ended
//! ```
//!
//! `cargo xtask bench` runs it.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use broker::{Connection, Properties, Publication, Settings};
use futures::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

/// The worker's own.
const PREFETCH: u16 = 1500;
/// The worker's own.
const BATCH_LEN_MAX: usize = 500;
/// A look costs the broker about 0.1 ms; both sides of a comparison are looked at in the same way.
const LOOK_EVERY: Duration = Duration::from_millis(4);

const USAGE: &str = "give `fill EXCHANGE ROUTING_KEY FILE`, `watch QUEUE` or `consume QUEUE`, and set AMQP_URL";

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    broker::install_tls_provider();
    let settings = Settings::from_url(&std::env::var("AMQP_URL").map_err(|_| USAGE)?)?;
    let connection = broker::connect(&settings, "raw-consumer").await?;
    match arguments[..] {
        ["fill", exchange, routing_key, file] => fill(&connection, (exchange, routing_key), file).await,
        ["watch", queue] => watch(&connection, queue).await,
        ["consume", queue] => consume(&connection, queue).await,
        _ => Err(USAGE.into()),
    }
}

async fn fill(connection: &Connection, (exchange, routing_key): (&str, &str), file: &str) -> Outcome {
    let publisher = connection.publisher().await?;
    let text = std::fs::read_to_string(file)?;
    for line in text.lines() {
        let properties = Properties { content_type: Some("application/json".to_owned()), ..Properties::default() };
        let publication = Publication {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            properties,
            body: line.as_bytes().to_vec(),
        };
        publisher.publish(publication).await?;
    }
    Ok(publisher.close().await?)
}

async fn watch(connection: &Connection, queue: &str) -> Outcome {
    let channel = connection.channel().await?;
    let started = Instant::now();
    let mut out = std::io::stdout().lock();
    loop {
        let asked = Instant::now();
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let depth = channel.queue_declare(queue.into(), options, FieldTable::default()).await?.message_count();
        // The broker looked at some moment between the question and the answer.
        let at = asked.duration_since(started) + asked.elapsed() / 2;
        writeln!(out, "{} {depth}", at.as_micros())?;
        out.flush()?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn consume(connection: &Connection, queue: &str) -> Outcome {
    let channel = connection.channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(queue.into(), "raw".into(), options, FieldTable::default()).await?;
    while let Some(first) = consumer.next().await {
        let mut last = first?.delivery_tag;
        let mut batch_len = 1;
        while batch_len < BATCH_LEN_MAX {
            let Some(Some(delivery)) = consumer.next().now_or_never() else { break };
            last = delivery?.delivery_tag;
            batch_len += 1;
        }
        channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
    }
    Err("the broker ended the consumer".into())
}
