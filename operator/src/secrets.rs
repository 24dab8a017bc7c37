//! Secrets, read once for each of their versions. That they exist and change is known from a watch that carries no values.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use api::Reason;
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt};

use crate::shelf::Shelf;
use crate::walk::nouns::Trouble;

/// A Secret's values. No `Debug`: they are secrets.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) version: String,
    pub(crate) values: Arc<BTreeMap<String, Vec<u8>>>,
}

/// Secrets of the watched namespaces.
pub(crate) struct Secrets {
    client: Client,
    known: Shelf<PartialObjectMeta<Secret>>,
    read: Mutex<HashMap<(String, String), Held>>,
}

impl Secrets {
    pub(crate) fn new(client: Client, known: Shelf<PartialObjectMeta<Secret>>) -> Self {
        Self { client, known, read: Mutex::default() }
    }

    /// Waits until it is known which Secrets there are: what is not known yet must not look like missing.
    pub(crate) async fn filled(&self) {
        self.known.filled().await;
    }

    /// The Secret's values; asks the API server only for a version that was not read yet.
    pub(crate) async fn read(&self, namespace: &str, name: &str, field: &str) -> Result<Held, Trouble> {
        let at = (namespace.to_owned(), name.to_owned());
        let missing = || {
            let message = format!("`{field}`: there is no Secret `{name}` in namespace `{namespace}`; create it there");
            Trouble::new(Reason::SecretMissing, message)
        };
        let Some(known) = self.known.get(namespace, name) else {
            self.lock().remove(&at);
            return Err(missing());
        };
        let version = known.resource_version().unwrap_or_default();
        if let Some(held) = self.lock().get(&at).filter(|held| held.version == version) {
            return Ok(held.clone());
        }
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = api.get_opt(name).await.map_err(|error| {
            let message = format!("could not read Secret `{name}`: {}", host::chain(&error));
            Trouble::new(Reason::ClusterRefused, message)
        })?;
        let secret = secret.ok_or_else(missing)?;
        let version = secret.resource_version().unwrap_or_default();
        let values = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        let held = Held { version, values: Arc::new(values) };
        self.lock().insert(at, held.clone());
        Ok(held)
    }

    /// Forgets the values of Secrets that no pipeline names any more.
    pub(crate) fn keep_only(&self, named: &HashSet<(String, String)>) {
        self.lock().retain(|at, _| named.contains(at));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Held>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn values_of_secrets_that_nobody_names_any_more_are_forgotten() {
        host::install_tls();
        let client = Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let secrets = Secrets::new(client, Shelf::of(Vec::new(), ()));
        let at = |name: &str| ("shops".to_owned(), name.to_owned());
        for name in ["rabbitmq", "ledger-db"] {
            let values = Arc::new(BTreeMap::from([("uri".to_owned(), b"hush".to_vec())]));
            secrets.lock().insert(at(name), Held { version: "1".to_owned(), values });
        }
        secrets.keep_only(&HashSet::from([at("ledger-db"), at("another")]));
        assert_eq!(secrets.lock().keys().cloned().collect::<Vec<_>>(), [at("ledger-db")]);
        secrets.keep_only(&HashSet::new());
        assert!(secrets.lock().is_empty());
    }
}
