//! Waits until everything that was published is done: taken, posted or buried, acknowledged, its results confirmed.

use std::fs;
use std::time::{Duration, Instant};

use broker::{Connection, OperationError};
use tokio::time::sleep;

use super::ctl::Ctl;
use super::error::UpError;
use super::example::Example;
use super::show::Show;
use super::worker::Counts;

/// The slowest machine settles more than a hundred a second; what takes longer hangs.
const SETTLE_MAX: Duration = Duration::from_mins(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A worker that was started again counts from nought, one that lost its connection counts some twice; then it is enough that nothing moves for so long.
const QUIET_MIN: Duration = Duration::from_secs(3);

/// What the worker counted when all was done.
pub(super) async fn settle(
    connection: &Connection,
    example: &Example,
    ctl: &Ctl,
    show: &mut Show<'_>,
) -> Result<Counts, UpError> {
    let begun = Instant::now();
    let mut quiet: Option<(Counts, Instant)> = None;
    loop {
        show.check()?;
        let counts = fs::read_to_string(ctl.data.listen()).ok().and_then(|address| Counts::ask(&address));
        let counts = counts.filter(Counts::is_settled);
        if let Some(counts) = counts
            && is_empty(connection, &example.lanes()).await?
        {
            let since = quiet.filter(|(before, _)| *before == counts).map_or_else(Instant::now, |(_, since)| since);
            let all_came = counts.adds_up() && counts.received >= example.tour.messages.len() as u64;
            if (all_came || since.elapsed() > QUIET_MIN) && is_published(ctl)? {
                return Ok(counts);
            }
            quiet = Some((counts, since));
        } else {
            quiet = None;
        }
        if begun.elapsed() > SETTLE_MAX {
            return Err(show.slow("the queues to be empty and everything settled", SETTLE_MAX));
        }
        sleep(PAUSE).await;
    }
}

/// Nothing is ready in any lane.
async fn is_empty(connection: &Connection, lanes: &[String]) -> Result<bool, OperationError> {
    for lane in lanes {
        if connection.passive_depth(lane).await? != Some(0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every batch is marked as published: what is still to be done is what the audit calls pending.
fn is_published(ctl: &Ctl) -> Result<bool, UpError> {
    let audit = ctl.ask(&["audit"])?;
    let findings = audit["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(findings.iter().all(|finding| finding["pending"] != true))
}
