//! A cluster of the programs themselves, on this machine: each step of its start, in the order in which they need each other.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::command;
use super::config::Site;
use super::credentials::Credentials;
use super::error::ClusterError;
use super::image;
use super::machine::Machine;
use super::network::{self, Network};
use super::place::Place;
use super::programs::Programs;
use super::start::{self, Program, Wanted};
use super::state::State;
use crate::parts::account::is_root;
use crate::parts::ports::Port;
use crate::progress::{say, step};

/// Each of them takes a few seconds on two cores; a busy machine may need many times that.
const READY_MAX: Duration = Duration::from_mins(2);

/// Why this machine cannot run a node of its own, if so; told before anything is done.
pub(super) fn obstacle() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("this is not Linux");
    }
    (!is_root()).then_some("network devices, mounts and containers need root")
}

/// From nothing to a node that is Ready. What was started is in `state` and on the disk at every moment.
pub(super) fn up(place: &Place, state: &mut State) -> Result<(), ClusterError> {
    let machine = Machine::look(place.home())?;
    say(&format!("cluster: this machine has {}", machine.told()));
    let programs = Programs::make_sure()?;
    if network::is_taken() {
        return Err(ClusterError::Second {
            why: "a kube-proxy has its rules on this machine".to_owned(),
            advice: "two Kubernetes cannot share them; use that one by its own kubeconfig".to_owned(),
        });
    }
    place.prepare()?;
    let network = Network::find()?;
    (state.network, state.host_ip) = (Some(network), Some(network.host()));
    state.save(place)?;
    network.lay(place)?;
    let ports = Ports::take()?;
    let site = Site { place, machine: &machine, network, port: ports.api.number() };
    let credentials = Credentials::make(place, network, &site.server())?;
    say(&format!("cluster: starting etcd, API server and containerd; the node is {}", network.host()));
    run_containers(&site, state, &programs)?;
    run_control_plane(&site, state, &Control { programs: &programs, credentials: &credentials, ports: &ports })?;
    load_pause(place, state, &programs)?;
    say("cluster: starting scheduler, controllers, kubelet and proxy");
    run_node(&site, state, &programs, &credentials)?;
    until_ready(place, state, &programs.kubectl)?;
    state.versions = versions(&programs);
    Ok(())
}

/// Held until the servers listen on them.
struct Ports {
    api: Port,
    etcd: Port,
    etcd_peers: Port,
}

impl Ports {
    fn take() -> Result<Self, ClusterError> {
        Ok(Self { api: Port::take()?, etcd: Port::take()?, etcd_peers: Port::take()? })
    }
}

/// With what the control plane is started.
struct Control<'a> {
    programs: &'a Programs,
    credentials: &'a Credentials,
    ports: &'a Ports,
}

fn run_containers(site: &Site<'_>, state: &mut State, programs: &Programs) -> Result<(), ClusterError> {
    site.place.put("cni/10-loyalty.conflist", &site.cni())?;
    let config = site.place.put("containerd.toml", &site.containerd(&programs.plugins))?;
    let flags = vec!["--config".to_owned(), config.display().to_string()];
    start::start(site.place, state, Program { name: "containerd", path: &programs.containerd, flags })
}

fn run_control_plane(site: &Site<'_>, state: &mut State, control: &Control<'_>) -> Result<(), ClusterError> {
    let (place, programs) = (site.place, control.programs);
    let (clients, peers) = (address(&control.ports.etcd), address(&control.ports.etcd_peers));
    let flags = etcd_flags(place, &clients, &peers);
    start::start(place, state, Program { name: "etcd", path: &programs.etcd, flags })?;
    let flags = site.api_server_flags(control.credentials, &clients);
    let path = programs.control_plane.api_server();
    start::start(place, state, Program { name: "kube-apiserver", path: &path, flags })?;
    let wanted = Wanted { what: "cluster: waiting for the API server", program: "kube-apiserver", within: READY_MAX };
    start::until(place, state, &wanted, || {
        succeeds(kubectl(&programs.kubectl, place).args(["get", "--raw=/readyz"])).then_some(())
    })?;
    let flags = site.controller_manager_flags(control.credentials);
    let path = programs.control_plane.controller_manager();
    start::start(place, state, Program { name: "kube-controller-manager", path: &path, flags })?;
    let (path, flags) = (programs.node.scheduler(), site.scheduler_flags());
    start::start(place, state, Program { name: "kube-scheduler", path: &path, flags })
}

/// A power cut may take the data: it is thrown away with the cluster, and waiting for the disk is what takes etcd its time.
fn etcd_flags(place: &Place, clients: &str, peers: &str) -> Vec<String> {
    vec![
        format!("--data-dir={}", place.file("etcd").display()),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        "--unsafe-no-fsync".to_owned(),
    ]
}

fn address(port: &Port) -> String {
    format!("http://127.0.0.1:{}", port.number())
}

fn load_pause(place: &Place, state: &State, programs: &Programs) -> Result<(), ClusterError> {
    let wanted = Wanted { what: "cluster: waiting for containerd", program: "containerd", within: READY_MAX };
    start::until(place, state, &wanted, || succeeds(ctr(place).arg("version")).then_some(()))?;
    load(place, &image::pause(place, &programs.pause)?, image::PAUSE)
}

fn run_node(
    site: &Site<'_>,
    state: &mut State,
    programs: &Programs,
    credentials: &Credentials,
) -> Result<(), ClusterError> {
    let (path, flags) = (programs.node.proxy(), site.proxy_flags());
    start::start(site.place, state, Program { name: "kube-proxy", path: &path, flags })?;
    site.place.put("kubelet.yaml", &site.kubelet(credentials))?;
    let (path, flags) = (programs.node.kubelet(), site.kubelet_flags());
    start::start(site.place, state, Program { name: "kubelet", path: &path, flags })
}

/// Pods can be made when their namespace has its service account, too.
fn until_ready(place: &Place, state: &State, program: &Path) -> Result<(), ClusterError> {
    let wanted = Wanted { what: "cluster: waiting for the node", program: "kubelet", within: READY_MAX };
    start::until(place, state, &wanted, || nodes_are_ready(program, place).then_some(()))?;
    let wanted =
        Wanted { what: "cluster: waiting for the controllers", program: "kube-controller-manager", within: READY_MAX };
    start::until(place, state, &wanted, || {
        succeeds(kubectl(program, place).args(["get", "serviceaccount/default", "configmap/kube-root-ca.crt"]))
            .then_some(())
    })
}

/// Whether every node says so itself.
pub(super) fn nodes_are_ready(program: &Path, place: &Place) -> bool {
    let path = r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#;
    let answer = kubectl(program, place).args(["get", "nodes", "--output", path]).output();
    answer.is_ok_and(|output| output.status.success() && all_true(&String::from_utf8_lossy(&output.stdout)))
}

fn all_true(words: &str) -> bool {
    !words.trim().is_empty() && words.split_whitespace().all(|word| word == "True")
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

pub(super) fn kubectl(program: &Path, place: &Place) -> Command {
    let mut command = Command::new(program);
    command.arg("--kubeconfig").arg(place.kubeconfig()).arg("--request-timeout=5s");
    // What it learns of one cluster's API is of no use for the next one.
    command.arg("--cache-dir").arg(place.file("kubectl-cache"));
    command
}

fn ctr(place: &Place) -> Command {
    let mut command = command::system("ctr");
    command.arg("--address").arg(place.containerd_socket()).args(["--namespace", "k8s.io"]);
    command
}

/// Brings an archive in under `name`, whatever it is called inside, and waits until the kubelet can see it.
pub(super) fn load(place: &Place, archive: &Path, name: &str) -> Result<(), ClusterError> {
    let repository = image::repository(name).ok_or_else(|| ClusterError::ImageName { name: name.to_owned() })?;
    let what = format!("load the image `{name}` from `{}`", archive.display());
    // Two names: that of the archive's index, which is the one asked for, and that of the image in it. Archives often say
    // no more than a tag for the latter; a name made from that alone would keep the kubelet from finding any of them.
    // Where both names are one, the image takes the index's place, and containerd sweeps the index away: ctr, which unpacks what it
    // brought in without a lease, would then find it gone. So it only brings in; containerd unpacks an image for its first container.
    let import = || {
        let mut import = ctr(place);
        import.args(["images", "import", "--no-unpack", "--base-name", repository, "--index-name", name]).arg(archive);
        command::answer(&what, &mut import)
    };
    step(&format!("cluster: loading {name}"), import)?;
    let seen = || {
        let mut list = ctr(place);
        let listed = command::answer(&what, list.args(["images", "list", &format!("name=={name}")])).ok()?;
        listed.contains("io.cri-containerd.image=managed").then_some(())
    };
    crate::parts::wait::until(READY_MAX, seen).ok_or_else(|| ClusterError::Command {
        what: what.clone(),
        command: "ctr images list".to_owned(),
        said: format!("`{name}` is not among the images"),
    })
}

fn versions(programs: &Programs) -> std::collections::BTreeMap<String, String> {
    let of = |path: &Path| {
        let output = Command::new(path).arg("--version").output().ok()?;
        version_in(&String::from_utf8_lossy(&output.stdout))
    };
    let runc = crate::parts::apt::find_program("runc").unwrap_or_default();
    let kubelet = programs.node.kubelet();
    [("etcd", &programs.etcd), ("containerd", &programs.containerd), ("runc", &runc), ("kubernetes", &kubelet)]
        .into_iter()
        .filter_map(|(name, path)| Some((name.to_owned(), of(path)?)))
        .collect()
}

/// The first word that looks like a version.
fn version_in(text: &str) -> Option<String> {
    let words = text.split_whitespace().map(|word| word.trim_start_matches('v'));
    words
        .filter(|word| word.contains('.'))
        .find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{all_true, version_in};

    #[test]
    fn a_version_is_read_from_what_programs_say_of_themselves() {
        for (text, version) in [
            ("etcd Version: 3.4.23\nGit SHA: Not provided\n", Some("3.4.23")),
            ("Kubernetes v1.37.2\n", Some("1.37.2")),
            ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n", Some("1.6.20~ds1")),
            ("runc version 1.1.5+ds1\ncommit: x\n", Some("1.1.5+ds1")),
            ("nothing", None),
        ] {
            assert_eq!(version_in(text).as_deref(), version, "{text}");
        }
    }

    #[test]
    fn a_cluster_without_nodes_is_not_ready() {
        for (words, ready) in
            [("True", true), ("True True", true), ("True Unknown", false), ("False", false), ("", false)]
        {
            assert_eq!(all_true(words), ready, "{words}");
        }
    }
}
