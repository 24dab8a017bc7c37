//! Where the broker is and how to log in, from a Secret's keys or a plain URL.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;

use crate::percent;

const URI: &str = "uri";
const CONNECTION_STRING: &str = "connection_string";
const MANAGEMENT_URI: &str = "managementUri";
const CA: &str = "ca.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AMQPS_PORT: u16 = 5671;

/// Where the broker is and how to log in. Neither `Debug` nor `Display` shows the password. Two that lead to the same vhost by the
/// same login are equal, however they were written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) vhost: String,
    pub(crate) management: ManagementSettings,
    /// PEM of the only authorities to be trusted; the platform's when absent.
    pub(crate) ca: Option<String>,
    /// PEM of our own certificate chain and its key.
    pub(crate) identity: Option<(String, String)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ManagementSettings {
    /// `http://host:port` and a path, without a slash at its end and without a login.
    pub(crate) base: String,
    pub(crate) username: String,
    pub(crate) password: String,
    /// Somebody said so; else it is only the usual place.
    pub(crate) given: bool,
}

/// Why the broker's settings cannot be used; no error shows a value that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No key says where the broker is.
    #[error(
        "could not read the broker's settings: no key `uri`; add it (`amqp://USER:PASSWORD@HOST:5672/VHOST`), or `host`, \
         `username` and `password`"
    )]
    NoUri,
    /// A key is missing that belongs to another.
    #[error("could not read the broker's settings: `{have}` is there without `{missing}`; add `{missing}`")]
    Missing {
        /// What is there.
        have: &'static str,
        /// What belongs to it.
        missing: &'static str,
    },
    /// A key whose value cannot be used.
    #[error("could not read the broker's settings: `{key}` {problem}")]
    Bad {
        /// Which key; `broker URL` for a plain URL.
        key: &'static str,
        /// What is wrong and what to do.
        problem: &'static str,
    },
}

impl Settings {
    /// Reads a Secret: `uri`, or `connection_string`, or `host`, `username`, `password` and `port` (as the RabbitMQ Cluster
    /// Operator writes the last five); then `managementUri`, `ca.crt`, `tls.crt` and `tls.key`. Other keys are left alone.
    pub fn from_secret(secret: &BTreeMap<String, Vec<u8>>) -> Result<Self, SettingsError> {
        let mut settings = match (text(secret, URI)?, text(secret, CONNECTION_STRING)?) {
            (Some(uri), _) => Self::from_uri(URI, uri)?,
            (None, Some(uri)) => Self::from_uri(CONNECTION_STRING, uri)?,
            (None, None) => Self::from_parts(secret)?,
        };
        if let Some(uri) = text(secret, MANAGEMENT_URI)? {
            settings = settings.with_management(uri)?;
        }
        if let Some(ca) = text(secret, CA)? {
            settings = settings.with_ca(ca)?;
        }
        match (text(secret, CERTIFICATE)?, text(secret, KEY)?) {
            (Some(certificate), Some(key)) => settings.with_identity(certificate, key),
            (Some(_), None) => Err(SettingsError::Missing { have: CERTIFICATE, missing: KEY }),
            (None, Some(_)) => Err(SettingsError::Missing { have: KEY, missing: CERTIFICATE }),
            (None, None) => Ok(settings),
        }
    }

    /// Reads `amqp://USER:PASSWORD@HOST:PORT/VHOST` or `amqps://...`; `guest`, the usual port and the vhost `/` where they are
    /// left out. No path and an empty one are both the vhost `/`.
    pub fn from_url(url: &str) -> Result<Self, SettingsError> {
        Self::from_uri("broker URL", url)
    }

    fn from_uri(key: &'static str, uri: &str) -> Result<Self, SettingsError> {
        let bad = |problem| SettingsError::Bad { key, problem };
        let url = Url::parse(uri).map_err(|_| bad("is not a URL; write `amqp://USER:PASSWORD@HOST:5672/VHOST`"))?;
        let tls = match url.scheme() {
            "amqp" => false,
            "amqps" => true,
            _ => return Err(bad("must begin with `amqp://` or `amqps://`")),
        };
        let host = host(&url).ok_or_else(|| bad("names no host; write `amqp://USER:PASSWORD@HOST:5672/VHOST`"))?;
        let decoded = |part: &str| {
            percent::decode(part).ok_or_else(|| bad("has a `%` that encodes nothing; write `%25` for a `%` itself"))
        };
        let (username, password) = (decoded(url.username())?, decoded(url.password().unwrap_or_default())?);
        let (username, password) = if username.is_empty() && url.password().is_none() {
            ("guest".to_owned(), "guest".to_owned())
        } else {
            (username, password)
        };
        let vhost = match url.path().strip_prefix('/').unwrap_or_default() {
            "" => "/".to_owned(),
            path if path.contains('/') => {
                return Err(bad("has a path of several parts; write `%2F` for a `/` in the vhost"));
            }
            path => decoded(path)?,
        };
        let login = Login { host, port: url.port(), username, password, vhost };
        Ok(Self::assemble(tls, login))
    }

    fn from_parts(secret: &BTreeMap<String, Vec<u8>>) -> Result<Self, SettingsError> {
        let host = text(secret, "host")?.ok_or(SettingsError::NoUri)?.to_owned();
        let missing = |missing| SettingsError::Missing { have: "host", missing };
        let username = text(secret, "username")?.ok_or_else(|| missing("username"))?.to_owned();
        let password = text(secret, "password")?.ok_or_else(|| missing("password"))?.to_owned();
        let port: Option<u16> = match text(secret, "port")? {
            None => None,
            Some(port) => {
                let bad = SettingsError::Bad { key: "port", problem: "is not a port; write a number such as `5672`" };
                Some(port.parse().map_err(|_| bad)?)
            }
        };
        let login = Login { host, port, username, password, vhost: "/".to_owned() };
        Ok(Self::assemble(port == Some(AMQPS_PORT), login))
    }

    fn assemble(tls: bool, login: Login) -> Self {
        let Login { mut host, port, username, password, vhost } = login;
        host.make_ascii_lowercase();
        let (scheme, management_port, usual_port) =
            if tls { ("https", 15671, AMQPS_PORT) } else { ("http", 15672, 5672) };
        let management = ManagementSettings {
            base: format!("{scheme}://{}:{management_port}", bracketed(&host)),
            username: username.clone(),
            password: password.clone(),
            given: false,
        };
        let port = port.unwrap_or(usual_port);
        Self { tls, host, port, username, password, vhost, management, ca: None, identity: None }
    }

    /// Another place of the management API: `http://HOST:15672` or `https://...`; a login in it holds for it alone.
    pub fn with_management(mut self, uri: &str) -> Result<Self, SettingsError> {
        let bad = |problem| SettingsError::Bad { key: MANAGEMENT_URI, problem };
        let mut url = Url::parse(uri).map_err(|_| bad("is not a URL; write `http://HOST:15672`"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(bad("must begin with `http://` or `https://`"));
        }
        let decoded = |part: &str| percent::decode(part).ok_or_else(|| bad("has a `%` that encodes nothing"));
        if !url.username().is_empty() {
            self.management.username = decoded(url.username())?;
            self.management.password = decoded(url.password().unwrap_or_default())?;
        }
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| bad("names no host; write `http://HOST:15672`"))?;
        url.set_query(None);
        url.set_fragment(None);
        let base = url.as_str().trim_end_matches('/');
        // Some write the address of the API itself.
        base.strip_suffix("/api").unwrap_or(base).clone_into(&mut self.management.base);
        self.management.given = true;
        Ok(self)
    }

    /// PEM of the authorities to be trusted, instead of the platform's.
    pub fn with_ca(mut self, pem: &str) -> Result<Self, SettingsError> {
        if crate::tls::certificates(pem).is_none_or(|certificates| certificates.is_empty()) {
            let problem =
                "holds no certificate; put the authority's certificate there as PEM (`-----BEGIN CERTIFICATE-----`)";
            return Err(SettingsError::Bad { key: CA, problem });
        }
        self.ca = Some(pem.to_owned());
        Ok(self)
    }

    /// PEM of our own certificate chain and of its key, for brokers that ask for one.
    pub fn with_identity(mut self, certificate: &str, key: &str) -> Result<Self, SettingsError> {
        let bad = |key, problem| SettingsError::Bad { key, problem };
        if crate::tls::certificates(certificate).is_none_or(|certificates| certificates.is_empty()) {
            return Err(bad(
                CERTIFICATE,
                "holds no certificate; put ours there as PEM (`-----BEGIN CERTIFICATE-----`)",
            ));
        }
        if crate::tls::key(key).is_none() {
            return Err(bad(KEY, "holds no private key; put it there as PEM (`-----BEGIN PRIVATE KEY-----`)"));
        }
        self.identity = Some((certificate.to_owned(), key.to_owned()));
        Ok(self)
    }

    /// The same login in another vhost.
    #[must_use]
    pub fn with_vhost(mut self, vhost: &str) -> Self {
        vhost.clone_into(&mut self.vhost);
        self
    }

    /// The vhost.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// `host:port` of AMQP.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    /// Where the management API is looked for, without a login.
    #[must_use]
    pub fn management_address(&self) -> &str {
        &self.management.base
    }

    /// Whether somebody said where the management API is; if not, its absence is no mistake.
    #[must_use]
    pub fn is_management_given(&self) -> bool {
        self.management.given
    }

    /// The URL with its password, to be handed to another process by its environment; never to be shown.
    #[must_use]
    pub fn secret_url(&self) -> String {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let (username, password) = (percent::encode(&self.username), percent::encode(&self.password));
        format!("{scheme}://{username}:{password}@{}/{}", self.address(), percent::encode(&self.vhost))
    }

    /// PEM of the only authorities to be trusted, if any were given.
    #[must_use]
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }
}

struct Login {
    host: String,
    port: Option<u16>,
    username: String,
    password: String,
    vhost: String,
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let (username, vhost) = (percent::encode(&self.username), percent::encode(&self.vhost));
        write!(f, "{scheme}://{username}@{}/{vhost}", self.address())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ManagementSettings { base, username, given, .. } = &self.management;
        f.debug_struct("Settings")
            .field("amqp", &self.to_string())
            .field("management", &(base, username, given))
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

fn text<'a>(secret: &'a BTreeMap<String, Vec<u8>>, key: &'static str) -> Result<Option<&'a str>, SettingsError> {
    let Some(value) = secret.get(key) else { return Ok(None) };
    let bad = |problem| SettingsError::Bad { key, problem };
    let value = str::from_utf8(value).map_err(|_| bad("is not text (UTF-8)"))?.trim();
    if value.is_empty() { Err(bad("is empty; fill it in or remove the key")) } else { Ok(Some(value)) }
}

fn host(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    // Without the brackets of an IPv6 address.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    percent::decode(host)
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
