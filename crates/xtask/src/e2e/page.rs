//! The page of the first pipeline as it is printed, where pods run and a broker answers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::doors::Doors;
use super::error::E2eError;
use super::hands::Hands;
use super::look::until;
use super::story::{START_MAX, wrong_unless};
use crate::pages::blocks;
use crate::parts::Parts;
use crate::repository;

const PAGE: &str = "docs/first-pipeline.md";
const MINIMAL: &str = "examples/minimal.yaml";

/// Pages with commands about a pipeline that is there; theirs is in another namespace.
const ABOUT_ONE: [&str; 2] = ["docs/reference/conditions.md", "docs/operator.md"];
const THEIR_NAMESPACE: &str = " --namespace shops";

/// What goes on until somebody ends it.
const ENDLESS: &str = " --watch";

/// A line with one of these is left out: it is about a broker from a registry, and here one stands beside the cluster.
const OF_ITS_BROKER: [&str; 3] = ["deployment rabbitmq", "deployment/rabbitmq", "clusterip rabbitmq"];

/// Where the page's broker is, and who asks it.
const ITS_LOGIN: &str = "loyalty:change-me";
const ITS_MANAGEMENT: &str = "http://127.0.0.1:15672";

/// Whoever follows the page.
pub(super) struct Reader<'a> {
    pub(super) hands: &'a Hands,
    pub(super) doors: &'a Doors,
    pub(super) parts: &'a Parts,
    /// For what the page names and what its volume holds.
    pub(super) folder: PathBuf,
}

impl Reader<'_> {
    /// Does each block in turn, and sees that what the page promises comes.
    pub(super) fn follow(&self) -> Result<(), E2eError> {
        self.prepare()?;
        let text = file(PAGE)?;
        let mut purchase = None;
        for block in blocks(&text) {
            if block.contains("kubectl scale") {
                self.ask_about_it()?;
            }
            if block.contains("/publish") {
                let routed = self.run(block)?;
                wrong_unless(routed.contains(r#"{"routed":true}"#), block, || routed.clone())?;
                purchase = Some(block);
            } else if block.contains("/get") {
                let another = purchase.unwrap_or_default().replace("first", "second").replace("o-1", "o-2");
                self.run(&another)?;
                until("the second purchase's 37 points are told to the subscriber", START_MAX, || {
                    let said = self.run(block)?;
                    Ok((!tells_points(&said, "second", "37")).then_some(said))
                })?;
            } else {
                self.run(block)?;
            }
        }
        wrong_unless(purchase.is_some(), PAGE, || "no block publishes a purchase".to_owned())?;
        let left = self.hands.kubectl(&["get", "loyaltypipelines", "-n", "default", "-o", "name"])?;
        wrong_unless(left.is_empty(), "no pipeline is left at the end of the page", || left.clone())
    }

    /// What other pages ask about a pipeline.
    fn ask_about_it(&self) -> Result<(), E2eError> {
        for page in ABOUT_ONE {
            let text = file(page)?;
            let blocks = blocks(&text);
            wrong_unless(!blocks.is_empty(), page, || "no block of commands".to_owned())?;
            for block in blocks {
                let lines: Vec<&str> = block.lines().filter(|line| !line.contains(ENDLESS)).collect();
                self.run(&lines.join("\n").replace(THEIR_NAMESPACE, ""))?;
            }
        }
        Ok(())
    }

    /// The programs under the names by which a person calls them, the example with the broker that there is, and a volume.
    fn prepare(&self) -> Result<(), E2eError> {
        let fail = |source| E2eError::Page { file: self.folder.display().to_string(), source };
        let (bin, examples, volume) =
            (self.folder.join("bin"), self.folder.join("examples"), self.folder.join("volume"));
        for folder in [&bin, &examples, &volume] {
            fs::create_dir_all(folder).map_err(fail)?;
        }
        fs::set_permissions(&volume, fs::Permissions::from_mode(0o777)).map_err(fail)?;
        for (name, program) in self.hands.programs() {
            symlink(program, bin.join(name)).map_err(fail)?;
        }
        let minimal = file(MINIMAL)?;
        let its_broker = minimal.lines().find_map(|line| line.trim().strip_prefix("uri: ")).unwrap_or_default();
        let outside = |url: &str| self.doors.outside(url);
        let broker =
            format!("{}\n  managementUri: {}", outside(self.parts.amqp_url()), outside(self.parts.management_url()));
        fs::write(self.folder.join(MINIMAL), minimal.replace(its_broker, &broker)).map_err(fail)?;
        symlink(repository::root().join("examples/production.yaml"), examples.join("production.yaml")).map_err(fail)?;
        let volume = json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": "first-pipeline" }, "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "10Gi" }, "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": { "path": volume, "type": "DirectoryOrCreate" },
        } });
        self.hands.kubectl_fed(&["apply", "-f", "-"], &volume.to_string())?;
        Ok(())
    }

    /// Runs a block with the broker that there is instead of the page's.
    fn run(&self, block: &str) -> Result<String, E2eError> {
        let url = self.parts.management_url().trim_end_matches('/');
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (login, address) = rest.rsplit_once('@').unwrap_or(("guest:guest", rest));
        let vhost = self.parts.amqp_url().rsplit_once('/').map_or("%2F", |(_, vhost)| vhost);
        let lines = block.lines().filter(|line| !OF_ITS_BROKER.iter().any(|word| line.contains(word)));
        let script = lines.collect::<Vec<_>>().join("\n");
        let script = script.replace(ITS_LOGIN, login).replace(ITS_MANAGEMENT, &format!("{scheme}://{address}"));
        self.hands.bash(&self.folder, &script.replace("%2F", vhost))
    }
}

fn file(name: &str) -> Result<String, E2eError> {
    fs::read_to_string(repository::root().join(name)).map_err(|source| E2eError::Page { file: name.to_owned(), source })
}

/// Whether one of the messages that the broker showed is the result of an event, with so many points.
fn tells_points(shown: &str, event: &str, points: &str) -> bool {
    let messages: Vec<Value> = serde_json::from_str(shown).unwrap_or_default();
    messages.iter().any(|message| {
        let result: Value = serde_json::from_str(message["payload"].as_str().unwrap_or_default()).unwrap_or_default();
        result["type"] == "points.earned" && result["causeid"] == event && result["data"]["points"] == points
    })
}
