//! The texts and flags by which the programs of a node are told what they are to do. Nothing is written here.

use std::path::Path;

use super::credentials::{Credentials, NODE};
use super::image::PAUSE;
use super::machine::{Cgroups, Machine};
use super::network::{BRIDGE, Network};
use super::place::Place;

/// What the texts are about.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) place: &'a Place,
    pub(super) machine: &'a Machine,
    pub(super) network: Network,
    /// Of the API server.
    pub(super) port: u16,
}

impl Site<'_> {
    /// Where the API server listens, for clients on this machine.
    pub(super) fn server(&self) -> String {
        format!("https://{}:{}", self.network.host(), self.port)
    }

    fn file(&self, name: &str) -> String {
        self.place.file(name).display().to_string()
    }

    /// containerd 1.6 and 1.7 read this; 2.x translates it.
    pub(super) fn containerd(&self, plugins: &Path) -> String {
        let (root, cni, opt) = (self.file("containerd"), self.file("cni"), self.file("containerd-opt"));
        let (run, socket) = (self.place.run().display(), self.place.containerd_socket());
        format!(
            r#"version = 2
root = "{root}"
state = "{run}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{opt}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = {restricted}
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{run}/runc"
        SystemdCgroup = false
"#,
            socket = socket.display(),
            restricted = !self.machine.may_lower_oom_score,
            plugins = plugins.display(),
            snapshotter = self.machine.snapshotter,
        )
    }

    /// Pods hang on one bridge. No masquerading here: the plugin would need iptables, and our own table does it.
    pub(super) fn cni(&self) -> String {
        let (pods, leases) = (self.network.pods(), self.place.run().join("cni"));
        format!(
            r#"{{
  "cniVersion": "0.4.0",
  "name": "loyalty",
  "plugins": [
    {{
      "type": "bridge", "bridge": "{BRIDGE}", "isGateway": true, "ipMasq": false, "hairpinMode": true,
      "ipam": {{
        "type": "host-local", "dataDir": "{}",
        "ranges": [[{{"subnet": "{pods}"}}]], "routes": [{{"dst": "0.0.0.0/0"}}]
      }}
    }}
  ]
}}
"#,
            leases.display()
        )
    }

    /// Without cgroups for classes of pods: that is what lets a kubelet run inside a container, or beside systemd.
    pub(super) fn kubelet(&self, credentials: &Credentials) -> String {
        let old_cgroups = if self.machine.cgroups == Cgroups::V1 { "failCgroupV1: false\n" } else { "" };
        let score = if self.machine.may_lower_oom_score { "" } else { "oomScoreAdj: 0\n" };
        format!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\n\
             kind: KubeletConfiguration\n\
             address: {host}\n\
             authentication:\n  anonymous: {{enabled: false}}\n  webhook: {{enabled: true}}\n  x509: {{clientCAFile: \"{authority}\"}}\n\
             authorization: {{mode: Webhook}}\n\
             containerRuntimeEndpoint: unix://{socket}\n\
             cgroupDriver: cgroupfs\n\
             cgroupsPerQOS: false\n\
             enforceNodeAllocatable: []\n\
             {old_cgroups}{score}\
             failSwapOn: false\n\
             localStorageCapacityIsolation: false\n\
             makeIPTablesUtilChains: false\n\
             evictionHard: {{}}\n\
             imageGCHighThresholdPercent: 100\n\
             healthzPort: 0\n\
             podLogsDir: \"{logs}\"\n\
             resolvConf: \"{resolv}\"\n",
            host = self.network.host(),
            authority = credentials.authority.display(),
            socket = self.place.containerd_socket().display(),
            logs = self.file("pod-logs"),
            resolv = self.machine.resolv_conf.display(),
        )
    }

    pub(super) fn kubelet_flags(&self) -> Vec<String> {
        let mut flags = self.flags(&[
            ("--config", "kubelet.yaml"),
            ("--kubeconfig", "credentials/kubelet"),
            ("--root-dir", "kubelet"),
            ("--cert-dir", "credentials/kubelet-server"),
        ]);
        flags.extend([format!("--node-ip={}", self.network.host()), format!("--hostname-override={NODE}")]);
        flags
    }

    pub(super) fn api_server_flags(&self, credentials: &Credentials, etcd: &str) -> Vec<String> {
        let (server, client) = (&credentials.server, &credentials.server_as_client);
        let host = self.network.host();
        let mut flags: Vec<String> = [
            ("--client-ca-file", &credentials.authority),
            ("--tls-cert-file", &server.certificate),
            ("--tls-private-key-file", &server.key),
            ("--kubelet-client-certificate", &client.certificate),
            ("--kubelet-client-key", &client.key),
            ("--service-account-key-file", &credentials.service_accounts.certificate),
            ("--service-account-signing-key-file", &credentials.service_accounts.key),
        ]
        .map(|(flag, path)| format!("{flag}={}", path.display()))
        .into();
        flags.extend([
            format!("--etcd-servers={etcd}"),
            format!("--secure-port={}", self.port),
            format!("--bind-address={host}"),
            format!("--advertise-address={host}"),
            format!("--service-cluster-ip-range={}", self.network.services()),
            format!("--cert-dir={}", self.file("credentials/api-server")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            "--allow-privileged=true".to_owned(),
        ]);
        flags
    }

    /// No second one could take the lead from these two, so nobody waits for a lease.
    pub(super) fn controller_manager_flags(&self, credentials: &Credentials) -> Vec<String> {
        let mut flags = self.flags(&[("--kubeconfig", "credentials/controller-manager")]);
        flags.extend([
            format!("--root-ca-file={}", credentials.authority.display()),
            format!("--service-account-private-key-file={}", credentials.service_accounts.key.display()),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--kube-api-qps=200".to_owned(),
            "--kube-api-burst=400".to_owned(),
        ]);
        flags
    }

    pub(super) fn scheduler_flags(&self) -> Vec<String> {
        let mut flags = self.flags(&[("--kubeconfig", "credentials/scheduler")]);
        flags.extend(["--leader-elect=false", "--secure-port=0"].map(str::to_owned));
        flags
    }

    /// Everything is masqueraded: pods on one bridge would else answer each other past the translated address.
    pub(super) fn proxy_flags(&self) -> Vec<String> {
        let mut flags = self.flags(&[("--kubeconfig", "credentials/proxy")]);
        flags.extend([
            format!("--cluster-cidr={}", self.network.pods()),
            format!("--hostname-override={NODE}"),
            "--proxy-mode=nftables".to_owned(),
            "--masquerade-all=true".to_owned(),
            "--conntrack-max-per-core=0".to_owned(),
            "--healthz-bind-address=127.0.0.1:10256".to_owned(),
        ]);
        if !self.machine.may_lower_oom_score {
            flags.push("--oom-score-adj=0".to_owned());
        }
        flags
    }

    fn flags(&self, files: &[(&str, &str)]) -> Vec<String> {
        files.iter().map(|(flag, name)| format!("{flag}={}", self.file(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::credentials::Pair;
    use std::path::PathBuf;

    fn with_site(cgroups: Cgroups, may_lower_oom_score: bool, check: impl FnOnce(&Site<'_>)) {
        let machine = Machine {
            cgroups,
            may_lower_oom_score,
            snapshotter: "overlayfs",
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
        };
        let place = Place::in_folder(Path::new("/c"));
        let network = Network::free("").unwrap();
        check(&Site { place: &place, machine: &machine, network, port: 20443 });
    }

    fn credentials() -> Credentials {
        let pair =
            |name: &str| Pair { certificate: format!("/c/{name}.crt").into(), key: format!("/c/{name}.key").into() };
        Credentials {
            authority: "/c/authority.crt".into(),
            server: pair("server"),
            server_as_client: pair("client"),
            service_accounts: pair("sa"),
        }
    }

    #[test]
    fn a_machine_without_the_right_to_lower_scores_gets_settings_that_do_not_try() {
        with_site(Cgroups::V2, false, |site| {
            assert!(site.containerd(Path::new("/usr/lib/cni")).contains("restrict_oom_score_adj = true"));
            assert!(site.kubelet(&credentials()).contains("oomScoreAdj: 0"));
            assert!(site.proxy_flags().contains(&"--oom-score-adj=0".to_owned()));
        });
        with_site(Cgroups::V2, true, |site| {
            assert!(site.containerd(Path::new("/usr/lib/cni")).contains("restrict_oom_score_adj = false"));
            assert!(!site.kubelet(&credentials()).contains("oomScoreAdj"));
            assert!(!site.proxy_flags().contains(&"--oom-score-adj=0".to_owned()));
        });
    }

    #[test]
    fn old_cgroups_are_allowed_only_where_they_are() {
        with_site(Cgroups::V1, true, |site| assert!(site.kubelet(&credentials()).contains("failCgroupV1: false")));
        with_site(Cgroups::V2, true, |site| assert!(!site.kubelet(&credentials()).contains("failCgroupV1")));
    }

    #[test]
    fn the_texts_are_what_their_readers_can_parse() {
        with_site(Cgroups::V1, false, |site| {
            let cni: serde_json::Value = serde_json::from_str(&site.cni()).unwrap();
            assert_eq!(cni["plugins"][0]["ipam"]["ranges"][0][0]["subnet"], "10.212.0.0/24");
            let kubelet: serde_yaml::Value = serde_yaml::from_str(&site.kubelet(&credentials())).unwrap();
            assert_eq!(kubelet["containerRuntimeEndpoint"], "unix:///c/run/containerd.sock");
            assert_eq!(kubelet["cgroupsPerQOS"], false);
            assert_eq!(kubelet["authentication"]["x509"]["clientCAFile"], "/c/authority.crt");
        });
    }

    #[test]
    fn the_api_server_is_reached_by_an_address_that_pods_can_reach() {
        with_site(Cgroups::V1, false, |site| {
            assert_eq!(site.server(), "https://10.212.0.1:20443");
            let flags = site.api_server_flags(&credentials(), "http://127.0.0.1:2379");
            assert!(flags.contains(&"--advertise-address=10.212.0.1".to_owned()), "not loopback");
            assert!(flags.contains(&"--service-cluster-ip-range=10.213.0.0/24".to_owned()));
        });
    }
}
