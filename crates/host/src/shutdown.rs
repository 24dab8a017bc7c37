//! Two signals: the first says "finish what you hold", the second "leave now".

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// An argument of everything that runs long.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soon: CancellationToken,
    now: CancellationToken,
}

impl Shutdown {
    /// Asks to finish.
    pub fn ask(&self) {
        self.soon.cancel();
    }

    /// Asks to leave at once.
    pub fn insist(&self) {
        self.soon.cancel();
        self.now.cancel();
    }

    /// Ends when asked to finish. Cancel-safe.
    pub async fn asked(&self) {
        self.soon.cancelled().await;
    }

    /// Ends when told to leave at once. Cancel-safe.
    pub async fn now(&self) {
        self.now.cancelled().await;
    }

    /// A part that can be ended on its own, and ends with the whole.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { soon: self.soon.child_token(), now: self.now.child_token() }
    }

    /// Whether it was asked to finish.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.soon.is_cancelled()
    }
}

/// SIGTERM or SIGINT asks; the second one insists. Needs a tokio runtime.
pub fn on_signals() -> std::io::Result<Shutdown> {
    let shutdown = Shutdown::default();
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let told = shutdown.clone();
    tokio::spawn(async move {
        for step in [Shutdown::ask, Shutdown::insist] {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            step(&told);
        }
    });
    Ok(shutdown)
}
