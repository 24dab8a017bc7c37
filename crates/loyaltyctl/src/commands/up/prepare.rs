//! Before the worker starts: the broker's objects and the ledger's rules are as the file says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Connection;
use contract::broker_object::{Desired, Standing};
use ledger::{Appended, Ledger, LedgerError, Since};
use topology::Plan;

use super::super::plan::render;
use super::say;
use crate::edge::Halt;
use crate::observe;
use crate::screen::{Screen, count};
use crate::target::{BrokerTarget, Pipeline, open_migrated};
use crate::user;

/// How long the management API may take to show what was declared.
const SHOWN_MAX: Duration = Duration::from_secs(15);

/// The broker took every step and something is different all the same.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not make the broker as the file says: it took every step, but {differences} stand; see above which fields"
)]
struct StillDifferent {
    differences: String,
}

/// Opens the ledger and makes its tables.
pub(super) async fn ledger(url: &str) -> Result<Arc<dyn Ledger>, LedgerError> {
    open_migrated(url).await
}

/// Makes the broker as the file says; `false` when something stands in the way, which was told.
pub(super) async fn broker(pipeline: &Pipeline, broker: &BrokerTarget, screen: &Screen) -> Result<bool, Halt> {
    let connection = observe::connect(&broker.settings).await?;
    say(screen, &format!("broker {}\n", broker.settings))?;
    let made = make(pipeline, broker, &connection, screen).await;
    connection.close().await;
    made
}

async fn make(
    pipeline: &Pipeline,
    broker: &BrokerTarget,
    connection: &Connection,
    screen: &Screen,
) -> Result<bool, Halt> {
    let wanted = pipeline.desired(broker::release(&broker.settings).await?);
    let standing = observe::standing(&broker.settings, screen).await?;
    let plan = topology::diff(&wanted, &standing, &pipeline.owner);
    if !plan.conflicts.is_empty() {
        say(screen, &format!("{}nothing was changed; settle the conflicts first\n", render(&plan, screen)))?;
        return Ok(false);
    }
    broker::apply(connection, &plan.steps).await?;
    say(screen, &render(&plan, screen))?;
    if matches!(standing, Standing::Unseen) {
        say(screen, "declared; what stands cannot be read back without the management API\n")?;
    } else if !plan.steps.is_empty() {
        read_back(&wanted, pipeline, broker, screen).await?;
        say(screen, &format!("{} applied; read back: no difference\n", count(plan.steps.len() as u64, "step")))?;
    }
    Ok(true)
}

/// The broker accepts some fields and stores nothing: only what was read again is known to stand.
async fn read_back(wanted: &Desired, pipeline: &Pipeline, broker: &BrokerTarget, screen: &Screen) -> Result<(), Halt> {
    let deadline = Instant::now() + SHOWN_MAX;
    loop {
        let standing = observe::standing(&broker.settings, screen).await?;
        let plan = topology::diff(wanted, &standing, &pipeline.owner);
        if is_empty(&plan) || matches!(standing, Standing::Unseen) {
            return Ok(());
        }
        if Instant::now() > deadline {
            say(screen, &render(&plan, screen))?;
            let differences = count((plan.steps.len() + plan.conflicts.len()) as u64, "difference");
            return Err(StillDifferent { differences }.into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn is_empty(plan: &Plan) -> bool {
    plan.steps.is_empty() && plan.conflicts.is_empty()
}

/// Appends the file's rules to the timeline, unless they are its last line.
pub(super) async fn rules(pipeline: &Pipeline, ledger: &dyn Ledger, screen: &Screen) -> Result<(), Halt> {
    let ruleset = pipeline.ruleset();
    let since = Since { valid_from: pipeline.spec.program.valid_from, author: user::name() };
    let appended = ledger.append_timeline(&pipeline.name, &ruleset, &since).await?;
    let (line, what) = match &appended {
        Appended::Added(line) => (line, "applied"),
        Appended::Unchanged(line) => (line, "unchanged"),
    };
    let from = line.valid_from.map_or_else(|| "from the beginning".to_owned(), |from| format!("since {from}"));
    let (address, hash, seq) = (ledger.address(), line.hash.short(), line.seq);
    say(screen, &format!("ledger {address}\nrules {hash} {what}: version {seq}, in force {from}\n"))?;
    Ok(())
}
