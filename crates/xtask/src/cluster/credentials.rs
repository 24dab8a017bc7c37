//! Who is who in the cluster: one authority, a certificate for each program, the key that signs service accounts.
//!
//! All of it is made anew for each cluster and thrown away with it; nothing is worth stealing once it has ended.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use super::error::ClusterError;
use super::network::Network;
use super::place::Place;

/// The node's name, which its certificate must carry for the API server to let it write its own pods only.
pub(super) const NODE: &str = "loyalty";

/// A program that speaks to the API server: the name of its kubeconfig, and who it is.
struct Client {
    file: &'static str,
    user: &'static str,
    group: Option<&'static str>,
}

/// The controllers may do everything: that saves the seconds in which each of them would get an account of its own.
const CLIENTS: [Client; 5] = [
    Client { file: "kubeconfig", user: "admin", group: Some("system:masters") },
    Client {
        file: "credentials/controller-manager",
        user: "system:kube-controller-manager",
        group: Some("system:masters"),
    },
    Client { file: "credentials/scheduler", user: "system:kube-scheduler", group: None },
    Client { file: "credentials/proxy", user: "system:kube-proxy", group: None },
    Client { file: "credentials/kubelet", user: "system:node:loyalty", group: Some("system:nodes") },
];

/// Files that the programs are told of by flags.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) authority: PathBuf,
    pub(super) server: Pair,
    /// By which the API server asks the kubelet for logs.
    pub(super) server_as_client: Pair,
    /// What signs the tokens of service accounts, as a public and a private key.
    pub(super) service_accounts: Pair,
}

/// A certificate (or a public key) and its key.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

struct Signed {
    certificate: String,
    key: String,
}

impl Credentials {
    /// Makes and writes all of them, with a kubeconfig for each program that is a client of `server`.
    pub(super) fn make(place: &Place, network: Network, server: &str) -> Result<Self, ClusterError> {
        let (authority, issuer) = authority()?;
        for client in &CLIENTS {
            let signed = client_certificate(&issuer, client.user, client.group)?;
            let user = User { name: client.user, signed: &signed };
            place.put(client.file, &kubeconfig(server, &authority, &user))?;
        }
        Ok(Self {
            server: pair(place, "server", &server_certificate(&issuer, network)?)?,
            server_as_client: pair(
                place,
                "server-as-client",
                &client_certificate(&issuer, "kube-apiserver", Some("system:masters"))?,
            )?,
            service_accounts: pair(place, "service-accounts", &token_key()?)?,
            authority: place.put("credentials/authority.crt", &authority)?,
        })
    }
}

fn authority() -> Result<(String, Issuer<'static, KeyPair>), ClusterError> {
    let mut parameters = named("loyalty-cluster", None);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages =
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?.pem();
    Ok((certificate, Issuer::new(parameters, key)))
}

fn named(name: &str, group: Option<&str>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        parameters.distinguished_name.push(DnType::OrganizationName, group);
    }
    parameters
}

fn client_certificate(issuer: &Issuer<'_, KeyPair>, user: &str, group: Option<&str>) -> Result<Signed, ClusterError> {
    signed(issuer, named(user, group), ExtendedKeyUsagePurpose::ClientAuth)
}

/// People come by the bridge's address, pods by the service's or by its name.
fn server_certificate(issuer: &Issuer<'_, KeyPair>, network: Network) -> Result<Signed, ClusterError> {
    let mut parameters = named("kube-apiserver", None);
    for address in [network.host(), network.api_service(), Ipv4Addr::LOCALHOST] {
        parameters.subject_alt_names.push(SanType::IpAddress(address.into()));
    }
    for name in ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"] {
        parameters.subject_alt_names.push(SanType::DnsName(name.try_into()?));
    }
    signed(issuer, parameters, ExtendedKeyUsagePurpose::ServerAuth)
}

fn signed(
    issuer: &Issuer<'_, KeyPair>,
    mut parameters: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
) -> Result<Signed, ClusterError> {
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, issuer)?.pem();
    Ok(Signed { certificate, key: key.serialize_pem() })
}

fn token_key() -> Result<Signed, ClusterError> {
    let key = KeyPair::generate()?;
    Ok(Signed { certificate: key.public_key_pem(), key: key.serialize_pem() })
}

fn pair(place: &Place, name: &str, signed: &Signed) -> Result<Pair, ClusterError> {
    Ok(Pair {
        certificate: place.put(&format!("credentials/{name}.crt"), &signed.certificate)?,
        key: place.put(&format!("credentials/{name}.key"), &signed.key)?,
    })
}

struct User<'a> {
    name: &'a str,
    signed: &'a Signed,
}

/// With everything inside, so that the file may be copied.
fn kubeconfig(server: &str, authority: &str, user: &User<'_>) -> String {
    let encoded = |text: &str| crate::parts::http::base64(text.as_bytes());
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: loyalty\n\
         clusters:\n- name: loyalty\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\n\
         contexts:\n- name: loyalty\n  context: {{cluster: loyalty, user: \"{name}\"}}\n\
         users:\n- name: \"{name}\"\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
        encoded(authority),
        encoded(&user.signed.certificate),
        encoded(&user.signed.key),
        name = user.name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_program_gets_a_kubeconfig_that_nobody_else_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path());
        place.prepare().unwrap();
        let credentials = Credentials::make(&place, Network::free("").unwrap(), "https://10.212.0.1:6443").unwrap();
        for client in &CLIENTS {
            let path = place.file(client.file);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("server: https://10.212.0.1:6443"), "{}", client.file);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", client.file);
        }
        let key = std::fs::read_to_string(&credentials.server.key).unwrap();
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "{key}");
    }
}
