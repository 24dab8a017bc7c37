//! From a URL to connection settings. The password goes into the settings and nowhere else.

use std::fmt::Write as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::Trust;
use crate::error::LedgerError;

/// A database that does not answer within this time is away.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Data that is not acknowledged for so long ends the connection: a host that vanished says nothing.
const UNANSWERED_MAX: Duration = Duration::from_secs(30);

/// Where the ledger is and how to reach it.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// Without password.
    pub(super) shown: String,
}

/// The parameter of a URL that holds authorities themselves, where no file has them.
const AUTHORITIES: &str = "sslrootpem";

/// The same URL with authorities as PEM text: they alone are trusted from now on, and without TLS there is no connection. A URL that
/// says itself whom it trusts, or that it wants no TLS, stays as it is.
pub(crate) fn trusting(url: &str, pem: &str) -> String {
    let url = url.trim();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let given = |name: &str| query.split('&').find_map(|pair| pair.split_once('=').filter(|(given, _)| *given == name));
    if given("sslrootcert").is_some() || given("sslmode").is_some_and(|(_, mode)| mode == "disable") {
        return url.to_owned();
    }
    let mut extended = format!("{url}{}", if url.contains('?') { "&" } else { "?" });
    if given("sslmode").is_none() {
        extended.push_str("sslmode=verify-full&");
    }
    extended + AUTHORITIES + "=" + &encode(pem)
}

/// Reads a URL; `sslmode=verify-full` and `sslrootcert` are ours, the client's parser does not know them.
pub(super) fn parse(url: &str) -> Result<Address, LedgerError> {
    // A file or a Secret made by hand often ends with a new line.
    let url = url.trim();
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut mode = "prefer".to_owned();
    let mut root = None;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sslmode" => mode = decode(value),
            "sslrootcert" => root = Some(Trust::File(decode(value))),
            AUTHORITIES => root = Some(Trust::Pem(decode(value))),
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    let mut config: Config = plain.parse().map_err(|e: tokio_postgres::Error| {
        let why = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
        wrong(
            "postgres",
            format!("the URL cannot be read ({why}); write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"),
        )
    })?;
    let shown = show(&config);
    let trust = trust(&mut config, &mode, root).map_err(|detail| wrong(&shown, detail))?;
    if config.get_hosts().is_empty() {
        return Err(wrong(
            &shown,
            "the URL names no host; write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`".to_owned(),
        ));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNANSWERED_MAX);
    }
    // What was acknowledged and never answered: a host that vanished behind our question.
    config.keepalives_idle(UNANSWERED_MAX);
    if config.get_application_name().is_none() {
        config.application_name("loyalty");
    }
    Ok(Address { config, trust, shown })
}

fn trust(config: &mut Config, mode: &str, root: Option<Trust>) -> Result<Trust, String> {
    let (ssl, trust) = match mode {
        "disable" => (SslMode::Disable, Trust::Off),
        // Whoever could forge a certificate could as well say that there is no TLS here, so an unknown one is not refused.
        "prefer" => (SslMode::Prefer, root.unwrap_or(Trust::Anyone)),
        "require" | "verify-full" => (SslMode::Require, root.unwrap_or(Trust::Platform)),
        _ => {
            return Err("`sslmode` in the URL must be `disable`, `prefer`, `require` or `verify-full` (`require` checks the certificate too)".to_owned());
        }
    };
    config.ssl_mode(ssl);
    Ok(trust)
}

fn show(config: &Config) -> String {
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    };
    let port = config.get_ports().first().map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{user}{host}{port}/{}", config.get_dbname().unwrap_or_default())
}

fn encode(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut encoded, byte| {
        if plain(&byte) {
            encoded.push(char::from(byte));
        } else {
            // A text takes everything.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Percent-decoding; what is not valid stays as it is.
fn decode(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%').then(|| value.get(at + 1..at + 3)).flatten();
        if let Some(code) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(code);
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| value.to_owned())
}

fn wrong(object: &str, detail: String) -> LedgerError {
    LedgerError::Misconfigured { object: object.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use super::{SslMode, Trust, parse, trusting};

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = parse("postgres://loyalty:s3cret@db.example:6432/ledger?sslmode=require").unwrap();
        assert_eq!(address.shown, "postgres://loyalty@db.example:6432/ledger");
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    #[test]
    fn a_url_as_cloudnativepg_writes_it_is_accepted() {
        // Its keys `uri` and `fqdn-uri`; the password is its own, percent-encoded where that is needed.
        for host in ["ledger-rw.shops", "ledger-rw.shops.svc.cluster.local"] {
            let address = parse(&format!("postgresql://app:s3cret%2F%3D@{host}:5432/app\n")).unwrap();
            assert_eq!(address.shown, format!("postgres://app@{host}:5432/app"));
            assert_eq!(address.config.get_password(), Some(b"s3cret/=".as_slice()));
            assert_eq!(address.config.get_ssl_mode(), SslMode::Prefer);
            assert!(matches!(address.trust, Trust::Anyone));
        }
    }

    #[test]
    fn authorities_of_a_secret_are_trusted_alone_unless_the_url_says_whom() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n";
        for (url, mode, trust) in [
            ("postgres://a:b@db/x", SslMode::Require, Trust::Pem(pem.to_owned())),
            ("postgres://a:b@db/x?application_name=till\n", SslMode::Require, Trust::Pem(pem.to_owned())),
            ("postgres://a:b@db/x?sslmode=require", SslMode::Require, Trust::Pem(pem.to_owned())),
            ("postgres://a:b@db/x?sslmode=prefer", SslMode::Prefer, Trust::Pem(pem.to_owned())),
            ("postgres://a:b@db/x?sslmode=disable", SslMode::Disable, Trust::Off),
            ("postgres://a:b@db/x?sslrootcert=/ca.pem", SslMode::Prefer, Trust::File("/ca.pem".to_owned())),
        ] {
            let address = parse(&trusting(url, pem)).unwrap();
            assert_eq!((address.config.get_ssl_mode(), address.trust), (mode, trust), "{url}");
            assert_eq!(address.shown, "postgres://a@db:5432/x");
        }
        assert_ne!(trusting("postgres://db/x", pem), trusting("postgres://db/x", "another"));
    }

    #[test]
    fn an_unreadable_url_is_told_without_its_password() {
        for url in [
            "postgres://loyalty:s3cret@db:notaport/ledger",
            "postgres://loyalty:s3cret@db/ledger?sslmode=maybe",
            "postgres://loyalty:s3cret@db/ledger?nonsense=1",
            "postgres://",
        ] {
            let error = parse(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("s3cret"), "{text}");
            assert!(matches!(error, crate::LedgerError::Misconfigured { .. }), "{text}");
        }
    }
}
