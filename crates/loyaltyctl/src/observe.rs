//! What stands on the broker.

use broker::{BrokerError, Connection, Management, ManagementError, Settings};
use contract::broker_object::Standing;

use crate::screen::Screen;
use host::chain;

/// The name under which the broker lists our connections.
const CONNECTION_NAME: &str = "loyaltyctl";

/// Logs in over AMQP.
pub(crate) async fn connect(settings: &Settings) -> Result<Connection, BrokerError> {
    broker::connect(settings, CONNECTION_NAME).await
}

/// What stands in the vhost, through the management API. Where there is none, or none that we may use, and nobody named one,
/// nothing can be seen; that is said.
pub(crate) async fn standing(settings: &Settings, screen: &Screen) -> Result<Standing, ManagementError> {
    let seen = async { Management::new(settings)?.observe(settings.vhost()).await }.await;
    match seen {
        Ok(standing) => Ok(standing),
        Err(error) if !settings.is_management_given() && can_do_without(&error) => {
            let why = chain(&error);
            let text = format!("{} what stands on the broker cannot be seen: {why}\n", screen.style.yellow("note:"));
            // Nobody is left to be told when this fails.
            let _ = screen.warn(&text);
            Ok(Standing::Unseen)
        }
        Err(error) => Err(error),
    }
}

/// At the usual place nobody answers, or something else does, or another broker's API that does not know us or our vhost.
fn can_do_without(error: &ManagementError) -> bool {
    use ManagementError::{NotFound, NotManagement, Unauthorized};
    error.is_absent() || matches!(error, Unauthorized { .. } | NotManagement { .. } | NotFound { .. })
}
