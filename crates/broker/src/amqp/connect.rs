//! From settings to a connection, or to the reason why there is none.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contract::broker_object::Release;
use futures::io::{AsyncRead, AsyncWrite};
use lapin::tcp::{AsyncTcpStream, RustlsConnector, RustlsConnectorConfig};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{ConnectionProperties, Error, ErrorKind};
use tokio::time::timeout;

use super::{Connection, greeting};
use crate::{BrokerError, Settings, tls};

/// Longest wait for a connection, all steps together.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Seconds between heartbeats: a broker that vanished without a word is noticed within twice that.
const HEARTBEAT_S: u16 = 20;

/// Connects; `name` is what the management UI shows. A cancelled call leaves nothing behind.
pub async fn connect(settings: &Settings, name: &str) -> Result<Connection, BrokerError> {
    crate::install_tls_provider();
    let connector = if settings.tls { Some(connector(settings)?) } else { None };
    let address = settings.address();
    // Who hangs up after the handshake speaks TLS, but not AMQP.
    let shaken = Arc::new(AtomicBool::new(false));
    let (connected, is_shaken) = (Arc::clone(&shaken), move || shaken.load(Ordering::Acquire));
    let open = async move |uri: AMQPUri, runtime| {
        let host = uri.authority.host.as_str();
        let stream = AsyncTcpStream::connect(&runtime, addresses(host, uri.authority.port).await?).await?;
        Ok(secured(stream, connector.as_ref(), (host, &connected)).await?)
    };
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime().map_err(|source| unreachable(&address, source))?;
    let connecting = lapin::Connection::connector(uri(settings), runtime, open, properties);
    match timeout(CONNECT_MAX, connecting).await {
        Ok(Ok(inner)) => Ok(Connection::new(inner, address)),
        Ok(Err(error)) => Err(explain(settings, error, is_shaken())),
        Err(_) => Err(BrokerError::Slow { address, seconds: CONNECT_MAX.as_secs() }),
    }
}

/// Which RabbitMQ answers there, as it says before any login, on a short connection of its own: the library keeps what the broker
/// says of itself to itself. Unknown where it says nothing that can be read. A cancelled call leaves nothing behind.
pub async fn release(settings: &Settings) -> Result<Release, BrokerError> {
    crate::install_tls_provider();
    let connector = if settings.tls { Some(connector(settings)?) } else { None };
    let (address, shaken) = (settings.address(), AtomicBool::new(false));
    let runtime = lapin::runtime::default_runtime().map_err(|source| unreachable(&address, source))?;
    let ask = async {
        let host = settings.host.as_str();
        let stream = AsyncTcpStream::connect(&runtime, addresses(host, settings.port).await?).await?;
        greeting::release(&mut secured(stream, connector.as_ref(), (host, &shaken)).await?).await
    };
    match timeout(CONNECT_MAX, ask).await {
        Ok(Ok(release)) => Ok(release),
        Ok(Err(error)) => Err(explain(settings, error.into(), shaken.load(Ordering::Acquire))),
        Err(_) => Err(BrokerError::Slow { address, seconds: CONNECT_MAX.as_secs() }),
    }
}

/// The name is resolved by the runtime's own resolver, in the background.
async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

async fn secured<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: AsyncTcpStream<S>,
    connector: Option<&RustlsConnector>,
    (host, is_shaken): (&str, &AtomicBool),
) -> io::Result<AsyncTcpStream<S>> {
    let Some(connector) = connector else { return Ok(stream) };
    let stream = stream.into_rustls(connector, host).await?;
    is_shaken.store(true, Ordering::Release);
    Ok(stream)
}

fn uri(settings: &Settings) -> AMQPUri {
    let userinfo = AMQPUserInfo { username: settings.username.clone(), password: settings.password.clone() };
    AMQPUri {
        scheme: if settings.tls { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
        authority: AMQPAuthority { userinfo, host: settings.host.clone(), port: settings.port },
        vhost: settings.vhost.clone(),
        query: AMQPQueryString { heartbeat: Some(HEARTBEAT_S), ..AMQPQueryString::default() },
    }
}

fn connector(settings: &Settings) -> Result<RustlsConnector, BrokerError> {
    let fail = |source: io::Error| BrokerError::Tls { source: Arc::new(source) };
    let config = match &settings.ca {
        Some(ca) => {
            RustlsConnectorConfig::default().with_parsable_certificates(tls::certificates(ca).unwrap_or_default())
        }
        None => RustlsConnectorConfig::new_with_platform_verifier(),
    };
    let identity = settings.identity.as_ref();
    let identity = identity.and_then(|(chain, key)| Some((tls::certificates(chain)?, tls::key(key)?)));
    match identity {
        Some((chain, key)) => config.connector_with_single_cert(chain, key).map_err(fail),
        None => config.connector_with_no_client_auth().map_err(fail),
    }
}

fn explain(settings: &Settings, error: Error, is_shaken: bool) -> BrokerError {
    let address = settings.address();
    if let Some(problem) = tls::certificate_problem(&error) {
        return BrokerError::Certificate { address, problem };
    }
    if let Some(alert) = tls::alert(&error) {
        return BrokerError::Handshake { address, alert };
    }
    if tls::is_not_tls(&error) {
        return BrokerError::NotTls { address };
    }
    match error.kind() {
        ErrorKind::ProtocolError(refused) => {
            let (code, reply) = (refused.get_id(), refused.get_message().to_string());
            refusal(settings, code, reply)
        }
        ErrorKind::IOError(io) if is_hang_up(io) && settings.tls && !is_shaken => BrokerError::NotTls { address },
        ErrorKind::IOError(io) if is_hang_up(io) => BrokerError::NotAmqp { address, source: Arc::new(error) },
        ErrorKind::IOError(_) => unreachable(&address, error),
        _ => BrokerError::NotAmqp { address, source: Arc::new(error) },
    }
}

/// What the broker answers to a login (403) or to a vhost (530).
fn refusal(settings: &Settings, code: u16, reply: String) -> BrokerError {
    let (address, vhost, username) = (settings.address(), settings.vhost.clone(), settings.username.clone());
    match code {
        403 => BrokerError::Login { address, username },
        530 if reply.contains("not found") => BrokerError::NoVhost { address, vhost },
        _ => BrokerError::Vhost { address, vhost, username, reply },
    }
}

/// Somebody accepted the connection and then did not like what was said.
fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn unreachable(address: &str, source: Error) -> BrokerError {
    BrokerError::Unreachable { address: address.to_owned(), source: Arc::new(source) }
}
