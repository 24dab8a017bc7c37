//! One HTTPS request at a time to a server of ours: enough to ask an API server whether it is ready.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::error::PartError;
use super::http::{self, Answer};

/// A port of 127.0.0.1, the one authority that it must prove itself by, and the token that it lets in.
pub(crate) struct Door {
    port: u16,
    token: String,
    config: Arc<ClientConfig>,
}

impl Door {
    pub(crate) fn to(port: u16, authority: &rcgen::Certificate, token: &str) -> Result<Self, PartError> {
        let config = trusting(authority).map_err(PartError::Trust)?;
        Ok(Self { port, token: token.to_owned(), config: Arc::new(config) })
    }

    /// Asks for `path`.
    ///
    /// # Errors
    /// When the server does not answer in time with HTTP, or cannot prove who it is.
    pub(crate) fn get(&self, path: &str) -> io::Result<Answer> {
        let stream = http::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        let name = ServerName::IpAddress(IpAddr::from(Ipv4Addr::LOCALHOST).into());
        let connection = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n", self.token)?;
        let mut text = Vec::new();
        match stream.read_to_end(&mut text) {
            // A server that has said all may just go.
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
            _ => Answer::parse(&String::from_utf8_lossy(&text)),
        }
    }
}

fn trusting(authority: &rcgen::Certificate) -> Result<ClientConfig, rustls::Error> {
    let mut authorities = RootCertStore::empty();
    authorities.add(authority.der().clone())?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(authorities).with_no_client_auth())
}

impl std::fmt::Debug for Door {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Door").field("port", &self.port).finish_non_exhaustive()
    }
}
