//! A namespace, a vhost and a database to measure in.

use std::time::{Duration, Instant};

use broker::{Management, Settings};
use host::{Health, Shutdown};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use loyalty_operator::{Args, LogFormat, Operator, Writes};
use serde_json::json;

/// Where it is measured.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) management: Management,
}

/// An operator that works here.
pub(crate) struct Working {
    shutdown: Shutdown,
    pub(crate) writes: Writes,
}

fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask bench operator`"))
}

impl Place {
    pub(crate) async fn make(what: &str) -> Self {
        let kubeconfig = Kubeconfig::read_from(given("LOYALTY_TEST_KUBECONFIG")).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let name = format!("measure-{what}-{}", std::process::id());
        let base = Settings::from_url(&given("AMQP_URL")).unwrap().with_management(&given("MANAGEMENT_URL")).unwrap();
        Management::new(&base).unwrap().create_vhost(&name).await.unwrap();
        let settings = base.with_vhost(&name);
        let management = Management::new(&settings).unwrap();
        let place = Self { name, client, settings, management };
        place.install().await;
        let url = database(&place.name).await;
        ledger::open(&url).unwrap().migrate().await.unwrap();
        let uri = place.settings.secret_url();
        place.secret("rabbitmq", &json!({ "uri": uri, "managementUri": given("MANAGEMENT_URL") })).await;
        place.secret("ledger-db", &json!({ "url": url })).await;
        place
    }

    async fn install(&self) {
        let params = PatchParams::apply("measure").force();
        let definition: serde_json::Value = serde_yaml::from_str(&api::crd_yaml()).unwrap();
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let name = "loyaltypipelines.loyalty.dev";
        definitions.patch(name, &params, &Patch::Apply(definition)).await.unwrap();
        wait(Duration::from_secs(30), async || {
            let conditions = definitions.get(name).await.unwrap().status.and_then(|status| status.conditions);
            conditions.is_some_and(|all| all.iter().any(|it| it.type_ == "Established" && it.status == "True"))
        })
        .await;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.name } });
        namespaces.patch(&self.name, &params, &Patch::Apply(body)).await.unwrap();
    }

    async fn secret(&self, name: &str, values: &serde_json::Value) {
        let body = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
        let api: Api<Secret> = self.api();
        api.patch(name, &PatchParams::apply("measure").force(), &Patch::Apply(body)).await.unwrap();
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Objects of a kind that is named by group, version and kind.
    pub(crate) fn objects(&self, kind: (&str, &str, &str)) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.name, &resource(kind))
    }

    pub(crate) fn operate(&self) -> Working {
        let args = Args {
            worker_image: "docker.io/loyalty/loyalty-worker:none".to_owned(),
            worker_pull_policy: "IfNotPresent".to_owned(),
            worker_pull_secrets: Vec::new(),
            worker_any_user: false,
            watch_namespaces: vec![self.name.clone()],
            due_within: contract::span::Span::of_seconds(3600),
            listen: ([127, 0, 0, 1], 0).into(),
            leader_election: false,
            lease_name: String::new(),
            namespace: self.name.clone(),
            identity: Some("measure".to_owned()),
            log: String::new(),
            log_format: LogFormat::Text,
        };
        let operator = Operator::new(self.client.clone(), args, None).unwrap();
        let (writes, shutdown) = (operator.writes(), Shutdown::default());
        tokio::spawn(operator.work(shutdown.clone(), Health::waiting_for(&["cluster"])));
        Working { shutdown, writes }
    }

    pub(crate) async fn end(self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.name, &DeleteParams::background()).await.unwrap();
        self.management.delete_vhost(&self.name).await.unwrap();
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.shutdown.insist();
    }
}

/// What kube needs to know of a kind.
pub(crate) fn resource((group, version, kind): (&str, &str, &str)) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Waits until something is so.
pub(crate) async fn wait(at_most: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < at_most, "not within {} s", at_most.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn database(name: &str) -> String {
    let url = given("DATABASE_URL");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("create database \"{name}\"")).await.unwrap();
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}
