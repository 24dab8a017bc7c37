//! Asking a running operator whether it is ready, from an image without a shell.

use std::process::ExitCode;
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

pub(crate) async fn check(url: &str) -> ExitCode {
    let client = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().build();
    let answer = match client {
        Ok(client) => client.get(url).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => {
            println!("ready");
            ExitCode::SUCCESS
        }
        Ok(answer) => {
            let missing = answer.text().await.unwrap_or_default();
            eprintln!("error: not ready: {}", missing.trim());
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("error: could not ask `{url}`: {}", host::chain(&error));
            ExitCode::from(1)
        }
    }
}
