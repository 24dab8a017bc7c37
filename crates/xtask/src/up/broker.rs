//! The broker of the tour: found or made, and free of what an earlier tour left.

use broker::{Connection, OperationError, Settings};
use tokio::runtime::Runtime;

use super::choice::{Choice, choose};
use super::container::Container;
use super::ctl::print_line;
use super::error::UpError;
use super::local::{self, LOCAL_URL};
use super::summary::grouped;
use crate::parts::{RabbitMq, RunFolder, live};
use crate::progress::say;

/// A broker that answers; dropping it ends it, if it was started here.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) settings: Settings,
    /// Where it is not at its usual place, or named by the environment.
    pub(super) management_url: Option<String>,
    made: Made,
}

/// What ends with the tour.
#[derive(Debug)]
enum Made {
    Nothing,
    Container { _ends: Container },
    Own { _ends: Box<RabbitMq> },
}

/// Chooses, says which and why, and starts one if that was chosen.
pub(super) fn make_sure(runtime: &Runtime, flag: Option<&str>, run: &RunFolder) -> Result<Broker, UpError> {
    let there = local::look(runtime, flag, run)?;
    let (choice, sentence) = choose(&there);
    say(&sentence);
    let given = |settings| Broker { settings, management_url: None, made: Made::Nothing };
    match choice {
        Choice::Named(settings) => Ok(given(*settings)),
        Choice::Local => parse(LOCAL_URL).map(given),
        Choice::Docker => match Container::start(runtime, run) {
            Ok(it) => Ok(Broker {
                settings: parse(&it.amqp_url)?,
                management_url: Some(it.management_url.clone()),
                made: Made::Container { _ends: it },
            }),
            Err(error) if live::interrupted() => Err(error.into()),
            Err(error) => {
                say(&error.to_string());
                say("RabbitMQ: one of our own instead");
                own()
            }
        },
        Choice::Own => own(),
    }
}

fn own() -> Result<Broker, UpError> {
    let it = Box::new(RabbitMq::start()?);
    let management_url = Some(it.management_url().to_owned());
    Ok(Broker { settings: parse(it.url())?, management_url, made: Made::Own { _ends: it } })
}

fn parse(url: &str) -> Result<Settings, UpError> {
    Settings::from_url(url).map_err(|source| UpError::Settings { by: "this command", source })
}

impl Broker {
    /// Whether it was started here, so that nothing can be left over on it.
    pub(super) fn is_fresh(&self) -> bool {
        !matches!(self.made, Made::Nothing)
    }

    pub(super) async fn connect(&self) -> Result<Connection, UpError> {
        Ok(broker::connect(&self.settings, "cargo xtask up").await?)
    }

    /// What a person at another terminal types first; a broker that was named is known already.
    pub(super) fn tell_how_to_use(&self) {
        if self.is_fresh() {
            say("for another terminal, as long as this goes on:");
            print_line(&format!("export AMQP_URL={}", self.settings.secret_url()));
            if let Some(url) = &self.management_url {
                print_line(&format!("export MANAGEMENT_URL={url}"));
            }
        }
    }
}

/// Throws away what an earlier tour left in the pipeline's queues, and says how much that was.
pub(super) async fn purge(connection: &Connection, queues: &[String]) -> Result<(), OperationError> {
    for queue in queues {
        if connection.passive_depth(queue).await?.is_some_and(|depth| depth > 0) {
            let count = connection.purge(queue).await?;
            say(&format!("queue {queue}: threw away {} messages of an earlier tour", grouped(count)));
        }
    }
    Ok(())
}
