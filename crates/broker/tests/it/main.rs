//! A real RabbitMQ, and listeners that are none.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod amqp;
mod connect;
mod link;
mod management;
mod release;
mod settings;

use std::sync::atomic::{AtomicU32, Ordering};

use broker::{Connection, Management, Settings};

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name} (or run `cargo xtask test`, which starts one)"))
}

fn settings() -> Settings {
    Settings::from_url(&env("AMQP_URL")).unwrap().with_management(&env("MANAGEMENT_URL")).unwrap()
}

/// A vhost of a test's own; it goes with the test.
struct Vhost {
    name: String,
    settings: Settings,
    management: Management,
}

impl Vhost {
    async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // A slash, because names with one are where encoding goes wrong.
        let name = format!("broker/test-{}-{number}", std::process::id());
        let management = Management::new(&settings()).unwrap();
        management.create_vhost(&name).await.unwrap();
        Self { settings: settings().with_vhost(&name), name, management }
    }

    async fn connect(&self) -> Connection {
        broker::connect(&self.settings, "broker test").await.unwrap()
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        let name = self.name.clone();
        let delete = move || {
            // A client of its own too: the other's connections are driven by the runtime that waits here.
            let management = Management::new(&settings()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let _ = runtime.block_on(management.delete_vhost(&name));
        };
        // A thread of its own: a runtime cannot block on another inside itself.
        let _ = std::thread::spawn(delete).join();
    }
}
