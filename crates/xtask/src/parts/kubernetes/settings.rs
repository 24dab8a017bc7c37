//! How our control plane is set up: its files and its flags.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::credentials::Credentials;
use crate::parts::error::PartError;
use crate::parts::http::base64;

/// Every request is noted once, when it is answered: who, what, on which object, with which outcome; no bodies, so no secrets.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
";

/// Room for the services of many tests; no packet ever goes there.
const SERVICES: &str = "10.96.0.0/16";

/// The run's folder and ports on 127.0.0.1.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) home: PathBuf,
    pub(super) api: u16,
    pub(super) store: u16,
    pub(super) peers: u16,
}

impl Settings {
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.secret("kubeconfig")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.home.join("audit.log")
    }

    /// Writes what the flags name. Another user of this machine may look into the run's folder, but not at the secrets.
    pub(super) fn write(&self, credentials: &Credentials) -> Result<(), PartError> {
        let folder = self.home.join("secrets");
        fs::create_dir(&folder).map_err(PartError::file("make", &folder))?;
        let ours = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&folder, ours).map_err(PartError::file("protect", &folder))?;
        let kubeconfig = |token| self.kubeconfig_for(&credentials.authority().pem(), token);
        let more = [
            ("kubeconfig", kubeconfig(credentials.admin())),
            ("controllers.kubeconfig", kubeconfig(credentials.controllers())),
        ];
        for (name, text) in credentials.files().into_iter().chain(more) {
            put(&folder.join(name), &text)?;
        }
        put(&self.home.join("audit.yaml"), AUDIT_POLICY)?;
        // There from the start, so that whoever follows it does not have to wait for the first request.
        put(&self.audit_log(), "")
    }

    /// Complete in itself: it may be copied.
    fn kubeconfig_for(&self, authority: &str, token: &str) -> String {
        let (authority, port) = (base64(authority.as_bytes()), self.api);
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters: [{{name: loyalty, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority-data: {authority}}}}}]\n\
             users: [{{name: loyalty, user: {{token: \"{token}\"}}}}]\n\
             contexts: [{{name: loyalty, context: {{cluster: loyalty, user: loyalty}}}}]\n\
             current-context: loyalty\n"
        )
    }

    pub(super) fn store_flags(&self) -> Vec<String> {
        let (clients, peers) = (self.store_url(), format!("http://127.0.0.1:{}", self.peers));
        vec![
            flag("data-dir", self.home.join("store").display()),
            flag("listen-client-urls", &clients),
            flag("advertise-client-urls", &clients),
            flag("listen-peer-urls", &peers),
            flag("initial-advertise-peer-urls", &peers),
            flag("initial-cluster", format!("default={peers}")),
            // The disk may lose what it likes when the machine stops: the run has ended then.
            "--unsafe-no-fsync".to_owned(),
        ]
    }

    pub(super) fn api_server_flags(&self) -> Vec<String> {
        vec![
            flag("etcd-servers", self.store_url()),
            flag("bind-address", "127.0.0.1"),
            flag("secure-port", self.api),
            // Without a node nobody asks the service `kubernetes` where the server is, and loopback may not stand there.
            flag("advertise-address", "127.0.0.1"),
            flag("endpoint-reconciler-type", "none"),
            self.secret_flag("tls-cert-file", "server.crt"),
            self.secret_flag("tls-private-key-file", "server.key"),
            self.secret_flag("token-auth-file", "tokens.csv"),
            self.secret_flag("service-account-key-file", "service-accounts.pub"),
            self.secret_flag("service-account-signing-key-file", "service-accounts.key"),
            flag("service-account-issuer", "https://kubernetes.default.svc"),
            flag("authorization-mode", "Node,RBAC"),
            flag("service-cluster-ip-range", SERVICES),
            flag("allow-privileged", true),
            flag("audit-policy-file", self.home.join("audit.yaml").display()),
            flag("audit-log-path", self.audit_log().display()),
        ]
    }

    /// They may ask more often than usual: a test waits for them.
    pub(super) fn controller_flags(&self) -> Vec<String> {
        vec![
            self.secret_flag("kubeconfig", "controllers.kubeconfig"),
            self.secret_flag("service-account-private-key-file", "service-accounts.key"),
            self.secret_flag("root-ca-file", "authority.crt"),
            flag("leader-elect", false),
            flag("secure-port", 0),
            flag("kube-api-qps", 200),
            flag("kube-api-burst", 400),
        ]
    }

    fn store_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.store)
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.home.join("secrets").join(name)
    }

    fn secret_flag(&self, name: &str, file: &str) -> String {
        flag(name, self.secret(file).display())
    }
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn put(path: &Path, text: &str) -> Result<(), PartError> {
    fs::write(path, text).map_err(PartError::file("write", path))
}
