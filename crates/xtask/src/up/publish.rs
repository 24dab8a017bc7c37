//! Publishes the tour, evenly, and sees every message confirmed.

use std::time::{Duration, Instant};

use broker::{Connection, Properties, Publication};
use tokio::time::sleep_until;

use super::Rate;
use super::error::UpError;
use crate::tour::{EXCHANGE, Message};

/// How often it is seen whether somebody still takes the messages.
const CHECK_EVERY: Duration = Duration::from_millis(200);

/// Publishes all of them. `check` is asked now and then; its error ends the publishing.
pub(crate) async fn publish(
    connection: &Connection,
    messages: &[Message],
    rate: Rate,
    mut check: impl FnMut() -> Result<(), UpError>,
) -> Result<(), UpError> {
    let publisher = connection.publisher().await?;
    let begun = Instant::now();
    let mut checked = begun;
    for (n, message) in messages.iter().enumerate() {
        if let Rate::PerSecond(rate) = rate {
            sleep_until((begun + due(n, rate.get())).into()).await;
        }
        if checked.elapsed() > CHECK_EVERY {
            check()?;
            checked = Instant::now();
        }
        // Dropped: the flush below tells of each that fails.
        drop(publisher.publish(publication(message)).await?);
    }
    Ok(publisher.close().await?)
}

/// When message `n`, from 0, is due after the first.
fn due(n: usize, per_second: u32) -> Duration {
    let micros = (n as u64).saturating_mul(1_000_000) / u64::from(per_second);
    Duration::from_micros(micros)
}

fn publication(message: &Message) -> Publication {
    Publication {
        exchange: EXCHANGE.to_owned(),
        routing_key: message.routing_key.to_owned(),
        properties: Properties { content_type: Some("application/json".to_owned()), ..Properties::default() },
        body: message.body.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::due;
    use std::time::Duration;

    #[test]
    fn messages_are_spread_evenly() {
        assert_eq!(due(0, 500), Duration::ZERO);
        assert_eq!(due(1, 500), Duration::from_millis(2));
        assert_eq!(due(7_000, 500), Duration::from_secs(14));
        assert_eq!(due(1, 3), Duration::from_micros(333_333));
    }
}
