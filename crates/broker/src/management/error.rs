//! Why the management API did not do what was asked.

use crate::Fault;

/// Why the management API did not do what was asked. The address is its URL without a login.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ManagementError {
    /// The client could not be set up.
    #[error("could not set up the management client; check `ca.crt`, `tls.crt` and `tls.key`")]
    Setup {
        /// What the library said.
        #[source]
        source: Fault,
    },
    /// Nobody answers there.
    #[error(
        "could not reach the management API at `{address}`; switch on the plugin `rabbitmq_management`, or set `managementUri`"
    )]
    Unreachable {
        /// Where.
        address: String,
        /// What the library said.
        #[source]
        source: Fault,
    },
    /// Nobody whom we trust signed the certificate.
    #[error(
        "could not trust the management API at `{address}`: {problem}; put the certificate of the authority that signed it into `ca.crt`"
    )]
    Certificate {
        /// Where.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// User or password is wrong, or the user has no tag that allows it.
    #[error(
        "could not log in to the management API at `{address}` as `{username}`: {reason}; check the password, and give the user \
         the tag `management`"
    )]
    Unauthorized {
        /// Where.
        address: String,
        /// As whom.
        username: String,
        /// What it said.
        reason: String,
    },
    /// No such vhost or object.
    #[error("could not find `{path}` in the management API at `{address}`; check the vhost at the end of `uri`")]
    NotFound {
        /// Where.
        address: String,
        /// What was asked for.
        path: String,
    },
    /// Something else answers there.
    #[error("could not use `{address}` as RabbitMQ's management API: {problem}; correct `managementUri`")]
    NotManagement {
        /// Where.
        address: String,
        /// What is wrong.
        problem: String,
    },
    /// It refuses.
    #[error("could not get `{path}` from the management API at `{address}`: status {status}, {reason}")]
    Refused {
        /// Where.
        address: String,
        /// What was asked for.
        path: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
}

impl ManagementError {
    /// Nobody answers: a broker may have no management API, and whoever named none can do without.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// At the usual place nobody answers, or something else does, or another broker's API that does not know us or our vhost:
    /// no mistake where nobody named one.
    pub(crate) fn can_do_without(&self) -> bool {
        let elsewhere = matches!(self, Self::Unauthorized { .. } | Self::NotManagement { .. } | Self::NotFound { .. });
        self.is_absent() || elsewhere
    }
}
