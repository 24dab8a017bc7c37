//! What stands: on the broker, in the ledger, in the cluster. Asks, changes nothing.

use std::time::{Duration, Instant};

use api::Reason;
use broker::{BrokerError, Link, ManagementError, Settings};
use contract::broker_object::Standing;
use kube::core::DynamicObject;
use serde_json::Value;

use super::nouns::{Observed, Others, SeenBroker, SeenLedger, Trouble, Valid};
use crate::children::{self, Kind, Live};
use crate::cluster;
use crate::house::House;
use crate::secrets::Held;

/// Which field names the broker's Secret.
pub(super) const BROKER_FIELD: &str = "spec.broker.secretRef";

/// Everything that `plan` needs to know.
pub(super) async fn observe(valid: &Valid, house: &House) -> Observed {
    let since = house.board.stepped_at(&valid.key);
    let namespace = &valid.key.namespace;
    let broker_secret = &valid.spec.broker.secret_ref.name;
    let broker_held = house.secrets.read(namespace, broker_secret, BROKER_FIELD).await;
    let ledger_held = ledger_secret(valid, house).await;
    let ledger_version = ledger_held.iter().flatten().map(|(held, _)| held.version.clone()).next().unwrap_or_default();
    let mut versions = Vec::new();
    versions.extend(broker_held.as_ref().map(|held| held.version.clone()));
    versions.extend(ledger_held.iter().flatten().map(|(held, _)| held.version.clone()));
    let ledger_key = ledger_held.as_ref().and_then(|held| held.as_ref().ok()).map(|(_, key)| key.clone());
    let (broker, ledger) = tokio::join!(
        async { see_broker(valid, house, broker_held?, since).await },
        see_ledger(valid, house, ledger_held)
    );
    let (live, others) = see_cluster(valid, house, &ledger).await;
    let workers = house.shelves.pods_of(&valid.key, children::WORKER);
    let worker_trouble = workers.iter().find_map(|pod| trouble_of(pod));
    let migration_trouble = if valid.is_embedded() {
        workers.iter().find_map(|pod| refused_by_ledger(pod))
    } else {
        house.shelves.pods_of(&valid.key, children::MIGRATE).iter().find_map(|pod| trouble_of(pod))
    };
    let secrets = versions.join(".");
    Observed { broker, ledger, live, others, secrets, ledger_version, ledger_key, worker_trouble, migration_trouble }
}

/// The link that a Secret leads to.
fn settings(held: &Held) -> Result<Settings, Trouble> {
    Settings::from_secret(&held.values)
        .map_err(|error| Trouble::new(Reason::SecretInvalid, format!("`{BROKER_FIELD}`: {}", host::chain(&error))))
}

/// The link to the broker of a pipeline; nothing is sent to it.
pub(super) async fn link(valid: &Valid, house: &House) -> Result<Link, Trouble> {
    let held = house.secrets.read(&valid.key.namespace, &valid.spec.broker.secret_ref.name, BROKER_FIELD).await?;
    Ok(house.brokers.link(settings(&held)?))
}

/// How long it takes until what was done on the broker at `since` can be seen, unless it can be seen at once. A walk that waited for it
/// would stand in the way of others.
pub(super) async fn unseen_for(valid: &Valid, since: Option<Instant>, house: &House) -> Option<Duration> {
    link(valid, house).await.ok()?.unseen_for(since?)
}

/// What stands of a pipeline on the broker that a Secret leads to. `since`: what was done before that must be in it.
pub(super) async fn see_broker(
    valid: &Valid,
    house: &House,
    held: Held,
    since: Option<Instant>,
) -> Result<SeenBroker, Trouble> {
    let link = house.brokers.link(settings(&held)?);
    // AMQP first: of a wrong host, password or vhost it tells most.
    link.connection().await.map_err(|error| broker_trouble(&error))?;
    let sight = link.look(since).await.map_err(|error| management_trouble(&error))?;
    let release = link.release().await.map_err(|error| broker_trouble(&error))?;
    let wanted = topology::suited(valid.wanted.as_ref().clone(), release);
    let seen = match sight.about(&wanted, &valid.owner) {
        Standing::Seen(seen) => Ok(seen),
        Standing::Unseen => Err(sight.unseen_because().map(|why| host::chain(why)).unwrap_or_default()),
    };
    let contested = contested(valid, house, &link);
    Ok(SeenBroker { link, wanted, seen, contested })
}

/// Who else wants an object that this pipeline wants, on the same vhost of the same broker.
fn contested(valid: &Valid, house: &House, link: &Link) -> Vec<String> {
    let place = format!("{}/{}", link.settings().address(), link.settings().vhost());
    let others = house.board.neighbours(&valid.key, place);
    let claims = others.iter().map(|one| (one.owner.as_str(), one.wanted.as_ref()));
    let contested = topology::contested(&valid.wanted, claims).into_iter();
    contested
        .flat_map(|(object, mut owners)| {
            owners.sort();
            owners
                .into_iter()
                .map(move |owner| format!("pipeline `{owner}` asks for {object} too; it is this pipeline's"))
        })
        .collect()
}

fn broker_trouble(error: &BrokerError) -> Trouble {
    let unreachable = matches!(error, BrokerError::Unreachable { .. } | BrokerError::Slow { .. });
    let reason = if unreachable { Reason::BrokerUnreachable } else { Reason::BrokerRefused };
    Trouble::new(reason, host::chain(error))
}

fn management_trouble(error: &ManagementError) -> Trouble {
    let reason = if error.is_absent() { Reason::BrokerUnreachable } else { Reason::BrokerRefused };
    Trouble::new(reason, host::chain(error))
}

/// The ledger's Secret and the key that holds its URL; nothing where the ledger is embedded.
async fn ledger_secret(valid: &Valid, house: &House) -> Option<Result<(Held, String), Trouble>> {
    let wanted = &valid.spec.ledger.postgres.as_ref()?.secret_ref;
    let field = "spec.ledger.postgres.secretRef";
    let held = house.secrets.read(&valid.key.namespace, &wanted.name, field).await;
    Some(held.and_then(|held| {
        let keys = wanted.keys();
        if let Some(key) = keys.iter().find(|key| held.values.contains_key(**key)) {
            return Ok((held.clone(), (*key).to_owned()));
        }
        let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
        let name = &wanted.name;
        let message = format!("`{field}`: Secret `{name}` has no key {keys}; add it, or name another in `key`");
        Err(Trouble::new(Reason::SecretInvalid, message))
    }))
}

async fn see_ledger(valid: &Valid, house: &House, held: Option<Result<(Held, String), Trouble>>) -> SeenLedger {
    let (held, key) = match held {
        None => return SeenLedger::Embedded,
        Some(Err(trouble)) => return SeenLedger::Trouble(trouble),
        Some(Ok(held)) => held,
    };
    let url = held.values.get(&key).and_then(|url| str::from_utf8(url).ok()).map(str::trim);
    let Some(url) = url.filter(|url| url.starts_with("postgres")) else {
        let message = format!(
            "`spec.ledger.postgres.secretRef`: key `{key}` holds no URL; write `postgres://USER:PASSWORD@HOST/DATABASE`"
        );
        return SeenLedger::Trouble(Trouble::new(Reason::SecretInvalid, message));
    };
    let ca = held.values.get(children::CA).map(|ca| String::from_utf8_lossy(ca));
    let url = ca.map_or_else(|| url.to_owned(), |ca| ledger::trusting(url, &ca));
    // What this operator does not watch may be there.
    let exists = |key: &super::nouns::Key| {
        !house.poke.reaches(&key.namespace) || house.pipelines.get(&key.namespace, &key.name).is_some()
    };
    house.ledgers.see(&url, valid, exists).await
}

/// Our objects from the watches; what is not there is asked for once, since an object without our label is not watched.
async fn see_cluster(valid: &Valid, house: &House, ledger: &SeenLedger) -> (Live, Others) {
    let worker = children::child_name(&valid.name, "worker");
    let mut names: Vec<(Kind, String)> = [Kind::ServiceAccount, Kind::ConfigMap, Kind::Deployment, Kind::Disruption]
        .map(|kind| (kind, worker.clone()))
        .into();
    if valid.is_embedded() {
        names.push((Kind::Claim, children::child_name(&valid.name, "ledger")));
    }
    if let SeenLedger::Behind { needed, .. } = ledger {
        names.push((Kind::Job, children::child_name(&valid.name, &format!("migrate-{needed}"))));
    }
    let (mut live, mut others) = (Live::new(), Others::default());
    let namespace = &valid.key.namespace;
    for (kind, name) in names {
        let known = house.shelves.get(kind, namespace, &name);
        let found = match known {
            Some(known) => Ok(Some(known)),
            None => cluster::read(&house.client, kind, namespace, &name).await,
        };
        let found = match found {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            // What could not be asked for must not look like missing: it may be somebody else's.
            Err(error) => {
                others.unseen.push((kind, name, host::chain(&error)));
                continue;
            }
        };
        if children::is_ours(kind, &found, valid) {
            live.insert((kind, name), found);
        } else {
            others.foreign.push((kind, name));
        }
    }
    (live, others)
}

/// Why a pod does not start, in its own words.
fn trouble_of(pod: &DynamicObject) -> Option<String> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let (name, status) = (pod.metadata.name.as_deref().unwrap_or_default(), &pod.data["status"]);
    let all = ["initContainerStatuses", "containerStatuses"].into_iter();
    let mut containers = all.flat_map(|field| status[field].as_array().into_iter().flatten());
    let said = containers.find_map(|container| if container["ready"] == true { None } else { said(name, container) });
    said.or_else(|| {
        let conditions = status["conditions"].as_array()?.iter();
        let mut unplaced = conditions.filter(|it| it["type"] == "PodScheduled" && it["status"] == "False");
        let message = unplaced.find_map(|it| it["message"].as_str())?;
        Some(format!("pod `{name}` cannot be placed: {message}"))
    })
}

/// What the first container of an embedded ledger said when it could not make tables or rules.
fn refused_by_ledger(pod: &DynamicObject) -> Option<String> {
    let containers = pod.data["status"]["initContainerStatuses"].as_array()?;
    let migrate = containers.iter().find(|container| container["name"] == "migrate" && container["ready"] != true)?;
    failure(migrate)?;
    said(pod.metadata.name.as_deref().unwrap_or_default(), migrate)
}

/// How a container ended that did not end well, now or before it was started again.
fn failure(container: &Value) -> Option<&Value> {
    let ended = [&container["state"]["terminated"], &container["lastState"]["terminated"]];
    ended.into_iter().find(|ended| ended["exitCode"].as_i64().is_some_and(|code| code != 0))
}

fn said(pod: &str, container: &Value) -> Option<String> {
    let name = container["name"].as_str().unwrap_or_default();
    let ended = failure(container);
    let words = ended.and_then(|ended| ended["message"].as_str()).map(str::trim).filter(|words| !words.is_empty());
    if let Some(words) = words {
        return Some(format!("container `{name}` of pod `{pod}` says: {words}"));
    }
    let waiting = &container["state"]["waiting"];
    match waiting["reason"].as_str() {
        None | Some("ContainerCreating" | "PodInitializing") => {}
        Some(reason) => {
            let message = waiting["message"].as_str().unwrap_or_default();
            return Some(format!("container `{name}` of pod `{pod}` waits: {reason} {message}").trim().to_owned());
        }
    }
    let code = container["state"]["terminated"]["exitCode"].as_i64().filter(|code| *code != 0)?;
    Some(format!("container `{name}` of pod `{pod}` ended with exit code {code}; see its log"))
}
