//! What the cluster holds, kept up to date by watches: nothing here asks for an object twice. Objects of our own are kept as JSON:
//! what is compared are their fields, whatever a version of Kubernetes calls them, and types of all kinds would be half of the program.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use futures::StreamExt;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::children::INSTANCE;
use crate::walk::nouns::Key;

/// All objects of one kind that we watch, of one or several namespaces.
#[derive(Clone)]
pub(crate) struct Shelf<K>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Hash + Eq + Clone,
{
    stores: Vec<Store<K>>,
    kind: K::DynamicType,
}

impl<K> Shelf<K>
where
    K: Resource + Clone + Send + Sync + 'static,
    K::DynamicType: Hash + Eq + Clone,
{
    pub(crate) fn of(stores: Vec<Store<K>>, kind: K::DynamicType) -> Self {
        Self { stores, kind }
    }

    /// Waits until each store has been filled once.
    pub(crate) async fn filled(&self) {
        for store in &self.stores {
            // Its writer is gone only when the process ends.
            let _ = store.wait_until_ready().await;
        }
    }

    /// One object.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let at = ObjectRef::new_with(name, self.kind.clone()).within(namespace);
        self.stores.iter().find_map(|store| store.get(&at))
    }

    /// Those with a pipeline's label.
    pub(crate) fn of_pipeline(&self, key: &Key) -> Vec<Arc<K>> {
        let is_its = |object: &K| key_of(object).is_some_and(|of| of == *key);
        self.stores.iter().flat_map(|store| store.state_filter(is_its)).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.stores.iter().flat_map(Store::state).collect()
    }
}

/// Fills a store from a watch for ever; `touched` hears of every object that came, changed or went.
pub(crate) fn keep<K, S>(stream: S, kind: K::DynamicType, touched: impl Fn(&K) + Send + 'static) -> Store<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Hash + Eq + Clone + Send + Sync,
    S: futures::Stream<Item = Result<watcher::Event<K>, watcher::Error>> + Send + 'static,
{
    let name = K::kind(&kind).into_owned();
    let writer = Writer::new(kind);
    let reader = writer.as_reader();
    let stream = stream.default_backoff().reflect(writer).touched_objects();
    tokio::spawn(async move {
        futures::pin_mut!(stream);
        while let Some(object) = stream.next().await {
            match object {
                Ok(object) => touched(&object),
                Err(error) => {
                    tracing::warn!(error = host::chain(&error), kind = name, "could not watch; trying again");
                }
            }
        }
    });
    reader
}

/// Whose an object is, by its label.
pub(crate) fn key_of<K: Resource>(object: &K) -> Option<Key> {
    let name = object.labels().get(INSTANCE)?.clone();
    Some(Key { namespace: object.namespace()?, name })
}
