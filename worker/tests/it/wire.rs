//! A wire to a real server that a test can cut and mend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Forwards to a real server until it is told not to, and forgets open connections when it is.
pub(crate) struct Wire {
    pub(crate) port: u16,
    open: tokio::sync::watch::Sender<bool>,
    refused: Arc<AtomicUsize>,
}

impl Wire {
    pub(crate) async fn to(target: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let refused = Arc::new(AtomicUsize::new(0));
        let counted = refused.clone();
        let (open, state) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut state = state.clone();
                let (target, counted) = (target.clone(), counted.clone());
                tokio::spawn(async move {
                    if !*state.borrow() {
                        counted.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { port, open, refused }
    }

    pub(crate) fn cut(&self) {
        self.open.send(false).unwrap();
    }

    pub(crate) fn mend(&self) {
        self.open.send(true).unwrap();
    }

    /// How many connections were turned away while it was cut.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// The same URL by way of this wire.
    pub(crate) fn instead_of(url: &str) -> (String, impl Fn(u16) -> String + use<>) {
        let start = url.rfind('@').map_or_else(|| url.find("://").unwrap() + 3, |at| at + 1);
        let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
        let (head, target, tail) = (url[..start].to_owned(), url[start..end].to_owned(), url[end..].to_owned());
        (target, move |port| format!("{head}127.0.0.1:{port}{tail}"))
    }
}
