//! What stands on the broker.

use broker::{BrokerError, Connection, ManagementError, Settings};
use contract::broker_object::Standing;

use crate::screen::Screen;
use host::chain;

/// The name under which the broker lists our connections.
const CONNECTION_NAME: &str = "loyaltyctl";

/// Logs in over AMQP.
pub(crate) async fn connect(settings: &Settings) -> Result<Connection, BrokerError> {
    broker::connect(settings, CONNECTION_NAME).await
}

/// What stands in the vhost, as far as it can be seen; if it cannot, that is said.
pub(crate) async fn standing(settings: &Settings, screen: &Screen) -> Result<Standing, ManagementError> {
    let sight = broker::sight(settings).await?;
    if let Some(error) = sight.unseen_because() {
        let why = chain(error);
        let text = format!("{} what stands on the broker cannot be seen: {why}\n", screen.style.yellow("note:"));
        // Nobody is left to be told when this fails.
        let _ = screen.warn(&text);
    }
    Ok(sight.into_standing())
}
