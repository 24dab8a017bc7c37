//! The story, chapter after chapter.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use broker::{Connection, Management, QueueCounts, Settings};
use contract::broker_object::{Seen, Standing};
use serde_json::json;

use super::TAGS;
use super::doors::Doors;
use super::error::E2eError;
use super::hands::{EXAMPLE, Hands, SHOP, SYSTEM};
use super::look::{WORKERS, until, worker_images, workers};
use super::page::Reader;
use crate::parts::Parts;
use crate::progress::{say, step};
use crate::tour::{Message, Tour};
use crate::up::{self, Findings, Rate};

/// A pod that starts on two cores, with its image there.
pub(super) const START_MAX: Duration = Duration::from_mins(3);

/// How long the broker's counts may lag behind (it gathers them every 5 s).
const COUNTS_MAX: Duration = Duration::from_secs(30);

/// All purchases through one slow worker, and the wait until nobody is needed any more.
const DRAIN_MAX: Duration = Duration::from_mins(4);

/// What is published while the chart is upgraded: slowly enough to last through it.
const FLOW_PER_S: u32 = 250;

/// Messages that are said again before it is looked whether it is enough.
const AGAIN_AT_ONCE: usize = 500;

/// The release's name.
const RELEASE: &str = "loyalty";
const CHART: &str = "charts/loyalty-operator";

/// Who plays and with what.
pub(super) struct Story<'a> {
    pub(super) hands: &'a Hands,
    pub(super) doors: &'a Doors,
    pub(super) parts: &'a Parts,
    /// For files of this run.
    pub(super) folder: &'a Path,
}

impl Story<'_> {
    /// Plays all of it.
    pub(super) fn play(&self) -> Result<(), E2eError> {
        let example = up::Example::read().map_err(E2eError::Example)?;
        let (first, rest) = example.tour.messages.split_at(example.tour.messages.len() / 2);
        step("e2e: installing the chart", || self.install())?;
        step("e2e: applying the pipeline", || self.apply())?;
        // A producer that has missed all confirms says everything again and again: no point is given twice.
        let good: HashSet<Vec<u8>> = example.purchases.iter().map(|one| one.to_json().into_bytes()).collect();
        let again: Vec<Message> = first.iter().filter(|message| good.contains(&message.body)).cloned().collect();
        step("e2e: purchases wake the workers, and silence sends them home", || self.wake(first, &again))?;
        step("e2e: upgrading the chart in full flow", || self.upgrade(rest, &again))?;
        step("e2e: the numbers", || self.numbers(&example))?;
        step("e2e: following the page of the first pipeline", || {
            Reader { hands: self.hands, doors: self.doors, parts: self.parts, folder: self.folder.join("page") }
                .follow()
        })?;
        step("e2e: removing everything", || self.remove(&example))
    }

    fn install(&self) -> Result<(), E2eError> {
        self.release(&["install", "--create-namespace"], TAGS[0])?;
        self.hands.helm(&["test", RELEASE, "--namespace", SYSTEM, "--timeout", "2m"])?;
        Ok(())
    }

    fn apply(&self) -> Result<(), E2eError> {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": SHOP, "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
        } });
        let secret = |name: &str, values: serde_json::Value| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": SHOP }, "stringData": values });
        let outside = |url: &str| self.doors.outside(url);
        let broker =
            json!({ "uri": outside(self.parts.amqp_url()), "managementUri": outside(self.parts.management_url()) });
        let ledger = json!({ "url": outside(self.parts.database_url()) });
        for object in [namespace, secret("rabbitmq", broker), secret("ledger-db", ledger)] {
            self.hands.kubectl_fed(&["apply", "-f", "-"], &object.to_string())?;
        }
        self.hands.kubectl(&["apply", "-n", SHOP, "-f", EXAMPLE])?;
        self.ready()?;
        let (_, all) = workers(self.hands)?;
        wrong_unless(all == 0, "an idle pipeline has no worker", || format!("{all} pods"))?;
        self.status()
    }

    fn ready(&self) -> Result<(), E2eError> {
        until("the pipeline is ready", START_MAX, || {
            let pipeline = self.hands.get(&["get", "loyaltypipeline", "cdnow", "-n", SHOP])?;
            let conditions = pipeline["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let ready = conditions.iter().find(|it| it["type"] == "Ready");
            let is_of_now = |it: &&serde_json::Value| it["observedGeneration"] == pipeline["metadata"]["generation"];
            let is_true = ready.filter(is_of_now).is_some_and(|it| it["status"] == "True");
            Ok((!is_true).then(|| ready.map_or_else(|| "no status".to_owned(), ToString::to_string)))
        })
    }

    /// The one screen, from the cluster that `kubectl` finds.
    fn status(&self) -> Result<(), E2eError> {
        let screen = self.hands.loyaltyctl(&["status", "cdnow", "-n", SHOP])?;
        let is_told = screen.contains("Ready") && screen.contains("cdnow");
        wrong_unless(is_told, "the pipeline's screen", || screen.clone())
    }

    fn wake(&self, messages: &[Message], again: &[Message]) -> Result<(), E2eError> {
        self.publish(messages, Rate::Max)?;
        self.workers_are(1)?;
        // More than one worker can do.
        self.while_flows(&[], (again, Rate::Max), || self.workers_are(2))?;
        let most = self.drained(2)?;
        say(&format!("e2e: 0 -> {most} -> 0 workers"));
        Ok(())
    }

    /// Does something while messages are published: some once, the others again and again until it is done.
    fn while_flows(
        &self,
        once: &[Message],
        (again, rate): (&[Message], Rate),
        act: impl FnOnce() -> Result<(), E2eError>,
    ) -> Result<(), E2eError> {
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                self.publish(once, rate)?;
                for some in again.chunks(AGAIN_AT_ONCE).cycle().take_while(|_| !enough.load(Ordering::Relaxed)) {
                    self.publish(some, rate)?;
                }
                Ok(())
            });
            let acted = act();
            enough.store(true, Ordering::Relaxed);
            let published = publishing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            acted.and(published)
        })
    }

    /// Until so many workers are ready, at least.
    fn workers_are(&self, wanted: usize) -> Result<(), E2eError> {
        until(&format!("{wanted} workers are ready"), START_MAX, || {
            let (ready, all) = workers(self.hands)?;
            Ok((ready < wanted).then(|| format!("{ready} of {all} are ready")))
        })
    }

    /// Until all is worked off and nobody is left; answers the most workers that were seen.
    fn drained(&self, mut most: usize) -> Result<usize, E2eError> {
        until("everything is worked off, and the workers are gone", DRAIN_MAX, || {
            let (ready, all) = workers(self.hands)?;
            most = most.max(ready);
            let depth = self.hands.get(&["get", "loyaltypipeline", "cdnow", "-n", SHOP])?["status"]["queue"].clone();
            Ok((all > 0 || depth["ready"] != 0).then(|| format!("{all} workers, {depth}")))
        })?;
        Ok(most)
    }

    fn upgrade(&self, messages: &[Message], again: &[Message]) -> Result<(), E2eError> {
        let rate = NonZeroU32::new(FLOW_PER_S).map_or(Rate::Max, Rate::PerSecond);
        self.while_flows(messages, (again, rate), || {
            self.workers_are(1)?;
            self.release(&["upgrade", "--reuse-values"], TAGS[1])?;
            until("each worker was exchanged for one of the new image", START_MAX, || {
                let (ready, all) = workers(self.hands)?;
                let old = worker_images(self.hands)?.into_iter().filter(|image| !image.ends_with(TAGS[1])).count();
                Ok((ready == 0 || old > 0).then(|| format!("{ready} of {all} are ready, {old} are old")))
            })
        })?;
        self.drained(0)?;
        self.ready()
    }

    /// Brings the chart in with images of a tag.
    fn release(&self, how: &[&str], tag: &str) -> Result<(), E2eError> {
        let tags = format!("image.tag={tag},workerImage.tag={tag}");
        let rest = [RELEASE, CHART, "--namespace", SYSTEM, "--set", &tags, "--wait", "--timeout", "3m"];
        self.hands.helm(&[how, &rest].concat())?;
        Ok(())
    }

    fn numbers(&self, example: &up::Example) -> Result<(), E2eError> {
        let (balances, dead) = (self.hands.ask(&["balance", "--top", "10000"])?, self.hands.ask(&["dlq", "list"])?);
        let findings = Findings::read(&balances, &dead, None);
        let mut differences = findings.differences(example);
        let audit = self.hands.ask(&["audit"])?;
        let found = audit["findings"].as_array().map_or(usize::MAX, Vec::len);
        if found > 0 {
            differences.push(format!("audit: {}", audit["findings"]));
        }
        if !differences.is_empty() {
            return Err(E2eError::Wrong { what: "the numbers".to_owned(), differences });
        }
        self.nothing_came_back(example)?;
        let Tour { messages, .. } = &example.tour;
        let (published, left) = (messages.len(), example.expected.left());
        say(&format!("e2e: {published} messages published, {left} points left, audit 0 differences"));
        Ok(())
    }

    fn remove(&self, example: &up::Example) -> Result<(), E2eError> {
        self.hands.kubectl(&["delete", "loyaltypipeline", "cdnow", "-n", SHOP, "--timeout=60s"])?;
        until("nothing of the pipeline is left in the cluster", START_MAX, || {
            let kinds = "deployments,replicasets,pods,jobs,configmaps,serviceaccounts,poddisruptionbudgets";
            let label = "app.kubernetes.io/managed-by=loyalty-operator";
            let left = self.hands.get(&["get", kinds, "-n", SHOP, "-l", label])?;
            let workers = self.hands.get(&["get", "pods,replicasets", "-n", SHOP, "-l", WORKERS])?;
            let names = |list: &serde_json::Value| {
                let items = list["items"].as_array().cloned().unwrap_or_default();
                items.iter().map(|it| format!("{} {}", it["kind"], it["metadata"]["name"])).collect::<Vec<_>>()
            };
            let left = [names(&left), names(&workers)].concat();
            Ok((!left.is_empty()).then(|| left.join(", ")))
        })?;
        self.hands.helm(&["uninstall", RELEASE, "--namespace", SYSTEM, "--wait", "--timeout", "2m"])?;
        self.hands.kubectl(&["delete", "crd", "loyaltypipelines.loyalty.dev", "--timeout=60s"])?;
        self.hands.kubectl(&["delete", "namespace", SHOP, SYSTEM, "--timeout=120s"])?;
        let roles =
            self.hands.get(&["get", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/instance=loyalty"])?;
        let left = roles["items"].as_array().map_or(0, Vec::len);
        wrong_unless(left == 0, "nothing of the chart is left", || format!("{left} roles"))?;
        self.broker_keeps(example)
    }

    /// What `Retain` says: exchanges and queues, and nobody who consumes them.
    fn broker_keeps(&self, example: &up::Example) -> Result<(), E2eError> {
        let Seen { queues, exchanges, .. } =
            self.asked_of_broker(async |management, vhost| match management.observe(vhost).await? {
                Standing::Seen(seen) => Ok(seen),
                Standing::Unseen => Err("it shows nothing".into()),
            })?;
        let mut kept: Vec<String> = queues.into_keys().filter(|name| name.starts_with("cdnow.")).collect();
        let mut expected = example.queues();
        kept.sort();
        expected.sort();
        wrong_unless(kept == expected, "the broker keeps the pipeline's queues", || format!("{kept:?}"))?;
        let lost: Vec<String> = example.exchanges().into_iter().filter(|name| !exchanges.contains_key(name)).collect();
        wrong_unless(lost.is_empty(), "the broker keeps the pipeline's exchanges", || format!("not {lost:?}"))?;
        // The broker gathers its counts every few seconds: workers that have just gone may still be among them.
        until("nobody consumes any more", COUNTS_MAX, || {
            let consumers: u64 = self.counts(&example.queues())?.iter().filter_map(|counts| counts.consumers).sum();
            Ok((consumers > 0).then(|| format!("{consumers} consumers")))
        })
    }

    /// Workers came and went, and were exchanged, without a message that had to be delivered again.
    fn nothing_came_back(&self, example: &up::Example) -> Result<(), E2eError> {
        // Who lists dead letters puts them back: that is no worker's.
        let counts = self.counts(&example.lanes())?;
        let (acked, again) = counts.iter().fold((0, 0), |(acked, again), counts| {
            (acked + counts.acked_total.unwrap_or(0), again + counts.redelivered_total.unwrap_or(0))
        });
        say(&format!("e2e: {acked} deliveries acknowledged, {again} redelivered"));
        wrong_unless(acked > 0 && again == 0, "no message was delivered twice", || format!("{again} of {acked}"))
    }

    /// The broker's counts of some queues.
    fn counts(&self, queues: &[String]) -> Result<Vec<QueueCounts>, E2eError> {
        let counts = self.asked_of_broker(async |management, vhost| Ok(management.counts(vhost).await?))?;
        Ok(queues.iter().filter_map(|name| counts.get(name).copied()).collect())
    }

    fn asked_of_broker<T>(
        &self,
        ask: impl AsyncFnOnce(&Management, &str) -> Result<T, Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<T, E2eError> {
        let settings = self.settings()?;
        let management = Management::new(&settings).map_err(|error| E2eError::Broker(error.into()))?;
        runtime()?.block_on(ask(&management, settings.vhost())).map_err(E2eError::Broker)
    }

    fn settings(&self) -> Result<Settings, E2eError> {
        let settings = Settings::from_url(self.parts.amqp_url());
        let settings = settings.and_then(|settings| settings.with_management(self.parts.management_url()));
        settings.map_err(|error| E2eError::Broker(error.into()))
    }

    fn publish(&self, messages: &[Message], rate: Rate) -> Result<(), E2eError> {
        let settings = self.settings()?;
        runtime()?.block_on(async {
            let connection: Connection =
                broker::connect(&settings, "e2e").await.map_err(|error| E2eError::Broker(error.into()))?;
            up::publish(&connection, messages, rate, || Ok(())).await.map_err(E2eError::Publish)?;
            connection.close().await;
            Ok(())
        })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, E2eError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(E2eError::Runtime)
}

pub(super) fn wrong_unless(is_right: bool, what: &str, have: impl FnOnce() -> String) -> Result<(), E2eError> {
    if is_right { Ok(()) } else { Err(E2eError::Wrong { what: what.to_owned(), differences: vec![have()] }) }
}
