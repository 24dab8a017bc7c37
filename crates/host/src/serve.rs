//! The probes and the metrics over plain HTTP; for the pod's own network, never for the street.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::net::TcpListener;

use crate::{Health, Shutdown};

/// The probes' port could not be had.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on `{address}`; choose a free port with `--listen`")]
pub struct ServeError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// A bound port that does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    /// Where it listens; the port that was found when 0 was asked for.
    pub address: SocketAddr,
}

/// Binds the port, so that a taken one is an error before anything else starts.
pub async fn bind(address: SocketAddr) -> Result<Server, ServeError> {
    let fail = |source| ServeError { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok(Server { listener, address })
}

impl Server {
    /// Answers `/livez`, `/readyz` and `/metrics` until the process is told to leave at once.
    ///
    /// It outlives the first signal: a worker that drains is alive and not ready, and must be seen to be.
    pub async fn run(self, health: Health, registry: Registry, shutdown: Shutdown) {
        let router = Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Shared { health, registry });
        let stop = async move { shutdown.now().await };
        if let Err(error) = axum::serve(self.listener, router).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the probes' server ended");
        }
    }
}

#[derive(Clone)]
struct Shared {
    health: Health,
    registry: Registry,
}

async fn ready(State(shared): State<Shared>) -> impl IntoResponse {
    let missing = shared.health.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
    }
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    match encoder.encode(&shared.registry.gather(), &mut text) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, encoder.format_type().to_owned())], text),
        Err(error) => {
            let why = error.to_string().into_bytes();
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain".to_owned())], why)
        }
    }
}
