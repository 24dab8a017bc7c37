//! A vhost and a schema of a test's own, on the broker and the database that the environment names.

use std::sync::atomic::{AtomicU32, Ordering};

use broker::{Connection, Management, Settings};
pub(crate) use testbed::own_schema;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A variable that `cargo xtask test` sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name} (or run `cargo xtask test`, which starts one)"))
}

/// A name that no other test uses, not of this run nor of another.
pub(crate) fn own_name(what: &str) -> String {
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    format!("{what}-{}-{}-{nanos}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A vhost of our own.
pub(crate) struct Vhost {
    pub(crate) settings: Settings,
}

impl Vhost {
    pub(crate) async fn new() -> Self {
        host::install_tls();
        let settings = Settings::from_url(&variable("AMQP_URL")).unwrap();
        let settings = settings.with_management(&variable("MANAGEMENT_URL")).unwrap().with_vhost(&own_name("ctl"));
        let management = Management::new(&settings).unwrap();
        management.create_vhost(settings.vhost()).await.unwrap();
        Self { settings }
    }

    /// `amqp://...` with its password.
    pub(crate) fn url(&self) -> String {
        self.settings.secret_url()
    }

    pub(crate) async fn connect(&self) -> Connection {
        broker::connect(&self.settings, "test").await.unwrap()
    }

    pub(crate) async fn delete(self) {
        // A client of its own: a connection that was kept for a minute may have been closed by the broker.
        let management = Management::new(&self.settings).unwrap();
        management.delete_vhost(self.settings.vhost()).await.unwrap();
    }
}
