//! The management API: what stands in a vhost, and a few things that AMQP cannot do.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use contract::broker_object::{Seen, Standing};
use reqwest::{Certificate, Identity, Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::percent::encode;
use crate::{Settings, tls};

mod counts;
mod error;
mod standing;

pub use counts::QueueCounts;
pub use error::ManagementError;

/// Longest wait for one answer: a broker with thousands of queues takes seconds.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Most bytes of an answer that is not what was asked for, in an error.
const REASON_MAX: usize = 200;

/// A client of the management API; cheap to clone.
#[derive(Clone)]
pub struct Management {
    client: reqwest::Client,
    base: String,
    username: String,
    password: String,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Management").field("base", &self.base).field("username", &self.username).finish_non_exhaustive()
    }
}

/// What the broker says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Overview {
    /// Such as `4.3.6`.
    pub rabbitmq_version: String,
    /// Name of the cluster.
    #[serde(default)]
    pub cluster_name: String,
}

impl Management {
    /// A client; nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<Self, ManagementError> {
        crate::install_tls_provider();
        let base = settings.management.base.clone();
        let client = client(settings).map_err(|source| ManagementError::Setup { source: Arc::new(source) })?;
        let (username, password) = (settings.management.username.clone(), settings.management.password.clone());
        Ok(Self { client, base, username, password })
    }

    /// Version and name.
    pub async fn overview(&self) -> Result<Overview, ManagementError> {
        self.get("api/overview").await
    }

    /// Whether the broker has no alarm (memory, disk): the reason if it has one.
    pub async fn health(&self) -> Result<Option<String>, ManagementError> {
        let response = self.send(Method::GET, "api/health/checks/alarms", None).await?;
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => Ok(Some(reason(response).await)),
            _ => self.check("api/health/checks/alarms", response).await.map(|_| None),
        }
    }

    /// Exchanges, queues and bindings of a vhost with all their fields. Numbers of messages and consumers may be some seconds
    /// old, and are missing where the broker has not told them yet.
    pub async fn observe(&self, vhost: &str) -> Result<Standing, ManagementError> {
        self.seen(vhost).await.map(Standing::Seen)
    }

    pub(crate) async fn seen(&self, vhost: &str) -> Result<Seen, ManagementError> {
        let vhost = encode(vhost);
        let rows = |kind, columns: &[&str]| format!("api/{kind}/{vhost}?columns={}", columns.join(","));
        let exchanges: Vec<standing::ExchangeRow> = self.get(&rows("exchanges", standing::EXCHANGE_COLUMNS)).await?;
        let queues: Vec<standing::QueueRow> = self.get(&rows("queues", standing::QUEUE_COLUMNS)).await?;
        let bindings: Vec<standing::BindingRow> = self.get(&rows("bindings", standing::BINDING_COLUMNS)).await?;
        Ok(standing::seen(exchanges, queues, bindings))
    }

    /// The numbers of all queues of a vhost by their names, in one request. They may be some seconds old.
    pub async fn counts(&self, vhost: &str) -> Result<HashMap<String, QueueCounts>, ManagementError> {
        let path = format!("api/queues/{}?columns={}", encode(vhost), counts::COLUMNS.join(","));
        let rows: Vec<counts::Row> = self.get(&path).await?;
        Ok(rows.into_iter().map(counts::Row::named).collect())
    }

    /// Creates a vhost, and gives this client's user all permissions there; fine when it stands.
    pub async fn create_vhost(&self, vhost: &str) -> Result<(), ManagementError> {
        let vhost = encode(vhost);
        self.change(Method::PUT, &format!("api/vhosts/{vhost}"), Some("{}")).await?;
        let path = format!("api/permissions/{vhost}/{}", encode(&self.username));
        self.change(Method::PUT, &path, Some(r#"{"configure":".*","write":".*","read":".*"}"#)).await
    }

    /// Deletes a vhost with all that is in it.
    pub async fn delete_vhost(&self, vhost: &str) -> Result<(), ManagementError> {
        self.change(Method::DELETE, &format!("api/vhosts/{}", encode(vhost)), None).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ManagementError> {
        let response = self.send(Method::GET, path, None).await?;
        let response = self.check(path, response).await?;
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_slice(&body).map_err(|source| ManagementError::NotManagement {
            address: self.base.clone(),
            problem: source.to_string(),
        })
    }

    async fn change(&self, method: Method, path: &str, body: Option<&'static str>) -> Result<(), ManagementError> {
        let response = self.send(method, path, body).await?;
        self.check(path, response).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&'static str>) -> Result<Response, ManagementError> {
        let url = format!("{}/{path}", self.base);
        let request = self.client.request(method, url).basic_auth(&self.username, Some(&self.password));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body),
            None => request,
        };
        request.send().await.map_err(|source| self.unreachable(source))
    }

    async fn check(&self, path: &str, response: Response) -> Result<Response, ManagementError> {
        let (address, username) = (self.base.clone(), self.username.clone());
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED => {
                Err(ManagementError::Unauthorized { address, username, reason: reason(response).await })
            }
            StatusCode::NOT_FOUND if !is_json(&response) => {
                Err(ManagementError::NotManagement { address, problem: "it answers 404".to_owned() })
            }
            StatusCode::NOT_FOUND => Err(ManagementError::NotFound { address, path: shown(path) }),
            status => Err(ManagementError::Refused {
                address,
                path: shown(path),
                status: status.as_u16(),
                reason: reason(response).await,
            }),
        }
    }

    /// Without the URL, which the library's own error shows.
    fn unreachable(&self, error: reqwest::Error) -> ManagementError {
        let address = self.base.clone();
        let error = error.without_url();
        if let Some(problem) = error.source().and_then(tls::certificate_problem) {
            return ManagementError::Certificate { address, problem };
        }
        let not_http = error.is_request() && !error.is_connect() && !error.is_timeout();
        if not_http || error.source().is_some_and(tls::is_not_tls) {
            return ManagementError::NotManagement {
                address,
                problem: "it does not speak HTTP (or only with TLS)".to_owned(),
            };
        }
        ManagementError::Unreachable { address, source: Arc::new(error) }
    }
}

fn client(settings: &Settings) -> reqwest::Result<reqwest::Client> {
    // A proxy of the environment is for the street, not for the broker next door.
    let builder = reqwest::Client::builder()
        // The broker closes idle connections; a kept one that it has just closed would fail a good request.
        .pool_max_idle_per_host(0)
        .timeout(ANSWER_MAX)
        .connect_timeout(CONNECT_MAX)
        .no_proxy();
    let builder = match &settings.ca {
        Some(ca) => builder.tls_certs_only(Certificate::from_pem_bundle(ca.as_bytes())?),
        None => builder,
    };
    match &settings.identity {
        Some((certificate, key)) => {
            builder.identity(Identity::from_pem(format!("{certificate}\n{key}").as_bytes())?).build()
        }
        None => builder.build(),
    }
}

/// Which fields were asked for tells nobody anything.
fn shown(path: &str) -> String {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    format!("/{path}")
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

/// The API answers errors with `{"error":...,"reason":...}`; anything else is shown by its beginning.
async fn reason(response: Response) -> String {
    #[derive(Deserialize)]
    struct Body {
        reason: serde_json::Value,
    }
    let text = response.text().await.unwrap_or_default();
    match serde_json::from_str::<Body>(&text) {
        Ok(Body { reason: serde_json::Value::String(reason) }) => reason,
        Ok(Body { reason }) => reason.to_string(),
        Err(_) => text.chars().take(REASON_MAX).collect(),
    }
}
