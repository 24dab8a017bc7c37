//! Asking a running operator whether it is ready, from an image without a shell.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Longest wait until it is ready: a Service leads to a pod only some time after the pod says that it is.
const READY_MAX: Duration = Duration::from_secs(30);

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) async fn check(url: &str) -> ExitCode {
    let begun = Instant::now();
    loop {
        match ask(url).await {
            Ok(()) => {
                println!("ready");
                return ExitCode::SUCCESS;
            }
            Err(problem) if begun.elapsed() > READY_MAX => {
                eprintln!("error: {problem}");
                return ExitCode::from(1);
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn ask(url: &str) -> Result<(), String> {
    let client = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().build();
    let client = client.map_err(|error| host::chain(&error))?;
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| format!("could not ask `{url}`: {}", host::chain(&error)))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let missing = answer.text().await.unwrap_or_default();
    Err(format!("not ready: {}", missing.trim()))
}
