//! Looking until something is so.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::E2eError;
use super::hands::{Hands, SHOP};

/// Between two looks; each is a program that starts and ends.
const PAUSE: Duration = Duration::from_millis(300);

/// The label of workers' pods.
pub(super) const WORKERS: &str = "app.kubernetes.io/name=loyalty-worker";

/// Looks until there is nothing left to wait for: `look` says what is still missing.
pub(super) fn until(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Result<Option<String>, E2eError>,
) -> Result<(), E2eError> {
    let begun = Instant::now();
    loop {
        let Some(last) = look()? else { return Ok(()) };
        if begun.elapsed() > deadline {
            return Err(E2eError::Late { what: what.to_owned(), seconds: deadline.as_secs(), last });
        }
        thread::sleep(PAUSE);
    }
}

/// Pods of workers that are ready, and all of them.
pub(super) fn workers(hands: &Hands) -> Result<(usize, usize), E2eError> {
    let pods = hands.get(&["get", "pods", "-n", SHOP, "-l", WORKERS])?;
    let all = pods["items"].as_array().cloned().unwrap_or_default();
    let ready = all.iter().filter(|pod| is_ready(pod)).count();
    Ok((ready, all.len()))
}

/// The image of each worker's pod.
pub(super) fn worker_images(hands: &Hands) -> Result<Vec<String>, E2eError> {
    let pods = hands.get(&["get", "pods", "-n", SHOP, "-l", WORKERS])?;
    let all = pods["items"].as_array().cloned().unwrap_or_default();
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
    Ok(all.iter().map(image).collect())
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|it| it["type"] == "Ready" && it["status"] == "True"))
}
