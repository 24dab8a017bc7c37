//! How long a worker works with one address of its ledger: a mounted Secret is exchanged under a running process.
//!
//! Nothing is looked at while all is well. Open connections outlive an exchanged password, so the file is read when the ledger
//! refuses or is away; an address that reads otherwise by then ends the tenure, and the worker begins anew with the next one.

use std::path::PathBuf;
use std::sync::Arc;

use host::{Shutdown, chain};
use ledger::Ledger;

use crate::settings;

/// The address in use, and what ends the work with it.
#[derive(Clone)]
pub(crate) struct Tenure {
    file: Option<PathBuf>,
    url: Arc<str>,
    /// Ends with the process too.
    pub(crate) end: Shutdown,
}

impl Tenure {
    /// `file` is where the URL was read, if it was a file: an environment does not change.
    pub(crate) fn new(file: Option<PathBuf>, url: &str, end: Shutdown) -> Self {
        Self { file, url: url.into(), end }
    }

    /// Whether waiting may bring another address.
    pub(crate) fn may_change(&self) -> bool {
        self.file.is_some()
    }

    /// Ends the tenure if the file holds another address that can be used.
    pub(crate) fn look(&self) {
        if !self.end.is_asked() && self.next().is_some() {
            tracing::info!("the ledger's address was exchanged: beginning anew with it");
            self.end.ask();
        }
    }

    /// The address that the file holds now, if it is another one, and its ledger.
    pub(crate) fn next(&self) -> Option<(String, Arc<dyn Ledger>)> {
        let url = settings::ledger_url(Some(self.file.as_deref()?)).ok()?;
        if url.is_empty() || url == *self.url {
            return None;
        }
        match ledger::open(&url) {
            Ok(ledger) => Some((url, ledger)),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the ledger's address was exchanged, but cannot be used");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_address_that_can_be_used_ends_a_tenure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        let tenure = Tenure::new(Some(file.clone()), "postgres://a:1@db/x", Shutdown::default());
        for (content, ends) in [
            (None, false),
            (Some(""), false),
            (Some("postgres://a:1@db/x\n"), false),
            (Some("mysql://a:2@db/x"), false),
            (Some("postgres://a:2@db/x\n"), true),
        ] {
            if let Some(content) = content {
                std::fs::write(&file, content).unwrap();
            }
            tenure.look();
            assert_eq!(tenure.end.is_asked(), ends, "{content:?}");
        }
        assert_eq!(tenure.next().map(|(url, _)| url).as_deref(), Some("postgres://a:2@db/x"));
        // Other authorities beside it are another address, too; those that cannot be read are none.
        let tenure = Tenure::new(Some(file), "postgres://a:2@db/x", Shutdown::default());
        let ca = folder.path().join("ca.crt");
        for (content, ends) in [("no PEM", false), (include_str!("../../crates/ledger/tests/it/tls/ca.pem"), true)] {
            std::fs::write(&ca, content).unwrap();
            tenure.look();
            assert_eq!(tenure.end.is_asked(), ends, "{content}");
        }
    }

    #[test]
    fn an_address_of_the_environment_stays() {
        let tenure = Tenure::new(None, "postgres://a:1@db/x", Shutdown::default());
        tenure.look();
        assert!(!tenure.end.is_asked() && !tenure.may_change());
    }
}
