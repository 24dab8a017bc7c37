//! A namespace, a vhost and a database for one test, and an operator that watches that namespace alone.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use api::{Condition, ConditionType, LoyaltyPipeline, Reason};
use broker::{Connection, Management, Publication, Settings};
use contract::broker_object::{Seen, Standing};
use contract::span::Span;
use host::{Health, Shutdown};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use loyalty_operator::{Args, Ended, Operator, StartError, Writes};
use serde_json::json;
use tokio::sync::OnceCell;

/// Longest wait for anything that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Drift on the broker is found within a minute.
pub(crate) const WITHIN_A_MINUTE: Duration = Duration::from_mins(1);

/// A pipeline that uses both lanes and a subscriber; tables change one thing in it.
pub(crate) const PIPELINE: &str = include_str!("coffee.yaml");

/// Where a test plays.
pub(crate) struct Stage {
    pub(crate) namespace: String,
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) management: Management,
    pub(crate) ledger_url: String,
}

/// A variable that `cargo xtask test` sets.
pub(crate) fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests with `cargo xtask test`"))
}

/// The administrator of the cluster.
pub(crate) async fn admin() -> Config {
    let kubeconfig = Kubeconfig::read_from(given("LOYALTY_TEST_KUBECONFIG")).unwrap();
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap()
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Stage {
    pub(crate) async fn new() -> Self {
        host::install_tls();
        let client = Client::try_from(admin().await).unwrap();
        install_definition(&client).await;
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let namespace = format!("t{}-{number}-{:x}", std::process::id(), nanos % 0xff_ffff);
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let body = serde_json::from_value(json!({ "metadata": { "name": namespace } })).unwrap();
        namespaces.create(&PostParams::default(), &body).await.unwrap();
        let base = Settings::from_url(&given("AMQP_URL")).unwrap().with_management(&given("MANAGEMENT_URL")).unwrap();
        Management::new(&base).unwrap().create_vhost(&namespace).await.unwrap();
        let settings = base.with_vhost(&namespace);
        let management = Management::new(&settings).unwrap();
        let ledger_url = make_database(&namespace).await;
        let stage = Self { namespace, client, settings, management, ledger_url };
        stage.secret("rabbitmq", &stage.broker_secret()).await;
        stage.secret("ledger-db", &[("url", stage.ledger_url.clone())]).await;
        stage
    }

    /// With the ledger's tables made already, so that no Job is needed.
    pub(crate) async fn migrated() -> Self {
        let stage = Self::new().await;
        ledger::open(&stage.ledger_url).unwrap().migrate().await.unwrap();
        stage
    }

    pub(crate) fn broker_secret(&self) -> Vec<(&'static str, String)> {
        vec![("uri", self.settings.secret_url()), ("managementUri", given("MANAGEMENT_URL"))]
    }

    pub(crate) async fn secret(&self, name: &str, values: &[(&str, String)]) {
        let data: BTreeMap<&str, &String> = values.iter().map(|(key, value)| (*key, value)).collect();
        let body = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data });
        self.api::<Secret>().patch(name, &PatchParams::apply("test").force(), &Patch::Apply(body)).await.unwrap();
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies a pipeline as a person would.
    pub(crate) async fn apply(&self, yaml: &str) -> LoyaltyPipeline {
        self.try_apply(yaml).await.unwrap()
    }

    pub(crate) async fn try_apply(&self, yaml: &str) -> kube::Result<LoyaltyPipeline> {
        let body: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
        let name = body["metadata"]["name"].as_str().unwrap().to_owned();
        let params = PatchParams {
            field_validation: Some(kube::api::ValidationDirective::Strict),
            ..PatchParams::apply("test").force()
        };
        self.api::<LoyaltyPipeline>().patch(&name, &params, &Patch::Apply(body)).await
    }

    /// Applies what may not be readable as a pipeline.
    pub(crate) async fn apply_unread(&self, yaml: &str) {
        let body: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
        let name = body["metadata"]["name"].as_str().unwrap().to_owned();
        self.unread().patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(body)).await.unwrap();
    }

    /// Applies pipeline `odd`, which the schema takes and the reader does not; answers how that is told in its status.
    pub(crate) async fn told_unread(&self) -> serde_json::Value {
        let odd = PIPELINE
            .replace("name: coffee", "name: odd")
            .replace("exchange: { name: shop", "exchange: { name: odd-shop");
        // The schema takes a bell in a text.
        self.apply_unread(&odd.replace("on: purchase", r#"on: "a\ab""#)).await;
        let told = until(WITHIN_A_MINUTE, async || {
            let odd = self.stored("odd").await;
            let conditions = odd.data["status"]["conditions"].as_array()?.clone();
            conditions.into_iter().find(|it| it["type"] == "Accepted" && it["status"] == "False")
        });
        told.await.expect("what cannot be read is told")
    }

    /// A resource as it is stored.
    pub(crate) async fn stored(&self, name: &str) -> DynamicObject {
        self.unread().get(name).await.unwrap()
    }

    /// Pipelines as they are stored, whether or not they can be read as such.
    pub(crate) fn unread(&self) -> Api<DynamicObject> {
        let resource = kube::core::ApiResource::erase::<LoyaltyPipeline>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    pub(crate) async fn pipeline(&self, name: &str) -> Option<LoyaltyPipeline> {
        self.api::<LoyaltyPipeline>().get_opt(name).await.unwrap()
    }

    /// Waits until a condition of the present generation has a reason; answers it.
    pub(crate) async fn told(&self, name: &str, kind: ConditionType, reason: Reason) -> Condition {
        self.told_that(name, (kind, reason), "").await
    }

    /// The same, with something in its message.
    pub(crate) async fn told_that(&self, name: &str, (kind, reason): (ConditionType, Reason), says: &str) -> Condition {
        let mut last = None;
        let found = until(WITHIN_A_MINUTE, async || {
            let pipeline = self.pipeline(name).await?;
            let generation = pipeline.metadata.generation;
            last.clone_from(&pipeline.status);
            let conditions = pipeline.status?.conditions;
            let mut found = conditions.into_iter().filter(|it| it.kind == kind && it.reason == reason);
            found.find(|it| it.observed_generation == generation && it.message.contains(says))
        });
        found.await.unwrap_or_else(|| panic!("{kind} is not {reason} with `{says}`: {last:#?}"))
    }

    /// Waits until everything is as the resource says.
    pub(crate) async fn ready(&self, name: &str) -> LoyaltyPipeline {
        self.told(name, ConditionType::Ready, Reason::AllTrue).await;
        self.pipeline(name).await.unwrap()
    }

    /// What stands in the test's vhost.
    pub(crate) async fn seen(&self) -> Seen {
        match self.management.observe(self.settings.vhost()).await.unwrap() {
            Standing::Seen(seen) => seen,
            Standing::Unseen => panic!("the tests' broker has a management API"),
        }
    }

    pub(crate) async fn connection(&self) -> Connection {
        broker::connect(&self.settings, "test").await.unwrap()
    }

    /// Publishes to the shop's exchange.
    pub(crate) async fn publish(&self, key: &str, bodies: impl IntoIterator<Item = String>) {
        let connection = self.connection().await;
        let publisher = connection.publisher().await.unwrap();
        for body in bodies {
            let (exchange, routing_key, body) = ("shop".to_owned(), key.to_owned(), body.into_bytes());
            publisher.publish(Publication { exchange, routing_key, body, ..Publication::default() }).await.unwrap();
        }
        publisher.close().await.unwrap();
        connection.close().await;
    }

    pub(crate) fn args(&self) -> Args {
        Args {
            worker_image: "docker.io/loyalty/loyalty-worker:test".to_owned(),
            worker_pull_policy: "IfNotPresent".to_owned(),
            worker_pull_secrets: Vec::new(),
            worker_any_user: false,
            watch_namespaces: vec![self.namespace.clone()],
            due_within: Span::parse("1h").unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            leader_election: false,
            lease_name: "loyalty-operator".to_owned(),
            namespace: self.namespace.clone(),
            identity: Some("test".to_owned()),
            log: "info".to_owned(),
            log_format: loyalty_operator::LogFormat::Text,
        }
    }

    /// An operator that watches this stage.
    pub(crate) fn operator(&self) -> Running {
        Running::start(admin, self.args(), None)
    }

    /// One that stands still after some writes.
    pub(crate) fn operator_until(&self, writes: u64) -> Running {
        Running::start(admin, self.args(), Some(writes))
    }

    /// One that gives a broker up soon that is away.
    pub(crate) fn operator_giving_up_after(&self, wait: Duration) -> Running {
        Running::of(
            admin,
            self.args(),
            move |client, args| Ok(Operator::new(client, args, None)?.giving_up_after(wait)),
        )
    }

    /// Ends everything that was made here; what a test leaves is not worth a failure.
    pub(crate) async fn end(self) {
        let pipelines = self.api::<LoyaltyPipeline>();
        let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        for pipeline in pipelines.list_metadata(&ListParams::default()).await.map(|list| list.items).unwrap_or_default()
        {
            let _ = pipelines.patch_metadata(&pipeline.metadata.name.unwrap(), &PatchParams::default(), &free).await;
        }
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let _ = namespaces.delete(&self.namespace, &DeleteParams::background()).await;
        let _ = self.management.delete_vhost(&self.namespace).await;
    }
}

/// An operator on a runtime of its own, so that it can be torn out like a killed process.
pub(crate) struct Running {
    runtime: Option<tokio::runtime::Runtime>,
    shutdown: Shutdown,
    health: Health,
    writes: Writes,
    ended: tokio::sync::watch::Receiver<Option<Ended>>,
}

impl Running {
    pub(crate) fn start<F>(config: impl FnOnce() -> F + Send + 'static, args: Args, stop_after: Option<u64>) -> Self
    where
        F: Future<Output = Config> + Send,
    {
        Self::of(config, args, move |client, args| Operator::new(client, args, stop_after))
    }

    fn of<F>(
        config: impl FnOnce() -> F + Send + 'static,
        args: Args,
        make: impl FnOnce(Client, Args) -> Result<Operator, StartError> + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Config> + Send,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shutdown = Shutdown::default();
        let (sender, receiver) = std::sync::mpsc::channel();
        let asked = shutdown.clone();
        let health = Health::waiting_for(&["cluster"]);
        let probed = health.clone();
        let (end, ended) = tokio::sync::watch::channel(None);
        runtime.spawn(async move {
            let client = Client::try_from(config().await).unwrap();
            let operator = make(client, args).unwrap();
            sender.send(operator.writes()).unwrap();
            let how = operator.work(asked, probed).await.unwrap();
            end.send_replace(Some(how));
        });
        let writes = receiver.recv_timeout(SOON).unwrap();
        Self { runtime: Some(runtime), shutdown, health, writes, ended }
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes.count()
    }

    /// What a probe would answer; nothing when it is ready.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.health.missing()
    }

    /// How it ended by itself, if it did.
    pub(crate) fn ended(&self) -> Option<Ended> {
        *self.ended.borrow()
    }

    /// Whether the last write that it may do was done within `wait`.
    pub(crate) async fn stopped_within(&self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.writes.stopped()).await.is_ok()
    }

    /// As a signal would.
    pub(crate) fn ask(&self) {
        self.shutdown.ask();
    }

    /// Tears it out.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.insist();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Plays kubelet for a namespace: pods get ready as soon as they are there; those of a migration make the tables and end.
pub(crate) struct Kubelet(tokio::task::JoinHandle<()>);

impl Kubelet {
    pub(crate) fn of(stage: &Stage) -> Self {
        use futures::StreamExt;
        use kube::runtime::{WatchStreamExt, watcher};
        let pods: Api<k8s_openapi::api::core::v1::Pod> = stage.api();
        let ledger_url = stage.ledger_url.clone();
        Self(tokio::spawn(async move {
            let touched = watcher(pods.clone(), watcher::Config::default()).default_backoff().applied_objects();
            futures::pin_mut!(touched);
            while let Some(pod) = touched.next().await {
                let Ok(pod) = pod else { continue };
                let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                if phase != Some("Pending") || pod.metadata.deletion_timestamp.is_some() {
                    continue;
                }
                let name = pod.metadata.name.unwrap_or_default();
                let labels = pod.metadata.labels.unwrap_or_default();
                if labels.get("app.kubernetes.io/name").is_some_and(|does| does == "loyalty-migrate") {
                    ledger::open(&ledger_url).unwrap().migrate().await.unwrap();
                    let status = Patch::Merge(json!({ "status": { "phase": "Succeeded" } }));
                    let _ = pods.patch_status(&name, &PatchParams::default(), &status).await;
                    continue;
                }
                let now = jiff::Timestamp::now().to_string();
                let condition = json!({ "type": "Ready", "status": "True", "lastTransitionTime": now });
                let status = json!({ "status": { "phase": "Running", "conditions": [condition] } });
                let _ = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
            }
        }))
    }
}

/// A pod of this name in `app.kubernetes.io/name` that does not get ready, and says why.
pub(crate) async fn cannot_start(stage: &Stage, does: &str, container: &str) {
    let pods = stage.api::<k8s_openapi::api::core::v1::Pod>();
    let labelled = ListParams::default().labels(&format!("app.kubernetes.io/name={does}"));
    let pod = until(SOON, async || {
        let all = pods.list(&labelled).await.unwrap().items;
        all.into_iter().find(|pod| pod.status.as_ref().is_some_and(|it| it.phase.as_deref() == Some("Pending")))
    });
    let name = pod.await.expect("a pod that nobody has started").metadata.name.unwrap();
    let waiting = json!({ "reason": "ImagePullBackOff", "message": "no such image" });
    let status = json!({ "containerStatuses": [{
        "name": container, "ready": false, "restartCount": 0, "image": "x", "imageID": "", "state": { "waiting": waiting },
    }] });
    let status = Patch::Merge(json!({ "status": status }));
    pods.patch_status(&name, &PatchParams::default(), &status).await.unwrap();
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks until there is an answer, or the deadline has passed.
pub(crate) async fn until<T>(deadline: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition().await {
            return Some(value);
        }
        if Instant::now() > end {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until something is so.
pub(crate) async fn holds(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let found = until(deadline, async || condition().await.then_some(())).await;
    assert!(found.is_some(), "not within {} s: {what}", deadline.as_secs());
}

async fn make_database(name: &str) -> String {
    let url = given("DATABASE_URL");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(&format!("create database \"{name}\"")).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let (base, _) = url.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

async fn install_definition(client: &Client) {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = || async {
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        let body: serde_json::Value = serde_yaml::from_str(&api::crd_yaml()).unwrap();
        let name = "loyaltypipelines.loyalty.dev";
        api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(body)).await.unwrap();
        let established = until(SOON, async || {
            let conditions = api.get(name).await.ok()?.status?.conditions?;
            conditions.iter().any(|it| it.type_ == "Established" && it.status == "True").then_some(())
        });
        established.await.expect("the definition is taken");
    };
    INSTALLED.get_or_init(install).await;
}
